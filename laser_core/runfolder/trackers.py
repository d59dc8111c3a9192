"""Send a run's events to TensorBoard, Weights & Biases or trackio, each an optional extra and each kept offline."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator
from pathlib import Path

from laser_core.config import LaserConfig
from laser_core.errors import InputError


@contextlib.contextmanager
def opened(config: LaserConfig, folder: Path, name: str) -> Iterator[Callable[[dict], None]]:
    """Yield a function that sends an event to every tracker in ``config.trackers``; close them at the end.

    TensorBoard writes to ``FOLDER/tensorboard``, Weights & Biases to ``FOLDER/wandb`` (offline, unless WANDB_MODE says
    otherwise), trackio to its own folder on this machine.

    Raises
    ------
    InputError
        If a tracker is not installed.
    """
    trackers = [_OPENERS[tracker](config, folder, name) for tracker in config.trackers]

    def send(event: dict) -> None:
        numbers = {k: v for k, v in event.items() if isinstance(v, (int, float)) and math.isfinite(v)}
        step = int(numbers.pop("step"))  # the axis, and a reserved name in some
        for log, _ in trackers:
            log(numbers, step)

    try:
        yield send
    finally:
        for _, close in trackers:
            close()


Tracker = tuple[Callable[[dict, int], None], Callable[[], None]]


def _tensorboard(config: LaserConfig, folder: Path, name: str) -> Tracker:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise _missing("tensorboard") from None
    writers: list[SummaryWriter] = []

    def log(numbers: dict, step: int) -> None:
        if not writers:  # a resumed run discards what it had written of the steps that it now repeats
            writers.append(SummaryWriter(folder / "tensorboard", purge_step=step))
        for key, value in numbers.items():
            writers[0].add_scalar(key, value, step)

    def close() -> None:
        for writer in writers:
            writer.close()

    return log, close


def _wandb(config: LaserConfig, folder: Path, name: str) -> Tracker:
    try:
        import wandb
    except ImportError:
        raise _missing("wandb") from None
    import os

    mode = os.environ.get("WANDB_MODE", "offline")
    run = wandb.init(project="laser", name=name, dir=folder, mode=mode, config=dataclasses.asdict(config))
    return (lambda numbers, step: run.log(numbers, step=step)), run.finish


def _trackio(config: LaserConfig, folder: Path, name: str) -> Tracker:
    try:
        import trackio
    except ImportError:
        raise _missing("trackio") from None
    trackio.init(project="laser", name=name, config=dataclasses.asdict(config), resume="allow")
    return (lambda numbers, step: trackio.log(numbers, step=step)), trackio.finish


def _missing(tracker: str) -> InputError:
    return InputError(
        f"{tracker} is not installed",
        field="trackers",
        remedy=f"pip install {tracker}, or leave it out of trackers",
    )


_OPENERS = {"tensorboard": _tensorboard, "wandb": _wandb, "trackio": _trackio}
