"""Progress bars for the command line; plain lines if the output is not a terminal."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from laser_core import train

RECENT_STEPS = 10  # that the shown numbers are averaged over: a single batch jumps
PLAIN_SECONDS = 15.0  # between lines, if there is no terminal to redraw


class TrainingBar:
    """Progress of a training run: reward, balanced F1, AUROC within a problem, tokens/s and the time left.

    The numbers are means over the last ten steps.
    """

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._events: list[dict] = []
        self._last_plain = 0.0
        self._said: set[str] = set()

    def __enter__(self) -> TrainingBar:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self.console.print(text, highlight=False, markup=False)

    def update(self, progress: train.Progress) -> None:
        """Show how far the run is."""
        if progress.note and progress.note not in self._said:
            self._said.add(progress.note)  # once per run: it may hold for every step
            self.say(progress.note)
        if progress.event:
            self._events = [*self._events, progress.event][-RECENT_STEPS:]
        note = self._note() if progress.stage == "train" else "problems of the held-out split"
        if progress.stage not in self._tasks:
            self._tasks[progress.stage] = self._bar.add_task(progress.stage, total=progress.total, note=note)
        self._bar.update(self._tasks[progress.stage], completed=progress.done, note=note)
        due = time.monotonic() - self._last_plain > PLAIN_SECONDS or progress.done == progress.total
        if not self.console.is_terminal and due:
            self._last_plain = time.monotonic()
            self.say(f"{progress.stage} {progress.done}/{progress.total} {note}")

    def _note(self) -> str:
        def mean(name: str) -> float:
            values = [e[name] for e in self._events if not math.isnan(e[name])]
            return sum(values) / len(values) if values else math.nan

        return (
            f"reward {mean('reward'):.2f}  balanced F1 {mean('balanced_f1'):.2f}  AUROC within a problem "
            f"{mean('within_problem_auroc'):.2f}  {mean('tokens_per_second'):,.0f} tokens/s"
        )


@contextmanager
def plain_bar(label: str, total: int | None) -> Iterator[Callable[..., None]]:
    """A bar for anything countable.

    Yields ``advance(done, note, total)``; ``total`` may be left out, and given later if it is not known at first.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<10}"), BarColumn(bar_width=24), TaskProgressColumn())
    with Progress(
        *columns,
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(label, total=total, note="")
        last = [0.0]

        def advance(done: int, note: str, total: int | None = total) -> None:
            bar.update(task, completed=done, note=note, total=total)
            if not console.is_terminal and (time.monotonic() - last[0] > PLAIN_SECONDS or done == total):
                last[0] = time.monotonic()
                console.print(f"{label} {done}/{total} {note}", highlight=False, markup=False)

        yield advance


def time_left(seconds: float) -> str:
    """The remaining time as a phrase to append to a count; empty if it is unknown or under a second.

    Examples
    --------
    >>> time_left(42.0), time_left(200.0), time_left(8000.0), time_left(float("nan"))
    (', about 42 s left', ', about 3 min left', ', about 2.2 h left', '')
    """
    if not seconds >= 1:
        return ""
    if seconds < 90:
        return f", about {seconds:.0f} s left"
    return f", about {seconds / 60:.0f} min left" if seconds < 5400 else f", about {seconds / 3600:.1f} h left"


@contextmanager
def share_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for work in named stages; yields ``progress(stage, done, total)``. Silent without a terminal."""
    console = Console(stderr=True)
    columns = [
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def progress(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield progress
