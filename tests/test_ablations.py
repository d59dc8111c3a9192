"""The ablations' settings, each seen to change what it says and nothing else."""

import pytest
import torch

from laser_core import algorithm
from laser_core import step as stepping
from laser_core.ablations import objective_of
from laser_core.config import LaserConfig
from laser_core.evaluate import Verified
from laser_core.reference import reference_z_logprob
from laser_core.scoring import Solutions
from laser_core.start import load_start
from laser_core.step import TrainingRun, training_step
from laser_core.tasks import load_problems
from laser_core.train import train
from tests.factories import events, tiny_run


def small(tiny_folder, **changes):
    settings = {
        "steps": 3,
        "checkpoint_every": 0,
        "rollouts_per_prompt": 6,
        "max_new_tokens": 30,
        "eval_problems": 4,
        "eval_samples": 8,
        "reasoning_warmup": 0,
        "self_reward_warmup": 0,
        "tau": 0.5,
        "std_threshold": 0.0,
        "c_ref": -9.0,
    }
    return tiny_run(tiny_folder, **(settings | changes))


def test_without_integrated_advantages_the_policy_loss_is_that_of_tau_zero(tiny_folder, tmp_path):
    train(small(tiny_folder, integrate_advantages=False), tmp_path / "off")
    train(small(tiny_folder, tau=0.0), tmp_path / "zero")
    train(small(tiny_folder), tmp_path / "on")
    off, zero, on = (events(tmp_path / name) for name in ("off", "zero", "on"))
    assert off == zero
    assert [e["policy_loss"] for e in on] != [e["policy_loss"] for e in off]


def test_self_reward_alone_never_sees_the_verifier_after_the_warm_ups(tiny_folder, tmp_path, monkeypatch):
    config = small(tiny_folder, reward_source="score", self_reward_warmup=1)
    train(config, tmp_path / "honest")

    def all_right(policy, sampled, problems):
        texts = [""] * len(sampled.length)
        return Verified(torch.ones(len(sampled.length)), texts, texts)

    # From the second step on the verifier calls everything correct: only the warm-up step may notice.
    real, calls = stepping.verify_solutions, []

    def turned(*arguments):
        calls.append(1)
        return real(*arguments) if len(calls) == 1 else all_right(*arguments)

    monkeypatch.setattr(stepping, "verify_solutions", turned)
    train(config, tmp_path / "turned")
    honest, turned_events = events(tmp_path / "honest"), events(tmp_path / "turned")
    assert [e["phase"] for e in honest] == ["score", "laser", "laser"]
    assert turned_events[1]["reward"] == 1.0 > honest[1]["reward"]  # the event still says what the verifier said
    assert [e["loss"] for e in turned_events] == [e["loss"] for e in honest]
    assert honest[1]["policy_loss"] != 0.0


def test_the_exact_reference_scores_the_untrained_model_zero(tiny_folder, tmp_path):
    # Before the first update the policy is its own reference: beta_v * (log pi - log pi_ref) = 0 for every solution,
    # whatever c_ref. The loss is then 1/2 over correct ones (weights sum to half of N), 0 over incorrect ones.
    rollouts = train(small(tiny_folder, reference="exact", steps=1, lr=1e-12), tmp_path / "run")
    ended = [rollouts.row(i) for i in range(len(rollouts)) if not rollouts.row(i)["truncated"]]
    assert len(ended) > 3
    assert [row["score"] for row in ended] == pytest.approx([0.0] * len(ended), abs=1e-5)
    assert len({round(row["z_logprob"], 3) for row in ended}) > 3  # ... and not for want of variety


def test_reference_log_probs_come_back_in_the_order_of_the_rows(tiny_folder):
    policy = load_start(LaserConfig(model=str(tiny_folder)))
    solutions = Solutions.pack([policy.encode_prompt("2*x+1=5?")] * 2, [[20, 1], [21, 22, 1]], policy)
    own = reference_z_logprob(policy, solutions, max_tokens=1)  # a row at a time: put back in order
    alone = [reference_z_logprob(policy, solutions.rows(torch.tensor([i]))).item() for i in range(2)]
    assert own.tolist() == pytest.approx(alone, abs=1e-5)
    assert abs(alone[0] - alone[1]) > 1e-3


def test_cross_entropy_form_teaches_the_verdict_tokens(tiny_folder, tmp_path):
    config = small(
        tiny_folder, score_form="bce", steps=25, self_reward_warmup=25, lr=3e-3, lr_warmup=0, alpha=1.0, eval_samples=20
    )
    rollouts = train(config, tmp_path / "run")
    losses = [e["score_loss"] for e in events(tmp_path / "run")]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])
    scores = [s for s in rollouts.column("score").tolist() if s == s]
    assert all(0 <= s <= 1 for s in scores)


def test_the_cross_entropy_forms_loss_starts_at_the_pinned_log_prob_and_falls(tmp_path):
    # On the miniature base both tokens are pinned at -23 nats, so at the start either one costs 23.
    config = small(
        "bundled:base",
        score_form="bce",
        alpha=1.0,
        steps=6,
        self_reward_warmup=6,
        prompts_per_step=16,
        rollouts_per_prompt=8,
        max_new_tokens=40,
        eval_problems=1,
        eval_samples=2,
        c_ref=-23.0,
        lr=2e-4,
        lr_warmup=0,
        seed=1,
    )
    train(config, tmp_path / "run")
    losses = [e["score_loss"] for e in events(tmp_path / "run")]
    assert abs(losses[0] - 23) < 0.5
    assert min(losses[2:]) < losses[0]


def test_cross_entropy_steps_use_the_equation(tiny_folder, monkeypatch):
    config = small(tiny_folder, score_form="bce", alpha=2.0)
    policy = load_start(config)
    optimizer = torch.optim.AdamW(policy.model.parameters(), lr=1e-4)
    seen = []
    real = algorithm.verdict_cross_entropy

    def watched(z, z_wrong, reward, weight, *, n_scored):
        seen.append((z.shape, z_wrong.shape, z.requires_grad and z_wrong.requires_grad))
        return real(z, z_wrong, reward, weight, n_scored=n_scored)

    monkeypatch.setattr(algorithm, "verdict_cross_entropy", watched)
    run = TrainingRun(config, policy, optimizer, objective_of(config, -9.0), torch.float32)
    event = training_step(run, load_problems(config.task, "train")[:6], step=0)
    assert seen
    assert all(z == wrong and gradient for z, wrong, gradient in seen)
    assert event["loss"] == pytest.approx(event["policy_loss"] + 2.0 * event["score_loss"], rel=1e-5)


def test_the_mean_of_two_tokens_lies_between_theirs(tiny_folder, tmp_path):
    tokens = ("<|reserved_0|>", "<|reserved_1|>")
    settings = {"steps": 1, "lr": 1e-12, "c_ref": None}
    found = {}
    for name, change in (("0", {"z_token": tokens[0]}), ("1", {"z_token": tokens[1]}), ("both", {"z_tokens": tokens})):
        rollouts = train(small(tiny_folder, **(settings | change)), tmp_path / name)
        found[name] = (rollouts.column("z_logprob"), rollouts.meta.c_ref)
    for part in (0, 1):
        expected = (found["0"][part] + found["1"][part]) / 2
        assert found["both"][part] == pytest.approx(expected, abs=1e-4, nan_ok=True)
    assert rollouts.meta.z_token == "<|reserved_0|>, <|reserved_1|>"
