"""The steps of a run, whatever a step is: recorded, checkpointed, and stopped without losing one."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import nn

from laser_core.fast.optimiser import trained_by
from laser_core.runfolder import guards
from laser_core.runfolder.checkpoints import RunState
from laser_core.runfolder.folder import RunFolder
from laser_core.runfolder.guards import Stop


def run_steps(
    folder: RunFolder,
    state: RunState,
    stop: Stop,
    step: Callable[[int], dict],
    *,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    on_event: Callable[[dict], None],
    after_step: Callable[[], None] = lambda: None,
) -> None:
    """Do the steps that are left.

    Parameters
    ----------
    folder : RunFolder
    state : RunState
        Counts the steps.
    stop : Stop
    step : callable
        Does the step of a number, counted from 0, and returns its event, with ``n_tokens`` among it. What it does must
        depend on nothing but the seed and that number.
    model : Module
    optimizer : Optimizer
    on_event : callable
        Called with each event, after it was logged.
    after_step : callable
        Called when a step is recorded and, where one is due, in a checkpoint.

    Raises
    ------
    RunError
        If a loss diverges, or the disk is full.
    Interrupted
        After a signal, with a checkpoint of the step reached.
    """
    config = folder.config
    for number in range(state["step"], config.steps):
        started = time.perf_counter()
        event = {"step": number, **step(number)}
        event["step_seconds"] = time.perf_counter() - started
        event["tokens_per_second"] = event["n_tokens"] / event["step_seconds"]
        guards.check_step(event, config, folder=folder.path, saved=folder.checkpoints.newest_step())
        folder.log(event)
        on_event(event)
        state["step"] = done = number + 1
        due = [every for every in (config.checkpoint_every, config.eval_every) if every and done % every == 0]
        if due or done == config.steps or stop.signal is not None:
            folder.checkpoints.save(model, optimizer, state)
        stop.check(done)
        after_step()


def update(optimizer: torch.optim.Optimizer, *, lr: float, max_grad_norm: float) -> float:
    """One optimiser step with clipped gradients; returns their norm before clipping."""
    norm = torch.nn.utils.clip_grad_norm_(trained_by(optimizer), max_grad_norm)
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.step()
    return norm.item()
