"""Files of metrics: our events, verl's file logger and a trainer's state; anything else is left alone."""

import json

import pytest

from laser_core.runfolder.metric_files import metrics_in


def lines(*records) -> bytes:
    return "\n".join(json.dumps(record) for record in records).encode()


def test_events_that_are_still_being_written():
    found = metrics_in(
        lines({"step": 0, "kl": 0.1, "phase": "grpo", "ok": True}, {"step": 1.0, "kl": None}) + b'\n{"st'
    )
    assert found == [{"step": 0, "kl": 0.1}]


def test_a_trainers_state():
    state = {"epoch": 1.0, "log_history": [{"step": 10, "kl": 0.2, "reward": 0.5}, {"step": 20, "train_runtime": 3.0}]}
    assert metrics_in(json.dumps(state).encode()) == [
        {"step": 10, "kl": 0.2, "reward": 0.5},
        {"step": 20, "train_runtime": 3.0},
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\x00",
        b"[]",
        b"3",
        b"[" * 100_000,
        lines({"step": True, "a": 1}),
        lines({"step": -1, "a": 1}),
        lines({"a": 1}, {"b": 2}, {"step": 1, "a": 1}),
        lines({"step": 1, "output": "2", "score": 1.0}),
        lines({"step": 1, "data": "x"}),
    ],
)
def test_what_is_no_file_of_metrics(content):
    assert metrics_in(content) is None
