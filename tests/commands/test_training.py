"""``laser train`` around a training that takes no time: what it leaves for others to follow."""

import json

import numpy as np
from typer.testing import CliRunner

from laser_core.cli import app
from laser_core.runfolder.events import StageProgress, read_progress
from tests.factories import make_rollouts


def test_train_writes_how_far_it_is(tmp_path, monkeypatch):
    from laser_core import train

    seen = []

    def trained(config, out, *, on_progress, **options):
        out.mkdir()
        event = {"reward": 0.5, "balanced_f1": 0.5, "within_problem_auroc": 0.5, "tokens_per_second": 10.0}
        for progress in (train.Progress("train", 1, 2, event), train.Progress("evaluate", 32, 500, {})):
            on_progress(progress)
            seen.append(read_progress(out))
        return make_rollouts(n_problems=4, n_samples=4)

    monkeypatch.setattr(train, "train", trained)
    done = CliRunner().invoke(app, ["train", "--out", str(tmp_path / "run"), "--set", "dtype=float32"])
    assert done.exit_code == 0, done.output
    assert seen == [StageProgress("train", 1, 2), StageProgress("evaluate", 32, 500)]
    assert json.loads((tmp_path / "run" / "progress.json").read_text()) == {
        "stage": "evaluate",
        "done": 32,
        "total": 500,
    }


def test_a_run_without_an_evaluation_ends_with_its_model(tmp_path, monkeypatch):
    from laser_core import train

    monkeypatch.setattr(train, "train", lambda *_, **__: make_rollouts(n_problems=4).take(np.arange(0)))
    done = CliRunner().invoke(app, ["train", "--out", str(tmp_path / "run"), "--set", "dtype=float32"])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == f"Wrote {tmp_path / 'run'}/model"
