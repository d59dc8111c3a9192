"""Marks that a reader of rollouts leaves: bookmarks, notes, and "the verifier is wrong here".

Marks never change the rollouts' file. They lie in a small JSON Lines file beside the run, or travel as tags in an
exported table, from which they are read back. A wrong verdict is applied only on request, by :func:`corrected`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from filelock import FileLock, Timeout

from laser_core.atomic import write_whole
from laser_core.errors import InputError
from laser_core.rollouts.schema import TAG_PREFIX, Rollouts

MAX_MARKS = 10_000  # of a run
MAX_NOTE = 2000  # characters
MAX_FILE_BYTES = 2**25
BOOKMARK, WRONG_VERDICT, NOTE = (f"{TAG_PREFIX}marks.{name}" for name in ("bookmark", "wrong_verdict", "note"))

Key = tuple[int | None, str, int]


@dataclass(frozen=True)
class Mark:
    """What somebody noted about one solution.

    Attributes
    ----------
    step : int or None
        The solution's training step; with problem and sample it says which solution this is.
    problem_id : str
    sample : int
    bookmark : bool
    wrong_verdict : bool
        Whether the verifier's verdict is wrong, in the reader's opinion.
    note : str
    """

    step: int | None
    problem_id: str
    sample: int
    bookmark: bool = False
    wrong_verdict: bool = False
    note: str = ""

    @property
    def key(self) -> Key:
        """Which solution it is about."""
        return self.step, self.problem_id, self.sample

    @property
    def is_empty(self) -> bool:
        """Whether nothing is marked."""
        return not (self.bookmark or self.wrong_verdict or self.note)


Marks = Mapping[Key, Mark]


def key_of(row: Mapping[str, object]) -> Key:
    """Which solution a row of the table is."""
    step, sample = row.get("step"), row["sample"]
    if not isinstance(sample, int):
        raise TypeError(f"sample {sample!r} is no whole number")
    return step if isinstance(step, int) else None, str(row["problem_id"]), sample


def with_mark(marks: Marks, mark: Mark) -> dict[Key, Mark]:
    """The marks with one of them replaced; a mark that says nothing is removed.

    Raises
    ------
    InputError
        If there would be more than ``MAX_MARKS``.

    Examples
    --------
    >>> marks = with_mark({}, Mark(None, "p", 0, note="odd"))
    >>> list(marks), with_mark(marks, Mark(None, "p", 0))
    ([(None, 'p', 0)], {})
    """
    others = {key: other for key, other in marks.items() if key != mark.key}
    if mark.is_empty:
        return others
    if len(others) >= MAX_MARKS:
        raise InputError(f"a run has room for {MAX_MARKS:,} marks", remedy="export them and remove some")
    return others | {mark.key: replace(mark, note=mark.note[:MAX_NOTE])}


def read_marks(path: str | Path) -> dict[Key, Mark]:
    """The marks in a file; none where there is no file. Lines that hold no mark are skipped."""
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_FILE_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return {}
    found = (_from_line(line) for line in text.splitlines()[: 2 * MAX_MARKS])
    return {mark.key: mark for mark in found if mark is not None and not mark.is_empty}


def change_marks(path: str | Path, mark: Mark) -> dict[Key, Mark]:
    """Put one mark into a file, and return all that it then holds.

    The file is read anew under a lock, so that marks which another session has made meanwhile stay.

    Raises
    ------
    InputError
        If the file is locked or cannot be written, or there are too many marks.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=5):
            marks = with_mark(read_marks(path), mark)
            write_whole(path, "".join(f"{line}\n" for line in as_lines(marks)))
    except Timeout:
        raise InputError("another session is writing these marks", file=path, remedy="try again") from None
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", file=path, remedy="check the permissions") from None
    return marks


def as_lines(marks: Marks) -> list[str]:
    """One JSON object for each mark, in the order they were made."""
    return [json.dumps(asdict(mark), ensure_ascii=False) for mark in marks.values()]


