"""Recalibrated scores are probabilities, learned on other problems."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import (
    Samples,
    calibration,
    recalibrate,
)
from laser_core.analysis.scores.recalibration import _isotonic
from laser_core.errors import InputError
from tests.analysis.builders import scored


@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_recalibration_makes_probabilities_of_any_scale(method):
    samples = scored(n_problems=120, n_samples=16)
    stretched = samples.with_score(40 * samples.score - 7)
    fixed = recalibrate(stretched, method=method)
    assert np.nanmin(fixed.score) >= 0
    assert np.nanmax(fixed.score) <= 1
    assert np.isnan(fixed.score).sum() == np.isnan(samples.score).sum()
    assert calibration(fixed).ece.value < 0.05 < calibration(samples).ece.value
    assert calibration(fixed).brier.value < calibration(samples).brier.value
    # The same probabilities come out whatever the scale of the score.
    assert fixed.score[samples.present] == pytest.approx(
        recalibrate(samples, method=method).score[samples.present], abs=2e-3, nan_ok=True
    )


def test_isotonic_recalibration_is_that_of_scikit_learn():
    from sklearn.isotonic import IsotonicRegression

    rng = np.random.default_rng(3)
    score, new = rng.normal(size=400).round(1), rng.normal(scale=2, size=200)  # with ties, and beyond both ends
    y_true = (rng.random(400) < 1 / (1 + np.exp(-2 * score))).astype(float)
    theirs = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(score, y_true)
    np.testing.assert_allclose(_isotonic(score, y_true)(new), theirs.predict(new), atol=1e-12)


def test_recalibration_does_not_see_the_problem_it_judges():
    """Flipping one problem's verdicts must not change that problem's own probabilities."""
    samples = scored(n_problems=30, n_samples=8)
    flipped = samples.correct.copy()
    flipped[4] = 1 - flipped[4]
    other = recalibrate(Samples.from_arrays(correct=flipped, score=samples.score))
    mine = recalibrate(Samples.from_arrays(correct=samples.correct, score=samples.score))
    np.testing.assert_array_equal(other.score[4], mine.score[4])
    assert not np.array_equal(other.score, mine.score, equal_nan=True)


def test_recalibration_refuses_what_it_cannot_learn():
    with pytest.raises(InputError, match="correct and incorrect"):
        recalibrate(Samples.from_arrays(correct=[[1, 1], [1, 1]], score=[[0.5, 0.6], [0.1, 0.3]]))
