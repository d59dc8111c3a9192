"""Filters, order and accuracy of a selection, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laser_core.analysis import (
    RolloutFilter,
    Samples,
    VerifierSays,
    accuracy,
    accuracy_of_rows,
    matching_rows,
    questions,
    sorted_rows,
)
from laser_core.rollouts import Rollouts
from tests.factories import make_rollouts


def row(problem_id, sample, **values):
    return {"run": "r", "problem_id": problem_id, "sample": sample, "response": ""} | values


SIX = Rollouts.from_rows(
    [
        row("p0", 0, problem="Área of A?", response="So x=2 (a.b)", answer="2", correct=True, score=0.9, n_tokens=10),
        row("p0", 1, problem="Área of A?", response="So X=3", answer="3", correct=False, score=0.5, n_tokens=20),
        row("p1", 0, problem="B?", response="x=2? axb", answer="12", correct=True, score=None, n_tokens=30),
        row("p1", 1, problem="B?", response="", answer=None, correct=None, score=0.1, truncated=True, step=5),
        row("p1", 2, problem="B?", response="x = 2", answer="2", correct=False, truncated=False, step=7),
        row("q9", 0, response="nothing", answer="4", correct=False, score=float("nan"), n_tokens=20),
    ]
)
CORRECT, INCORRECT, UNKNOWN = VerifierSays


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        (RolloutFilter(), [0, 1, 2, 3, 4, 5]),
        (RolloutFilter(verdicts=(CORRECT,)), [0, 2]),
        (RolloutFilter(verdicts=(INCORRECT, UNKNOWN)), [1, 3, 4, 5]),
        (RolloutFilter(signal_low=0.5), [0, 1]),
        (RolloutFilter(signal_high=0.5), [1, 3]),
        (RolloutFilter(signal_low=0.5, signal_high=0.5), [1]),
        (RolloutFilter(signal="signal.not_there", signal_low=0.0), []),
        (RolloutFilter(tokens_low=20), [1, 2, 5]),
        (RolloutFilter(tokens_low=0, tokens_high=10), [0]),
        (RolloutFilter(truncated=True), [3]),
        (RolloutFilter(truncated=False), [0, 1, 2, 4, 5]),
        (RolloutFilter(step=7), [4]),
        (RolloutFilter(answer="2"), [0, 2, 4]),
        (RolloutFilter(problem="áREA"), [0, 1]),
        (RolloutFilter(problem="Q9"), [5]),
        (RolloutFilter(response="X=2"), [0, 2]),
        (RolloutFilter(response="a.b"), [0]),
        (RolloutFilter(response="("), [0]),
        (RolloutFilter(response="x=", verdicts=(INCORRECT,)), [1]),
        (RolloutFilter(response="x=", tokens_high=20, signal_low=0.6), [0]),
    ],
)
def test_each_filter_by_hand(wanted, rows):
    assert matching_rows(SIX, wanted).tolist() == rows


def test_a_filter_among_rows_that_were_found_before():
    found = matching_rows(SIX, RolloutFilter(response="x=2"))
    assert found.tolist() == [0, 2]
    assert matching_rows(SIX, RolloutFilter(tokens_low=20), among=found).tolist() == [2]
    assert matching_rows(SIX, RolloutFilter(), among=np.array([], int)).tolist() == []


def test_a_column_that_is_absent_matches_no_text_and_no_bound():
    bare = Rollouts.from_rows([row("p0", 0)])
    assert matching_rows(bare, RolloutFilter()).tolist() == [0]
    assert matching_rows(bare, RolloutFilter(verdicts=(UNKNOWN,))).tolist() == [0]
    for wanted in (RolloutFilter(answer="2"), RolloutFilter(tokens_low=0), RolloutFilter(step=0)):
        assert matching_rows(bare, wanted).tolist() == []


@given(st.text(alphabet="ab(.*+\\", min_size=1, max_size=3), st.integers(1, 9))
def test_a_search_in_blocks_finds_what_a_search_of_each_text_finds(text, block):
    responses = ["(a.b)", "AAB", "a*b", "\\ba", "", "b+(a", "ab.", "aXb", "((", "..a"] * 2
    rollouts = Rollouts.from_rows([row("p0", i) | {"response": r} for i, r in enumerate(responses)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(questions.filtering, "_BLOCK_ROWS", block)
        found = matching_rows(rollouts, RolloutFilter(response=text))
    assert found.tolist() == [i for i, r in enumerate(responses) if text.lower() in r.lower()]


@pytest.mark.parametrize(
    ("by", "descending", "rows"),
    [
        ("score", False, [3, 1, 0, 2, 4, 5]),
        ("score", True, [0, 1, 3, 2, 4, 5]),
        ("n_tokens", False, [0, 1, 5, 2, 3, 4]),
        ("answer", False, [2, 0, 4, 1, 5, 3]),
        ("answer", True, [5, 1, 0, 4, 2, 3]),
        ("correct", True, [0, 2, 1, 4, 5, 3]),
        ("signal.not_there", True, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_each_order_by_hand_missing_values_last(by, descending, rows):
    found = sorted_rows(SIX, np.arange(6), by=by, descending=descending)
    places = {row: place for place, row in enumerate(found.tolist())}
    if by == "score":  # NaN and null may change places: both are missing
        assert found.tolist()[:3] == rows[:3]
        assert sorted(found.tolist()) == sorted(rows)
    else:
        assert [places[row] for row in rows] == list(range(6))


def test_an_order_is_over_the_selection_alone():
    assert sorted_rows(SIX, np.array([5, 1, 0]), by="n_tokens").tolist() == [0, 5, 1]
    assert sorted_rows(SIX, np.array([], int), by="n_tokens").tolist() == []


def test_the_accuracy_of_a_selection_is_the_mean_over_its_problems():
    # Each step's solutions are a problem of their own. p0: 1 of 2; p1: 1 of 1 without a step, 0 of 1 at step 7; q9: 0.
    found = accuracy_of_rows(SIX, np.arange(6))
    assert found.value == pytest.approx(1.5 / 4)
    assert found.n == 4
    assert accuracy_of_rows(SIX, np.array([0, 2, 4])).value == pytest.approx(2 / 3)  # p0: 1, p1: 1 and 0
    assert accuracy_of_rows(SIX, np.array([3])).n == 0
    assert np.isnan(accuracy_of_rows(SIX, np.array([], int)).value)


def test_the_accuracy_of_all_rows_is_the_accuracy_of_the_run():
    rollouts = make_rollouts(n_problems=9, n_samples=5)
    assert accuracy_of_rows(rollouts, np.arange(len(rollouts))) == accuracy(Samples.from_rollouts(rollouts))
