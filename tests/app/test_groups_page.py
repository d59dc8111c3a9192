"""The Groups page: a step's groups with their numbers, of other tools' files, runs trained here and evaluations."""

import json

import numpy as np
import pytest

from laser_core import bundled
from laser_core.config import LaserConfig
from laser_core.jobs import jobs
from laser_core.rollouts import write_parquet
from tests.app.test_pages import jsonl, rows_of, said, start, upload, visit
from tests.factories import make_rollouts


def verl(steps=(3, 5)) -> bytes:
    """A dump with two prompts a step, of which the second one's rewards are all equal."""
    rows = [
        {"input": f"What is {p}+1?", "output": f"\\boxed{{{p + 1 + wrong}}}", "gts": str(p + 1), "score": 1.0 - wrong}
        | {"step": step}
        for step in steps
        for p in (1, 2)
        for wrong in ((0, 1, 1, 0) if p == 1 else (0, 0, 0, 0))
    ]
    return jsonl(rows)


def test_a_dumps_steps_are_shown_one_by_one(bundled_runs):
    app = visit(upload(start(), "dump.jsonl", verl()), "groups")
    assert not app.exception
    assert app.selectbox(key="group_step").value == 5
    assert "Step 5: 2 groups of 8 solutions; 1 (50%) have no advantages" in app.markdown[0].value
    table = app.dataframe[0].value
    # Rewards 1, 0, 0, 1: mean 1/2, standard deviation 0.5774; the largest advantage comes first.
    np.testing.assert_allclose(table["advantage A"], [0.866, 0.866, -0.866, -0.866], atol=1e-3)
    assert app.selectbox(key="group_reward").value == "reward"
    app.selectbox(key="group_order").select("without advantages only").run()
    assert not app.exception
    assert set(app.dataframe[0].value["advantage A"]) == {0}
    app.button(key="problem-Previous step").click().run()
    assert app.selectbox(key="group_step").value == 3
    assert app.button(key="problem-Previous step").disabled


def test_an_evaluation_is_said_to_be_one(bundled_runs):
    app = visit(start(), "groups")
    assert "This is an evaluation, shown as if it were a step: 24 groups" in app.markdown[0].value
    assert "Class weights in the score loss" in app.markdown[0].value
    assert {"score", "from the score", "class weight"} <= set(app.dataframe[0].value)
    before = app.dataframe[0].value["advantage A"].tolist()
    app.toggle(key="group_blend").set_value(False).run()
    assert app.dataframe[0].value["advantage A"].tolist() != before


def test_without_rewards_the_page_says_so(bundled_runs):
    rows = [{"run": "r", "problem_id": "p", "sample": i, "response": "x"} for i in range(3)]
    app = visit(upload(start(), "bare.jsonl", jsonl(rows)), "groups")
    assert not app.exception
    assert "holds no rewards to compare" in app.markdown[0].value


@pytest.fixture
def trained(bundled_runs, tmp_path, monkeypatch):
    """A finished run of this server with the rollouts of two steps."""
    monkeypatch.setenv(jobs.HOME_VARIABLE, str(tmp_path))
    run = tmp_path / "runs" / "20260101-000000-laser-abcd" / "run"
    (run / "training").mkdir(parents=True)
    settings = LaserConfig(method="laser", steps=2, reasoning_warmup=1, self_reward_warmup=0, tau=0.4)
    for path in (run.parent / "settings.toml", run / "config.toml"):
        path.write_text(settings.to_toml())
    (run.parent / "job.json").write_text(json.dumps({"name": "LaSeR run 1", "created": 0}))
    (run / "events.jsonl").write_text('{"step": 0, "reward": 0.25, "kl": 0.1}\n{"step": 1, "reward": 0.5, "kl": 0.2}\n')
    write_parquet(make_rollouts(n_problems=5, n_samples=4, run="LaSeR run 1"), run / "rollouts.parquet")
    for step in (0, 1):
        rollouts = make_rollouts(n_problems=3, n_samples=4, seed=step, traces=False)
        write_parquet(rollouts.with_column("step", [step] * len(rollouts)), run / "training" / f"{step:06d}.parquet")
    assert bundled  # the fixture's runs stay beside it
    return run


def test_a_run_trained_here_shows_the_steps_that_it_kept(trained):
    app = visit(start(run="LaSeR run 1"), "groups")
    assert not app.exception
    assert "Step 1: 3 groups of 12 solutions" in app.markdown[0].value
    assert not app.toggle or "group_blend" not in [toggle.key for toggle in app.toggle]  # the run's settings are known
    assert "τ 0.4 and T 0.1 are this run's." in said(app)
    assert {"reward (share correct)", "KL divergence from the reference, nats"} == set(
        app.multiselect(key="group_metrics").options
    )
    app.selectbox(key="group_step").select(0).run()
    assert "τ" not in "".join(m.value for m in app.markdown if "Means and standard" in m.value)  # a warm-up step
    assert "from the score" in app.dataframe[0].value


def test_metrics_of_steps_come_from_the_rollouts(bundled_runs):
    rows = [row | {"step": step} for step in (1, 2) for row in rows_of(make_rollouts(n_problems=3, n_samples=4))]
    app = visit(upload(start(), "steps.jsonl", jsonl(rows)), "groups")
    offered = app.multiselect(key="group_metrics").options
    assert {"entropy, nats", "length, tokens", "share of groups whose rewards are equal"} <= set(offered)


def test_an_uploaded_file_of_metrics_belongs_to_the_run_shown(bundled_runs):
    metrics = [{"step": step, "data": {"actor/kl_loss": step / 10}} for step in (3, 4, 5)]
    app = upload(upload(start(), "dump.jsonl", verl()), "metrics.jsonl", jsonl(metrics))
    assert not app.exception
    assert "metrics by step of dump.jsonl, see Groups" in said(app).replace("\\", "")
    visit(app, "groups")
    assert "actor/kl_loss" in app.multiselect(key="group_metrics").options
    app.multiselect(key="group_metrics").set_value(["actor/kl_loss"]).run()
    assert not app.exception
