"""Read rollouts of any known format into the canonical table, piece by piece, and say what was found on the way."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from laser_core.errors import InputError
from laser_core.rollouts.complete import complete
from laser_core.rollouts.fields import FieldError, check_row, coerce
from laser_core.rollouts.readers import Context, canonical, mapped, readers, trl
from laser_core.rollouts.records import Record, Refusal
from laser_core.rollouts.schema import COLUMNS, PER_TOKEN, REQUIRED, Rollouts, RunMeta, ordered, read_meta
from laser_core.rollouts.source import MAX_IN_MEMORY_BYTES, Source, open_source

BATCH_ROWS = 2048
SNIFFED_RECORDS = 20
SNIFFED_LINES = 1000
MAX_LISTED_REFUSALS = 1000
_COMBINE_BELOW = 2**30  # bytes; larger tables stay in chunks, whose text offsets are 32 bits wide

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ReadResult:
    """What :func:`read` found.

    Attributes
    ----------
    rollouts : the canonical table.
    format : "parquet", "jsonl", "laser-official", "verl", "trl", "lm-eval", ... (a reader's NAME) or "mapping".
    n_rows : records in the file, refused ones included; one record of "laser-official" holds several rollouts.
    refused : the records and rows left out, at most MAX_LISTED_REFUSALS of them.
    notes : sentences on what was filled in, taken differently than written, or ignored, with how often.
    n_refused : how many were left out, listed or not.
    """

    rollouts: Rollouts
    format: str
    n_rows: int
    refused: tuple[Refusal, ...]
    notes: tuple[str, ...]
    n_refused: int = 0


def read(
    source: str | Path | bytes | BinaryIO,
    *,
    format: str | None = None,
    strict: bool = False,
    mapping: dict[str, str] | None = None,
    name: str | None = None,
    fill: bool = True,
    progress: Progress | None = None,
) -> ReadResult:
    """Read a rollout file; its format is recognised from its content.

    Parameters
    ----------
    source : path, bytes or binary file
        Parquet, JSON lines, a JSON document or CSV; text also compressed with gzip or zstd.
    format : str, optional
        Skip the recognition; see :class:`ReadResult` for the names.
    strict : bool
        Refuse the whole file for one bad row instead of leaving the row out.
    mapping : dict, optional
        Column -> field, for tables of no known format (and TRL's, whose reward columns have any name).
    name : str, optional
        What to call the source in errors, and the run where the file names none.
    fill : bool
        Complete the table: extract missing answers, verify missing verdicts (:func:`laser_core.rollouts.complete`).
    progress : callable, optional
        ``progress(what, done, total)``: "reading" in bytes, then the steps of completion in items.

    Raises
    ------
    InputError
        If nothing can be read from the file, or with ``strict`` if anything cannot; names file, line, field and remedy.

    Examples
    --------
    >>> result = read(b'{"problem_id": "p", "sample": 0, "response": "x=2#2", "correct": true}', name="demo.jsonl")
    >>> result.format, result.rollouts.row(0)["answer"], result.rollouts.runs()
    ('jsonl', '2', ['demo'])
    """
    with open_source(source, name=name) as opened:
        if is_canonical_parquet(opened, format=format, mapping=mapping):
            result = _read_canonical_parquet(opened)
            unknown = not result.rollouts.has("correct")
            stated = "answer" in result.rollouts.table.column_names
            return _filled(result, extract=not stated, progress=progress) if fill and unknown else result
        reading = Reading(opened, format=format, strict=strict, mapping=mapping)
        tables = []
        for table in reading.tables(max_bytes=MAX_IN_MEMORY_BYTES):
            tables.append(table)
            if progress:
                progress("reading", opened.position(), opened.size)
    result = reading.result(tables)
    return _filled(result, extract=reading.states_no_answers, progress=progress) if fill else result


def _filled(result: ReadResult, *, extract: bool, progress: Progress | None) -> ReadResult:
    done = complete(result.rollouts, extract=extract, progress=progress)
    return replace(result, rollouts=done.rollouts, notes=result.notes + sentences(done.notes))


def sentences(notes: Counter[str]) -> tuple[str, ...]:
    """Notes with their counts, as shown to the user."""
    return tuple(f"{note} ({count:,} rows)" if count > 1 else f"{note} (1 row)" for note, count in notes.items())


def is_canonical_parquet(opened: Source, *, format: str | None, mapping: dict[str, str] | None) -> bool:
    """Whether the source is, or is said to be, our own Parquet, which is read without touching single rows."""
    if opened.kind != "parquet" or mapping or format not in (None, "parquet"):
        return False
    return format == "parquet" or set(REQUIRED) <= set(opened.parquet().schema_arrow.names)


def _read_canonical_parquet(opened: Source) -> ReadResult:
    parquet = opened.parquet()
    read_meta(parquet.schema_arrow.metadata, opened.name)  # a newer format is said so before anything else is wrong
    columns = [field for field in parquet.schema_arrow.names if field in COLUMNS or field.startswith("signal.")]
    try:
        table = parquet.read(columns=columns)
        table.validate(full=True)  # offsets and UTF-8: a damaged file must not crash whoever touches a row later
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = (str(error).splitlines() or ["?"])[0][:200]
        raise InputError(f"this Parquet file is damaged ({reason})", file=opened.name) from None
    rollouts = Rollouts.from_arrow(table, file=opened.name)
    if not len(rollouts):
        raise InputError("the table has no rows", file=opened.name, remedy="choose another file")
    check_lengths(rollouts, opened.name)
    return ReadResult(rollouts, "parquet", len(rollouts), (), ())


def check_lengths(rollouts: Rollouts, file: str) -> None:
    """Raise InputError if the per-token lists of any row differ in length."""
    present = [name for name in PER_TOKEN if rollouts.has(name)]
    for name in present[1:]:
        first, other = (pc.list_value_length(rollouts.table[column]) for column in (present[0], name))
        differs = pc.fill_null(pc.not_equal(first, other), False)
        if pc.any(differs).as_py():
            line = pc.index(differs, True).as_py() + 1
            raise InputError(f"not as many values as '{present[0]}'", file=file, line=line, field=name)


class Reading:
    """One pass over a source: records in, canonical tables out, with everything refused or noted on the way.

    Parameters
    ----------
    opened : Source
    format, strict, mapping
        As for :func:`read`.
    """

    def __init__(
        self, opened: Source, *, format: str | None = None, strict: bool = False, mapping: dict[str, str] | None = None
    ) -> None:
        self.opened, self.strict = opened, strict
        self.reader = choose_reader(opened, format=format, mapping=mapping)
        self.context = Context(opened.name, dict(mapping or {}))
        self.n_records = self.n_refused = 0
        self.refused: list[Refusal] = []
        self._next_sample: Counter[tuple[str, str]] = Counter()
        self._taken: set[int] = set()  # hashes of (run, problem, step, sample): a million of them must stay small
        self._stated: set[str] = set()

    def tables(self, *, max_bytes: int | None = None) -> Iterator[pa.Table]:
        """Tables of about BATCH_ROWS rows, in the file's order; columns without a value are absent from each."""
        batch: list[dict] = []
        for record in self.opened.records(max_bytes=max_bytes):
            self.n_records += not (isinstance(record, Record) and set(record.value) == {canonical.HEADER})
            if isinstance(record, Refusal):
                self._refuse(record)
                continue
            batch.extend(self._rows(record))
            if len(batch) >= BATCH_ROWS:
                yield Rollouts.from_rows(batch).table
                batch = []
        if batch:
            yield Rollouts.from_rows(batch).table

    def _rows(self, record: Record) -> Iterator[dict]:
        try:
            raw_rows = list(self.reader.rows(record.value, self.context))
        except FieldError as error:
            self._refuse(Refusal(record.line, error.field, str(error)))
            return
        for raw in raw_rows:
            self._stated.update(raw)
            try:
                row = {name: coerce(name, value, is_text=record.is_text) for name, value in raw.items()}
                row = {name: value for name, value in row.items() if value is not None}
                row.setdefault("run", self.opened.stem)
                row.setdefault("problem_id", f"line-{record.line}")
                row.setdefault("sample", self._next_sample[row["run"], row["problem_id"]])
                check_row(row)
                self._take(row)
            except FieldError as error:
                self._refuse(Refusal(record.line, error.field, str(error)))
                continue
            yield row

    def _take(self, row: dict) -> None:
        """Refuse a solution that is given twice; count the samples for rows that come without a number."""
        run, problem, sample = row["run"], row["problem_id"], row["sample"]
        solution = hash((run, problem, row.get("step"), sample))
        if solution in self._taken:
            raise FieldError("sample", f"problem '{problem}' already has a sample {sample} in run '{run}'")
        self._taken.add(solution)
        self._next_sample[run, problem] = max(self._next_sample[run, problem], sample + 1)

    @property
    def states_no_answers(self) -> bool:
        """Whether the file has no field for the answer at all; where it has one, a null means that none was found."""
        return "answer" not in self._stated and "answer" not in (self.context.meta.get("columns") or ())

    def _refuse(self, refusal: Refusal) -> None:
        if self.strict:
            raise InputError(
                refusal.reason,
                file=self.opened.name,
                line=refusal.line,
                field=refusal.field,
                remedy="correct it, or read without strict to leave such rows out",
            )
        self.n_refused += 1
        if len(self.refused) < MAX_LISTED_REFUSALS:
            self.refused.append(refusal)

    def meta(self) -> RunMeta:
        """What the file said about its origin; the rest is unknown."""
        meta = RunMeta.from_dict(self.context.meta)
        if "format_version" in self.context.meta:
            return meta  # our own JSON lines remember where theirs came from
        return replace(meta, source_format=self.reader.NAME)

    def result(self, tables: list[pa.Table]) -> ReadResult:
        """The tables as one.

        Raises
        ------
        InputError
            If there are no rows.
        """
        self.require_rows(sum(table.num_rows for table in tables))
        table = ordered(pa.concat_tables(tables, promote_options="default"))
        if table.nbytes < _COMBINE_BELOW:
            table = table.combine_chunks()
        for name in self.context.meta.get("columns") or ():  # columns of our own that happen to hold only nulls
            if name in COLUMNS and name not in table.column_names:
                table = table.append_column(name, pa.nulls(len(table), COLUMNS[name]))
        notes = sentences(self.context.notes)
        rollouts = Rollouts(ordered(table), self.meta())
        return ReadResult(rollouts, self.reader.NAME, self.n_records, tuple(self.refused), notes, self.n_refused)

    def require_rows(self, n_rows: int) -> None:
        """Raise InputError, with the first refusal as its reason, if nothing was read."""
        if n_rows:
            return
        if not self.refused:
            raise InputError("the file holds no rollouts", file=self.opened.name, remedy="choose another file")
        first = self.refused[0]
        raise InputError(
            f"no row could be read ({self.n_refused:,} refused); the first one: {first.reason}",
            file=self.opened.name,
            line=first.line,
            field=first.field,
            remedy="correct the file, or name its format or a column mapping",
        )


def choose_reader(opened: Source, *, format: str | None, mapping: dict[str, str] | None) -> ModuleType:
    """The reader that was named, else the first one that recognises the file's first records.

    Raises
    ------
    InputError
        If the name is unknown, the mapping is unusable, or nothing recognises the file.
    """
    known = {reader.NAME: reader for reader in readers()} | {"parquet": canonical, "csv": canonical}
    if format is not None and format not in known:
        raise InputError(f"unknown format '{format}'", file=opened.name, remedy=f"choose one of {', '.join(known)}")
    chosen = known.get(format)
    begin = itertools.islice(opened.records(), SNIFFED_LINES)  # the first lines may be the broken ones
    first = list(itertools.islice((record for record in begin if isinstance(record, Record)), SNIFFED_RECORDS))
    if chosen is None:
        chosen = next(
            (reader for reader in readers() for r in first[:5] if reader.matches(set(r.value), r.value)), None
        )
    if mapping:
        chosen = chosen if chosen is trl else mapped
        _check_mapping(opened, mapping, {key for record in first for key in record.value})
    if chosen is mapped and not mapping:
        raise InputError(
            "this format needs a column mapping", file=opened.name, remedy="say which column is which field"
        )
    if chosen is not None:
        return chosen
    if not first:
        return canonical  # every record so far is broken: reading on will say how
    columns = ", ".join(sorted({str(key)[:40] for record in first for key in record.value})[:30])
    raise InputError(
        f"not a known rollout format; its columns are: {columns}",
        file=opened.name,
        remedy="map its columns to the table's fields (--map column=field), at least one to 'response'",
    )


def _check_mapping(opened: Source, mapping: dict[str, str], columns: set[str]) -> None:
    from laser_core.rollouts.schema import column_type

    for column, field in mapping.items():
        if column_type(field) is None:
            remedy = f"choose one of {', '.join(COLUMNS)} or signal.<name>"
            raise InputError(f"'{column}' is mapped to a field that does not exist", field=field, remedy=remedy)
        if columns and column not in columns:
            shown = ", ".join(sorted(columns)[:30])
            raise InputError("no such column", file=opened.name, field=column, remedy=f"its columns are: {shown}")
    twice = next((f for f in mapping.values() if list(mapping.values()).count(f) > 1), None)
    if twice:
        raise InputError("two columns are mapped to this field", field=twice, remedy="map one of them elsewhere")
