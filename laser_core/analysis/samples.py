"""One run's rollouts as arrays of shape (n_problems, n_samples), which every analysis takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laser_core.errors import InputError
from laser_core.rollouts.groups import group_of_rows
from laser_core.rollouts.schema import Rollouts

#: Numbers the answers of each problem, given problem and answer of each row; equal answers get equal numbers, none -1.
SameAnswers = Callable[[np.ndarray, list[str | None]], np.ndarray]


@dataclass(frozen=True)
class Samples:
    """A padded grid: row p holds the solutions of problem p in table order, then padding.

    Attributes
    ----------
    problem_ids : tuple of str, length n_problems
    present : ndarray of bool of shape (n_problems, n_samples)
        False in the padding.
    correct : ndarray of float
        The verifier's verdict: 1, 0, NaN where unknown.
    score : ndarray of float
        The last-token score, unclipped, or another signal in its place: larger means more likely correct. NaN where a
        solution has none.
    answer : ndarray of int
        Number of the answer within its problem, -1 where none was found. Equal answers share a number.
    truncated : ndarray of bool
    n_tokens : ndarray of float
        NaN where unknown.
    row : ndarray of int
        Row in the table the samples were made from, -1 in the padding.
    signal : str
        Name of what ``score`` holds: "score", "signal.<name>", or a name given by an analysis.
    warnings : tuple of str
        What a reader of the numbers should know about the data.

    Examples
    --------
    >>> samples = Samples.from_arrays(correct=[[1, 0, 0]], score=[[0.9, 0.2, 0.4]], answer=[[0, 1, 1]])
    >>> samples.n_problems, samples.n_samples
    (1, 3)
    """

    problem_ids: tuple[str, ...]
    present: np.ndarray = field(repr=False)
    correct: np.ndarray = field(repr=False)
    score: np.ndarray = field(repr=False)
    answer: np.ndarray = field(repr=False)
    truncated: np.ndarray = field(repr=False)
    n_tokens: np.ndarray = field(repr=False)
    row: np.ndarray = field(repr=False)
    signal: str = "score"
    warnings: tuple[str, ...] = ()

    @property
    def n_problems(self) -> int:
        """Number of problems, P."""
        return int(self.present.shape[0])

    @property
    def n_samples(self) -> int:
        """Width of the grid, n: the most solutions any problem has."""
        return int(self.present.shape[1])

    @cached_property
    def counts(self) -> np.ndarray:
        """How many solutions each problem has, of shape (n_problems,)."""
        return np.asarray(self.present.sum(axis=1))

    @property
    def has_answers(self) -> bool:
        """Whether any solution's final answer is known; votes need answers."""
        return bool((self.answer >= 0).any())

    @property
    def has_scores(self) -> bool:
        """Whether any solution has a score."""
        return bool(np.isfinite(self.score).any())

    @property
    def default_weight(self) -> str:
        """The vote weight that fits the signal: "clip" for the score, "rank" for a signal that leaves [0, 1]."""
        known = self.score[np.isfinite(self.score)]
        bounded = len(known) == 0 or (known.min() >= 0 and known.max() <= 1)
        return "clip" if self.signal == "score" or bounded else "rank"

    @classmethod
    def from_arrays(
        cls,
        *,
        correct: np.ndarray,
        score: np.ndarray | None = None,
        answer: np.ndarray | None = None,
        present: np.ndarray | None = None,
        truncated: np.ndarray | None = None,
        n_tokens: np.ndarray | None = None,
        problem_ids: tuple[str, ...] | None = None,
    ) -> Samples:
        """Build from arrays; what is not given is unknown.

        Parameters
        ----------
        correct : array_like of shape (n_problems, n_samples)
            The verifier's verdict: 1, 0, or NaN where unknown.
        score : array_like of shape (n_problems, n_samples), optional
            NaN where there is none.
        answer : array_like of int of shape (n_problems, n_samples), optional
            Equal numbers for equal answers of a problem, -1 for none.
        present : array_like of bool of shape (n_problems, n_samples), optional
            False in the padding. None: no padding.
        truncated : array_like of bool of shape (n_problems, n_samples), optional
        n_tokens : array_like of shape (n_problems, n_samples), optional
        problem_ids : tuple of str, optional
            None: "p0", "p1", ...
        """
        correct = np.asarray(correct, float)
        shape = correct.shape
        present = np.ones(shape, bool) if present is None else np.asarray(present, bool)

        def grid(values: np.ndarray | None, empty: float, kind: type) -> np.ndarray:
            return np.full(shape, empty, kind) if values is None else np.where(present, np.asarray(values, kind), empty)

        return cls(
            problem_ids=problem_ids or tuple(f"p{p}" for p in range(shape[0])),
            present=present,
            correct=np.where(present, correct, np.nan),
            score=grid(score, np.nan, float),
            answer=grid(answer, -1, np.int64),
            truncated=grid(truncated, False, bool),
            n_tokens=grid(n_tokens, np.nan, float),
            row=np.where(present, np.cumsum(present).reshape(shape) - 1, -1),
        )

    @classmethod
    def from_rollouts(
        cls,
        rollouts: Rollouts,
        *,
        signal: str = "score",
        run: str | None = None,
        same_answers: SameAnswers | None = None,
        pool_steps: bool = False,
    ) -> Samples:
        """Lay one run of a table out as a grid.

        A problem with solutions of several training steps has a row for each step, called "<id> (step <step>)".

        Parameters
        ----------
        rollouts : Rollouts
        signal : str
            The column to analyse: "score", or any of ``rollouts.signals``.
        run : str, optional
            Which run. May be left out where the table holds one.
        same_answers : callable, optional
            Gives equal answers of a problem equal numbers, -1 to no answer. None: mathematical equivalence, by
            :func:`laser_core.answers.verify.answer_groups`.
        pool_steps : bool
            Take a problem's solutions of all steps, and thus of different policies, as one row.

        Raises
        ------
        InputError
            If the table is empty or holds several runs and none was chosen, or the run or the signal does not exist.
        """
        index = _run_rows(rollouts, run)
        used = {
            "problem_id",
            "sample",
            "step",
            "answer",
            "reference_answer",
            "correct",
            "truncated",
            "n_tokens",
            signal,
        }
        part = replace(rollouts, table=rollouts.table.select([c for c in rollouts.table.column_names if c in used]))
        part = part if len(index) == len(part) else part.take(index)
        if signal != "score" and signal not in rollouts.signals:
            known = ", ".join(rollouts.signals) or "none"
            raise InputError(f"the table has no values for '{signal}'", field="signal", remedy=f"choose from: {known}")

        encoded = group_of_rows(part, pool_steps=pool_steps)
        codes = encoded.indices.to_numpy()
        cell, shape = _grid_positions(codes, len(encoded.dictionary))

        def grid(values: np.ndarray, empty: float) -> np.ndarray:
            out = np.full(shape[0] * shape[1], empty, dtype=values.dtype)
            out[cell] = values
            return out.reshape(shape)  # (R,) -> (P, n)

        return cls(
            problem_ids=tuple(encoded.dictionary.to_pylist()),
            present=grid(np.ones(len(codes), bool), False),
            correct=grid(part.column("correct"), np.nan),
            score=grid(_finite(part.column(signal)), np.nan),
            answer=grid(_answers(part, codes, same_answers).astype(np.int32), -1),
            truncated=grid(part.column("truncated") == 1, False),
            n_tokens=grid(part.column("n_tokens"), np.nan),
            row=grid(index.astype(np.int32), -1),
            signal=signal,
            warnings=tuple(_table_warnings(part, codes)),
        )

    def take(self, problems: np.ndarray) -> Samples:
        """The problems given by mask or index, in that order; padding that all of them share is dropped."""
        problems = np.asarray(problems)
        problems = np.flatnonzero(problems) if problems.dtype == bool else problems
        width = int(self.counts[problems].max(initial=0))
        grids = ("present", "correct", "score", "answer", "truncated", "n_tokens", "row")
        picked = {name: getattr(self, name)[problems, :width] for name in grids}
        return replace(self, problem_ids=tuple(self.problem_ids[p] for p in problems), **picked)

    def with_score(self, score: np.ndarray) -> Samples:
        """The same samples with other scores, of shape (n_problems, n_samples)."""
        return replace(self, score=np.where(self.present, score, np.nan))

    def with_signal(self, rollouts: Rollouts, signal: str) -> Samples:
        """The same samples with another column of their table as the score; answers stay as they are.

        Parameters
        ----------
        rollouts : Rollouts
            The table the samples were made from.
        signal : str
            "score" or "signal.<name>".

        Examples
        --------
        >>> rows = [{"run": "r", "problem_id": "p", "sample": 0, "response": "", "score": 0.9, "signal.rm": 3.0}]
        >>> table = Rollouts.from_rows(rows)
        >>> Samples.from_rollouts(table).with_signal(table, "signal.rm").score.tolist()
        [[3.0]]
        """
        values = _finite(rollouts.column(signal))[self.row]
        return replace(self.with_score(values), signal=signal)


