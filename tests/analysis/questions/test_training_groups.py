"""Groups as GRPO saw them: worked by hand, and the same numbers as the training's own equations."""

import numpy as np
import pytest
import torch

from laser_core import algorithm
from laser_core.analysis.questions.training_groups import class_weights, event_metrics, step_metrics, training_groups
from laser_core.errors import InputError
from laser_core.rollouts import Rollouts


def rollouts(groups: dict[str, list[tuple[bool | None, float | None]]], **more) -> Rollouts:
    rows = [
        {"run": "r", "problem_id": name, "sample": i, "response": "", "correct": correct, "score": score} | more
        for name, solutions in groups.items()
        for i, (correct, score) in enumerate(solutions)
    ]
    return Rollouts.from_rows(rows)


def test_a_group_worked_by_hand():
    found = training_groups(rollouts({"a": [(True, 0.8), (False, 0.2)], "b": [(False, 0.1), (False, 0.1)]}))
    # a: rewards 1 and 0, std sqrt(1/2): advantages +-0.5 / 0.7071; scores 0.8 and 0.2, std 0.4243: the same.
    assert found.reward_advantage.round(4).tolist() == [0.7071, -0.7071, 0, 0]
    assert found.score_advantage.round(3).tolist() == [0.707, -0.707, 0, 0]
    assert found.advantage.round(3).tolist() == [0.707, -0.707, 0, 0]
    assert found.zero_variance.tolist() == [False, True]
    assert found.blended.tolist() == [True, False]  # b's scores do not spread
    assert found.silent.tolist() == [False, True]
    assert found.class_weight.round(4).tolist() == [2.0, 0.6667, 0.6667, 0.6667]


def test_scores_give_a_group_of_equal_rewards_an_advantage():
    found = training_groups(rollouts({"a": [(False, 0.0), (False, 0.4), (False, 0.8)]}), tau=0.5, std_threshold=0.1)
    assert found.zero_variance.tolist() == [True]
    assert found.silent.tolist() == [False]
    np.testing.assert_allclose(found.advantage, [-0.5, 0, 0.5], atol=1e-4)
    without = training_groups(rollouts({"a": [(False, 0.0), (False, 0.4)]}), use_score=False)
    assert (without.silent.tolist(), without.advantage.tolist()) == ([True], [0, 0])


def test_the_numbers_are_those_of_training():
    rng = np.random.default_rng(0)
    reward, scored = rng.integers(0, 2, 48).astype(float), rng.random(48) > 0.2
    score = rng.normal(0.3, 0.2, 48).round(3)
    rows = [
        {"run": "r", "problem_id": f"p{i // 6}", "sample": i % 6, "response": "", "correct": bool(reward[i])}
        | ({"score": float(score[i])} if scored[i] else {})
        for i in range(48)
    ]
    found = training_groups(Rollouts.from_rows(rows), tau=0.3, std_threshold=0.2)
    tensors = torch.tensor(reward), torch.tensor(score), torch.tensor(scored)
    theirs = algorithm.integrated_advantages(*tensors, 6, tau=0.3, std_threshold=0.2)
    np.testing.assert_allclose(found.advantage, theirs, atol=1e-9)
    np.testing.assert_allclose(found.class_weight, algorithm.class_weights(tensors[0], tensors[2]), atol=1e-6)
    assert 0 < found.blended.sum() < 8


def test_a_reward_of_the_files_own_and_solutions_without_one():
    table = rollouts({"a": [(True, None), (False, None), (None, None)]})
    table = table.with_column("signal.reward", [2.0, 0.0, None])
    found = training_groups(table, reward="signal.reward")
    np.testing.assert_allclose(found.advantage, [0.7071, -0.7071, np.nan], atol=1e-4)
    with pytest.raises(InputError, match="no solution has a reward"):
        training_groups(table, reward="signal.none")


@pytest.mark.parametrize("correct", [[1.0, 1.0], [np.nan, np.nan], []])
def test_class_weights_with_one_class_or_none(correct):
    correct = np.array(correct)
    assert class_weights(correct, np.ones(len(correct), bool)).tolist() == [0.5 if c == 1 else 0.0 for c in correct]


def test_metrics_by_step_are_means_over_solutions_and_tokens():
    rows = [
        {
            "run": "r",
            "step": step,
            "problem_id": f"p{p}",
            "sample": i,
            "response": "",
            "correct": bool((step + p) % 2) or i == 0,
            "n_tokens": 10 * step + i,
            "signal.judge": float(i),
            "tokens": ["a", "b"],
            "entropy": [0.5, 1.5],
            "token_logprobs": [-1.0, -1.0],
            "ref_token_logprobs": [-1.0, -2.0],
        }
        for step in (3, 1)
        for p in range(2)
        for i in range(2)
    ]
    found = step_metrics(Rollouts.from_rows(rows))
    assert found["reward"].step.tolist() == [1, 3]
    assert found["reward"].value.tolist() == [0.75, 0.75]
    assert found["frac_reward_zero_std"].value.tolist() == [0.5, 0.5]
    assert found["n_tokens"].value.tolist() == [10.5, 30.5]
    assert found["signal.judge"].value.tolist() == [0.5, 0.5]
    assert found["entropy"].value.tolist() == [1.0, 1.0]
    # k3 of a token with log-ratio -1: exp(-1) + 1 - 1; the other token's is 0
    np.testing.assert_allclose(found["kl"].value, np.exp(-1) / 2)
    assert step_metrics(rollouts({"a": [(True, 0.5)]})) == {}


def test_metrics_of_events_are_their_numbers():
    events = [{"step": 1, "a": True, "b": float("nan"), "c": 2}, {"step": "x", "c": 3}, {"step": 0, "c": 1.5}]
    found = event_metrics(events)
    assert list(found) == ["c"]
    assert (found["c"].step.tolist(), found["c"].value.tolist()) == ([0, 1], [1.5, 2.0])
