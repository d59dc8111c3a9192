"""The training loop on a tiny model: what it writes, that it repeats itself, that a killed run loses nothing."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from laser_core import algorithm
from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.rollouts import read
from laser_core.train import train
from tests.factories import events, tiny_run


def test_a_run_leaves_what_it_promises(tiny_folder, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    told = []
    rollouts = train(tiny_run(tiny_folder), tmp_path / "run", on_progress=told.append)
    stages = [(p.stage, p.done, p.total) for p in told if not p.doing]
    assert [p.doing for p in told[:3]] == [
        "loading the model",
        "measuring which forward pass is faster",
        "measuring c_ref",
    ]
    assert {p.doing for p in told if p.stage == "train" and p.tokens} == {"measuring c_ref", "sampling"}
    folder = tmp_path / "run"
    assert LaserConfig.from_toml(folder / "config.toml") == tiny_run(tiny_folder)
    assert [e["step"] for e in events(folder)] == [0, 1, 2, 3]
    assert {"reward", "loss", "score_loss", "balanced_f1", "within_problem_auroc", "phase"} <= events(folder)[0].keys()
    assert {"step_seconds", "tokens_per_second"} <= json.loads(
        (folder / "events.jsonl").read_text().splitlines()[0]
    ).keys()
    AutoModelForCausalLM.from_pretrained(folder / "model")
    AutoTokenizer.from_pretrained(folder / "model")
    stored = read(folder / "rollouts.parquet").rollouts
    assert stored.table.equals(rollouts.table)
    assert len(stored) == 5 * 3
    assert stored.runs() == ["laser"]
    steps = list(dict.fromkeys(stage for stage in stages if stage[1]))  # said many times, and some before the first one
    assert steps[:4] == [("train", n, 4) for n in (1, 2, 3, 4)]
    assert stages[-1] == ("evaluate", 5, 5)


@pytest.fixture
def task_with_train_only(tmp_path, monkeypatch):
    """The name of a dataset of the ``datasets`` library that has a train split alone."""
    (tmp_path / "sums").mkdir()
    rows = [json.dumps({"problem": f"{a}+{b}=?", "answer": str(a + b)}) for a in range(5) for b in range(5)]
    (tmp_path / "sums" / "train.jsonl").write_text("\n".join(rows))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    return "sums"


@pytest.mark.parametrize(
    ("settings", "split", "remedy"),
    [({}, "test", "eval_problems = 0"), ({"eval_every": 2, "eval_problems": 0}, "validation", "eval_every = 0")],
)
def test_a_missing_split_shows_before_the_first_step(
    tiny_folder, tmp_path, task_with_train_only, settings, split, remedy
):
    """It used to show after the last one."""
    with pytest.raises(InputError, match=f"no {split} split.*{remedy}"):
        train(tiny_run(tiny_folder, task=task_with_train_only, **settings), tmp_path / "run")
    assert not (tmp_path / "run" / "events.jsonl").exists()


def test_a_dataset_with_a_train_split_alone_trains_without_an_evaluation(tiny_folder, tmp_path, task_with_train_only):
    rollouts = train(tiny_run(tiny_folder, task=task_with_train_only, eval_problems=0), tmp_path / "run")
    assert len(events(tmp_path / "run")) == 4
    assert len(rollouts) == 0


def test_the_rollout_table_is_consistent_with_itself(tiny_folder, tmp_path):
    config = tiny_run(tiny_folder, steps=1, max_new_tokens=30, eval_samples=20, z_token="<|reserved_0|>")
    rollouts = train(config, tmp_path / "run")
    meta = rollouts.meta
    assert (meta.z_token, meta.beta_v, meta.temperature) == ("<|reserved_0|>", 0.1, 1.0)
    assert meta.model.endswith(", 1 steps of laser")  # not the model it started from
    ended = 0
    for index in range(len(rollouts)):
        row = rollouts.row(index)
        assert len(row["tokens"]) == len(row["token_logprobs"]) == len(row["z_trace"]) == row["n_tokens"]
        assert (row["tokens"][-1] == "<eos>") == (not row["truncated"])
        if row["truncated"]:
            assert row["z_logprob"] is None
            assert row["score"] is None
        else:
            ended += 1
            assert row["z_trace"][-1] == pytest.approx(row["z_logprob"], abs=1e-5)
            assert row["score"] == pytest.approx(0.1 * (row["z_logprob"] - meta.c_ref), abs=1e-9)
    assert ended > 0


def test_same_seed_same_curve_another_seed_another(tiny_folder, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(tiny_run(tiny_folder, steps=2, seed=seed), tmp_path / name)
    assert events(tmp_path / "a") == events(tmp_path / "b")
    assert events(tmp_path / "a") != events(tmp_path / "c")


def test_grpo_never_uses_the_score(tiny_folder, tmp_path, monkeypatch):
    train(tiny_run(tiny_folder, steps=2, method="grpo"), tmp_path / "plain")
    monkeypatch.setattr(algorithm, "integrated_advantages", None)  # calling it would fail
    train(tiny_run(tiny_folder, steps=2, method="grpo", beta_v=0.7, alpha=9.0, tau=1.0), tmp_path / "other")
    plain, other = events(tmp_path / "plain"), events(tmp_path / "other")
    assert [e["policy_loss"] for e in plain] == [e["policy_loss"] for e in other]
    assert [e["loss"] for e in plain] == [e["policy_loss"] for e in plain]


def test_the_score_loss_teaches_the_score(tiny_folder, tmp_path):
    # Score loss alone on a model that solves nothing: every score must go to 0 from wherever c_ref puts it.
    config = tiny_run(
        tiny_folder, alpha=0.1, steps=30, c_ref=-9.0, lr=3e-3, lr_warmup=0, max_new_tokens=30, self_reward_warmup=30
    )
    train(config, tmp_path / "run")
    losses = [e["score_loss"] for e in events(tmp_path / "run")]
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])


def test_stopping_after_a_step_and_resuming_gives_the_uninterrupted_curve(tiny_folder, tmp_path):
    class Stop(Exception):
        pass

    def stop_at_two(progress):
        if progress.done == 2:
            raise Stop

    whole = train(tiny_run(tiny_folder), tmp_path / "whole")
    with pytest.raises(Stop):
        train(tiny_run(tiny_folder), tmp_path / "parts", on_progress=stop_at_two)
    parts = train(tiny_run(tiny_folder), tmp_path / "parts", resume=True)
    assert events(tmp_path / "whole") == events(tmp_path / "parts")
    assert whole.table.equals(parts.table)


def test_a_run_begun_when_temperature_was_a_setting_is_resumed(tiny_folder, tmp_path):
    train(tiny_run(tiny_folder, steps=2), tmp_path / "old")
    settings = tmp_path / "old" / "config.toml"
    settings.write_text("temperature = 1.0\n" + settings.read_text())
    train(tiny_run(tiny_folder, steps=3), tmp_path / "old", resume=True)
    assert [e["step"] for e in events(tmp_path / "old")] == [0, 1, 2]


def test_a_killed_run_resumes_to_the_same_curve(tiny_folder, tmp_path):
    """SIGKILL, no chance to clean up; then --resume."""
    config = tiny_run(tiny_folder, steps=6)
    train(config, tmp_path / "whole")
    (tmp_path / "run.toml").write_text(config.to_toml())
    command = [sys.executable, "-m", "laser_core", "train", "--config", str(tmp_path / "run.toml")]
    command += ["--out", str(tmp_path / "parts")]
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    log = tmp_path / "parts" / "events.jsonl"
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (log.exists() and log.read_bytes().count(b"\n") >= 2):
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    done = subprocess.run([*command, "--resume"], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert events(tmp_path / "whole") == events(tmp_path / "parts")


def test_two_runs_do_not_share_a_folder(tiny_folder, tmp_path):
    train(tiny_run(tiny_folder, steps=1), tmp_path / "run")
    with pytest.raises(InputError, match="already"):
        train(tiny_run(tiny_folder, steps=1), tmp_path / "run")
    with pytest.raises(InputError) as caught:
        train(tiny_run(tiny_folder, steps=1, alpha=0.3), tmp_path / "run", resume=True)
    assert caught.value.field == "alpha"
    with pytest.raises(InputError, match="no run to resume"):
        train(tiny_run(tiny_folder, steps=1), tmp_path / "elsewhere", resume=True)


def test_a_model_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError) as caught:
        train(LaserConfig(model=str(tmp_path / "nothing")), tmp_path / "run")
    assert caught.value.field == "model"


def test_a_whole_run_in_bfloat16_follows_the_float32_one(tmp_path):
    """Stated tolerance, over 6 steps of 128 solutions: score loss 5%, entropy 10%, accuracy 0.08 (two standard errors).

    A draw near a token's edge falls either way, so that some solutions differ and the curves cannot be equal.
    """
    runs = {}
    for dtype in ("float32", "bfloat16"):
        config = LaserConfig(
            model="bundled:base",
            steps=6,
            prompts_per_step=16,
            rollouts_per_prompt=8,
            max_new_tokens=40,
            eval_problems=1,
            eval_samples=2,
            dtype=dtype,
            c_ref=-23.0,
            alpha=0.5,  # six steps have to be enough to see the score move
            reasoning_warmup=0,
            self_reward_warmup=0,
            lr=2e-4,
            lr_warmup=0,
            seed=1,
        )
        train(config, tmp_path / dtype)
        runs[dtype] = events(tmp_path / dtype)
    for exact, rounded in zip(runs["float32"], runs["bfloat16"], strict=True):
        assert rounded["score_loss"] == pytest.approx(exact["score_loss"], rel=0.05)
        assert rounded["entropy"] == pytest.approx(exact["entropy"], rel=0.1)
        assert rounded["reward"] == pytest.approx(exact["reward"], abs=0.08)
    assert runs["float32"][-1]["score_loss"] < 0.85 * runs["float32"][0]["score_loss"]  # the curve goes somewhere
    assert runs["float32"][0]["score_loss"] != runs["bfloat16"][0]["score_loss"]  # bfloat16 was used
