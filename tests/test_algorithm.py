"""The paper's equations on numbers worked by hand. Every expected value is derived in a comment, not by code."""

import math

import pytest
import torch
from jaxtyping import TypeCheckError

from laser_core import algorithm


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


def flags(*values):
    return torch.tensor(values, dtype=torch.bool)


# --- class weights and score loss ------------------------------------------------------------------------------------


def test_class_weights_of_one_correct_among_four():
    # N_c = 1, N_i = 3: w_c = 4 / 2 = 2, w_i = 4 / 6 = 2/3. Each class weighs 2 in sum.
    weight = algorithm.class_weights(tensor(1, 0, 0, 0), flags(1, 1, 1, 1))
    assert weight.tolist() == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3])


def test_class_weights_leave_a_truncated_solution_out():
    # The last one is truncated: N_c = 1, N_i = 2, so w_c = 3 / 2 and w_i = 3 / 4; it weighs nothing itself.
    weight = algorithm.class_weights(tensor(1, 0, 0, 0), flags(1, 1, 1, 0))
    assert weight.tolist() == pytest.approx([1.5, 0.75, 0.75, 0.0])


@pytest.mark.parametrize("verdict", [0, 1])
def test_class_weights_with_one_class_missing(verdict):
    # N of the other class is 0, so (N + 0) / (2 N) = 1/2, and no division by zero.
    weight = algorithm.class_weights(tensor(verdict, verdict, verdict), flags(1, 1, 1))
    assert weight.tolist() == pytest.approx([0.5, 0.5, 0.5])


def test_class_weights_of_nothing_scored():
    assert algorithm.class_weights(tensor(1, 0), flags(0, 0)).tolist() == [0.0, 0.0]


def test_score_loss_by_hand():
    # Weights 2, 2/3, 2/3, 2/3; errors 0.6 - 1 = -0.4, 0.3, 0, -0.6; squares 0.16, 0.09, 0, 0.36.
    # (2 * 0.16 + 2/3 * 0.09 + 0 + 2/3 * 0.36) / 4 = (0.32 + 0.06 + 0.24) / 4 = 0.155.
    reward = tensor(1, 0, 0, 0)
    weight = algorithm.class_weights(reward, flags(1, 1, 1, 1))
    loss = algorithm.score_loss(tensor(0.6, 0.3, 0.0, -0.6), reward, weight, n_scored=4)
    assert loss.item() == pytest.approx(0.155)


def test_verdict_probability_by_hand():
    # 0.3 / (0.3 + 0.1) = 0.75; equal log-probs 0.5; 10 nats below: 1 / (1 + e^10) = 4.5398e-5.
    score = algorithm.verdict_probability(tensor(math.log(0.3), -5, -30), tensor(math.log(0.1), -5, -20))
    assert score.tolist() == pytest.approx([0.75, 0.5, 4.5398e-5], rel=1e-4)


def test_verdict_cross_entropy_by_hand():
    # Correct: -log 1/2 = 0.69315; incorrect: -log 1/4 = 1.38629 and -log 1/8 = 2.07944; the last is truncated.
    # Weights of one correct among three scored: 1.5, 0.75, 0.75.
    # (1.5 * 0.69315 + 0.75 * 1.38629 + 0.75 * 2.07944) / 3 = (1.03972 + 1.03972 + 1.55958) / 3 = 1.21301.
    z = tensor(math.log(0.5), -9, -9, math.nan).requires_grad_()
    z_wrong = tensor(-9, math.log(0.25), math.log(0.125), math.nan).requires_grad_()
    reward, scored = tensor(1, 0, 0, 0), flags(1, 1, 1, 0)
    weight = algorithm.class_weights(reward, scored)
    loss = algorithm.verdict_cross_entropy(z, z_wrong, reward, weight, n_scored=3)
    assert loss.item() == pytest.approx(1.21301, abs=1e-5)
    loss.backward()
    # d loss / d log-prob = -w / N at the token of the verdict, 0 at the other.
    assert z.grad.tolist() == pytest.approx([-0.5, 0, 0, 0])
    assert z_wrong.grad.tolist() == pytest.approx([0, -0.25, -0.25, 0])


