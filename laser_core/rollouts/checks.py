"""Sanity checks after reading a file: solutions per problem, answers, who gave the verdicts and whether we agree.

A wrong grouping shows in the number of solutions per problem, a wrong extraction in the share of answers, a wrong
verdict in the agreement with our own verifier. Everything is counted piece by piece in bounded memory: 16 bytes per
row, and beyond MAX_ROWS rows over a sample of the problems, which the result says.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laser_core.rollouts.reading.run_names import row_hashes
from laser_core.rollouts.schema import Rollouts

MAX_ROWS = 4_000_000
MAX_COMPARED = 400  # verdicts of the file that our verifier is asked about
MAX_LISTED = 50
QUOTED_CHARS = 60


@dataclass(frozen=True)
class GivenVerdict:
    """A verdict from the file, with the answer and the reference answer it can be checked against."""

    run: str
    problem_id: str
    sample: int
    answer: str | None
    reference_answer: str
    correct: bool


@dataclass(frozen=True)
class Checks:
    """The counts of a table.

    Attributes
    ----------
    n_rollouts, n_problems : int
        Rows, and problems (of a run) among them.
    solutions : tuple of (int, float, int)
        Fewest, median and most solutions per problem.
    one_in : int
        Counts per problem and duplicates are estimated from one in this many problems; 1 means all of them.
    n_answered : int
        Rows with an answer.
    n_file_verdicts, n_our_verdicts : int
        Rows whose verdict the file gives, and rows that our verifier decided.
    n_duplicates : int
        Rows whose response repeats another solution of the same problem, word for word.
    given : tuple of GivenVerdict
        The file's verdicts to compare with our verifier's: all, or a uniform sample of MAX_COMPARED.
    """

    n_rollouts: int = 0
    n_problems: int = 0
    solutions: tuple[int, float, int] = (0, 0.0, 0)
    one_in: int = 1
    n_answered: int = 0
    n_file_verdicts: int = 0
    n_our_verdicts: int = 0
    n_duplicates: int = 0
    given: tuple[GivenVerdict, ...] = ()


@dataclass(frozen=True)
class Agreement:
    """The file's own verdicts compared with our verifier's.

    Attributes
    ----------
    n_compared : int
        Verdicts that our verifier could check.
    n_unknown : int
        Verdicts that it could not check, because it cannot read the reference answer.
    disagreements : tuple of GivenVerdict
        At most MAX_LISTED of those it disagrees with.
    n_disagreements : int
    """

    n_compared: int
    n_unknown: int
    n_disagreements: int
    disagreements: tuple[GivenVerdict, ...]

    @property
    def share(self) -> float | None:
        """Share of the compared verdicts on which both agree; None where there is nothing to compare."""
        return 1 - self.n_disagreements / self.n_compared if self.n_compared else None


class Checking:
    """Counts a table that comes in pieces.

    Examples
    --------
    >>> rows = [{"run": "r", "problem_id": "p", "sample": i, "response": "#2", "correct": True} for i in range(3)]
    >>> checking = Checking()
    >>> checking.add(Rollouts.from_rows(rows).table)
    >>> done = checking.result()
    >>> done.n_problems, done.solutions, done.n_file_verdicts, done.n_duplicates
    (1, (3, 3.0, 3), 3, 2)
    """

    def __init__(self) -> None:
        self._n_rollouts = self._n_answered = self._n_file = self._n_ours = self._n_sampled = 0
        self._one_in, self._n_kept = 1, 0
        self._problems: list[np.ndarray] = []  # a hash of the problem, for each row
        self._responses: list[np.ndarray] = []  # a hash of problem and response
        self._given: list[tuple[int, int, GivenVerdict]] = []  # a heap of the lowest hashes, as an even sample

    def add(self, table: pa.Table, given: pa.ChunkedArray | None = None) -> None:
        """Count the rows of a piece.

        Parameters
        ----------
        table : pa.Table
            In the canonical schema, with whatever was filled in.
        given : pa.ChunkedArray of bool, optional
            The file's own verdict on each row, null where it gave none. Default: it gave all that are in the table.
        """
        if given is None and "correct" in table.column_names:
            given = table["correct"]
        problems = row_hashes(table, ("run", "problem_id"))
        self._n_rollouts += len(table)
        self._n_answered += _n_known(table, "answer")
        n_file = 0 if given is None else len(given) - given.null_count
        self._n_file += n_file
        self._n_ours += _n_known(table, "correct") - n_file
        responses = row_hashes(table, ("run", "problem_id", "response")) if "response" in table.column_names else None
        self._keep(problems, responses)
        while self._n_kept > MAX_ROWS:
            self._thin_out()
        if given is not None and n_file:
            self._sample(table, given)

    def _keep(self, problems: np.ndarray, responses: np.ndarray | None) -> None:
        """Note the rows that belong to the problems counted."""
        kept = problems // np.uint64(7) % np.uint64(self._one_in) == 0
        self._problems.append(problems[kept])
        if responses is not None:
            self._responses.append(responses[kept])
        self._n_kept += int(kept.sum())

    def _thin_out(self) -> None:
        """Keep every second problem of those left."""
        self._one_in *= 2
        problems = np.concatenate(self._problems)
        responses = np.concatenate(self._responses) if self._responses else None
        self._problems, self._responses, self._n_kept = [], [], 0
        self._keep(problems, responses)

    def _sample(self, table: pa.Table, given: pa.ChunkedArray) -> None:
        if not {"answer", "reference_answer"} <= set(table.column_names):
            return
        usable = pc.and_(pc.is_valid(given), pc.is_valid(table["reference_answer"]))
        rows = np.flatnonzero(usable.to_numpy())
        keys = row_hashes(table, ("run", "problem_id", "sample"))[rows]
        for i in np.argsort(keys, kind="stable")[:MAX_COMPARED]:
            key, row = -int(keys[i]), int(rows[i])
            if len(self._given) >= MAX_COMPARED and key <= self._given[0][0]:
                break
            verdict = bool(given[row].as_py())
            run, problem, sample, answer, reference = (
                table[name][row].as_py() for name in ("run", "problem_id", "sample", "answer", "reference_answer")
            )
            self._n_sampled += 1  # parts two items with the same hash
            item = (key, self._n_sampled, GivenVerdict(run, problem, sample, answer, reference, verdict))
            if len(self._given) < MAX_COMPARED:
                heapq.heappush(self._given, item)
            else:
                heapq.heapreplace(self._given, item)

    def result(self) -> Checks:
        """The counts so far."""
        if not self._n_rollouts:
            return Checks()
        problems = np.concatenate(self._problems)
        counts = np.unique(problems, return_counts=True)[1]
        responses = np.concatenate(self._responses) if self._responses else np.zeros(0, dtype=np.uint64)
        return Checks(
            n_rollouts=self._n_rollouts,
            n_problems=len(counts) * self._one_in,
            solutions=(int(counts.min()), float(np.median(counts)), int(counts.max())) if len(counts) else (0, 0.0, 0),
            one_in=self._one_in,
            n_answered=self._n_answered,
            n_file_verdicts=self._n_file,
            n_our_verdicts=self._n_ours,
            n_duplicates=(len(responses) - len(np.unique(responses))) * self._one_in,
            given=tuple(sorted((item for _, _, item in self._given), key=lambda g: (g.run, g.problem_id, g.sample))),
        )


def check(rollouts: Rollouts, given: pa.ChunkedArray | None = None, *, rows: int = 65_536) -> Checks:
    """The counts of a whole table.

    Parameters
    ----------
    rollouts : Rollouts
    given : pa.ChunkedArray of bool, optional
        The file's own verdicts (:class:`laser_core.rollouts.ReadResult`); default: all that the table holds.
    rows : int
        How many are looked at at once.
    """
    checking = Checking()
    for start in range(0, len(rollouts), rows):
        part = None if given is None else given.slice(start, rows)
        checking.add(rollouts.table.slice(start, rows), part)
    return checking.result()


def agreement(given: Sequence[GivenVerdict]) -> Agreement:
    """Compare a file's verdicts with our verifier's, which counts a missing answer as incorrect.

    Examples
    --------
    >>> yes = GivenVerdict("r", "p", 0, "1/2", "0.5", True)
    >>> no = GivenVerdict("r", "p", 1, "0.50", "0.5", False)
    >>> found = agreement([yes, no])
    >>> found.n_compared, found.share, found.disagreements == (no,)
    (2, 0.5, True)
    """
    from laser_core.answers.verify import verify_answers

    verdicts = verify_answers([item.answer for item in given], [item.reference_answer for item in given])
    decided = [(item, ours) for item, ours in zip(given, verdicts, strict=True) if ours is not None]
    contradicted = [item for item, ours in decided if item.correct != ours]
    listed = tuple(contradicted[:MAX_LISTED])
    return Agreement(len(decided), len(given) - len(decided), len(contradicted), listed)


def sentences(checks: Checks, found: Agreement | None = None) -> list[str]:
    """The checks in words, one per line."""
    fewest, median, most = checks.solutions
    lines = [
        f"problems: {checks.n_problems:,}; solutions per problem: min {fewest:,}, median {median:,g}, max {most:,}",
        f"solutions with an answer: {_percent(checks.n_answered, checks.n_rollouts)}",
        f"solutions with a verdict: {_percent(checks.n_file_verdicts + checks.n_our_verdicts, checks.n_rollouts)} "
        f"({checks.n_file_verdicts:,} from the file, {checks.n_our_verdicts:,} from our verifier)",
        f"duplicate responses (same text, same problem): {_percent(checks.n_duplicates, checks.n_rollouts)}",
    ]
    if checks.one_in > 1:
        lines.append(f"counts per problem and duplicates are estimated from 1 in {checks.one_in:,} problems")
    if found is not None and found.share is not None:
        sampled = "" if len(checks.given) < MAX_COMPARED else "a sample of "
        lines.append(
            f"agreement of the file's verdicts with our verifier: {found.share:.1%} of {sampled}{found.n_compared:,}"
            + (f" ({found.n_unknown:,} more have a reference answer that cannot be read)" if found.n_unknown else "")
        )
    return lines


def opposed(item: GivenVerdict) -> str:
    """One disagreement between the file and our verifier, in one line."""
    theirs, ours = ("correct", "incorrect") if item.correct else ("incorrect", "correct")
    return (
        f"problem {item.problem_id[:40]}, sample {item.sample}: answer {_quoted(item.answer)}, reference "
        f"{_quoted(item.reference_answer)}; the file says {theirs}, our verifier {ours}"
    )


def _quoted(text: str | None) -> str:
    shown = repr(text)
    return shown if len(shown) <= QUOTED_CHARS else f"{shown[: QUOTED_CHARS - 1]}…"


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"


def _n_known(table: pa.Table, name: str) -> int:
    return len(table) - table[name].null_count if name in table.column_names else 0
