"""One training run on the Train page: its state, numbers and curves, and the actions it allows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st

from app.data import cache, sources
from app.format import count, duration, literal, number, small
from app.sections import train_curves, train_phases
from app.widgets import parts
from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.figures import training_figure
from laser_core.jobs import jobs
from laser_core.jobs.progress import JobProgress, progress, step_seconds

POLL_SECONDS = 2.0


@dataclass(frozen=True)
class Number:
    """A number on the page: its field in the training events, its title, how it is written, and what it means."""

    field: str
    title: str
    write: Callable[[float], str]
    meaning: str


NUMBERS = (
    Number("reward", "Reward", number, "Share of the step's solutions that are verified correct."),
    Number(
        "balanced_f1", "Balanced F1", number, "Harmonic mean of TPR and TNR at score > 0.5, on the step's solutions."
    ),
    Number(
        "within_problem_auroc",
        "AUROC within a problem",
        number,
        "How often a correct solution outscores an incorrect one of the same problem. 0.5 is chance.",
    ),
    Number("laser/log_z", "log Z", small, "The term that the score neglects, in nats; see Theory."),
    Number(
        "laser/c_ref_drift",
        "c_ref drift",
        number,
        "Log-prob of z_c under the reference minus c_ref, on the policy's own solutions, in nats.",
    ),
)
PAGES = ("start", "traces", "groups", "scores", "thresholds", "voting", "compare")  # of a finished run
STATES = {
    "starting": ":blue-badge[:material/hourglass_top: starting]",
    "training": ":blue-badge[:material/model_training: training]",
    "evaluating": ":blue-badge[:material/fact_check: evaluating]",
    "stopping": ":orange-badge[:material/pause: stopping]",
    "stopped": ":gray-badge[:material/stop_circle: stopped]",
    "failed": ":red-badge[:material/error: failed]",
    "finished": ":green-badge[:material/check_circle: finished]",
}


def show(job: jobs.Job) -> None:
    """Draw a run; a live one is redrawn every two seconds, and the whole page when it ends."""
    if not job.live:
        _draw(job)
        return

    @st.fragment(run_every=POLL_SECONDS)
    def follow() -> None:
        try:
            now = jobs.find(job.key)
        except InputError:
            st.rerun()
        if not now.live:
            st.rerun()  # the rest of the page changes with the state
        _draw(now)

    follow()


def example() -> None:
    """The bundled runs' curves, shown until there is a run."""
    events = {source.title: cache.events(source) for source in sources.bundled_sources().values() if source.events}
    if not events:
        return
    steps = max(len(run) for run in events.values())
    stretches = max((train_phases.lived(run) for run in events.values()), key=len)
    st.markdown("**What to expect: the bundled runs**")
    parts.figure(
        training_figure(events, panels=train_curves.CURVES[:2], phases=stretches, steps=steps),
        key="train_example",
        alt="Training curves of the bundled runs: share of correct solutions and AUROC within a problem",
        see=f"n = {count(steps, 'training step')}; each point is computed from the solutions of one step. One seed "
        "each, so no interval; **Claims** has several seeds. The dotted line is chance. "
        + train_phases.unlike_the_defaults(stretches),
        finding=" ".join(train_phases.told(title, run, train_curves.CURVES[:2]) for title, run in events.items()),
    )


def finding(job: jobs.Job) -> str:
    """The page's headline: the latest result of a run, with its uncertainty."""
    if job.live:  # its numbers are below, where they are redrawn
        return f"{literal(job.name)} is running."
    done = progress(job)
    mean, error = done.recent.get("within_problem_auroc", (math.nan, math.nan))
    if math.isnan(error):
        return f"{literal(job.name)} is {job.state}."
    return (
        f"{literal(job.name)}, {job.state}: over the last {count(done.n_recent, 'step')} a correct solution outscores "
        f"an incorrect one of the same problem {100 * mean:.0f} ± {100 * error:.0f}% of the time. Chance is 50%."
    )


