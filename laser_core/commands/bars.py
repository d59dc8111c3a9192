"""Progress for the command line from the first second on; plain lines if the output is not a terminal."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from laser_core import train

RECENT_STEPS = 10  # that the shown numbers are averaged over: a single batch jumps
PLAIN_SECONDS = 10.0  # between lines, if there is no terminal to redraw


class _Shown:
    """A rich bar on a terminal; elsewhere a line every ten seconds, whether or not anything has come in meanwhile."""

    def __init__(self, columns: tuple[ProgressColumn, ...], *, at_once: bool = True, transient: bool = False) -> None:
        self.console = Console(stderr=True, soft_wrap=True)
        self.bar = Progress(*columns, console=self.console, transient=transient, disable=not self.console.is_terminal)
        self.began = time.monotonic()
        self._at_once, self._last = at_once, ""
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        self.bar.start()
        if not self.console.is_terminal:
            if self._at_once:
                self.plain()
            self._ticker.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self.bar.stop()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self.console.print(text, highlight=False, markup=False)

    def line(self) -> str:
        """What the plain line says."""
        raise NotImplementedError

    def plain(self) -> None:
        """Print the plain line now, unless it is the one that stands there already."""
        if not self.console.is_terminal and (text := self.line()) != self._last:
            self._last = text
            self.say(text)

    def _tick(self) -> None:
        while not self._over.wait(PLAIN_SECONDS):
            self.say(self.line())


class Activity(_Shown):
    """Progress of work in parts, with what is being done, tokens/s and the time left.

    Parameters
    ----------
    label : str
        What the command does, such as "sampling".
    """

    def __init__(self, label: str) -> None:
        columns = (TextColumn("{task.description:<10}"), BarColumn(bar_width=24), TextColumn("{task.fields[note]}"))
        super().__init__((*columns, TimeElapsedColumn()))
        self.label, self.unit = label, ""
        self.now, self.n_done, self.total = "starting", 0, 0
        self.n_tokens, self.most_tokens = 0, 0
        self.left = math.nan
        self._task = self.bar.add_task(label, total=None, note="")

    def doing(self, what: str, *, most_tokens: int = 0) -> None:
        """Something that has no parts begins; ``most_tokens`` tokens at most will be sampled for it."""
        self.now, self.n_tokens, self.total, self.began = what, 0, 0, time.monotonic()
        self.most_tokens = most_tokens
        self._show(at_once=True)

    def begin(self, total: int | None, unit: str, *, most_tokens: int = 0) -> None:
        """Work of ``total`` parts begins; ``most_tokens`` tokens at most will be sampled for it."""
        self.now, self.total, self.unit = "", total or 0, unit
        self.n_done, self.n_tokens, self.most_tokens = 0, 0, most_tokens
        self.began = time.monotonic()
        self._show(at_once=True)

    def tokens(self, n: int) -> None:
        """So many tokens have been sampled."""
        self.n_tokens = n
        self._show()

    def done(self, n: int, total: int | None = None, left: float | None = None) -> None:
        """So many parts are done, and that many seconds left; without ``left`` it is estimated."""
        self.n_done, self.total = n, total or self.total
        self.left = math.nan if left is None else left
        self._show(at_once=self.n_done == self.total)

    def line(self) -> str:
        """What is being done, how much of it, how fast, and how long it will take."""
        return f"{self.label} {self._note()}"

    def _note(self) -> str:
        seconds = time.monotonic() - self.began
        parts = [self.now] if self.now else [f"{self.n_done:,}/{self.total:,} {self.unit}" if self.total else self.unit]
        if self.n_tokens:
            rate = self.n_tokens / max(seconds, 1e-3)
            parts.append(f"{self.n_tokens:,} tokens, {rate:,.0f} tokens/s")
        return ", ".join(parts) + self._left(seconds)

    def _left(self, seconds: float) -> str:
        if not math.isnan(self.left):
            return time_left(self.left)
        if self.total and self.n_done:
            return time_left(seconds * (self.total - self.n_done) / self.n_done)
        if self.most_tokens and self.n_tokens:
            return time_left(seconds * (self.most_tokens / self.n_tokens - 1)).replace("about", "at most")
        return ""

    def _show(self, *, at_once: bool = False) -> None:
        self.bar.update(self._task, completed=self.n_done, total=self.total or None, note=self._note())
        if at_once:
            self.plain()


class TrainingBar(_Shown):
    """Progress of a training run: reward, balanced F1, AUROC within a problem, tokens/s and the time left.

    The numbers are means over the last ten steps.
    """

    def __init__(self) -> None:
        super().__init__(
            (
                TextColumn("{task.description:<10}"),
                BarColumn(bar_width=24),
                TaskProgressColumn(),
                TextColumn("{task.fields[note]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
            )
        )
        self._tasks: dict[str, TaskID] = {}
        self._events: list[dict] = []
        self._said: set[str] = set()
        self._text = "train starting"
        self._first: dict[str, tuple[float, int]] = {}  # a stage's first report: when it came, and how much was done

    def line(self) -> str:
        """The newest numbers, and what is going on."""
        return self._text

    def update(self, progress: train.Progress) -> None:
        """Show how far the run is."""
        if progress.note and progress.note not in self._said:
            self._said.add(progress.note)  # once per run: it may hold for every step
            self.say(progress.note)
        if progress.event:
            self._events = [*self._events, progress.event][-RECENT_STEPS:]
        training = progress.stage == "train"
        note = (self._note() if self._events else "") if training else "problems of the held-out split"
        doing = progress.doing + (f", {progress.tokens:,} tokens" if progress.tokens else "")
        shown = "  ".join(part for part in (note, doing) if part)
        if progress.stage not in self._tasks:
            self._tasks[progress.stage] = self.bar.add_task(progress.stage, total=progress.total, note=shown)
        self.bar.update(self._tasks[progress.stage], completed=progress.done, note=shown)
        left = self._left(progress)
        text = f"{progress.stage} {progress.done}/{progress.total}{left}{'  ' if left else ' '}{shown}".rstrip()
        begins = self._text.split(" ")[0] != progress.stage or "starting" in self._text
        self._text = text
        if begins or (progress.done == progress.total and not doing) or self._first_event():
            self.plain()

    def _first_event(self) -> bool:
        return len(self._events) == 1 and "reward" not in self._last

    def _left(self, progress: train.Progress) -> str:
        began, at = self._first.setdefault(progress.stage, (time.monotonic(), progress.done))
        done = progress.done - at
        if not done:
            return ""
        return time_left((time.monotonic() - began) * (progress.total - progress.done) / done)

    def _note(self) -> str:
        def mean(name: str, digits: int = 2) -> str:
            values = [e[name] for e in self._events if not math.isnan(e[name])]
            return f"{sum(values) / len(values):,.{digits}f}" if values else "–"  # no solution of one kind so far

        return (
            f"reward {mean('reward')}  balanced F1 {mean('balanced_f1')}  AUROC within a problem "
            f"{mean('within_problem_auroc')}  {mean('tokens_per_second', 0)} tokens/s"
        )


class _Counted(_Shown):
    """A label with a count, a note and the time left."""

    def __init__(self, label: str, columns: tuple[ProgressColumn, ...], **options: bool) -> None:
        super().__init__(columns, **options)
        self.label, self.text = label, label

    def line(self) -> str:
        """What was last said."""
        return self.text


@contextmanager
def plain_bar(label: str, total: int | None) -> Iterator[Callable[..., None]]:
    """A bar for anything countable.

    Yields ``advance(done, note, total)``; ``total`` may be left out, and given later if it is not known at first.
    """
    columns = (TextColumn("{task.description:<10}"), BarColumn(bar_width=24), TaskProgressColumn())
    with _Counted(label, (*columns, TextColumn("{task.fields[note]}"), TimeRemainingColumn())) as shown:
        task = shown.bar.add_task(label, total=total, note="")

        def advance(done: int, note: str, total: int | None = total) -> None:
            shown.bar.update(task, completed=done, note=note, total=total)
            seconds = time.monotonic() - shown.began
            left = time_left(seconds * (total - done) / done) if total and done else ""
            counted = f"{label} {done}/{total}{left}" if total else f"{label} {done}" if done else label
            shown.text = f"{counted}{'  ' if left else ' '}{note}".rstrip()
            if done == total:
                shown.plain()

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
    """A bar for work in named stages; yields ``progress(stage, done, total)``. What takes seconds leaves no trace."""
    columns = (TextColumn("{task.description:<12}"), BarColumn(bar_width=24), TaskProgressColumn())
    with _Counted("starting", (*columns, TimeRemainingColumn()), at_once=False, transient=True) as shown:
        tasks: dict[str, TaskID] = {}

        def progress(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = shown.bar.add_task(stage, total=total)
            shown.bar.update(tasks[stage], completed=done, total=total)
            shown.text = f"{stage} {done / max(total, 1):.0%}"

        yield progress


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show that something is going on that cannot say how far it is; what takes seconds leaves no trace."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with _Counted(what, columns, at_once=False, transient=True) as shown:
        shown.bar.add_task(what, total=None)
        yield
