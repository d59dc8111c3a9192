"""Synthetic bundled runs, so that the app's logic is tested without the shipped data."""

import pyarrow.parquet as pq
import pytest

from laser_core import bundled
from laser_core.jobs import jobs
from tests.factories import make_rollouts

EVENTS = (
    '{"step": 0, "reward": 0.2, "within_problem_auroc": 0.5}\n'
    '{"step": 1, "reward": 0.4, "within_problem_auroc": 0.7}\n'
    '{"step": 2, "rew'  # a training that is still writing
)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """A folder laid out like sample_data, with a run that can judge (laser) and two that cannot well."""
    root = tmp_path_factory.mktemp("bundle")
    (root / "rollouts").mkdir()
    (root / "events").mkdir()
    for name, skill in (("laser", 1.5), ("grpo", 0.3), ("base", 0.1)):
        rollouts = make_rollouts(n_problems=24, n_samples=8, skill=skill, seed=7, run=name)
        pq.write_table(rollouts.to_arrow(), root / "rollouts" / f"{name}.parquet")
    for name in ("laser", "grpo"):
        (root / "events" / f"{name}.jsonl").write_text(EVENTS)
    return root


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory):
    """Training runs of these tests never mix with those of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(jobs.HOME_VARIABLE, str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def bundled_runs(bundle, monkeypatch):
    """The app finds the synthetic runs in place of the shipped ones."""
    monkeypatch.setattr(bundled, "ROOT", bundle)
    return bundle


@pytest.fixture
def no_bundled_runs(tmp_path, monkeypatch):
    """The app finds no runs at all, as in a copy without sample data."""
    monkeypatch.setattr(bundled, "ROOT", tmp_path)
