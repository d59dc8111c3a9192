"""One pass over an opened file: records in, canonical tables out, with everything refused or noted on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa

from laser_core.errors import InputError
from laser_core.rollouts.prompts import stored_prompt
from laser_core.rollouts.readers import canonical, mapped
from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.reading.fields import FieldError, check_row, coerce, unspelled
from laser_core.rollouts.reading.identity import ProblemNames, own_id
from laser_core.rollouts.reading.no_answer import is_no_answer
from laser_core.rollouts.reading.recognise import choose_reader
from laser_core.rollouts.reading.records import Record, Refusal
from laser_core.rollouts.reading.source import Source
from laser_core.rollouts.reading.tags import Looked, Tags
from laser_core.rollouts.schema import Rollouts, RunMeta

BATCH_ROWS = 2048
MAX_LISTED_REFUSALS = 1000


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
        self.tags = Tags(self.context.notes)
        self._problems_of: dict[str, ProblemNames] = {}
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
        """Let the reader look through the whole file first, if it needs to."""
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
            value = Looked(self._value(record))
            raw_rows = list(self.reader.rows(value, self.context))
        except FieldError as error:
            self._refuse(Refusal(record.line, error.field, str(error)))
            return
        self._keep_the_rest(value, raw_rows)
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

    def _keep_the_rest(self, record: Looked, rows: list[dict[str, object]]) -> None:
        """Add what the record holds beside the reader's columns: a chat's other turns, and short values as tags."""
        self.tags.add(record, rows)
        for position, row in enumerate(rows):
            if self.reader is canonical and isinstance(row.get("prompt"), str):
                continue
            prompt = stored_prompt(record, row.get("problem"), position)
            row.pop("prompt", None)  # a column of messages that was mapped to it
            if prompt is not None:
                row["prompt"] = prompt

    def _typed(self, raw: dict[str, object], line: int, *, is_text: bool) -> dict[str, object]:
        """The row in canonical types, with its run and its problem named."""
        given = raw.get("problem_id")
        if self.reader is not canonical:  # an id of any type will do there
            raw = {name: value for name, value in raw.items() if name != "problem_id"}
        # A solution out of a list has its own types, whatever the file's cells are.
        typed = {name: coerce(name, value, is_text=is_text and isinstance(value, str)) for name, value in raw.items()}
        row = {name: value for name, value in typed.items() if value is not None}
        row.setdefault("run", self.run)
        if not self._is_ours:
            row["problem_id"] = self._problem(row.get("problem_id", given), row)
            self._drop_placeholder(row)
        if row.get("problem_id") is None:
            self.context.notes["problem_id: no id and no problem text, so every line counts as its own problem"] += 1
            row["problem_id"] = f"line-{line}"
        return row

    @property
    def _is_ours(self) -> bool:
        """Whether our own writer made the file, so that its ids and answers can be taken at face value."""
        return "format_version" in self.context.meta

    def _problem(self, given: object, row: dict[str, object]) -> str | None:
        """What the row's problem is called, from the file's own id and the content."""
        names = self.problems
        if self.reader is canonical:  # each run may word the prompt of the same problem differently
            names = self._problems_of.setdefault(str(row["run"]), ProblemNames())
        name = names.name(given, _text(row.get("problem")), _text(row.get("reference_answer")))
        own = own_id(given)
        if name is None and given not in (None, "") and own is None:
            raise FieldError("problem_id", f"expected text or a whole number, found {type(given).__name__}")
        if own is not None and name != own:
            self.context.notes["problem_id: the file uses one id for several problems; separated by their content"] += 1
        return name

    def _drop_placeholder(self, row: dict[str, object]) -> None:
        """Remove an answer that is only a placeholder for "none found"."""
        answer, reference = _text(row.get("answer")), _text(row.get("reference_answer"))
        if answer is None or not is_no_answer(answer, reference):
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
        return "answer" not in self._stated and "answer" not in self.own_columns()

    def own_columns(self) -> list[object]:
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
