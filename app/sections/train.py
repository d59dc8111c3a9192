"""One training run on the page: how it stands, its curves, and what can be done with it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from app.data import cache
from app.widgets import parts
from app.widgets.format import count, duration, literal, number, small
from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.figures import training_figure
from laser_core.figures.runs import PANELS
from laser_core.jobs import jobs
from laser_core.jobs.progress import JobProgress, progress, step_seconds

POLL_SECONDS = 2.0
NUMBERS = (  # event field, its name on the page, digits, what it is
    ("reward", "Reward", 2, "Share of the step's solutions that the verifier marks correct."),
    ("balanced_f1", "Balanced F1", 2, "Harmonic mean of TPR and TNR at score > 0.5, on the step's solutions."),
    (
        "within_problem_auroc",
        "AUROC within a problem",
        2,
        "How often a correct solution outscores an incorrect one of the same problem. 0.5 is chance.",
    ),
    ("laser/log_z", "log Z", None, "What the score leaves out, nats; see Theory."),
    (
        "laser/c_ref_drift",
        "c_ref drift",
        2,
        "How far z_c's log-prob under the reference has moved from the constant, on the policy's own solutions, nats.",
    ),
)
VIEWS = ("start", "traces", "scores", "thresholds", "voting", "compare")
CARD = {
    "delta_color": "off",
    "delta_arrow": "off",
    "border": True,
    "width": 196,
}  # three beside each other, in two rows
CURVES = ["reward", "within_problem_auroc", "balanced_f1"]  # at first
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
    """Draw a run; one that is live redraws itself every two seconds, and the page when it ends."""
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
            st.rerun()  # the rest of the page offers other things from now on
        _draw(now)

    follow()


def example() -> None:
    """The bundled runs' curves: what to expect of a run before there is one."""
    events = {source.title: cache.events(source) for source in cache.bundled_sources().values() if source.events}
    if not events:
        return
    steps = max(len(run) for run in events.values())
    st.markdown("**What to expect: the bundled runs**")
    parts.figure(
        training_figure(events, panels=CURVES[:2]),
        key="train_example",
        alt="Training curves of the bundled runs: share of correct solutions and AUROC within a problem",
        see=f"n = {count(steps, 'training step')}, each point from the solutions of one step. One seed each, so no "
        "interval; **Claims** has several seeds. The dotted line is chance.",
    )


def finding(job: jobs.Job) -> str:
    """What a run shows, with its uncertainty, as the page's headline."""
    if job.live:  # its numbers are below, where they follow it
        return f"{literal(job.name)} is under way."
    done = progress(job)
    mean, error = done.recent.get("within_problem_auroc", (math.nan, math.nan))
    if math.isnan(error):
        return f"{literal(job.name)} is {job.state}."
    return (
        f"{literal(job.name)}, {job.state}: over {count(done.n_recent, 'step')} up to step {done.steps:,} a correct "
        f"solution outscores an incorrect one of the same problem {100 * mean:.0f} ± {100 * error:.0f}% of the time. "
        "Chance is 50%."
    )


def _draw(job: jobs.Job) -> None:
    done = progress(job)
    st.markdown(f"{STATES[job.state]} **{literal(job.name)}**: {_summary(job.settings)}")
    if job.state == "failed":
        st.error(
            f"{literal(job.message)} Resume goes on from its last checkpoint; if the settings were at fault, start "
            "another run.",
            icon=":material/error:",
        )
    elif job.state == "stopped":
        st.info(f"Stopped after {count(done.steps, 'step')} of {done.total_steps:,}. It can go on.")
    elif job.state == "finished":
        st.success(
            f"Finished: {count(job.settings.eval_samples, 'solution')} of each of "
            f"{count(job.settings.eval_problems, 'held-out problem')} are ready on every page.",
            icon=":material/check_circle:",
        )
    else:
        _bar(job, done)
    _actions(job)
    _numbers(job, done)
    if done.events:
        parts.figure(
            training_figure({job.name: done.events}, panels=st.session_state.get("train_panels") or CURVES),
            key=f"train_curves_{job.key}",
            alt=f"Training curves of {job.name}",
            see=f"n = {count(done.steps, 'training step')}, one point each, from {_batch(job.settings)} sampled at "
            "that step: training problems, not held-out ones. Points scatter by chance; the means above have standard "
            "errors. The dotted line is chance.",
        )
        st.multiselect(
            "Curves",
            [field for field, _, _ in PANELS if any(event.get(field) is not None for event in done.events)],
            default=CURVES,
            key="train_panels",
            persist_state="session",
            format_func=lambda field: next(title for name, title, _ in PANELS if name == field),
        )


