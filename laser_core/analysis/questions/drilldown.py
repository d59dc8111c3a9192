"""Where to look: the problems and solutions behind the numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laser_core.analysis.samples import Samples
from laser_core.analysis.voting.one_vote import full_votes
from laser_core.analysis.voting.weights import Weight


@dataclass(frozen=True)
class DrillDown:
    """Lists of problems (positions in the samples) and of solutions (rows of the table), the most striking first.

    Attributes
    ----------
    fixed_by_weights : ndarray of int of shape (n_listed,)
        Problems where the majority vote is incorrect and the weighted vote correct, all solutions voting; widest score
        gap first.
    broken_by_weights : ndarray of int of shape (n_listed,)
        The reverse.
    ties : ndarray of int of shape (n_listed,)
        Problems on which the majority vote ties.
    unsolved : ndarray of int of shape (n_listed,)
        Problems without a single correct solution; most solutions first.
    confident_incorrect : ndarray of int of shape (n_listed,)
        Rows scored above the threshold that the verifier calls incorrect, highest score first. The model's mistakes, or
        the verifier's.
    unsure_correct : ndarray of int of shape (n_listed,)
        Rows scored at or below the threshold that the verifier calls correct, lowest score first.
    samples : Samples
        What the positions refer to.
    """

    fixed_by_weights: np.ndarray
    broken_by_weights: np.ndarray
    ties: np.ndarray
    unsolved: np.ndarray
    confident_incorrect: np.ndarray
    unsure_correct: np.ndarray
    samples: Samples

    def rows_of(self, problem: int) -> np.ndarray:
        """Table rows of a problem's solutions, highest score first, unscored last."""
        score = np.nan_to_num(self.samples.score[problem], nan=-np.inf)
        order = np.argsort(-score, kind="stable")
        rows = self.samples.row[problem, order]
        return np.asarray(rows[rows >= 0])


def drill_down(samples: Samples, *, threshold: float = 0.5, weight: Weight | None = None) -> DrillDown:
    """Collect the lists.

    Parameters
    ----------
    samples : Samples
    threshold : float
        A solution is predicted correct when its score is above it.
    weight : str or callable, optional
        As in :func:`~laser_core.analysis.voting_curve`.

    Examples
    --------
    >>> samples = Samples.from_arrays(
    ...     correct=[[1, 0, 0], [0, 0, 0]], score=[[0.9, 0.2, 0.3], [0.6, 0.1, 0.2]], answer=[[0, 1, 1], [0, 1, 2]]
    ... )
    >>> lists = drill_down(samples)
    >>> [rows.tolist() for rows in (lists.fixed_by_weights, lists.ties, lists.unsolved, lists.confident_incorrect)]
    [[0], [1], [1], [3]]
    """
    votes = full_votes(samples, weight=weight)
    correct, incorrect = samples.correct == 1, samples.correct == 0
    gap = _best_score(samples, correct) - _best_score(samples, incorrect)

    def problems(mask: np.ndarray, rank: np.ndarray) -> np.ndarray:
        found = np.flatnonzero(mask)
        return found[np.argsort(-rank[found], kind="stable")]

    def rows(mask: np.ndarray, rank: np.ndarray) -> np.ndarray:
        return np.asarray(samples.row[mask][np.argsort(-rank[mask], kind="stable")])

    verified = correct.any(axis=1) | incorrect.any(axis=1)
    return DrillDown(
        fixed_by_weights=problems((votes.majority == 0) & (votes.weighted == 1), gap),
        broken_by_weights=problems((votes.majority == 1) & (votes.weighted == 0), -gap),
        ties=problems(votes.majority_leaders > 1, samples.counts),
        unsolved=problems(verified & ~correct.any(axis=1), incorrect.sum(axis=1)),
        confident_incorrect=rows(incorrect & (samples.score > threshold), samples.score),
        unsure_correct=rows(correct & (samples.score <= threshold), -samples.score),
        samples=samples,
    )


def _best_score(samples: Samples, mask: np.ndarray) -> np.ndarray:
    """Highest score among the masked solutions of each problem; the run's lowest where there is none."""
    floor = np.nanmin(samples.score) if samples.has_scores else 0.0
    return np.asarray(np.max(samples.score, axis=1, initial=floor, where=mask & np.isfinite(samples.score)))
