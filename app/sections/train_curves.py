"""A run's training curves on the Train page; a click on a point opens that step's groups."""

from __future__ import annotations

import streamlit as st

from app.format import count
from app.sections import train_phases
from app.widgets import browser, parts
from laser_core.figures import training_figure
from laser_core.figures.runs import PANELS
from laser_core.jobs import jobs
from laser_core.jobs.progress import JobProgress

CURVES = ["reward", "within_problem_auroc", "balanced_f1"]  # at first


def show(job: jobs.Job, done: JobProgress, batch: str) -> None:
    """Draw the curves and the choice of them.

    Parameters
    ----------
    job : Job
        The run.
    done : JobProgress
        With at least one event.
    batch : str
        What each point was computed from, in words.
    """
    key = f"train_curves_{job.key}"
    opens = job.state == "finished" and (job.events.parent / "training").is_dir()
    parts.figure(
        training_figure(
            {job.name: done.events},
            panels=st.session_state.get("train_panels") or CURVES,
            phases=train_phases.planned(job.settings),
            steps=job.settings.steps,
        ),
        key=key,
        alt=f"Training curves of {job.name}",
        finding=train_phases.told(job.name, done.events, CURVES),
        see=f"n = {count(done.steps, 'training step')}, each point from {batch}: training problems, not held-out ones. "
        "Single points are noisy; the means above have standard errors. The dotted line is chance."
        + (" Click a point to open that step's groups." if opens else ""),
    )
    if opens:

        def picked(step: int, row: int | None) -> None:
            st.session_state.update({"run": f"run-{job.key}", "group_step": step, "go_to": "app_pages/groups.py"})

        browser.on_click(key, key=f"{key}-click", on_pick=picked)
    st.multiselect(
        "Curves",
        [panel.field for panel in PANELS if any(event.get(panel.field) is not None for event in done.events)],
        default=CURVES,
        key="train_panels",
        persist_state="session",
        format_func={panel.field: panel.title for panel in PANELS}.__getitem__,
    )