def _bar(job: jobs.Job, done: JobProgress) -> None:
    left = "" if done.seconds_left is None else f"; about {duration(done.seconds_left)} left"
    if job.state == "starting":
        st.progress(0.0, "Loading the model and measuring c_ref …")
    elif done.steps < done.total_steps:
        st.progress(done.steps / done.total_steps, f"Step {done.steps:,} of {done.total_steps:,}{left}")
    else:
        share = done.evaluated / max(done.to_evaluate, 1)
        said = f"Trained. Evaluating held-out problems: {done.evaluated:,} of {done.to_evaluate:,}{left}"
        st.progress(min(share, 1.0), said)


def _numbers(job: jobs.Job, done: JobProgress) -> None:
    if not done.recent:
        return
    with st.container(horizontal=True, gap="small"):
        for field, name, digits, meaning in NUMBERS:
            if field in done.recent:
                mean, error = done.recent[field]
                shown = small(mean) if digits is None else number(mean, digits)
                spread = None if math.isnan(error) else f"± {small(error) if digits is None else number(error, digits)}"
                st.metric(name, shown, spread, help=meaning, **CARD)
        pace = step_seconds(done.events)
        pace = None if pace is None else f"{pace:.2g} s a step"
        st.metric("Tokens/s", f"{done.tokens_per_second:,.0f}", pace, help="Sampling and training together.", **CARD)
    st.caption(
        f"Means over the last {count(done.n_recent, 'step')}, {_batch(job.settings)} each; ± is the standard error "
        "over these steps, the trend included."
    )


def _actions(job: jobs.Job) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if job.state == "stopping":
            if st.button("End it at once", icon=":material/dangerous:", help="Loses what came after the checkpoint."):
                _do(jobs.stop, job, at_once=True)
        elif job.live:
            if st.button("Stop", icon=":material/stop:", help="Ends after the step at hand; it can be resumed."):
                _do(jobs.stop, job)
        elif job.state == "finished":
            st.markdown("Look at its rollouts:")
            for view in VIEWS:
                st.button(view.capitalize(), key=f"train_to_{view}", on_click=_look, args=(job, view), width="content")
        elif st.button("Resume", type="primary", icon=":material/resume:"):
            _do(jobs.resume, job)
        if not job.live:
            with st.popover("Delete", icon=":material/delete:"):
                st.write(f"Deletes {literal(job.name)} with its model and its rollouts, for everybody.")
                if st.button("Delete for good", key="train_delete"):
                    _do(jobs.remove, job)


def _look(job: jobs.Job, view: str) -> None:
    """Choose the run in the sidebar and open a page; both happen before anything is drawn again."""
    st.session_state["run"] = f"run-{job.key}"
    st.session_state["go_to"] = f"app_pages/{view}.py"


def _do(action: object, job: jobs.Job, **options: object) -> None:
    try:
        action(job, **options)
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
    return f"{settings.rollouts_per_prompt} solutions of each of {count(settings.prompts_per_step, 'problem')}"


def pace(found: Sequence[jobs.Job]) -> float | None:
    """Seconds that a step of the default size takes: in the latest such run, else in the bundled LaSeR run."""
    size = (LaserConfig().prompts_per_step, LaserConfig().rollouts_per_prompt)
    for job in found[:3]:
        if (job.settings.prompts_per_step, job.settings.rollouts_per_prompt) == size:
            seconds = step_seconds(progress(job).events)
            if seconds:
                return seconds
    bundled = cache.bundled_sources().get("laser")
    return step_seconds(cache.events(bundled)) if bundled else None
