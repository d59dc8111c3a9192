"""What can go wrong while training, as clear errors, and how a run is stopped without losing a step."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

from laser_core.config import LaserConfig
from laser_core.errors import RunError
from laser_core.fast.batches import is_out_of_memory

EXPLODED = 1e3  # a loss of a healthy run is of the order of 1: a mean of squared score errors, a mean of advantages


class Interrupted(KeyboardInterrupt):
    """A run was stopped by a signal, after saving a checkpoint.

    Attributes
    ----------
    step : int
        Training steps done and saved.
    signal : int
        SIGINT (Ctrl-C) or SIGTERM.
    """

    def __init__(self, step: int, signal_number: int) -> None:
        self.step, self.signal = step, signal_number
        super().__init__(f"stopped after step {step}")


class Stop:
    """Whether Ctrl-C was pressed or SIGTERM arrived. The first signal is noted; a second one interrupts at once."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def check(self, step: int) -> None:
        """Raise :class:`Interrupted` if a stop was requested; ``step`` steps must have been saved."""
        if self.signal is not None:
            raise Interrupted(step, self.signal)

    @classmethod
    @contextlib.contextmanager
    def on_signals(cls) -> Iterator[Stop]:
        """Handle both signals while the block runs; off the main thread, where Python delivers none, do nothing."""
        stop = cls()

        def note(number: int, frame: object) -> None:
            if stop.signal is not None:
                raise KeyboardInterrupt
            stop.signal = number

        before = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) is not signal.SIG_IGN:  # ignored on purpose by the parent process
                    before[number] = signal.signal(number, note)
        try:
            yield stop
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def check_step(event: dict, config: LaserConfig, *, folder: Path, saved: int) -> None:
    """Stop a run that diverged, before a checkpoint of it is written.

    Parameters
    ----------
    event : dict
        Of the step just done.
    config : LaserConfig
    folder : Path
        Named in the message.
    saved : int
        Steps done at the newest checkpoint.

    Raises
    ------
    RunError
        If a loss or the gradient is not finite, or a loss is above ``EXPLODED``.
    """
    keep = f"the checkpoint after step {saved} is kept" if saved else "no checkpoint was written yet"
    losses = [name for name in ("policy_loss", "score_loss", "solution_loss") if name in event]
    for name in (*losses, "grad_norm"):
        if not math.isfinite(event[name]):
            raise RunError(
                f"at step {event['step']} {name} is not a finite number; {keep}",
                file=folder,
                remedy=f"lower lr (now {config.lr:g}) or max_grad_norm (now {config.max_grad_norm:g}), then resume",
            )
    for name in losses:
        if abs(event[name]) > EXPLODED:
            also = ", or check that c_ref and beta_v suit this model" if name == "score_loss" else ""
            raise RunError(
                f"at step {event['step']} {name} exploded to {event[name]:.3g}; {keep}",
                file=folder,
                remedy=f"lower lr (now {config.lr:g}){also}, then resume",
            )


@contextlib.contextmanager
def memory(config: LaserConfig, *, folder: Path) -> Iterator[None]:
    """Turn a lack of memory into an error that names the setting to lower.

    Raises
    ------
    RunError
        If the block runs out of memory.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise RunError(
            "out of memory; the last checkpoint is kept",
            file=folder,
            remedy=f"resume with a lower micro_batch_tokens (now {config.micro_batch_tokens}) or with recompute = on; "
            f"if sampling ran out, start another folder with a lower max_new_tokens (now {config.max_new_tokens})",
        ) from error


def remark(event: dict, config: LaserConfig) -> str:
    """A sentence for the user about a step from which little or nothing can be learnt; empty if all is well.

    Examples
    --------
    >>> healthy = {"completions/clipped_ratio": 0.1, "frac_reward_zero_std": 0.2, "reward": 0.5}
    >>> remark(healthy, LaserConfig())
    ''
    >>> remark(healthy | {"frac_reward_zero_std": 1.0, "reward": 0.0}, LaserConfig())[:57]
    'No solution of this step is correct, so the policy learns'
    """
    if event["completions/clipped_ratio"] == 1:
        return (
            f"Every solution of this step was cut off at max_new_tokens ({config.max_new_tokens}): none has a score. "
            "Raise it, or start from a model that ends its solutions."
        )
    if event["frac_reward_zero_std"] < 1:
        return ""
    if event["reward"] in (0, 1):
        which = "No solution of this step is" if event["reward"] == 0 else "All solutions of this step are"
        return f"{which} correct, so the policy learns nothing from them; the score loss sees one class only."
    return "In every problem of this step all solutions agree, so the policy learns nothing from them."
