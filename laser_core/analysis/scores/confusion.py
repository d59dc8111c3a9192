"""What one threshold does to the solutions: the four cells of the confusion matrix and the shares read off them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laser_core.analysis.estimates import Estimate, ratio_statistic
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.separation import Ranked, cell_statistics


@dataclass(frozen=True)
class Confusion:
    """Predictions against verdicts at one threshold; correct solutions are the positives.

    Attributes
    ----------
    threshold : float
        A solution is predicted correct when its score is above it.
    tp, fn, fp, tn : int
        Correct solutions predicted correct and predicted incorrect; incorrect ones predicted correct and incorrect.
    n_unscored_correct, n_unscored_incorrect : int
        Solutions with a verdict but no score; in none of the above.
    tpr, fnr : Estimate
        Shares of the correct solutions.
    fpr, tnr : Estimate
        Shares of the incorrect solutions.
    precision : Estimate
        Share of the solutions predicted correct that are correct.
    npv : Estimate
        Negative predictive value: share of the solutions predicted incorrect that are incorrect.
    predicted_correct : Estimate
        Share of all solutions.
    balanced_f1, mcc : Estimate
    n_problems : int
    """

    threshold: float
    tp: int
    fn: int
    fp: int
    tn: int
    n_unscored_correct: int
    n_unscored_incorrect: int
    tpr: Estimate
    fnr: Estimate
    fpr: Estimate
    tnr: Estimate
    precision: Estimate
    npv: Estimate
    predicted_correct: Estimate
    balanced_f1: Estimate
    mcc: Estimate
    n_problems: int


def confusion(samples: Samples, *, threshold: float = 0.5) -> Confusion:
    """Count predictions against verdicts.

    Parameters
    ----------
    samples : Samples
    threshold : float
        A solution is predicted correct when its score is above it.

    Examples
    --------
    >>> cells = confusion(Samples.from_arrays(correct=[[1, 1, 0], [0, 0, 1]], score=[[0.9, 0.3, 0.7], [0.1, 0.2, 0.6]]))
    >>> cells.tp, cells.fn, cells.fp, cells.tn
    (2, 1, 1, 2)
    >>> round(cells.precision.value, 3), round(cells.predicted_correct.value, 3)
    (0.667, 0.5)
    """
    ranked = Ranked.of(samples)
    predicted, y_true = ranked.score > threshold, ranked.correct
    cells = cell_statistics(ranked, threshold)
    unscored = np.isfinite(samples.correct) & ~np.isfinite(samples.score)

    def share(part: np.ndarray, whole: np.ndarray) -> Estimate:
        return ratio_statistic(ranked.per_problem(part), ranked.per_problem(whole)).estimate()

    return Confusion(
        threshold=float(threshold),
        tp=int((predicted & y_true).sum()),
        fn=int((~predicted & y_true).sum()),
        fp=int((predicted & ~y_true).sum()),
        tn=int((~predicted & ~y_true).sum()),
        n_unscored_correct=int((unscored & (samples.correct == 1)).sum()),
        n_unscored_incorrect=int((unscored & (samples.correct == 0)).sum()),
        tpr=cells.tpr.estimate(),
        fnr=share(~predicted & y_true, y_true),
        fpr=share(predicted & ~y_true, ~y_true),
        tnr=cells.tnr.estimate(),
        precision=share(predicted & y_true, predicted),
        npv=share(~predicted & ~y_true, ~predicted),
        predicted_correct=share(predicted, np.ones(len(predicted), bool)),
        balanced_f1=cells.balanced_f1.estimate(),
        mcc=cells.mcc.estimate(),
        n_problems=int(ranked.contributes.sum()),
    )
