"""Two runs on the same problems, paired problem by problem."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import (
    Samples,
    compare,
)
from laser_core.errors import InputError
from tests.analysis.builders import scored


def test_a_run_does_not_differ_from_itself():
    samples = scored(n_problems=40, n_samples=8)
    same = compare(samples, samples)
    for name in ("accuracy", "auroc", "within_problem_auroc", "balanced_f1"):
        difference = getattr(same, name).difference
        assert (difference.value, difference.ci_low, difference.ci_high) == pytest.approx((0, 0, 0), abs=1e-9) or (
            difference.value == 0
        )
    assert all(np.all(difference == 0) for difference, _, _ in same.curves.values())


def test_comparison_is_paired_and_narrower():
    """The second run is correct wherever the first is, and on one more solution in ten."""
    rng = np.random.default_rng(0)
    first = rng.random((200, 8)) < rng.beta(0.6, 0.6, (200, 1))
    second = first | (rng.random(first.shape) < 0.1)
    ids = tuple(f"p{p}" for p in range(200))
    a = Samples.from_arrays(correct=first, score=first, answer=~first, problem_ids=ids)
    b = Samples.from_arrays(correct=second[::-1], score=second[::-1], answer=~second[::-1], problem_ids=ids[::-1])
    found = compare(a, b.take(np.arange(190)))
    assert (found.n_problems, found.n_only_first, found.n_only_second) == (190, 10, 0)
    d = found.accuracy
    assert d.difference.value == pytest.approx((second.astype(int) - first)[10:].mean())
    assert 0 < d.difference.ci_low < d.difference.value < d.difference.ci_high
    assert d.difference.ci_high - d.difference.ci_low < 0.4 * (d.first.ci_high - d.first.ci_low)
    difference, low, _ = found.curves["majority"]
    assert difference[0] == pytest.approx(d.difference.value)
    assert low[0] > 0


def test_runs_without_common_problems_are_refused():
    with pytest.raises(InputError, match="no problem in common"):
        compare(Samples.from_arrays(correct=[[1]]), Samples.from_arrays(correct=[[1]], problem_ids=("q",)))
