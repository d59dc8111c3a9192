"""A home of its own for every test's runs, and a stand-in for the training that takes minutes."""

import contextlib
import sys
import time
from pathlib import Path

import pytest

from laser_core.config import LaserConfig
from laser_core.jobs import jobs

STAND_IN = Path(__file__).with_name("stand_in_training.py")


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Runs are the stand-in's; whatever is still alive at the end is ended."""
    root = str(Path(__file__).parents[2])
    monkeypatch.setenv(jobs.HOME_VARIABLE, str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", root)
    monkeypatch.setattr(jobs, "COMMAND", (sys.executable, str(STAND_IN)))
    yield tmp_path
    for job in jobs.all_jobs():
        with contextlib.suppress(ValueError):
            jobs.stop(job, at_once=True)


def asked(**changes) -> LaserConfig:
    return LaserConfig(**({"steps": 3, "seed": 0} | changes))


def wait_for(job: jobs.Job, *states: str, seconds: float = 40.0) -> jobs.Job:
    """The job once it is in one of the states."""
    end = time.monotonic() + seconds
    while (now := jobs.find(job.key)).state not in states:
        assert time.monotonic() < end, f"still {now.state} ({now.message})"
        time.sleep(0.05)
    return now
