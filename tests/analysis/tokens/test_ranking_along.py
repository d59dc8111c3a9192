"""AUROC within a problem along the solutions, against a loop over pairs."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import Samples, ranking_along, separation
from laser_core.errors import InputError
from laser_core.rollouts import Rollouts, RunMeta
from tests.factories import make_rollouts


def by_pairs(table, value_at):
    """Mean over problems of the share of pairs in which the correct solution is higher; a tie counts half."""
    rows = [table.row(i) for i in range(len(table))]
    shares = []
    for problem in dict.fromkeys(row["problem_id"] for row in rows):
        kinds = {True: [], False: []}
        for row in rows:
            if row["problem_id"] == problem and not row["truncated"] and (v := value_at(row["z_trace"])) is not None:
                kinds[row["correct"]].append(v)
        pairs = [(c > w) + 0.5 * (c == w) for c in kinds[True] for w in kinds[False]]
        if pairs:
            shares.append(np.mean(pairs))
    return np.mean(shares), len(shares)


@pytest.fixture(scope="module")
def table():
    return make_rollouts(n_problems=15, n_samples=6, truncated_share=0.2)


def test_each_moment_is_the_auroc_over_the_pairs_of_a_problem(table):
    samples = Samples.from_rollouts(table)
    found = ranking_along(table, samples, positions=np.array([19, 3, 0]))
    for left, estimate in zip((19, 3, 0), found.auroc, strict=True):
        value, n = by_pairs(table, lambda trace, left=left: trace[-1 - left] if left < len(trace) else None)
        assert estimate.value == pytest.approx(value)
        assert estimate.n == n
        assert estimate.ci_low <= estimate.value <= estimate.ci_high


def test_by_fraction_a_moment_is_the_nearest_token(table):
    found = ranking_along(table, Samples.from_rollouts(table), by="fraction", positions=np.array([0.3]))
    value, _ = by_pairs(table, lambda trace: trace[int(np.rint(0.3 * (len(trace) - 1)))])
    assert found.auroc[0].value == pytest.approx(value)


def test_the_last_moment_is_the_scores_own_auroc(table):
    samples = Samples.from_rollouts(table)
    for by in ("to_end", "fraction"):
        last = ranking_along(table, samples, by=by).auroc[-1]
        expected = separation(samples).within_problem_auroc
        assert (last.value, last.ci_low, last.n) == pytest.approx((expected.value, expected.ci_low, expected.n))


def test_what_cannot_be_read_is_said():
    row = {"run": "r", "problem_id": "p", "sample": 0, "response": "", "correct": True}
    bare = Rollouts.from_rows([row], RunMeta(beta_v=0.1, c_ref=-23.0))
    with pytest.raises(InputError, match="laser score"):
        ranking_along(bare, Samples.from_rollouts(bare))
    with pytest.raises(InputError, match="to_end or fraction"):
        ranking_along(bare, Samples.from_rollouts(bare), by="token")
