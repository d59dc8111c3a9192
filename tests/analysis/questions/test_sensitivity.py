"""Other settings of the score, against a table scored with them."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import (
    Samples,
    calibration,
    sensitivity,
    separation,
    voting_curve,
    with_exact_reference,
)
from tests.factories import BETA_V, C_REF, make_rollouts


def test_sensitivity_agrees_with_rescoring_the_table():
    rollouts = make_rollouts(n_problems=40, traces=False)
    samples = Samples.from_rollouts(rollouts)
    found = sensitivity(samples, beta_v=BETA_V, c_ref=C_REF, beta_grid=[0.05, 0.2], c_ref_grid=[C_REF, -21.0], n=4)
    rescored = Samples.from_rollouts(rollouts.with_score_settings(beta_v=0.2, c_ref=-21.0))
    judged = separation(rescored)
    assert found.balanced_f1[1, 1] == pytest.approx(judged.balanced_f1.value)
    assert found.ece[1, 1] == pytest.approx(calibration(rescored).ece.value)
    curve = voting_curve(rescored, n_values=[4])
    assert (found.weighted[1, 1], found.majority) == pytest.approx((curve.weighted[0], curve.majority[0]))
    # What is called invariant is.
    base = separation(samples)
    for name in ("auroc", "within_problem_auroc", "average_precision"):
        assert name in found.invariant
        assert getattr(judged, name).value == pytest.approx(getattr(base, name).value)
    assert curve.best_of_n[0] == pytest.approx(voting_curve(samples, n_values=[4]).best_of_n[0])


def test_exact_reference_scores():
    table = with_exact_reference(make_rollouts(n_problems=3))
    expected = BETA_V * (table.column("z_logprob") - table.column("ref_z_logprob"))
    np.testing.assert_allclose(table.column("signal.exact_reference"), expected)