def _from_line(line: str) -> Mark | None:
    try:
        value = json.loads(line)
        step, sample = value.get("step"), value["sample"]
        known = (step is None or type(step) is int) and type(sample) is int and isinstance(value["problem_id"], str)
        note = value.get("note", "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not known or not isinstance(note, str):
        return None
    bookmark, wrong = (value.get(name) is True for name in ("bookmark", "wrong_verdict"))
    return Mark(step, value["problem_id"], sample, bookmark, wrong, note[:MAX_NOTE])


def marked_rows(rollouts: Rollouts, marks: Marks) -> dict[int, Mark]:
    """The marks by row number, in the table's order; marks of solutions that the table lacks are left out.

    Examples
    --------
    >>> rollouts = Rollouts.from_rows([{"run": "r", "problem_id": "p", "sample": i, "response": ""} for i in range(3)])
    >>> marked_rows(rollouts, {(None, "p", 2): Mark(None, "p", 2, bookmark=True)})
    {2: Mark(step=None, problem_id='p', sample=2, bookmark=True, wrong_verdict=False, note='')}
    """
    if not marks:
        return {}
    wanted = pa.array(sorted({problem for _, problem, _ in marks}), pa.string())
    near = np.flatnonzero(pc.is_in(rollouts.table["problem_id"], wanted).to_numpy(zero_copy_only=False))
    names = [name for name in ("step", "problem_id", "sample") if name in rollouts.table.column_names]
    rows = replace(rollouts, table=rollouts.table.select(names)).take(near).table.to_pylist()
    found = ((int(number), marks.get(key_of(row))) for number, row in zip(near, rows, strict=True))
    return {number: mark for number, mark in found if mark is not None}


def corrected(rollouts: Rollouts, marks: Marks) -> Rollouts:
    """The rollouts with the verdicts turned round that are marked as wrong; unknown verdicts stay unknown."""
    wrong = [row for row, mark in marked_rows(rollouts, marks).items() if mark.wrong_verdict]
    if not wrong or "correct" not in rollouts.table.column_names:
        return rollouts
    turned = np.zeros(len(rollouts), bool)
    turned[wrong] = True
    return rollouts.with_column("correct", pc.xor(rollouts.table["correct"], pa.array(turned)))


def with_marks(rollouts: Rollouts, marks: Marks) -> Rollouts:
    """The table with the marks as tags, for a file that others open; without marks it stays as it is."""
    rows = marked_rows(rollouts, marks)
    texts: dict[str, dict[int, str]] = {
        BOOKMARK: {row: "true" for row, mark in rows.items() if mark.bookmark},
        WRONG_VERDICT: {row: "true" for row, mark in rows.items() if mark.wrong_verdict},
        NOTE: {row: mark.note for row, mark in rows.items() if mark.note},
    }
    for name, of_row in texts.items():
        if of_row:
            rollouts = rollouts.with_column(name, [of_row.get(row) for row in range(len(rollouts))])
    return rollouts


def marks_in(rollouts: Rollouts) -> dict[Key, Mark]:
    """The marks that an exported table carries in its tags."""
    names = [name for name in (BOOKMARK, WRONG_VERDICT, NOTE) if rollouts.has(name)]
    if not names:
        return {}
    marked = np.any([pc.is_valid(rollouts.table[name]).to_numpy(zero_copy_only=False) for name in names], axis=0)
    kept = [name for name in ("step", "problem_id", "sample", *names) if name in rollouts.table.column_names]
    part = replace(rollouts, table=rollouts.table.select(kept)).take(np.flatnonzero(marked)[:MAX_MARKS])
    found = []
    for row in part.table.to_pylist():
        bookmark, wrong = (row.get(name) == "true" for name in (BOOKMARK, WRONG_VERDICT))
        found.append(Mark(*key_of(row), bookmark, wrong, (row.get(NOTE) or "")[:MAX_NOTE]))
    return {mark.key: mark for mark in found if not mark.is_empty}
