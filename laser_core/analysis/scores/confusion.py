"""What one threshold does to the solutions: the four counts and the shares a reader asks for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laser_core.analysis.estimates import Estimate, ratio_statistic
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.metrics import Judged, cell_statistics


@dataclass(frozen=True)
class Confusion:
    """Judgements against verdicts at one threshold; "accepted" means judged correct (a score above it).

    Attributes
    ----------
    threshold : float
    n_accepted_correct, n_rejected_correct, n_accepted_incorrect, n_rejected_incorrect : int
        Solutions.
    n_unscored_correct, n_unscored_incorrect : int
        Solutions with a verdict but no score; in none of the above.
    tpr, fnr, fpr, tnr : Estimate
        Shares of the correct (first two) and of the incorrect solutions.
    precision : Estimate
        Share of the accepted solutions that are correct.
    rejected_incorrect : Estimate
        Share of the rejected solutions that are incorrect.
    accepted : Estimate
        Share of the solutions accepted.
    balanced_f1, mcc : Estimate
    n_problems : int
    """

    threshold: float
    n_accepted_correct: int
    n_rejected_correct: int
    n_accepted_incorrect: int
    n_rejected_incorrect: int
    n_unscored_correct: int
    n_unscored_incorrect: int
    tpr: Estimate
    fnr: Estimate
    fpr: Estimate
    tnr: Estimate
    precision: Estimate
    rejected_incorrect: Estimate
    accepted: Estimate
    balanced_f1: Estimate
    mcc: Estimate
    n_problems: int


def confusion(samples: Samples, *, threshold: float = 0.5) -> Confusion:
    """Count judgements against verdicts.

    Examples
    --------
    >>> cells = confusion(Samples.from_arrays(correct=[[1, 1, 0], [0, 0, 1]], score=[[0.9, 0.3, 0.7], [0.1, 0.2, 0.6]]))
    >>> cells.n_accepted_correct, cells.n_rejected_correct, cells.n_accepted_incorrect, cells.n_rejected_incorrect
    (2, 1, 1, 2)
    >>> round(cells.precision.value, 3), round(cells.accepted.value, 3)
    (0.667, 0.5)
    """
    judged = Judged.of(samples)
    said, right = judged.score > threshold, judged.correct
    cells = cell_statistics(judged, threshold)
    unscored = np.isfinite(samples.correct) & ~np.isfinite(samples.score)

    def share(part: np.ndarray, whole: np.ndarray) -> Estimate:
        return ratio_statistic(judged.per_problem(part), judged.per_problem(whole)).estimate()

    return Confusion(
        threshold=float(threshold),
        n_accepted_correct=int((said & right).sum()),
        n_rejected_correct=int((~said & right).sum()),
        n_accepted_incorrect=int((said & ~right).sum()),
        n_rejected_incorrect=int((~said & ~right).sum()),
        n_unscored_correct=int((unscored & (samples.correct == 1)).sum()),
        n_unscored_incorrect=int((unscored & (samples.correct == 0)).sum()),
        tpr=cells["tpr"].estimate(),
        fnr=share(~said & right, right),
        fpr=share(said & ~right, ~right),
        tnr=cells["tnr"].estimate(),
        precision=share(said & right, said),
        rejected_incorrect=share(~said & ~right, ~said),
        accepted=share(said, np.ones(len(said), bool)),
        balanced_f1=cells["balanced_f1"].estimate(),
        mcc=cells["mcc"].estimate(),
        n_problems=int(judged.contributes.sum()),
    )
