"""Votes as the estimators take them: each problem's solutions packed to the left, its answers counted and verified."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from laser_core.analysis.samples import Samples
from laser_core.errors import InputError

COVERAGE = 0.9  # share of the problems that the default curve must keep


@dataclass(frozen=True)
class Ballots:
    """The solutions that take part in votes. Arrays over problems keep only the problems that can vote.

    Attributes
    ----------
    problems : ndarray of int of shape (n_problems,)
        Which problems of the samples these are.
    size : ndarray of int of shape (n_problems,)
        Solutions of each problem.
    answer : ndarray of int32 of shape (n_problems, n_samples)
        Answer of each solution, numbered from 0 within the problem; -1 casts no vote.
    score : ndarray of float of shape (n_problems, n_samples)
    correct : ndarray of bool of shape (n_problems, n_samples)
        Whether the solution itself is correct.
    votes : ndarray of int of shape (n_problems, n_answers)
        How many solutions give each answer.
    winning : ndarray of bool of shape (n_problems, n_answers)
        Whether the answer is correct, by the verdicts on most of the solutions that give it.
    n_conflicts : int
        Answers that the verifier found correct in one solution and incorrect in another.
    n_left_out : int
        Problems without enough solutions, or with an answer of unknown correctness.
    """

    problems: np.ndarray
    size: np.ndarray
    answer: np.ndarray = field(repr=False)
    score: np.ndarray = field(repr=False)
    correct: np.ndarray = field(repr=False)
    votes: np.ndarray = field(repr=False)
    winning: np.ndarray = field(repr=False)
    n_conflicts: int = 0
    n_left_out: int = 0

    @property
    def n_problems(self) -> int:
        """Number of problems that can vote."""
        return len(self.problems)

    def take(self, rows: np.ndarray) -> Ballots:
        """Some of the problems, by position."""
        grids = ("problems", "size", "answer", "score", "correct", "votes", "winning")
        return replace(self, **{name: getattr(self, name)[rows] for name in grids})

    @classmethod
    def of(cls, samples: Samples, *, n_max: int | None = None) -> Ballots:
        """Count the answers of the problems that have at least ``n_max`` solutions and known verdicts.

        Parameters
        ----------
        samples : Samples
        n_max : int, optional
            The largest vote that will be asked for. None chooses the largest size that nine problems in ten reach.

        Raises
        ------
        InputError
            If no problem is left.
        """
        votes, known, correct_votes = answer_table(samples)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = correct_votes / known
        unverified = ((votes > 0) & (known == 0)).any(axis=1)
        answered = samples.answer >= 0
        verdict_known = np.isfinite(samples.correct) | (samples.present & ~answered) | _of_answer(known > 0, samples)
        usable = ~unverified & np.isfinite(samples.correct).any(axis=1) & (verdict_known | ~samples.present).all(axis=1)
        if not usable.any():
            raise InputError(
                "no problem has verdicts for all of its answers",
                field="correct",
                remedy="give reference answers, or a 'correct' column",
            )
        size = samples.counts
        if n_max is None:
            n_max = max(1, int(np.quantile(size[usable], 1 - COVERAGE, method="lower")))
        keep = usable & (size >= n_max)
        if not keep.any():
            raise InputError(
                f"no problem has {n_max} solutions", field="n_max", remedy=f"ask for at most {int(size[usable].max())}"
            )
        problems = np.flatnonzero(keep)
        by_answer = _of_answer(share > 0.5, samples)
        correct = np.where(np.isfinite(samples.correct), samples.correct == 1, by_answer)
        left = np.argsort(~samples.present[problems], axis=1, kind="stable")  # solutions first, padding last
        width = int(size[problems].max())

        def pack(values: np.ndarray) -> np.ndarray:
            return np.take_along_axis(values[problems], left, axis=1)[:, :width]

        return cls(
            problems=problems,
            size=size[problems],
            answer=pack(samples.answer).astype(np.int32),
            score=pack(samples.score),
            correct=pack(correct & samples.present),
            votes=votes[problems],
            winning=share[problems] > 0.5,
            n_conflicts=int(((correct_votes > 0) & (correct_votes < known)).sum()),
            n_left_out=int(samples.n_problems - len(problems)),
        )


def answer_table(samples: Samples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Solutions that give each answer: all of them, those with a verdict, the correct ones.

    Returns
    -------
    votes, known, correct : ndarray of shape (n_problems, n_answers)

    Examples
    --------
    >>> votes, known, correct = answer_table(Samples.from_arrays(correct=[[1, 1, 0]], answer=[[0, 0, 1]]))
    >>> votes.tolist(), correct.tolist()
    ([[2, 1]], [[2.0, 0.0]])
    """
    n_answers = max(1, int(samples.answer.max(initial=-1)) + 1)
    answered = samples.answer >= 0
    flat = (np.arange(samples.n_problems)[:, None] * n_answers + samples.answer)[answered]  # (n_answered,)
    correct = samples.correct[answered]

    def table(weights: np.ndarray | None) -> np.ndarray:
        counts = np.bincount(flat, weights, minlength=samples.n_problems * n_answers)
        return counts.reshape(samples.n_problems, n_answers)

    return table(None), table(np.isfinite(correct)), table(np.nan_to_num(correct))


def _of_answer(table: np.ndarray, samples: Samples) -> np.ndarray:
    """Each solution's entry of a (n_problems, n_answers) table of bool; False where there is no answer."""
    picked = np.take_along_axis(table, np.maximum(samples.answer, 0), axis=1)
    return picked & (samples.answer >= 0)
