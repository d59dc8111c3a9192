"""Every path on a device that is not the CPU: nothing is mixed, and little is waited for (:mod:`tests.pretend_gpu`).

:mod:`tests.test_devices` runs them, in a process of their own.
"""

import json
from dataclasses import replace

import pytest
import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

from laser_core.evaluate import Sampling, sample_rollouts
from laser_core.fast.choice import Lean
from laser_core.generate import generate
from laser_core.policy import load_policy
from laser_core.rescoring.table import score_rollouts
from laser_core.tasks import load_problems
from laser_core.train import train
from tests import pretend_gpu
from tests.factories import events, tiny_run

PROBLEMS = load_problems("linear", "test")[:3]
LEAN, OWN = Lean(), Lean(sampling=False, training=False)


@pytest.fixture
def gpu():
    with pretend_gpu.pretend_gpu() as device:
        yield device


def test_the_pretend_gpu_refuses_a_mixture(gpu):
    there = torch.ones(3, device=gpu)
    with pytest.raises(pretend_gpu.MixedDevices, match="add"):
        there + torch.ones(3)
    with pytest.raises(pretend_gpu.MixedDevices, match="index"):
        there[torch.tensor([0])]
    assert (there + torch.tensor(1.0)).sum().item() == 6  # a number may come from anywhere


@pytest.mark.parametrize("lean", [LEAN, OWN])
def test_sampling_and_scoring_there_agree_with_the_cpu(gpu, lean):
    settings = Sampling(run="r", samples=4, max_new_tokens=24, seed=0, c_ref=-9.0)
    found = []
    for device in (torch.device("cpu"), gpu):
        policy = replace(load_policy("bundled:base", device=device), lean=lean)
        assert policy.model.device.type == device.type
        sampled = sample_rollouts(policy, PROBLEMS, settings, reference=policy)
        scored = score_rollouts(policy, sampled, c_ref=-9.0, traces=True, reference=policy)
        found.append((sampled, scored))
    (here, here_scored), (there, there_scored) = found
    assert here.text("response") == there.text("response")
    for name in ("z_logprob", "ref_z_logprob"):
        assert here.column(name) == pytest.approx(there.column(name), abs=1e-4, nan_ok=True)
        assert here_scored.column(name) == pytest.approx(there_scored.column(name), abs=1e-4, nan_ok=True)


@pytest.mark.parametrize(
    ("changes", "dtype"),
    [({"method": "grpo"}, "bfloat16"), ({"reference": "exact"}, "float32"), ({"score_form": "bce"}, "bfloat16")],
)
def test_training_resuming_and_evaluating_there(tiny_folder, tmp_path, gpu, changes, dtype):
    config = tiny_run(tiny_folder, **changes, dtype=dtype, reasoning_warmup=0, self_reward_warmup=1, eval_every=2)
    config = config.replace(device=pretend_gpu.NAME, steps=2)
    train(config, tmp_path / "run")
    rollouts = train(config.replace(steps=4), tmp_path / "run", resume=True)
    assert len(rollouts) == 15
    assert [event["step"] for event in events(tmp_path / "run")] == [0, 1, 2, 3]
    hardware = json.loads((tmp_path / "run" / "run.json").read_text())["sessions"][0]["hardware"]
    assert (hardware["device"], hardware["dtype"]) == ("pretend:0", dtype)
    if dtype == "float32":  # the same first step as here; later ones depend on last bits, and those on which pass won
        train(config.replace(device="cpu", steps=1, eval_every=0), tmp_path / "cpu")
        there, here = events(tmp_path / "run")[0], events(tmp_path / "cpu")[0]
        for name in ("loss", "score_loss", "grad_norm", "reward", "entropy"):
            assert there[name] == pytest.approx(here[name], rel=1e-3, abs=1e-4), name


def test_a_run_moves_between_the_cpu_and_a_gpu(tiny_folder, tmp_path, gpu):
    """Its weights are float32 here, and there bfloat16 with float32 copies."""
    config = tiny_run(tiny_folder, dtype="bfloat16", steps=2)
    train(config.replace(device="cpu"), tmp_path / "run")
    train(config.replace(device=pretend_gpu.NAME, steps=3), tmp_path / "run", resume=True)
    train(config.replace(device="cpu", steps=4), tmp_path / "run", resume=True)
    train(config.replace(device="cpu", steps=4), tmp_path / "stayed")
    for moved, stayed in zip(events(tmp_path / "run")[:2], events(tmp_path / "stayed"), strict=False):
        assert moved == stayed
    sessions = json.loads((tmp_path / "run" / "run.json").read_text())["sessions"]
    assert [session["hardware"]["device"] for session in sessions] == ["cpu", "pretend:0", "cpu"]


def test_a_token_waits_for_the_gpu_once(tiny_folder, gpu):
    """To learn what was drawn; everything else stays there until the end."""
    policy = load_policy(str(tiny_folder), device=gpu)
    prompts = [policy.encode_prompt(problem.text) for problem in PROBLEMS]
    waits = []
    for limit in (8, 16):
        pretend_gpu.moved.clear()
        sampled = generate(policy, prompts, samples=2, max_new_tokens=limit, generator=torch.Generator().manual_seed(1))
        assert int(sampled.length.max()) == limit
        waits.append(len(pretend_gpu.moved))
    assert waits[1] - waits[0] == 8


def test_another_architecture_trains_there(tiny_folder, tmp_path, gpu):
    folder = tmp_path / "neox"
    tokenizer = load_policy(str(tiny_folder)).tokenizer
    config = GPTNeoXConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        eos_token_id=tokenizer.eos_token_id,
    )
    GPTNeoXForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    settings = tiny_run(folder, dtype="bfloat16", device=pretend_gpu.NAME, steps=2)
    assert len(train(settings, tmp_path / "run")) == 15
