"""Progress where the output is not a terminal: from the first second, then a line every ten."""

import time

import pytest

from laser_core.commands import bars
from laser_core.commands.bars import Activity, TrainingBar, plain_bar, share_bar, waiting
from laser_core.train import Progress


@pytest.fixture(autouse=True)
def fast_clock(monkeypatch):
    monkeypatch.setattr(bars, "PLAIN_SECONDS", 0.05)


def test_a_line_comes_at_once_and_then_regularly_though_nothing_is_reported(capsys):
    with Activity("sampling") as activity:
        activity.doing("loading m")
        at_once = capsys.readouterr().err.splitlines()
        time.sleep(0.3)
    assert at_once[:2] == ["sampling starting", "sampling loading m"]
    assert "sampling loading m" in capsys.readouterr().err


def test_tokens_rate_and_time_left(monkeypatch, capsys):
    clock = iter([0.0, 0.0, *[10.0] * 100])
    with Activity("sampling") as activity:
        monkeypatch.setattr(bars.time, "monotonic", lambda: next(clock))
        activity.begin(4, "problems", most_tokens=4000)
        activity.tokens(1000)
        assert activity.line() == "sampling 0/4 problems, 1,000 tokens, 100 tokens/s, at most 30 s left"
        activity.done(1)
        assert activity.line() == "sampling 1/4 problems, 1,000 tokens, 100 tokens/s, about 30 s left"
        activity.done(3, 4, 5.0)
        assert activity.line().endswith("about 5 s left")


def test_training_tells_what_it_is_doing_before_the_first_step(capsys):
    with TrainingBar() as bar:
        bar.update(Progress("train", 0, 5, {}, doing="measuring c_ref", tokens=1234))
        assert bar.line() == "train 0/5 measuring c_ref, 1,234 tokens"
        event = {"reward": 0.5, "balanced_f1": 0.5, "within_problem_auroc": 0.75, "tokens_per_second": 10.0}
        bar.update(Progress("train", 1, 5, event))
    told = capsys.readouterr().err
    assert "train 0/5 measuring c_ref" in told
    assert "reward 0.50  balanced F1 0.50  AUROC within a problem 0.75  10 tokens/s" in told


def test_short_work_leaves_no_trace_and_long_work_does(capsys):
    with share_bar() as progress:
        progress("reading", 1, 4)
    assert capsys.readouterr().err == ""
    with waiting("analyzing f"), share_bar() as progress:
        progress("reading", 1, 4)
        time.sleep(0.3)
    told = capsys.readouterr().err.splitlines()
    assert "analyzing f" in told
    assert "reading 25%" in told


def test_counted_work(capsys):
    with plain_bar("base", 3) as advance:
        advance(3, "loss 1.0")
    assert capsys.readouterr().err.splitlines() == ["base", "base 3/3 loss 1.0"]
