"""Sections of the Compare page: runs side by side, two runs problem by problem, and two moments of one training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from app.data import cache, findings, sources
from app.data.sources import Source
from app.format import count, literal, points, points_interval, with_interval
from app.widgets import choices, parts
from laser_core import analysis
from laser_core.analysis import Estimate
from laser_core.errors import InputError
from laser_core.figures import (
    comparison_figure,
    paired_difference_figure,
    score_animation,
    violin_figure,
    voting_difference_figure,
)
from laser_core.rollouts import joined


def families(key: str) -> tuple[dict[str, Source], dict[str, Source]]:
    """The bundled runs that a run is shown beside, and the others: the miniature's, and those of a real model."""
    real, miniature = sources.real_sources(), sources.bundled_sources()
    return (real, miniature) if key in real else (miniature, real)


def side_by_side(runs: Sequence[Source]) -> dict[str, dict[str, Estimate]]:
    """The findings that runs are compared by, per run title.

    A run without a score, or with a signal that was derived from the verdict, has its accuracy and majority vote only.
    """
    rows: dict[str, dict[str, Estimate]] = {}
    for source in runs:
        signal = sources.signal_of(source)
        row = {"accuracy": cache.analyse(source, analysis.accuracy, signal=signal or "score")}
        judged = signal is not None and not findings.derived(source, signal)
        if signal is not None and judged:
            separated = findings.separated(source, signal)
            row |= {
                "AUROC": separated.auroc,
                "AUROC within a problem": separated.within_problem_auroc,
                "balanced F1 (TPR, TNR)": separated.balanced_f1,
            }
        curve, _ = findings.voting(source, signal or "score")
        if curve is not None:
            n = findings.headline_n(curve)
            row[f"majority vote of {n}"] = curve.at("majority", n)
            if judged:
                row[f"weighted vote of {n}"] = curve.at("weighted", n)
        title = source.title if source.title not in rows else f"{source.title} ({source.key})"
        rows[title] = row
    return rows


def comparison(rows: Mapping[str, Mapping[str, Estimate]], *, key: str, see: str) -> None:
    """The figure of :func:`side_by_side`; ``see`` goes on where the caption ends."""
    parts.figure(
        comparison_figure(rows, chance=0.5),
        key=key,
        alt="Accuracy, AUROC, balanced F1 and vote accuracy of each run with 95% intervals",
        see=f"Markers are estimates, bars 95% intervals over problems; the dotted line is chance for an AUROC. {see}",
        finding=" ".join(
            f"{run}: " + ", ".join(f"{name} {with_interval(value)}" for name, value in row.items()) + "."
            for run, row in rows.items()
        ),
        settings={"runs": ", ".join(rows)},
    )


def n_problems(rows: Mapping[str, Mapping[str, Estimate]]) -> str:
    """The number of problems of each run, in words."""
    return "; ".join(f"{literal(run)} {count(row['accuracy'].n, 'problem')}" for run, row in rows.items())


def same_problems(runs: Sequence[Source]) -> bool:
    """Whether all runs solved the same problems."""
    sets = [set(cache.samples(source, sources.signal_of(source) or "score").problem_ids) for source in runs]
    return all(ids == sets[0] for ids in sets)


def comparison_sentence(runs: Sequence[Source]) -> str:
    """The AUROC within a problem of each run, in one sentence with n and intervals."""
    values = []
    for source in runs:
        signal = sources.signal_of(source)
        if signal is None:
            continue
        name = "" if signal == "score" else f" by {parts.signal_name(signal)}"
        if findings.derived(source, signal):
            values.append(f"{literal(source.title)}{name}: derived from the verdict, which says nothing")
            continue
        within = findings.separated(source, signal).within_problem_auroc
        values.append(f"{literal(source.title)}{name} {with_interval(within)}, n = {within.n}")
    if not values:
        accuracies = (f"{literal(s.title)} {with_interval(cache.analyse(s, analysis.accuracy))}" for s in runs)
        return f"No run has a score. Accuracy with its 95% CI: {'; '.join(accuracies)}."
    return f"AUROC of the last-token score within a problem, with its 95% CI (chance is 0.50): {'; '.join(values)}."


def compared(first: Source, second: Source, signal: str) -> analysis.Comparison:
    """The second run minus the first, problem by problem.

    Raises
    ------
    InputError
        If they have no problem in common.
    """
    return cache.remember(
        second,
        ("compared", first.content_id, signal),
        lambda: analysis.compare(
            cache.samples(first, signal),
            cache.samples(second, signal),
            threshold=findings.threshold(second, signal),
            weight=findings.weight(signal),
        ),
    )


