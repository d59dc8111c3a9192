"""The problems and solutions behind the numbers, by hand."""

from __future__ import annotations

from laser_core.analysis import drill_down
from tests.analysis.builders import FOUR


def test_the_lists_by_hand():
    lists = drill_down(FOUR)
    assert lists.fixed_by_weights.tolist() == [0]
    assert lists.broken_by_weights.tolist() == [1]
    assert lists.ties.tolist() == [2]
    assert lists.unsolved.tolist() == [2]
    assert lists.confident_incorrect.tolist() == [5, 6]
    assert lists.unsure_correct.tolist() == [3, 4, 9]
    assert lists.rows_of(1).tolist() == [5, 4, 3]
