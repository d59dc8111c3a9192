"""One vote that is drawn, and the votes of all solutions."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import (
    draw_vote,
    full_votes,
)
from laser_core.errors import InputError
from tests.analysis.builders import FOUR, HAND


def test_draw_vote_is_a_vote():
    vote = draw_vote(HAND, 0, 5, seed=1)
    assert sorted(vote.rows.tolist()) == [0, 1, 2, 3, 4]
    assert vote.answer.tolist() == [0, 1]
    assert vote.count.tolist() == [3, 2]
    assert vote.weight.tolist() == pytest.approx([0.6, 0.95])
    assert vote.representative.tolist() == [2, 3]
    assert (vote.majority_winners.tolist(), vote.weighted_winners.tolist()) == ([True, False], [False, True])
    again = draw_vote(HAND, 0, 3, seed=1)
    assert again.rows.tolist() == draw_vote(HAND, 0, 3, seed=1).rows.tolist()
    assert again.count.sum() + again.n_unanswered == 3
    with pytest.raises(InputError, match="cannot draw 6 of 5"):
        draw_vote(HAND, 0, 6, seed=0)


def test_draws_average_to_the_curve():
    credit = [np.mean(v.correct[v.majority_winners]) for v in (draw_vote(HAND, 0, 3, seed=s) for s in range(400))]
    assert np.mean(credit) == pytest.approx(0.7, abs=0.07)


def test_full_votes_by_hand():
    # The majority loses, wins, ties three ways, loses; the weights win, lose, favour an incorrect answer, lose.
    votes = full_votes(FOUR)
    assert votes.majority.tolist() == [0, 1, 0, 0]
    assert votes.weighted.tolist() == [1, 0, 0, 0]
    assert votes.majority_leaders.tolist() == [1, 1, 3, 1]
