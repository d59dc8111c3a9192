"""The real model's runs in the app: one click from the start page, and shown beside their own kind."""

import shutil

import pytest

from laser_core import bundled
from laser_core.rollouts import write_parquet
from tests.app.test_pages import finding, said, start, visit
from tests.factories import make_rollouts


@pytest.fixture
def with_a_real_model(bundle, tmp_path, monkeypatch):
    """The synthetic miniature's runs, and two that stand for a real model's."""
    root = tmp_path / "sample_data"
    shutil.copytree(bundle, root)
    (root / "real" / "rollouts").mkdir(parents=True)
    for name, skill in (("real-fitted-0", 1.2), ("real-base", 0.0)):
        rollouts = make_rollouts(n_problems=24, n_samples=16, skill=skill, seed=3, run=name)
        write_parquet(rollouts, root / "real" / "rollouts" / f"{name}.parquet")
    monkeypatch.setattr(bundled, "ROOT", root)


def test_the_start_page_opens_the_real_model_and_goes_back(with_a_real_model):
    app = start()
    assert "LaSeR" in finding(app)
    looks = [button.key for button in app.button if (button.key or "").startswith("look-")]
    assert looks == ["look-grpo", "look-base", "look-real-fitted-0"]
    app.button(key="look-real-fitted-0").click().run()
    assert not app.exception
    assert "score fitted”" in finding(app)
    looks = [button.key for button in app.button if (button.key or "").startswith("look-")]
    assert looks == ["look-real-base", "look-laser"]
    assert "The same problems, before and after training" in [header.value for header in app.subheader]
    app.button(key="look-laser").click().run()
    assert "in the run “LaSeR”" in finding(app)


def test_compare_begins_with_runs_of_the_same_kind(with_a_real_model):
    app = visit(start(run="SmolLM2-135M, score fitted"), "compare")
    assert not app.exception
    assert app.multiselect(key="compared").value == ["real-fitted-0", "real-base"]
    assert "GRPO" not in said(visit(start(run="SmolLM2-135M, warm start"), "traces"))