def _run_rows(rollouts: Rollouts, run: str | None) -> np.ndarray:
    """Row numbers of the chosen run."""
    if len(rollouts) == 0:
        raise InputError("there are no rollouts in this table", remedy="give a file with at least one row")
    runs = rollouts.runs()
    if run is None and len(runs) > 1:
        shown = ", ".join(runs[:8]) + (", ..." if len(runs) > 8 else "")
        raise InputError(f"the table holds {len(runs)} runs ({shown})", field="run", remedy="choose one of them")
    if run is None:
        return np.arange(len(rollouts))
    if run not in runs:
        raise InputError(f"no run is named '{run}'", field="run", remedy=f"choose from: {', '.join(runs[:8])}")
    return np.flatnonzero(pc.equal(rollouts.table["run"], pa.scalar(run)).to_numpy())


def _grid_positions(codes: np.ndarray, n_problems: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Where each row goes: its cell in the flattened grid, and the grid's shape."""
    counts = np.bincount(codes, minlength=n_problems)
    width = int(counts.max())
    order = np.argsort(codes, kind="stable")
    cell = np.empty(len(codes), np.int64)
    cell[order] = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    cell += codes * np.int64(width)
    return cell, (n_problems, width)


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


def _answers(rollouts: Rollouts, codes: np.ndarray, same_answers: SameAnswers | None) -> np.ndarray:
    if not rollouts.has("answer"):
        return np.full(len(rollouts), -1, np.int64)
    # Each problem's distinct spellings are compared once, however many solutions share them.
    encoded = pc.dictionary_encode(rollouts.table["answer"]).combine_chunks()
    spelling = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)
    pair, inverse = np.unique(
        codes.astype(np.int64) * (len(encoded.dictionary) + 1) + spelling + 1, return_inverse=True
    )
    problem, text = np.divmod(pair, len(encoded.dictionary) + 1)
    texts = [*encoded.dictionary.to_pylist(), None]  # text - 1 is -1 for no answer: the last entry
    answers = [texts[i - 1] for i in text]
    if same_answers is None:
        # Loaded only here: a table without answers needs no mathematics.
        from laser_core.answers.verify import answer_groups

        groups = answer_groups(problem, answers, references=_references(rollouts, codes, problem))
    else:
        groups = same_answers(problem, answers)
    return np.asarray(groups, np.int64)[inverse]


