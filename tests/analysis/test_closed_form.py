"""The closed form against brute force, and what the theory page shows of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laser_core.analysis import closed_form
from laser_core.figures.theory import neglected_figure, noise_figure, score_line_figure
from laser_core.score import partition

betas = st.floats(0.02, 1.0)
logprobs = st.floats(-40.0, -0.001)


@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=6), st.floats(0.05, 1.0))
def test_the_optimum_beats_every_other_policy_on_a_small_vocabulary(weights, beta_v):
    reference = np.array(weights) / np.sum(weights)
    reward = np.eye(len(weights))[0]  # token 0 is z_c

    def objective(policy):
        return float(policy @ reward - beta_v * np.sum(policy * np.log(policy / reference)))

    z = float(np.sum(reference * np.exp(reward / beta_v)))
    assert partition(math.log(reference[0]), beta_v=beta_v) == pytest.approx(z, rel=1e-9)
    best = math.exp(closed_form.optimal_z_logprob(math.log(reference[0]), beta_v=beta_v))
    optimum = reference * (1 - best) / (1 - reference[0])
    optimum[0] = best
    top = objective(optimum)
    assert top == pytest.approx(beta_v * math.log(z), abs=1e-9)  # the optimum's value is beta_v log Z
    rng = np.random.default_rng(0)
    for _ in range(20):
        other = 0.9 * optimum + 0.1 * rng.dirichlet(np.ones(len(weights)))
        assert objective(other) <= top + 1e-12


@given(logprobs, betas)
def test_the_closed_form_gives_the_reward_back_and_the_score_lacks_what_is_neglected(logprob, beta_v):
    best = closed_form.optimal_z_logprob(logprob, beta_v=beta_v)
    assert best <= 1e-9
    assert closed_form.closed_form_reward(best, beta_v=beta_v, ref_z_logprob=logprob) == pytest.approx(1.0)
    shown = closed_form.worked_example(beta_v=beta_v, ref_z_logprob=logprob, z_logprob=best)
    assert shown.best_score == pytest.approx(1 - shown.neglected, abs=1e-9)


@given(betas, st.floats(0.001, 0.2))
def test_at_the_highest_reference_the_neglected_reward_is_the_tolerance(beta_v, tolerance):
    limit = closed_form.highest_reference(beta_v=beta_v, tolerance=tolerance)
    assert closed_form.neglected_reward(limit, beta_v=beta_v) == pytest.approx(tolerance, rel=1e-6)


def test_the_numbers_of_the_page_worked_by_hand():
    # 1 + 0.1 * 22025.4658 = 2203.5466; log = 7.6978; times 0.1
    assert closed_form.neglected_reward(math.log(0.1), beta_v=0.1) == pytest.approx(0.76978, abs=1e-5)


def test_noise_is_counted_like_draws_of_it():
    noise = closed_form.reference_noise(beta_v=0.1, c_ref_std=4.0)
    assert noise.std == pytest.approx(0.4)
    draws = 1.0 + noise.std * np.random.default_rng(0).standard_normal(200_000)
    assert noise.misjudged == pytest.approx(float(np.mean(draws < 0.5)), abs=0.003)
    assert closed_form.misjudged(0.0, 0.0) == 0.5
    assert closed_form.reference_noise(beta_v=0.1, c_ref_std=0.0).misjudged == 0.0


def test_the_line_is_marked_where_the_score_is_0_a_half_and_1():
    shown = closed_form.worked_example(beta_v=0.1, ref_z_logprob=-23.0, z_logprob=-15.0)
    fig = score_line_figure(shown)
    marks = next(trace for trace in fig.data if trace.name == "scores 0, 0.5 and 1")
    assert (list(marks.x), list(marks.y)) == ([-23.0, -18.0, -13.0], [0.0, 0.5, 1.0])
    policy = next(trace for trace in fig.data if trace.name == "this policy")
    assert list(policy.y) == pytest.approx([0.8, 0.8], abs=1e-5)


def test_a_score_that_cannot_be_reached_is_not_marked():
    shown = closed_form.worked_example(beta_v=0.1, ref_z_logprob=-2.3, z_logprob=-0.1)
    marks = next(trace for trace in score_line_figure(shown).data if trace.name == "scores 0, 0.5 and 1")
    assert list(marks.y) == [0.0]  # 0.5 would need log pi = 2.7, a probability above 1


def test_the_border_between_holding_and_breaking_is_drawn_where_it_is():
    shown = closed_form.worked_example(beta_v=0.1, ref_z_logprob=-23.0, z_logprob=-15.0)
    holds, breaks = neglected_figure(shown).layout.shapes[:2]
    assert holds.x1 == breaks.x0 == shown.limit == pytest.approx(-12.25, abs=0.01)


def test_noise_without_spread_can_still_be_drawn():
    fig = noise_figure(closed_form.reference_noise(beta_v=0.1, c_ref_std=0.0))
    assert all(np.isfinite(trace.y).all() for trace in fig.data)
