"""A vote among hand-made solutions."""

import pytest

from laser_core.playground.outcome import as_rollouts, first_vote
from laser_core.playground.protocol import Request


def test_a_vote_is_counted_by_hand():
    base = {"run": "m", "problem_id": "p", "problem": "5*x+7=52?", "reference_answer": "9", "response": ""}
    told = [("8", 0.2), ("9", 0.9), ("8", 0.1), (None, None)]
    rows = [
        base | {"sample": i, "answer": answer, "correct": answer == "9", "truncated": answer is None, "score": score}
        for i, (answer, score) in enumerate(told)
    ]
    asked = Request("bundled:base", "5*x+7=52?", "9", samples=4, seed=3, beta_v=0.1, c_ref=-23.0)
    rollouts = as_rollouts(rows, asked, "<z>")
    vote, answers = first_vote(rollouts, 4)
    assert answers == ["8", "9"]
    assert vote.count.tolist() == [2, 1]
    assert vote.weight.tolist() == pytest.approx([0.3, 0.9])
    assert vote.majority_winners.tolist() == [True, False]
    assert vote.weighted_winners.tolist() == [False, True]
    assert first_vote(rollouts, 1)[1] == ["8"]  # the first one alone
