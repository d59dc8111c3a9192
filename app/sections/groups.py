"""The Groups page's step: which one, how its advantages are made, and what was measured by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app.data import cache, training
from app.data.sources import Source
from app.data.training import StepSettings
from app.format import count, literal, short
from app.presentation import deck
from app.sections.row_filters import one_of
from app.widgets import browser, choices, parts
from laser_core import analysis
from laser_core.analysis import StepMetric, TrainingGroups
from laser_core.errors import InputError
from laser_core.figures import Drawn, step_metrics_figure
from laser_core.rollouts import SIGNAL_PREFIX, Rollouts

STEP = "group_step"  # in the session's state: the chosen step
DEFAULT_METRICS = 2  # panels at first


@dataclass(frozen=True)
class StepView:
    """One step as the page shows it.

    Attributes
    ----------
    source : Source
        The run.
    step : int or None
        None for an evaluation, whose problems are shown as if they were a step's groups.
    rollouts : Rollouts
        The step's.
    rows : ndarray of int, or None
        Where they stand in the run's table; None where only the step's own file has them.
    groups : TrainingGroups
    settings : StepSettings
    reward : str
        The column that was compared.
    """

    source: Source
    step: int | None
    rollouts: Rollouts
    rows: np.ndarray | None
    groups: TrainingGroups
    settings: StepSettings
    reward: str


def view(source: Source) -> StepView | None:
    """Draw the choice of the step and of its settings; None, and the reason on the page, where nothing can be shown."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        step = _step(source)
        try:
            rollouts, rows = training.at_step(source, step)
        except (InputError, OSError) as error:
            st.info(literal(error), icon=":material/info:")
            return None
        reward = _reward(source, rollouts)
        used = _settings(source, step)
    pool = cache.pools_steps()  # a step's groups are never pooled; only the cache's key depends on it
    key = ("training groups", step, reward, used, pool)
    try:
        groups = cache.remember(
            source,
            key,
            lambda: analysis.training_groups(
                rollouts,
                reward=reward,
                tau=used.tau,
                std_threshold=used.std_threshold,
                use_score=used.use_score and rollouts.has("score"),
            ),
        )
    except InputError as error:
        st.info(literal(error), icon=":material/info:")
        return None
    return StepView(source, step, rollouts, rows, groups, used, reward)


def _step(source: Source) -> int | None:
    steps = training.steps(source)
    if not steps:
        return None
    wanted = st.session_state.get(STEP)
    if wanted not in steps:  # the nearest one: a curve may have points between the kept steps
        st.session_state[STEP] = steps[-1] if wanted is None else min(steps, key=lambda step: abs(step - wanted))
    chosen = st.selectbox(
        f"Training step, {len(steps):,} kept",
        steps,
        key=STEP,
        format_func="{:,}".format,
        width=190,
        **choices.kept(source),
    )

    def move(by: int) -> None:
        st.session_state[STEP] = steps[max(0, min(len(steps) - 1, steps.index(chosen) + by))]

    with st.container(horizontal=True, gap="xsmall", width="content"):
        for label, by, icon in (("Previous step", -1, "back"), ("Next step", 1, "forward")):
            edge = steps[0] if by < 0 else steps[-1]
            st.button(
                label,
                key=f"problem-{label}",  # the stylesheet hides the text of these arrows
                icon=f":material/arrow_{icon}:",
                help=label,
                on_click=move,
                args=(by,),
                disabled=chosen == edge,
            )
    return chosen


def _reward(source: Source, rollouts: Rollouts) -> str:
    """The column that GRPO compared: the verdict, or a reward that the file holds."""
    names = {"verdict (0 or 1)": analysis.VERDICT} if rollouts.has("correct") else {}
    for signal in rollouts.signals:
        if signal != "score":
            names[short(signal.removeprefix(SIGNAL_PREFIX), 60)] = signal
    if not names:
        return analysis.VERDICT
    own = next((name for name, column in names.items() if column == "signal.reward"), None)
    if own is not None and "group_reward" not in st.session_state:
        st.session_state["group_reward"] = own  # what the file's trainer compared
    return names[one_of("Reward", list(names), key="group_reward", source=source)]


def _settings(source: Source, step: int | None) -> StepSettings:
    known = training.settings(source, step)
    if not source.rollouts.has("score"):
        return StepSettings(known.tau, known.std_threshold, False, known.known)
    if known.known:
        return known
    kept = choices.kept(source)
    blend = st.toggle("Blend the score in", value=known.use_score, key="group_blend", **kept)
    if not blend:
        return StepSettings(known.tau, known.std_threshold, False, False)
    tau = st.number_input("τ", 0.0, 1.0, known.tau, step=0.05, key="group_tau", width=110, **kept)
    least = st.number_input("T", 0.0, 10.0, known.std_threshold, step=0.05, key="group_threshold", width=110, **kept)
    return StepSettings(tau, least, True, False)


def curves(source: Source, step: int | None) -> None:
    """What was measured by step; a click on a point opens that step's groups."""
    found = training.metrics(source)
    if not found:
        return
    chosen = st.multiselect(
        "Measured by step",
        list(found),
        default=list(found)[:DEFAULT_METRICS],
        key="group_metrics",
        format_func=lambda name: short(found[name].name, 60) if name in found else name,
        placeholder="choose metrics",
        **choices.kept(source),
    )
    shown = [found[name] for name in chosen if name in found] or [next(iter(found.values()))]
    kept = training.steps(source)
    parts.figure(
        step_metrics_figure(shown, marked=step) if deck.on() else _drawn_once(source, shown),
        key="group_curves",
        alt="By training step: " + "; ".join(metric.name for metric in shown),
        see=f"n = {count(len(shown[0].step), 'training step')}; each point is a mean over that step's solutions or "
        "what the trainer logged."
        + (" The dotted line is the step shown; click a point to open its groups." if kept else ""),
        settings=parts.made_with(source),
    )
    if kept:
        # On the page the line of the step lies over the figure: another step would draw all curves anew otherwise.
        browser.on_click(
            "group_curves",
            key="group_curves_click",
            on_pick=lambda x, row: _pick_step(x),
            marked=None if deck.on() else step,
        )


def _drawn_once(source: Source, shown: Sequence[StepMetric]) -> Drawn:
    """The curves without the step's line: the same figure at every step, so it is built once."""
    content = tuple((metric.name, metric.step.tobytes(), metric.value.tobytes()) for metric in shown)
    return cache.remember(source, ("step curves", content), lambda: step_metrics_figure(shown))


def _pick_step(step: int) -> None:
    st.session_state[STEP] = step
