"""What to expect of a training run on the Train page: its phases, its pace, and its curves in words."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.data import cache, sources
from laser_core.config import LaserConfig
from laser_core.figures import Phase
from laser_core.figures.runs import PANELS
from laser_core.jobs import jobs
from laser_core.jobs.progress import progress, step_seconds

NAMES = {"grpo": "GRPO alone", "score": "the score, too", "laser": "full LaSeR"}  # of LaserConfig.phase


def planned(settings: LaserConfig) -> list[Phase]:
    """The phases that a run will go through, from its settings.

    >>> [(p.first, p.end) for p in planned(LaserConfig(steps=9, reasoning_warmup=2, self_reward_warmup=3))]
    [(0, 2), (2, 5), (5, 9)]
    """
    return _stretches((step, settings.phase(step)) for step in range(settings.steps))


def lived(events: Sequence[Mapping]) -> list[Phase]:
    """The phases that a run went through, from its events."""
    return _stretches((int(event["step"]), event["phase"]) for event in events if event.get("phase") in NAMES)


def _stretches(steps: Iterable[tuple[int, str]]) -> list[Phase]:
    found = []
    for phase, group in itertools.groupby(steps, lambda step: step[1]):
        numbers = [number for number, _ in group]
        found.append(Phase(numbers[0], numbers[-1] + 1, NAMES[phase]))
    return found


def unlike_the_defaults(stretches: Sequence[Phase]) -> str:
    """Where a run's phases begin, if that is elsewhere than in a run with the defaults; empty otherwise."""
    usual = planned(LaserConfig())
    if len(stretches) < 2 or [phase.first for phase in stretches] == [phase.first for phase in usual]:
        return ""
    theirs, ours = (" and ".join(str(phase.first) for phase in phases[1:]) for phases in (stretches, usual))
    return f"The phases of this LaSeR run begin at steps {theirs}; with the defaults, those of yours begin at {ours}."


def told(title: str, events: Sequence[Mapping], fields: Sequence[str]) -> str:
    """How a run's curves begin and end, for those who cannot see them."""
    lines = []
    for panel in PANELS:
        values = [event[panel.field] for event in events if event.get(panel.field) is not None]
        if panel.field in fields and values:
            lines.append(f"{panel.title} from {values[0]:.2f} to {values[-1]:.2f}")
    return f"{title}: {', '.join(lines)}." if lines else ""


@dataclass(frozen=True)
class Pace:
    """How fast a machine trains: seconds per solution of a step, and where that was measured."""

    seconds: float
    measured: str

    def step(self, settings: LaserConfig) -> float:
        """Seconds per step of these settings."""
        return self.seconds * settings.prompts_per_step * settings.rollouts_per_prompt


def pace(found: Sequence[jobs.Job]) -> Pace | None:
    """The pace of the latest run on this machine; before the first, that of the bundled run on its machine."""
    for job in found[:3]:
        if seconds := step_seconds(progress(job).events):
            size = job.settings.prompts_per_step * job.settings.rollouts_per_prompt
            return Pace(seconds / size, f"measured here, in {job.name}")
    bundled = sources.bundled_sources().get("laser")
    seconds = step_seconds(cache.events(bundled)) if bundled else None
    if not seconds:
        return None
    size = LaserConfig().prompts_per_step * LaserConfig().rollouts_per_prompt
    return Pace(seconds / size, "on the machine of the bundled run; your first run measures this one")
