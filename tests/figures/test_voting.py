"""Voting curves and one vote: what is drawn is what was counted."""

import numpy as np
import plotly.graph_objects as go
import pytest

from laser_core import analysis
from laser_core.analysis import Samples
from laser_core.figures import theme, vote_figure, voting_figure, voting_gain_figure
from laser_core.figures.labels import spread_apart
from laser_core.figures.voting import count_axis

# One right answer with a high score against two equal wrong ones with low scores, four problems alike.
SAMPLES = Samples.from_arrays(correct=[[1, 0, 0]] * 4, score=[[0.9, 0.2, 0.3]] * 4, answer=[[0, 1, 1]] * 4)
CURVE = analysis.voting_curve(SAMPLES)


def lines(fig):
    return {trace.name: trace for trace in fig.data if trace.mode == "lines+markers"}


def test_each_curve_is_drawn_in_its_own_style_with_its_values():
    drawn = lines(voting_figure(CURVE))
    assert set(drawn) == {"pass@N", "best-of-N", "weighted vote", "majority vote"}
    # N = 3 takes all: pass, best-of-N and the weights find the right answer, the majority does not
    assert {name: line.y[-1] for name, line in drawn.items()} == {
        "pass@N": 1.0,
        "best-of-N": 1.0,
        "weighted vote": 1.0,
        "majority vote": 0.0,
    }
    assert (drawn["weighted vote"].line.color, drawn["weighted vote"].line.dash) == (theme.WEIGHTED, "solid")
    assert (drawn["majority vote"].line.color, drawn["majority vote"].line.dash) == (theme.MAJORITY, "dash")
    assert len({line.marker.symbol for line in drawn.values()}) == 4


def test_every_curve_is_named_at_its_end_and_has_an_interval_there():
    fig = voting_figure(CURVE)
    assert not fig.layout.showlegend
    assert {note.text.split("> ")[1] for note in fig.layout.annotations} == set(lines(fig))
    places = sorted(note.y for note in fig.layout.annotations)
    low, high = fig.layout.yaxis.range
    assert np.diff(places).min() >= 0.08 * (high - low)  # three lines end at 1.0: their names do not overlap
    ends = {trace.name.split(",")[0]: trace for trace in fig.data if trace.mode == "markers"}
    assert set(ends) == set(lines(fig))
    (low,), (high,) = ends["majority vote"].error_y.arrayminus, ends["majority vote"].error_y.array
    assert (-low, high) == pytest.approx((CURVE.majority_low[-1], CURVE.majority_high[-1]))  # around a value of 0


def test_labels_that_would_touch_move_apart_together_and_keep_their_order():
    assert spread_apart([3.0, 3.1, 9.0], least=1.0) == pytest.approx([2.55, 3.55, 9.0])
    assert spread_apart([2.0, 1.0, 1.5], least=1.0) == pytest.approx([2.5, 0.5, 1.5])
    assert spread_apart([], least=1.0) == []


def test_the_axis_counts_solutions_in_powers_of_two_and_keeps_the_last():
    axis = voting_figure(CURVE).layout.xaxis
    assert axis.type == "log"
    assert list(axis.ticktext) == ["1", "2", "3"]
    assert "solutions per problem" in axis.title.text


def test_a_single_n_keeps_its_intervals_beside_it():
    """With one solution per problem the axis had been as wide as the step from one interval to the next."""
    fig = go.Figure()
    count_axis(fig, np.array([1]))
    assert fig.layout.xaxis.range == (-0.3, 0.3)  # powers of ten


def test_the_gain_is_in_points_around_a_zero_line():
    fig = voting_gain_figure(CURVE)
    assert set(lines(fig)) == {"pass@N", "best-of-N", "weighted vote"}
    # N = 2: majority 1/3, weighted 2/3 (a tie of votes is decided by the weights)
    assert list(lines(fig)["weighted vote"].y) == pytest.approx([0.0, 100 / 3, 100.0], abs=1.0)
    # N = 2: two of three pairs hold the right solution, which then scores highest
    assert list(lines(fig)["best-of-N"].y) == pytest.approx([0.0, 100 / 3, 100.0])
    assert [shape.y0 for shape in fig.layout.shapes] == [0]
    assert "points" in fig.layout.yaxis.title.text


def test_a_vote_shows_counts_and_weights_per_answer_and_stars_both_winners():
    vote = analysis.draw_vote(SAMPLES, 0, 3, seed=0)
    fig = vote_figure(vote, ["7", "<i>9</i>"])
    counts, weights = fig.data
    assert (counts.name, list(counts.x)) == ("majority vote", [2, 1])
    assert (weights.name, list(weights.x)) == ("weighted vote", pytest.approx([0.5, 0.9]))
    assert ["★" in text for text in counts.text] == [True, False]
    assert ["★" in text for text in weights.text] == [False, True]
    assert list(weights.text) == ["0.50", "<b>0.90  ★ wins</b>"]
    assert list(fig.layout.yaxis.ticktext) == ["✗  7", "✓  &lt;i&gt;9&lt;/i&gt;"]


def test_a_tie_is_called_a_tie():
    samples = Samples.from_arrays(correct=[[1, 0]], score=[[0.9, 0.2]], answer=[[0, 1]])
    counts, weights = vote_figure(analysis.draw_vote(samples, 0, 2, seed=0), ["1", "2"]).data
    assert ["ties" in text for text in counts.text] == [True, True]
    assert ["wins" in text for text in weights.text] == [True, False]


def test_without_any_weight_nobody_wins_the_weighted_vote():
    samples = Samples.from_arrays(correct=[[1, 0]], score=[[-0.1, 0.0]], answer=[[0, 1]])
    counts, weights = vote_figure(analysis.draw_vote(samples, 0, 2, seed=0), ["1", "2"]).data
    assert list(weights.text) == ["0", "0"]
    assert ["ties" in text for text in counts.text] == [True, True]


def test_a_vote_without_answers_says_so():
    samples = Samples.from_arrays(correct=[[1, 0]], score=[[0.9, 0.2]], answer=[[-1, -1]])
    fig = vote_figure(analysis.draw_vote(samples, 0, 2, seed=0), [])
    assert not fig.data
    assert "answer" in fig.layout.annotations[0].text


def test_without_scores_only_the_votes_that_need_none_are_drawn():
    curve = analysis.voting_curve(Samples.from_arrays(correct=[[1, 0, 0]] * 3, answer=[[0, 1, 1]] * 3))
    drawn = lines(voting_figure(curve))
    assert set(drawn) == {"pass@N", "majority vote"}
    assert drawn["majority vote"].y[-1] == 0.0


def test_without_a_score_one_vote_has_no_weights():
    """A weighted vote of 0 once stood there as the winner."""
    vote = analysis.draw_vote(SAMPLES, 0, 3, seed=0)
    fig = vote_figure(vote, ["7", "9"], weighted=False)
    assert len(fig.data) == 1
    assert "clipped" not in fig.layout.xaxis.title.text
