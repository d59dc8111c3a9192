"""How far a training run is: its recent numbers, its pace, and the time it still needs."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from laser_core.jobs.files import read_events, read_log

if TYPE_CHECKING:
    from laser_core.jobs.jobs import Job

RECENT_STEPS = 10  # what numbers and pace are averaged over: a single step jumps


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    events : its training events, oldest first.
    steps : training steps done.
    total_steps : training steps asked for.
    evaluated, to_evaluate : held-out problems done and asked for.
    recent : per event field its mean over the last ten steps and the mean's standard error (NaN from one step); only
        fields that those steps hold.
    n_recent : how many steps that is.
    tokens_per_second : median over the last ten steps; None before the first.
    seconds_left : training and evaluation still to come, an estimate from the same steps; None before the first.
    """

    events: list[dict] = field(repr=False)
    steps: int
    total_steps: int
    evaluated: int
    to_evaluate: int
    recent: dict[str, tuple[float, float]]
    n_recent: int
    tokens_per_second: float | None
    seconds_left: float | None


def progress(job: Job) -> Progress:
    """How far a run is, from its events and what it said."""
    settings, events = job.settings, read_events(job.events)
    recent = [event for event in events[-RECENT_STEPS:] if event.get("step_seconds")]
    evaluated = 0
    if len(events) >= settings.steps:
        for match in re.finditer(r"^evaluate (\d+)/\d+", read_log(job.folder), re.MULTILINE):
            evaluated = int(match[1])
    evaluated = settings.eval_problems if job.state == "finished" else evaluated
    pace = left = None
    if recent:
        pace = statistics.median(event["tokens_per_second"] for event in recent)
        seconds = step_seconds(events)
        # The evaluation samples as training does; a solution is trained on once more, but also judged by the reference.
        step_solutions = settings.prompts_per_step * settings.rollouts_per_prompt
        solutions = (settings.eval_problems - evaluated) * settings.eval_samples
        left = seconds * (max(settings.steps - len(events), 0) + solutions / step_solutions)
    return Progress(
        events=events,
        steps=len(events),
        total_steps=settings.steps,
        evaluated=evaluated,
        to_evaluate=settings.eval_problems,
        recent=recent_means(recent),
        n_recent=len(recent),
        tokens_per_second=pace,
        seconds_left=left,
    )


def step_seconds(events: Sequence[dict]) -> float | None:
    """How long a step takes, in seconds: the median over the last ten that say so; None without any.

    Examples
    --------
    >>> step_seconds([{"step": 0, "step_seconds": 9.0}, {"step": 1, "step_seconds": 2.0}, {"step": 2}])
    5.5
    """
    seconds = [event["step_seconds"] for event in events[-RECENT_STEPS:] if event.get("step_seconds")]
    return statistics.median(seconds) if seconds else None


def recent_means(events: list[dict]) -> dict[str, tuple[float, float]]:
    """Mean and standard error, over the events, of every number in them; events without the number are passed over.

    Examples
    --------
    >>> recent_means([{"reward": 0.25}, {"reward": 0.75, "score_loss": None}])
    {'reward': (0.5, 0.25)}
    """
    found = {}
    for name in dict.fromkeys(name for event in events for name in event):
        values = [v for e in events if isinstance(v := e.get(name), (int, float)) and not isinstance(v, bool)]
        if values:
            error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
            found[name] = (statistics.fmean(values), error)
    return found