def _references(rollouts: Rollouts, codes: np.ndarray, problem: np.ndarray) -> list[str | None] | None:
    """The reference answer of each of the problems: what is correct there is one group."""
    if not rollouts.has("reference_answer"):
        return None
    found, first = np.unique(codes, return_index=True)
    references = dict(zip(found.tolist(), rollouts.table["reference_answer"].take(first).to_pylist(), strict=True))
    return [references[code] for code in problem.tolist()]


def _table_warnings(rollouts: Rollouts, codes: np.ndarray) -> list[str]:
    found = []
    n_problems = pc.count_distinct(rollouts.table["problem_id"]).as_py()
    n_groups = int(codes.max()) + 1
    if n_groups > n_problems:
        found.append(
            "Problems met at several training steps were solved by different policies: the solutions of each step "
            f"count as a problem of their own ({n_groups:,} in place of {n_problems:,})."
        )
    sample = rollouts.column("sample").astype(np.int64)
    sample -= sample.min()
    if len(np.unique(codes * (sample.max() + 1) + sample)) < len(codes):
        steps = rollouts.column("step")
        n_steps = len(np.unique(steps[np.isfinite(steps)]))
        why = f"they come from {n_steps} training steps" if n_steps > 1 else "some rows may be duplicates"
        found.append(f"Some solutions share problem and sample number; all were counted ({why}).")
    unanswered_correct = np.sum(rollouts.column("correct") == 1) if not rollouts.has("answer") else 0
    if unanswered_correct:
        found.append("The table has no extracted answers, so votes could not be counted.")
    return found
