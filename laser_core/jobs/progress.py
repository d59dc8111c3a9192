"""How far a training run is: its recent numbers, its pace, and the time it still needs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from laser_core.jobs.jobs import Job
from laser_core.runfolder.events import read_events, read_progress

RECENT_STEPS = 10  # numbers and pace are averaged over these: a single step jumps


@dataclass(frozen=True)
class JobProgress:
    """How far a run is.

    Attributes
    ----------
    events : list of dict
        Its training events, oldest first.
    steps, total_steps : int
        Training steps done, and asked for.
    evaluated, to_evaluate : int
        Held-out problems evaluated, and asked for.
    recent : dict of str to tuple of float
        For each event field, the mean over the last ten steps and its standard error (NaN after a single step). Fields
        without a number in these steps are missing.
    n_recent : int
        How many steps that is.
    tokens_per_second : float or None
        Median over the last ten steps; None before the first.
    seconds_left : float or None
        Training and evaluation still to come, estimated from the last ten steps; None before the first.
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


def progress(job: Job) -> JobProgress:
    """How far a run is, read from what it writes to its folder."""
    settings, events = job.settings, read_events(job.events)
    recent = [event for event in events[-RECENT_STEPS:] if event.get("step_seconds")]
    evaluated = _evaluated(job, len(events))
    pace = left = None
    seconds = step_seconds(events)
    if seconds is not None:
        pace = statistics.median(event["tokens_per_second"] for event in recent)
        # The evaluation samples as training does. It does not train on a solution, but the reference reads each one.
        step_solutions = settings.prompts_per_step * settings.rollouts_per_prompt
        solutions = (settings.eval_problems - evaluated) * settings.eval_samples
        left = seconds * (max(settings.steps - len(events), 0) + solutions / step_solutions)
    return JobProgress(
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


def _evaluated(job: Job, steps: int) -> int:
    """Held-out problems done in the final evaluation; those of a validation on the way do not count."""
    if job.state == "finished":
        return job.settings.eval_problems
    now = read_progress(job.rollouts.parent)
    return now.done if now and now.stage == "evaluate" and steps >= job.settings.steps else 0


def step_seconds(events: Sequence[dict]) -> float | None:
    """How long a step takes, in seconds: the median over those of the last ten that say so; None without any.

    Examples
    --------
    >>> step_seconds([{"step": 0, "step_seconds": 9.0}, {"step": 1, "step_seconds": 2.0}, {"step": 2}])
    5.5
    """
    seconds = [event["step_seconds"] for event in events[-RECENT_STEPS:] if event.get("step_seconds")]
    return statistics.median(seconds) if seconds else None


def recent_means(events: list[dict]) -> dict[str, tuple[float, float]]:
    """Mean and standard error of every number in the events; events that lack the number are left out of its mean.

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
