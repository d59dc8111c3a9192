"""The ``laser`` commands in the documentation's blocks are run: with the miniature base for MODEL, and less of all.

Each starts in a folder that holds what its page says is there. What a command writes is looked for afterwards.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from laser_core.bundled import model_path
from laser_core.cli import app as laser
from laser_core.home import DATA_VARIABLE, HOME_VARIABLE
from laser_core.rollouts import read, write_jsonl, write_parquet
from tests.docs.commands import Command
from tests.docs.recipes import ROOT
from tests.docs.test_commands import PAGES, found_on

FEW = "-n 2 --limit 2 --max-new-tokens 40"
SHORT = "--set steps=2 --set prompts_per_step=2 --set eval_problems=0 --set max_new_tokens=150"
GROUPS = "--set rollouts_per_prompt=2 --set c_ref=-23"
#: Options that make a command small; the last one given counts.
LESS = {
    "train": f"{SHORT} {GROUPS}",
    "sample": FEW,
    "sft": SHORT,
    "fit": "--set steps=2 --set fit_layers=1",
    "pick-token": "-n 2 --limit 2",
}
QUICK = "laser reproduce --out runs/paper --quick"  # 20 minutes; tests/reproduce runs a smaller one


def found() -> list[Command]:
    """Those of every page, but for the server's and the longest; the how-to pages are followed elsewhere."""
    everything = [command for page in PAGES for command in found_on(page)]
    whole = [command for command in everything if command.whole and command.words[0] == "laser"]
    return [command for command in dict.fromkeys(whole) if command.words[1] != "app" and str(command) != QUICK]


def run(words: list[str]) -> None:
    """In this process, which has imported PyTorch already."""
    assert not laser(words, standalone_mode=False)  # an exit code


@pytest.fixture(scope="module")
def before(tmp_path_factory) -> Path:
    """A folder with every file that the pages' commands read."""
    folder = tmp_path_factory.mktemp("before")
    rollouts = read(ROOT / "sample_data" / "rollouts" / "base.parquet").rollouts
    rollouts = rollouts.take(range(320))
    write_parquet(rollouts, folder / "rollouts.parquet")
    write_parquet(rollouts, folder / "mine.parquet")
    write_jsonl(rollouts.take(range(4)), folder / "rollouts.jsonl")
    (folder / "run.toml").write_text('model = "bundled:base"\n')
    (folder / "data").mkdir()
    lines = [{"question": f"{i}*x+2={3 * i + 2}?", "answer": f"x=3;{i}*3={3 * i}\n#### 3"} for i in range(2, 42)]
    for split in ("train", "test"):
        (folder / "data" / f"gsm8k_{split}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    shutil.copytree(model_path("bundled:base"), folder / "runs" / "warm" / "model")
    return folder


@pytest.mark.parametrize("command", found(), ids=lambda command: " ".join(command.words[1:])[:60])
def test_the_command_runs(command, before, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "folder"
    shutil.copytree(before, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv(DATA_VARIABLE, str(folder / "data"))
    monkeypatch.setenv(HOME_VARIABLE, str(folder / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    base = model_path("bundled:base")
    words = [base if word in ("MODEL", "BASE", "smollm2-135m") else word for word in command.words[1:]]
    words = [word.replace("=MODEL", f"={base}") for word in words]
    if words[0] == "merge":  # of what a run with an adapter has left
        pytest.importorskip("peft")
        run(f"train --set model={base} --set lora_rank=2 --out runs/laser {LESS['train']}".split())
    run([*words, *LESS.get(words[0], "").split()])
    if "--out" in words and "--dry-run" not in words:
        assert (folder / words[words.index("--out") + 1]).exists()
    else:
        assert capsys.readouterr().out.strip()


def test_the_pages_commands_are_all_here():
    names = {command.words[1] for command in found()}
    assert names == {
        "train", "sample", "score", "pick-token", "sft", "fit", "merge", "convert", "analyze", "report", "reproduce"
    }  # fmt: skip