def _draw(job: jobs.Job) -> None:
    done = progress(job)
    st.markdown(f"{STATES[job.state]} **{literal(job.name)}**: {_summary(job.settings)}")
    if job.state == "failed":
        st.error(
            f"{literal(job.message)} Resume continues from the last checkpoint. If the settings are at fault, start a "
            "new run.",
            icon=":material/error:",
        )
    elif job.state == "stopped":
        st.info(f"Stopped after {count(done.steps, 'step')} of {done.total_steps:,}. It can be resumed.")
    elif job.state == "finished":
        st.success(
            f"Finished. {count(job.settings.eval_problems, 'held-out problem')} × "
            f"{count(job.settings.eval_samples, 'solution')} are ready on every page.",
            icon=":material/check_circle:",
        )
    else:
        _bar(job, done)
    _actions(job)
    _numbers(job, done)
    if done.events:
        train_curves.show(job, done, _batch(job.settings))


def _bar(job: jobs.Job, done: JobProgress) -> None:
    left = "" if done.seconds_left is None else f"; about {duration(done.seconds_left)} left"
    if job.state == "starting":
        st.progress(0.0, "Loading the model and measuring c_ref …")
    elif done.steps < done.total_steps:
        st.progress(done.steps / done.total_steps, f"Step {done.steps:,} of {done.total_steps:,}{left}")
    else:
        share = done.evaluated / max(done.to_evaluate, 1)
        text = f"Trained. Evaluating on held-out problems: {done.evaluated:,} of {done.to_evaluate:,}{left}"
        st.progress(min(share, 1.0), text)


def _numbers(job: jobs.Job, done: JobProgress) -> None:
    if not done.recent:
        return
    with st.container(horizontal=True, gap="small"):
        for shown in NUMBERS:
            if shown.field in done.recent:
                mean, error = done.recent[shown.field]
                spread = None if math.isnan(error) else f"± {shown.write(error)}"
                _card(shown.title, shown.write(mean), spread, shown.meaning)
        seconds = step_seconds(done.events)
        per_step = None if seconds is None else f"{seconds:.2g} s per step"
        _card("Tokens/s", f"{done.tokens_per_second:,.0f}", per_step, "Sampling and training together.")
    st.caption(
        f"Means over the last {count(done.n_recent, 'step')} of {_batch(job.settings)} each. ± is the standard error "
        "over these steps, which includes any trend."
    )


def _card(title: str, value: str, below: str | None, meaning: str) -> None:
    """One number; three fit side by side."""
    st.metric(title, value, below, help=meaning, delta_color="off", delta_arrow="off", border=True, width=196)


def _actions(job: jobs.Job) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if job.state == "stopping":
            if st.button("Stop now", icon=":material/dangerous:", help="Loses the steps since the last checkpoint."):
                _do(partial(jobs.stop, job, at_once=True))
        elif job.live:
            if st.button("Stop", icon=":material/stop:", help="Stops after the current step; it can be resumed."):
                _do(partial(jobs.stop, job))
        elif job.state == "finished":
            st.markdown("Open its rollouts in:")
            for page in PAGES:
                st.button(page.capitalize(), key=f"train_to_{page}", on_click=_open, args=(job, page), width="content")
        elif st.button("Resume", type="primary", icon=":material/resume:"):
            _do(partial(jobs.resume, job))
        if not job.live:
            with st.popover("Delete", icon=":material/delete:"):
                st.write(f"Deletes {literal(job.name)} with its model and its rollouts, for everyone on this server.")
                if st.button("Delete permanently", key="train_delete"):
                    _do(partial(jobs.remove, job))


def _open(job: jobs.Job, page: str) -> None:
    """A callback: choose the run in the sidebar and open a page."""
    st.session_state["run"] = f"run-{job.key}"
    st.session_state["go_to"] = f"app_pages/{page}.py"


def _do(action: Callable[[], object]) -> None:
    """Act on a job, and redraw the page or show the fault."""
    try:
        action()
    except InputError as error:
        st.error(literal(error), icon=":material/error:")
    else:
        st.rerun()


def _summary(settings: LaserConfig) -> str:
    laser = f", α {settings.alpha:g}, β_v {settings.beta_v:g}, τ {settings.tau:g}, T {settings.std_threshold:g}"
    warm = f", warm-ups {settings.reasoning_warmup} + {settings.self_reward_warmup}"
    shown = f"{count(settings.steps, 'step')}, seed {settings.seed}"
    return shown + laser + warm if settings.method == "laser" else shown


def _batch(settings: LaserConfig) -> str:
    return f"{count(settings.prompts_per_step, 'problem')} × {settings.rollouts_per_prompt} solutions"
