"""``laser sft``, ``laser fit`` and ``laser pick-token`` from the command line, on the tiny model."""

import json
import re

import pytest
from typer.testing import CliRunner

from laser_core.cli import app
from laser_core.config import LaserConfig
from laser_core.rollouts import read, write_parquet
from laser_core.tasks import load_problems
from tests.factories import make_rollouts

FLOAT32 = ("--set", "dtype=float32", "--set", "checkpoint_every=0")


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_fit_shows_the_score_beside_what_is_free(tiny_folder, tmp_path):
    write_parquet(make_rollouts(n_problems=60, n_samples=6), tmp_path / "graded.parquet")
    done = run(
        "fit", tiny_folder, tmp_path / "graded.parquet", "--out", tmp_path / "fit", *FLOAT32,
        "--set", "steps=3", "--set", "fit_layers=1",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    shown = [line.split()[0] for line in done.output.splitlines() if re.search(r"\d\.\d{3} \[", line)]
    assert {"score", "linear_probe", "mean_logprob", "majority"} <= set(shown)
    assert LaserConfig.from_toml(tmp_path / "fit" / "config.toml").method == "fit"
    assert read(tmp_path / "fit" / "rollouts.parquet").rollouts.has("signal.linear_probe")


def test_sft_counts_its_steps_in_epochs_and_leaves_a_model(tiny_folder, tmp_path):
    rows = [
        {"problem": p.text, "answer": p.answer, "solution": f"x={p.answer}"}
        for p in load_problems("linear", "train")[:40]
    ]
    path = tmp_path / "worked.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    n = len(load_problems(str(path), "train"))
    too_long = rows[0] | {"problem": "what no run could sample?", "solution": "x=1" * 200}
    path.write_text("\n".join(map(json.dumps, [*rows, *[too_long | {"id": i} for i in range(9)]])))
    assert len(load_problems(str(path), "train")) > n
    done = run(
        "sft", "--model", tiny_folder, "--task", path, "--out", tmp_path / "warm", "--epochs", 2, *FLOAT32,
        "--set", "prompts_per_step=8", "--set", "eval_problems=0", "--set", "answer_format=none",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    events = [json.loads(line) for line in (tmp_path / "warm" / "events.jsonl").read_text().splitlines()]
    assert len(events) == -(-2 * n // 8)
    assert (tmp_path / "warm" / "model" / "laser.json").is_file()
    again = run("sft", "--out", tmp_path / "warm", "--resume")
    assert again.exit_code == 0, again.output


def test_training_by_reward_is_another_command(tmp_path):
    done = run("train", "--out", tmp_path / "run", "--set", "method=sft")
    assert done.exit_code == 2
    assert "laser sft" in done.output


@pytest.mark.parametrize("prompt", [(), ("--prompt", "template=2+{problem}")])
def test_pick_token_ranks_and_says_why(tiny_folder, prompt):
    done = run("pick-token", tiny_folder, "--limit", 20, "-n", 8, "--max-new-tokens", 40, *prompt)
    assert done.exit_code == 0, done.output
    assert f"The model reads: {'2+' if prompt else ''}{{problem}}" in done.output
    ranked = re.findall(r"^(<\|reserved_\d\|>) +(-\d+\.\d\d)", done.output, re.MULTILINE)
    assert len(ranked) == 4
    assert f"Take {ranked[0][0]}" in done.output
