"""When a reward is a verdict, when the reference answer decides, and when nothing does."""

from __future__ import annotations

from collections import Counter

import pytest

from laser_core.rollouts.reading.rewards import RewardScale, decide


@pytest.mark.parametrize("values", [(0, 1), (-1, 1), (-1.0,), (0.0,), (1.0,), (0, 5), (True, False), (0, 0.9)])
def test_two_values_are_a_verdict(values):
    scale = RewardScale(values)
    assert scale.is_verdict
    for value in values:
        assert scale.verdict(value, has_reference=True) == (value > 0)


@pytest.mark.parametrize("values", [(0.1,), (0.1, 1.0), (0, 0.1), (0, 0.1, 1), (-1, 0, 1), (0.5,), (2.0,)])
def test_partial_rewards_leave_the_verdict_to_the_reference(values):
    scale = RewardScale(values)
    assert not scale.is_verdict
    assert [scale.verdict(value, has_reference=True) for value in values] == [None] * len(values)
    assert [scale.verdict(value, has_reference=False) for value in values] == [value == max(values) for value in values]


def test_nothing_is_correct_in_a_file_whose_top_reward_is_not_above_0():
    assert [RewardScale([-1, -0.5, 0]).verdict(v, has_reference=False) for v in (-1, -0.5, 0)] == [False] * 3


def test_a_continuous_score_is_no_verdict():
    scale = RewardScale(i / 10 for i in range(10))
    assert scale.is_scale
    assert [scale.verdict(value, has_reference=False) for value in (0.0, 0.9)] == [None, None]


def test_what_is_no_number_says_nothing_about_the_scale():
    scale = RewardScale([None, "1", [1], float("nan"), float("inf"), 1.0])
    assert scale.is_verdict
    assert scale.verdict(None, has_reference=False) is None


def test_a_value_of_the_wrong_type_is_left_to_be_refused():
    assert decide({}, "acc", "perhaps", RewardScale([1.0]), Counter()) == {"correct": "perhaps"}


def test_the_note_names_the_reward_and_the_rule():
    notes: Counter[str] = Counter()
    decide({}, "score", 0.1, RewardScale([0.1, 1.0]), notes)
    decide({"reference_answer": "2"}, "score", 0.1, RewardScale([0.1, 1.0]), notes)
    decide({}, "score", 1, RewardScale([0, 1]), notes)
    assert sorted(notes) == [
        "'score' has partial values and no reference answer: only the top one, 1, is correct",
        "'score' has partial values, so it is not a verdict: verified against the reference answer instead",
        "a solution counts as correct where 'score' is above 0",
    ]
