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
    flipped_to_right : ndarray of int
        Problems the majority gets wrong and the weighted vote right, all solutions voting; widest score gap first.
    flipped_to_wrong : ndarray of int
        The reverse.
    ties : ndarray of int
        Problems on which the majority vote ties.
    unsolved : ndarray of int
        Problems without a single correct solution; most solutions first.
    confident_wrong : ndarray of int
        Table rows scored above the threshold although marked incorrect, highest score first. The model's mistakes, or
        the verifier's.
    unsure_right : ndarray of int
        Table rows scored at or below the threshold although marked correct, lowest score first.
    samples : Samples
        What the positions refer to.
    """

    flipped_to_right: np.ndarray
    flipped_to_wrong: np.ndarray
    ties: np.ndarray
    unsolved: np.ndarray
    confident_wrong: np.ndarray
    unsure_right: np.ndarray
    samples: Samples

    def rows_of(self, problem: int) -> np.ndarray:
        """Table rows of a problem's solutions, highest score first, unscored last."""
        score = np.nan_to_num(self.samples.score[problem], nan=-np.inf)
        order = np.argsort(-score, kind="stable")
        rows = self.samples.row[problem, order]
        return rows[rows >= 0]


def drill_down(samples: Samples, *, threshold: float = 0.5, weight: Weight | None = None) -> DrillDown:
    """Collect the lists.

    Parameters
    ----------
    samples : Samples
    threshold : float
        A solution is judged correct when its score is above it.
    weight : str or callable, optional
        As in :func:`~laser_core.analysis.voting_curve`.

    Examples
    --------
    >>> samples = Samples.from_arrays(
    ...     correct=[[1, 0, 0], [0, 0, 0]], score=[[0.9, 0.2, 0.3], [0.6, 0.1, 0.2]], answer=[[0, 1, 1], [0, 1, 2]]
    ... )
    >>> lists = drill_down(samples)
    >>> lists.flipped_to_right.tolist(), lists.ties.tolist(), lists.unsolved.tolist(), lists.confident_wrong.tolist()
    ([0], [1], [1], [3])
    """
    votes = full_votes(samples, weight=weight)
    right, wrong = samples.correct == 1, samples.correct == 0
    gap = _best_score(samples, right) - _best_score(samples, wrong)

    def problems(mask: np.ndarray, rank: np.ndarray) -> np.ndarray:
        found = np.flatnonzero(mask)
        return found[np.argsort(-rank[found], kind="stable")]

    def rows(mask: np.ndarray, rank: np.ndarray) -> np.ndarray:
        return samples.row[mask][np.argsort(-rank[mask], kind="stable")]

    judged = right.any(axis=1) | wrong.any(axis=1)
    return DrillDown(
        flipped_to_right=problems((votes.majority == 0) & (votes.weighted == 1), gap),
        flipped_to_wrong=problems((votes.majority == 1) & (votes.weighted == 0), -gap),
        ties=problems(votes.majority_leaders > 1, samples.counts),
        unsolved=problems(judged & ~right.any(axis=1), wrong.sum(axis=1)),
        confident_wrong=rows(wrong & (samples.score > threshold), samples.score),
        unsure_right=rows(right & (samples.score <= threshold), -samples.score),
        samples=samples,
    )


def _best_score(samples: Samples, mask: np.ndarray) -> np.ndarray:
    """Highest score among the masked solutions of each problem; the run's lowest where there is none."""
    floor = np.nanmin(samples.score) if samples.has_scores else 0.0
    return np.max(samples.score, axis=1, initial=floor, where=mask & np.isfinite(samples.score))
