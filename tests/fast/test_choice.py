"""Which forward pass is chosen: the one measured as faster, for sampling and for reading apart."""

import time

import torch

from laser_core.fast import choice
from laser_core.fast.choice import Lean


def test_the_faster_forward_pass_is_taken_for_each_purpose(tiny, monkeypatch):
    monkeypatch.setattr(choice, "KNOWN", 0)
    seconds = iter([2.0, 1.0, 1.0, 3.0])  # own and lean, sampling and then training
    monkeypatch.setattr(choice, "_seconds", lambda run, clock: next(seconds))
    found = choice.choose(tiny.model, torch.float32, tiny.pad_id, to_train=True)
    assert found.lean == Lean(sampling=True, training=False)
    assert found.reason == (
        "Sampling runs the lean forward pass, measured 2.0 times as fast as the model's own; "
        "training runs the model's own forward pass, measured 3.0 times as fast as the lean one."
    )


def test_a_measurement_leaves_no_gradient_and_a_short_memory_no_choice(tiny, monkeypatch):
    monkeypatch.setattr(choice, "KNOWN", 0)
    choice.choose(tiny.model, torch.float32, tiny.pad_id, to_train=True)
    assert all(parameter.grad is None for parameter in tiny.model.parameters())
    monkeypatch.setattr(choice, "COPIES", 0.0)
    assert choice.choose(tiny.model, torch.float32, tiny.pad_id, to_train=False).lean == Lean(False, False)


def test_other_programs_do_not_count_where_one_thread_computes(monkeypatch):
    cpu = torch.device("cpu")
    for threads, clock in ((1, time.process_time), (2, time.perf_counter)):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert choice._clock(cpu) is clock
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert choice._clock(torch.device("cuda")) is time.perf_counter  # the processor only waits for it