def test_score_loss_ignores_a_truncated_solution_even_if_its_score_is_nan():
    # Scored: one correct (0.6), two incorrect (0.3, 0): w = 1.5, 0.75, 0.75 over N = 3.
    # (1.5 * 0.16 + 0.75 * 0.09) / 3 = (0.24 + 0.0675) / 3 = 0.1025. The official code would divide by 4.
    reward, scored = tensor(1, 0, 0, 0), flags(1, 1, 1, 0)
    score = tensor(0.6, 0.3, 0.0, math.nan).requires_grad_()
    loss = algorithm.score_loss(score, reward, algorithm.class_weights(reward, scored), n_scored=3)
    assert loss.item() == pytest.approx(0.1025)
    loss.backward()
    # d loss / d score = 2 w (score - reward) / N: 2 * 1.5 * -0.4 / 3 = -0.4; 2 * 0.75 * 0.3 / 3 = 0.15; 0; 0.
    assert score.grad.tolist() == pytest.approx([-0.4, 0.15, 0.0, 0.0])


def test_score_loss_adds_up_over_micro_batches():
    reward, score = tensor(1, 0, 0, 1), tensor(0.2, 0.4, 0.1, 0.9)
    weight = algorithm.class_weights(reward, flags(1, 1, 1, 1))
    whole = algorithm.score_loss(score, reward, weight, n_scored=4)
    halves = [algorithm.score_loss(score[s], reward[s], weight[s], n_scored=4) for s in (slice(0, 1), slice(1, 4))]
    assert sum(halves).item() == pytest.approx(whole.item())


# --- advantages ------------------------------------------------------------------------------------------------------


def test_group_advantages_by_hand():
    # Group 1: 1, 0, 0, 0: mean 1/4, sum of squares 9/16 + 3/16 = 3/4, std sqrt(3/4 / 3) = 1/2: 1.5, -0.5, -0.5, -0.5.
    # Group 2: all correct: no spread, no advantage. Group 3: all wrong: likewise.
    reward = tensor(1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0)
    advantage = algorithm.group_advantages(reward, 4, eps=0.0 + 1e-12)
    assert advantage.tolist() == pytest.approx([1.5, -0.5, -0.5, -0.5] + [0.0] * 8)


def test_group_advantages_leave_invalid_values_out():
    # Valid: 0 and 1: mean 1/2, std sqrt((1/4 + 1/4) / 1) = 0.70711; (1 - 0.5) / 0.70711 = 0.70711. The 9 is nobody's.
    advantage = algorithm.group_advantages(tensor(0, 1, 9), 3, flags(1, 1, 0), eps=1e-12)
    assert advantage.tolist() == pytest.approx([-0.70711, 0.70711, 0.0], abs=1e-5)


def test_integrated_advantages_by_hand():
    # norm(r_v) of 1, 0 = +-0.70711; norm(r_s) of 0.2, 0.8 is -+0.70711 (std 0.42426 > T = 0.1).
    # A = 0.9 * 0.70711 - 0.1 * 0.70711 = 0.56569 and its negative.
    advantage = algorithm.integrated_advantages(
        tensor(1, 0), tensor(0.2, 0.8), flags(1, 1), 2, tau=0.1, std_threshold=0.1
    )
    assert advantage.tolist() == pytest.approx([0.56569, -0.56569], abs=1e-4)


def test_all_correct_and_all_wrong_groups_learn_from_the_score_alone():
    # norm(r_v) = 0 in both; scores 0.9, 0.5 (std 0.28284) give +-0.70711, scaled by tau.
    for verdict in (1, 0):
        advantage = algorithm.integrated_advantages(
            tensor(verdict, verdict), tensor(0.9, 0.5), flags(1, 1), 2, tau=0.1, std_threshold=0.1
        )
        assert advantage.tolist() == pytest.approx([0.070711, -0.070711], abs=1e-5)


