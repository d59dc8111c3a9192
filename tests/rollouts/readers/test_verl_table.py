"""verl's validation generations in a W&B table."""

from __future__ import annotations

from tests.rollouts.readers.files import columns, fixture


def test_three_columns_a_sample():
    result = fixture("verl.table.json")
    assert (result.format, result.n_rows, len(result.rollouts)) == ("verl-table", 2, 4)
    assert columns(result, "step", "problem", "correct", "signal.reward") == [
        [10, 10, 20, 20],
        ["user\nWhat is 2 + 3?\nassistant\n", "user\nWhat is 4 * 5?\nassistant\n"] * 2,
        [True, False] * 2,
        [1.0, 0.0] * 2,
    ]
