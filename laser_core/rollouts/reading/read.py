"""Read rollouts of any known format into the canonical table, piece by piece, and say what was found on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from laser_core.errors import InputError
from laser_core.rollouts.canonical_parquet import holds_verdicts, is_canonical_parquet, read_canonical, wanted
from laser_core.rollouts.complete import OnProgress, complete
from laser_core.rollouts.mapped_table import on_disk
from laser_core.rollouts.readers import Context, canonical, mapped
from laser_core.rollouts.reading.fields import FieldError, check_row, coerce, unspelled
from laser_core.rollouts.reading.identity import ProblemNames, own_id
from laser_core.rollouts.reading.no_answer import is_no_answer
from laser_core.rollouts.reading.recognise import choose_reader
from laser_core.rollouts.reading.records import Record, Refusal
from laser_core.rollouts.reading.source import MAX_IN_MEMORY_BYTES, Source, open_source
from laser_core.rollouts.schema import COLUMNS, Rollouts, RunMeta, ordered

BATCH_ROWS = 2048
MAX_LISTED_REFUSALS = 1000
_COMBINE_BELOW = 2**30  # bytes; larger tables stay in chunks, whose text offsets are 32 bits wide


@dataclass(frozen=True)
class ReadResult:
    """What :func:`read` found.

    Attributes
    ----------
    rollouts : the canonical table.
    format : "parquet", "jsonl", "laser-official", "verl", "trl", "lm-eval", ... (a reader's NAME) or "mapping".
    n_rows : records in the file, refused ones included; one record of "laser-official" holds several rollouts.
    refused : the records and rows left out, at most MAX_LISTED_REFUSALS of them.
    noted : what was filled in, taken differently than written, or ignored -> how often.
    n_refused : how many were left out, listed or not.
    files : display names of the files that the rollouts came from.
    given : the file's own verdicts, one a row, null where it gave none; None: the verdicts are all the file's.
    """

    rollouts: Rollouts
    format: str
    n_rows: int
    refused: tuple[Refusal, ...]
    noted: Counter[str] = field(default_factory=Counter)
    n_refused: int = 0
    files: tuple[str, ...] = ()
    given: pa.ChunkedArray | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """``noted`` in sentences, as shown to the user."""
        return sentences(self.noted)


def read(
    source: str | Path | bytes | BinaryIO,
    *,
    format: str | None = None,
    strict: bool = False,
    mapping: dict[str, str] | None = None,
    name: str | None = None,
    run: str | None = None,
    columns: Collection[str] | None = None,
    requests: Mapping[str, str] | None = None,
    problems: ProblemNames | None = None,
    fill: bool = True,
    to_disk: bool = False,
    progress: OnProgress | None = None,
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
        What to call the source in errors.
    run : str, optional
        What to call the run where the file names none; by default the file's name without its endings.
    columns : collection of str, optional
        Which columns to return; ``"signal."`` stands for every signal, and ``run``, ``problem_id`` and ``sample``
        always come along. Of our own Parquet nothing else is loaded: ``laser_core.rollouts.ANALYSIS_COLUMNS`` leaves
        out the texts and the traces, most of a file.
    requests : mapping, optional
        Problem texts by ``custom_id``, for answers to a batch of requests
        (:func:`laser_core.rollouts.read_requests`).
    problems : ProblemNames, optional
        The names given to problems in the files read before, so that one name stays one problem over all of them.
    fill : bool
        Complete the table: extract missing answers, verify missing verdicts (:func:`laser_core.rollouts.complete`).
    to_disk : bool
        Keep a large table in a nameless temporary file, of which only what is looked at takes up memory
        (:mod:`laser_core.rollouts.mapped_table`).
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
            # Verdicts can only be filled in from the texts, which are then read whatever was asked for.
            names = opened.parquet().schema_arrow.names
            fillable = "reference_answer" in names or "answer" not in names
            to_fill = fill and fillable and not holds_verdicts(opened.parquet())
            rollouts = read_canonical(opened, columns=None if to_fill else columns, to_disk=to_disk and not to_fill)
            result = ReadResult(rollouts, "parquet", len(rollouts), (), files=(opened.name,))
            fill, extract = to_fill, "answer" not in rollouts.table.column_names
        else:
            options = ReadOptions(format, strict, mapping, run, requests or {}, problems or ProblemNames())
            reading = Reading(opened, options)
            tables = []
            for table in reading.tables(max_bytes=MAX_IN_MEMORY_BYTES):
                tables.append(table)
                if progress:
                    progress("reading", opened.position(), opened.size)
            result, extract = reading.result(tables), reading.states_no_answers
    if fill:
        result = replace(result, given=own_verdicts(result.rollouts.table))
        done = complete(result.rollouts, extract=extract, progress=progress)
        result = replace(result, rollouts=done.rollouts, noted=result.noted + done.notes)
    if columns is not None:
        table = result.rollouts.table
        kept = table.select([column for column in table.column_names if wanted(column, columns)])
        result = replace(result, rollouts=replace(result.rollouts, table=kept))
    return replace(result, rollouts=on_disk(result.rollouts)) if to_disk else result


def own_verdicts(table: pa.Table) -> pa.ChunkedArray:
    """The verdicts in a table as it was read, one a row, null where there is none."""
    if "correct" in table.column_names:
        return table["correct"]
    return pa.chunked_array([pa.nulls(len(table), pa.bool_())])


def sentences(notes: Counter[str]) -> tuple[str, ...]:
    """Notes with their counts, as shown to the user."""
    return tuple(f"{note} ({count:,} rows)" if count > 1 else f"{note} (1 row)" for note, count in notes.items())


@dataclass(frozen=True)
class ReadOptions:
    """What may be said about a file beforehand; every field means what it means for :func:`read`."""

    format: str | None = None
    strict: bool = False
    mapping: dict[str, str] | None = None
    run: str | None = None
    requests: Mapping[str, str] = field(default_factory=dict)
    problems: ProblemNames = field(default_factory=ProblemNames)


class Reading:
    """One pass over a source: records in, canonical tables out, with everything refused or noted on the way.

    Parameters
    ----------
    opened : Source
    options : ReadOptions
    """

    def __init__(self, opened: Source, options: ReadOptions) -> None:
        self.opened, self.strict, self.run = opened, options.strict, options.run or opened.stem
        self.reader = choose_reader(opened, format=options.format, mapping=options.mapping)
        self.context = Context(opened.name, dict(options.mapping or {}), requests=options.requests)
        self.problems = options.problems
        self.n_records = self.n_refused = 0
        self.refused: list[Refusal] = []
        self._next_sample: Counter[tuple[str, str]] = Counter()
        self._taken: set[int] = set()  # hashes of (run, problem, step, sample): a million of them must stay small
        self._stated: set[str] = set()

    def tables(self, *, max_bytes: int | None = None) -> Iterator[pa.Table]:
        """Tables of about BATCH_ROWS rows, in the file's order; columns without a value are absent from each."""
        self._survey(max_bytes)
        batch: list[dict[str, object]] = []
        number = -1  # of the record, as the survey counts
        for record in self.opened.records(max_bytes=max_bytes):
            header = record.line == 0 or (isinstance(record, Record) and set(record.value) == {canonical.HEADER})
            self.n_records += not header
            if isinstance(record, Refusal):
                self._refuse(record)
                continue
            number += 1
            if number not in self.context.left_out:
                batch.extend(self._rows(record))
            if len(batch) >= BATCH_ROWS:
                yield Rollouts.from_rows(batch).table
                batch = []
        if batch:
            yield Rollouts.from_rows(batch).table

    def _survey(self, max_bytes: int | None) -> None:
        """Let the reader look at the whole file once, where it has to."""
        survey = getattr(self.reader, "survey", None)
        if survey is not None:
            records = (r for r in self.opened.records(max_bytes=max_bytes) if isinstance(r, Record))
            survey(((number, self._value(record)) for number, record in enumerate(records)), self.context)

    def _value(self, record: Record) -> dict[str, object]:
        """The record's fields in the types that the format's own writer would have stored."""
        return unspelled(record.value) if record.is_text and not self._takes_cells else record.value

    @property
    def _takes_cells(self) -> bool:
        return self.reader in (canonical, mapped)

    def _rows(self, record: Record) -> Iterator[dict[str, object]]:
        cells = record.is_text and self._takes_cells
        try:
            value = self._value(record)
            raw_rows = list(self.reader.rows(value, self.context))
        except FieldError as error:
            self._refuse(Refusal(record.line, error.field, str(error)))
            return
        for raw in raw_rows:
            self._stated.update(raw)
            try:
                row = self._typed(raw, record.line, is_text=cells)
                row.setdefault("sample", self._next_sample[str(row["run"]), str(row["problem_id"])])
                check_row(row)
                self._take(row)
            except FieldError as error:
                self._refuse(Refusal(record.line, error.field, str(error)))
                continue
            yield row

    def _typed(self, raw: dict[str, object], line: int, *, is_text: bool) -> dict[str, object]:
        """The row in canonical types, with its run and its problem named."""
        given = raw.get("problem_id")
        if self.reader is not canonical:
            raw = {name: value for name, value in raw.items() if name != "problem_id"}
        # A solution out of a list has its own types, whatever the file's cells are.
        typed = {name: coerce(name, value, is_text=is_text and isinstance(value, str)) for name, value in raw.items()}
        row = {name: value for name, value in typed.items() if value is not None}
        row.setdefault("run", self.run)
        if self.reader is not canonical:  # our own table's ids mean what they say
            row["problem_id"] = self._problem(given, row)
        if row.get("problem_id") is None:
            row["problem_id"] = f"line-{line}"
        self._drop_stand_in(row)
        return row

    def _problem(self, given: object, row: dict[str, object]) -> str | None:
        """What the row's problem is called, from the file's own id and the content."""
        problem, reference = row.get("problem"), row.get("reference_answer")
        name = self.problems.name(given, _text(problem), _text(reference))
        own = own_id(given)
        if name is None and given not in (None, "") and own is None:
            raise FieldError("problem_id", f"expected text or a whole number, found {type(given).__name__}")
        if own is not None and name != own:
            self.context.notes["problem_id: one id stands for several problems; told apart by their content"] += 1
        return name

    def _drop_stand_in(self, row: dict[str, object]) -> None:
        """Take out an answer that only says that there is none; our own writer never stores one."""
        answer, reference = _text(row.get("answer")), _text(row.get("reference_answer"))
        if answer is None or "format_version" in self.context.meta or not is_no_answer(answer, reference):
            return
        del row["answer"]
        if answer.strip():
            self.context.notes[f"answer: none where the file says {answer.strip()!r}"] += 1

    def _take(self, row: dict[str, object]) -> None:
        """Refuse a solution that is given twice; count the samples for rows that come without a number."""
        run, problem, sample = str(row["run"]), str(row["problem_id"]), row["sample"]
        if not isinstance(sample, int):
            raise FieldError("sample", "expected a whole number")
        solution = hash((run, problem, row.get("step"), sample))
        if solution in self._taken:
            raise FieldError("sample", f"problem '{problem}' already has a sample {sample} in run '{run}'")
        self._taken.add(solution)
        self._next_sample[run, problem] = max(self._next_sample[run, problem], sample + 1)

    @property
    def states_no_answers(self) -> bool:
        """Whether the file has no field for the answer at all; where it has one, a null means that none was found."""
        return "answer" not in self._stated and "answer" not in self._own_columns()

    def _own_columns(self) -> list[object]:
        """The columns that our own writer says its table has, those that hold only nulls among them."""
        columns = self.context.meta.get("columns")
        return columns if isinstance(columns, list) else []

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
        for name in self._own_columns():
            if isinstance(name, str) and name in COLUMNS and name not in table.column_names:
                table = table.append_column(name, pa.nulls(len(table), COLUMNS[name]))
        rollouts = Rollouts(ordered(table), self.meta())
        return ReadResult(
            rollouts,
            format=self.reader.NAME,
            n_rows=self.n_records,
            refused=tuple(self.refused),
            noted=self.context.notes,
            n_refused=self.n_refused,
            files=(self.opened.name,),
        )

    def require_rows(self, n_rows: int) -> None:
        """Raise InputError, with the first refusal as its reason, if nothing was read."""
        if n_rows:
            return
        if not self.refused:
            problem, remedy = self.context.empty
            raise InputError(problem, file=self.opened.name, remedy=remedy)
        first = self.refused[0]
        raise InputError(
            f"no row could be read ({self.n_refused:,} refused); the first one: {first.reason}",
            file=self.opened.name,
            line=first.line,
            field=first.field,
            remedy="correct the file, or name its format or a column mapping",
        )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
