"""ROC and precision-recall curves: against scikit-learn, and the coverage of their bands."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from laser_core.analysis import (
    Samples,
    roc_pr,
)
from tests.analysis.builders import scored


def test_roc_and_pr_against_scikit_learn():
    samples = scored()
    known = np.isfinite(samples.score) & np.isfinite(samples.correct)
    y_true, score = samples.correct[known], samples.score[known]
    found = roc_pr(samples)
    fpr, tpr, _ = roc_curve(y_true, score, drop_intermediate=False)
    assert found.fpr[::-1] == pytest.approx(fpr)
    assert found.tpr[::-1] == pytest.approx(tpr)
    precision, recall, threshold = precision_recall_curve(y_true, score)
    # Theirs judges correct at or above a threshold, ours above it: one entry apart, the last of ours being undefined.
    assert found.threshold[1:] == pytest.approx(threshold)
    assert found.precision[:-1] == pytest.approx(precision[:-1])
    assert found.tpr == pytest.approx(recall)
    assert np.isnan(found.precision[-1])
    assert found.share_correct == pytest.approx(y_true.mean())


def test_roc_bands_hold_the_curve_and_narrow_with_more_problems():
    few, many = (roc_pr(scored(n_problems=n)) for n in (30, 300))
    for found in (few, many):
        curve = np.interp(found.grid, found.fpr[::-1], found.tpr[::-1])
        assert np.mean((found.tpr_low - 0.02 <= curve) & (curve <= found.tpr_high + 0.02)) > 0.98
    widths = [np.mean(f.tpr_high - f.tpr_low) for f in (few, many)]
    assert widths[1] < 0.5 * widths[0]  # a third of the width is expected


@pytest.mark.slow
def test_roc_bands_cover():
    """Pointwise: at a false-positive rate of 0.2 the true rate lies in the band in 95 of 100 experiments."""

    def world(rng, n_problems):
        rate = rng.beta(1.2, 1.5, (n_problems, 1))
        y_true = rng.random((n_problems, 8)) < rate
        score = (
            0.3 * y_true
            + 0.2 * rate
            + 0.15 * rng.standard_normal((n_problems, 1))
            + 0.2 * rng.standard_normal(y_true.shape)
        )
        return Samples.from_arrays(correct=y_true, score=score)

    whole = roc_pr(world(np.random.default_rng(0), 60_000), points=20_000, n_bootstrap=1)
    truth = np.interp(0.2, whole.fpr[::-1], whole.tpr[::-1])
    rng, covered, repeats = np.random.default_rng(1), 0, 300
    for _ in range(repeats):
        found = roc_pr(world(rng, 80), n_bootstrap=200)
        covered += found.tpr_low[20] <= truth <= found.tpr_high[20]
    assert 0.91 <= covered / repeats <= 0.98, covered / repeats  # a percentile bootstrap of 80 problems errs a little


def test_one_class_has_no_curves():
    found = roc_pr(Samples.from_arrays(correct=[[1, 1]], score=[[0.2, 0.4]]))
    assert (len(found.fpr), found.n_correct, found.n_incorrect, found.share_correct) == (0, 2, 0, 1.0)
    assert np.isnan(found.auroc.value)