def test_std_exactly_at_the_threshold_keeps_verifier_advantages():
    # Scores 0 and 2: mean 1, std sqrt(2 / 1) = sqrt(2) exactly as floating point gives it: not above T, so no blend.
    reward, score, scored = tensor(1, 0), tensor(0.0, 2.0), flags(1, 1)
    at = algorithm.integrated_advantages(reward, score, scored, 2, tau=0.5, std_threshold=math.sqrt(2.0))
    assert at.tolist() == pytest.approx([0.70711, -0.70711], abs=1e-4)
    below = math.nextafter(math.sqrt(2.0), 0.0)  # the next smaller T lets the scores in: 0.5 * 0.70711 - 0.5 * 0.70711
    blended = algorithm.integrated_advantages(reward, score, scored, 2, tau=0.5, std_threshold=below)
    assert blended.tolist() == pytest.approx([0.0, 0.0], abs=1e-5)


def test_truncated_solution_is_on_neither_side_of_the_blend():
    # r_v = 1, 0, 0 (third truncated): mean 1/3, std sqrt((4/9 + 1/9 + 1/9) / 2) = 0.57735: 1.15470, -0.57735, -0.57735.
    # r_s of the first two: 0.8, 0.2: +-0.70711; the third's NaN enters nothing.
    # A = 0.9 * 1.15470 + 0.0707107 = 1.10994; 0.9 * -0.57735 - 0.0707107 = -0.59033; the third keeps -0.57735.
    advantage = algorithm.integrated_advantages(
        tensor(1, 0, 0), tensor(0.8, 0.2, math.nan), flags(1, 1, 0), 3, tau=0.1, std_threshold=0.1
    )
    assert advantage.tolist() == pytest.approx([1.10994, -0.59033, -0.57735], abs=1e-4)


def test_one_scored_solution_has_no_spread_to_use():
    advantage = algorithm.integrated_advantages(
        tensor(1, 0), tensor(0.8, math.nan), flags(1, 0), 2, tau=0.1, std_threshold=0.0
    )
    assert advantage.tolist() == pytest.approx([0.70711, -0.70711], abs=1e-4)


# --- policy loss -----------------------------------------------------------------------------------------------------


def test_policy_loss_by_hand():
    # Row 1, A = 2: ratios e^0 = 1 and e^0.5 = 1.64872 (clipped to 1.2): min gives 2 * 1 and 2 * 1.2 = 4.4 together.
    # Row 2, A = -1: ratio e^-0.5 = 0.60653 (clipped to 0.8): min(-0.60653, -0.8) = -0.8; the second token is padding.
    # -(4.4 - 0.8) / 3 tokens = -1.2.
    logprob, old = tensor(-1.0, -0.5).repeat(2, 1), tensor(-1.0, -1.0).repeat(2, 1)
    logprob[1] = tensor(-1.5, 99.0)
    mask = flags(1, 1, 1, 0).view(2, 2)
    loss = algorithm.policy_loss(logprob, old, tensor(2, -1), mask, clip_low=0.2, clip_high=0.2, n_tokens=3)
    assert loss.item() == pytest.approx(-1.2)


def test_policy_gradient_stops_where_the_clip_binds():
    # A > 0 and a ratio above 1 + clip: the clipped branch is constant. Below it, d loss / d logprob = -A * ratio.
    logprob = torch.tensor([[0.5, 0.0]], dtype=torch.float64, requires_grad=True)
    loss = algorithm.policy_loss(
        logprob, torch.zeros(1, 2).double(), tensor(1), flags(1, 1).view(1, 2), clip_low=0.2, clip_high=0.2, n_tokens=1
    )
    loss.backward()
    assert logprob.grad.tolist() == [[0.0, -1.0]]


# --- shapes ----------------------------------------------------------------------------------------------------------


def test_a_wrong_shape_or_type_is_refused_in_the_tests():
    # The annotations are checked while testing (tests/shapes.py), so that a mistake in any caller shows.
    with pytest.raises(TypeCheckError):
        algorithm.class_weights(tensor(1, 0, 0), flags(1, 1))  # B is 3 and 2
    with pytest.raises(TypeCheckError):
        algorithm.class_weights(tensor(1, 0), tensor(1, 1))  # a mask is boolean
    with pytest.raises(TypeCheckError):
        algorithm.group_advantages(tensor(1, 0, 0, 1).view(2, 2), 2)  # (G, K) where (B,) is expected
