"""What a step optimises in each phase of the schedule, for LaSeR and for every ablation, on numbers worked by hand."""

import math

import pytest
import torch

from laser_core.ablations import objective_of
from laser_core.config import LaserConfig
from laser_core.objective import VerdictLogprobs

# Two problems with two solutions each. r_v = 1, 0 | 0, 0. With beta_v = 0.1 and c_ref = -23, z_c's log-probs -21, -15,
# -18 and -13 are scores 0.2, 0.8, 0.5 and 1; against their own references -23, -24, -20 and -23 they are 0.2, 0.9, 0.2
# and 1. Two values that differ have the advantages +-0.70711: half their difference over sqrt(2) times that half.
REWARD = torch.tensor([1.0, 0.0, 0.0, 0.0])
SCORED = torch.tensor([True, True, True, True])
LOGPROBS = VerdictLogprobs(
    torch.tensor([-21.0, -15.0, -18.0, -13.0]),
    z_wrong=torch.tensor([-21.0, -15.0, -18.0, -13.0]) - math.log(3),
    ref_z=torch.tensor([-23.0, -24.0, -20.0, -23.0]),
)
UNIT = 0.70711


def objective(**settings):
    return objective_of(LaserConfig(rollouts_per_prompt=2, tau=0.25, std_threshold=0.1, **settings), -23.0)


def advantages(made, phase, scored=SCORED):
    return made.advantages(REWARD, made.score(LOGPROBS), scored, phase=phase).tolist()


def test_lasers_scores_advantages_and_weight():
    made = objective(alpha=0.3)
    assert made.score(LOGPROBS).tolist() == pytest.approx([0.2, 0.8, 0.5, 1.0], abs=1e-6)
    for phase in ("grpo", "score"):  # the verifier's alone: the second problem's solutions agree
        assert advantages(made, phase) == pytest.approx([UNIT, -UNIT, 0, 0], abs=1e-4)
    # 0.75 * 0.70711 - 0.25 * 0.70711 = 0.35355; the second problem has the score's quarter, 0.17678.
    expected = [UNIT / 2, -UNIT / 2, -UNIT / 4, UNIT / 4]
    assert advantages(made, "laser") == pytest.approx(expected, abs=1e-4)
    assert [made.alpha(phase) for phase in ("grpo", "score", "laser")] == [0.0, 0.3, 0.3]


def test_the_score_loss_and_its_class_weights():
    # w_c = 4 / 2 = 2, w_i = 4 / 6 = 2/3. Squared errors 0.64, 0.64, 0.25, 1:
    # (2 * 0.64 + 2/3 * (0.64 + 0.25 + 1)) / 4 = (1.28 + 1.26) / 4 = 0.635; unweighted 2.53 / 4 = 0.6325.
    for class_weighting, expected in ((True, 0.635), (False, 0.6325)):
        made = objective(class_weighting=class_weighting)
        weight = made.class_weights(REWARD, SCORED)
        assert made.score_loss(LOGPROBS, REWARD, weight, n_scored=4).item() == pytest.approx(expected, abs=1e-6)


def test_without_integration_the_score_never_enters_the_advantage():
    made = objective(integrate_advantages=False)
    assert advantages(made, "laser") == pytest.approx([UNIT, -UNIT, 0, 0], abs=1e-4)


def test_exact_reference_scores_against_each_solutions_own():
    made = objective(reference="exact")
    assert made.reads_reference
    assert not objective().reads_reference
    assert made.score(LOGPROBS).tolist() == pytest.approx([0.2, 0.9, 0.2, 1.0], abs=1e-6)


def test_cross_entropy_scores_with_a_probability_and_needs_no_reference():
    # pi(z_c) is three times pi(z_i) everywhere: 3 / (3 + 1) = 0.75.
    made = objective(score_form="bce", reference="exact")
    assert not made.reads_reference
    assert made.score(LOGPROBS).tolist() == pytest.approx([0.75] * 4)
    # -(log pi(z_c) of the correct one + log pi(z_i) of the others) / 4
    #   = (21 + (15 + 18 + 13) + 3 * 1.09861) / 4 = 70.29584 / 4 = 17.57396.
    loss = made.score_loss(LOGPROBS, REWARD, torch.ones(4), n_scored=4)
    assert loss.item() == pytest.approx(17.57396, abs=1e-4)


@pytest.mark.parametrize("base", [{}, {"reference": "exact"}, {"score_form": "bce"}])
def test_self_reward_is_its_base_until_the_warm_ups_are_over(base):
    made, plain = objective(reward_source="score", **base), objective(**base)
    assert made.reads_reference == plain.reads_reference
    assert torch.equal(made.score(LOGPROBS), plain.score(LOGPROBS))
    for phase in ("grpo", "score"):
        assert advantages(made, phase) == advantages(plain, phase)
        assert made.alpha(phase) == plain.alpha(phase)
    assert made.alpha("laser") == 0.0


def test_self_reward_takes_the_score_for_the_reward():
    made = objective(reward_source="score")
    # Scores 0.2, 0.8 | 0.5, 1: the verifier's rewards are nowhere.
    assert advantages(made, "laser") == pytest.approx([-UNIT, UNIT, -UNIT, UNIT], abs=1e-4)
    # A truncated solution earns 0: 0.2, 0 | 0.5, 1.
    truncated = torch.tensor([True, False, True, True])
    assert advantages(made, "laser", truncated) == pytest.approx([UNIT, -UNIT, -UNIT, UNIT], abs=1e-4)