def paired(shown: Sequence[Source], current: str) -> None:
    """One run minus another, on the problems that both have; at first the sidebar's run minus another."""
    scored = {source.key: source for source in shown if sources.signal_of(source) is not None}
    runs = scored or {source.key: source for source in shown}

    def title(key: str) -> str:
        return runs[key].title

    if choices.follow_run("second_run", current) and current in runs:
        st.session_state["second_run"] = current
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        chosen = st.selectbox(
            "This run", list(runs), key="second_run", format_func=title, persist_state="session", width=280
        )
        second = runs[chosen]
        others = [key for key in runs if key != second.key]
        chosen = st.selectbox("minus", others, key="first_run", format_func=title, persist_state="session", width=280)
        first = runs[chosen]
    signal = sources.signal_of(second) or "score"
    try:
        found = compared(first, second, signal)
    except InputError as error:
        st.info(literal(error), icon=":material/info:")
        return
    settings = {"runs": ", ".join(source.title for source in shown), "second": second.title, "first": first.title}
    _differences(found, first, second, settings)
    if all(source.with_signals.has(signal) for source in (first, second)):
        _distributions(shown, first, second, signal, settings | {"signal": signal})


def _differences(found: analysis.Comparison, first: Source, second: Source, settings: dict[str, str]) -> None:
    within = found.within_problem_auroc.difference
    left_out = found.n_only_first + found.n_only_second
    left, right = st.columns(2, gap="medium")
    with left:
        parts.figure(
            paired_difference_figure(found, names=(first.title, second.title)),
            key="compare_paired",
            alt="Difference of the two runs in accuracy, AUROC, balanced F1 and votes, with 95% intervals",
            see=f"{literal(second.title)} minus {literal(first.title)}, in percentage points, with 95% intervals "
            f"paired by problem, n = {count(found.n_problems, 'common problem')}"
            + (f" ({left_out:,} others left out)" if left_out else "")
            + (
                f". AUROC within a problem changes by {points(within.value)} points {points_interval(within)}"
                if np.isfinite(within.value)
                else ""
            )
            + ". Where an interval includes 0, no difference is shown.",
            settings=settings,
        )
    with right:
        parts.figure(
            voting_difference_figure(found, names=(first.title, second.title)),
            key="compare_votes",
            alt="Difference of the two runs in vote accuracy against the number of solutions",
            see="The same difference for votes, as N grows. A problem that is hard for one run is usually hard for the "
            "other; pairing removes that, so these intervals are narrower than those of the single runs.",
            settings=settings,
        )


def _distributions(
    shown: Sequence[Source], first: Source, second: Source, signal: str, settings: dict[str, str]
) -> None:
    """The score distributions of both runs, and the steps between them where they are of one training."""
    name, decision = parts.signal_label(signal), 0.5 if signal == "score" else None
    left, right = st.columns(2, gap="medium")
    with left:
        shapes = {
            source.title: cache.analyse(source, analysis.score_shape, signal=signal) for source in (first, second)
        }
        n = "; ".join(f"{literal(t)} {s.correct.n:,} correct, {s.incorrect.n:,} incorrect" for t, s in shapes.items())
        parts.figure(
            violin_figure(shapes, threshold=decision, signal=name),
            key="compare_violins",
            alt=f"Violins of the {name} of correct and incorrect solutions of both runs",
            see=f"Where the scores of each run lie; each side is scaled to its own peak. Dots are medians, bars the "
            f"middle half. n: {n}.",
            settings=settings,
        )
    with right:
        starts = [first, *(source for source in shown if source.key not in (first.key, second.key))]
        found = [(start, steps) for start in starts if (steps := training_steps(start, second, signal)) is not None]
        if not found:
            st.info(
                "No animation: these runs are not two moments of one training. It needs rollouts of several steps in "
                "one file, or a run before training beside one after it.",
                icon=":material/info:",
            )
            return
        start, steps = found[0]
        fig = score_animation(steps, threshold=decision, signal=name)
        parts.figure(
            fig,
            key="compare_animation",
            alt=f"Histograms of the {name} step by step",
            see=f"From {literal(start.title)} to {literal(second.title)}, {count(len(steps.step), 'step')}"
            + (": press play. " if fig.frames else ". ")
            + "A run without a step counts as step 0. Bars are shares of each kind; n is in the figure.",
            settings=settings,
        )


def training_steps(first: Source, second: Source, signal: str) -> analysis.StepScores | None:
    """The scores of two runs as moments of one training; None where they are not, that is where they share a step."""

    def make() -> analysis.StepScores | None:
        tables = [source.with_signals for source in (first, second)]
        steps = [set(table.table["step"].unique().to_pylist()) if table.has("step") else {0} for table in tables]
        if (
            not all(table.has(signal) for table in tables)
            or steps[0] & steps[1]
            or any(len(found) > 1 and None in found for found in steps)
        ):
            return None
        named = [(table if table.has("step") else table.with_column("step", [0] * len(table))) for table in tables]
        one = joined([table.with_column("run", ["both"] * len(table)) for table in named])
        found = analysis.score_by_step(one, signal=signal)
        return found if len(found.step) > 1 else None

    return cache.remember(second, ("training steps", first.content_id, signal), make)
