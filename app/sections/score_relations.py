"""Sections of the Scores page that set the score beside something else: length, signals, training steps."""

from __future__ import annotations

import streamlit as st

from app.data import cache, findings
from app.data.sources import Source
from app.format import count, estimate, literal, with_interval
from app.widgets import choices, parts
from laser_core import analysis
from laser_core.errors import InputError
from laser_core.figures import (
    JITTER_NOTE,
    SignalMetric,
    score_animation,
    score_by_step_figure,
    score_length_figure,
    signals_figure,
)


def against_length(source: Source, signal: str) -> None:
    """Does the score only follow the length?"""
    found = cache.analyse(source, analysis.length_relation, signal=signal, max_points=4000)
    _relation(source, signal, found, "length, tokens", "length")


def against_signal(source: Source, signal: str) -> None:
    """The score against any other signal."""
    others = [name for name in source.all_signals if name != signal]
    if not others:
        st.info("These rollouts hold no other signal, and none can be computed from them.", icon=":material/info:")
        return
    other = st.selectbox(
        "Other signal",
        others,
        key="other_signal",
        width=280,
        format_func=parts.signal_choice,
        **choices.kept(source),
    )

    def make() -> analysis.LengthRelation:
        both = analysis.in_length_place(cache.samples(source, signal), cache.samples(source, other))
        return analysis.length_relation(both, max_points=4000)

    found = cache.remember(source, ("relation", signal, other), make)
    _relation(source, signal, found, parts.signal_label(other), "signal")


def _relation(source: Source, signal: str, found: analysis.LengthRelation, x: str, what: str) -> None:
    parts.figure(
        score_length_figure(found, signal=parts.signal_label(signal), x=x),
        key=f"score_{what}",
        alt=f"{parts.signal_label(signal)} against {x}, correct and incorrect solutions",
        see=f"Rank correlation (Spearman) {estimate(found.spearman)}; among correct solutions "
        f"{with_interval(found.spearman_correct)}, among incorrect ones "
        f"{with_interval(found.spearman_incorrect)}, within a problem "
        f"{with_interval(found.spearman_within_problem)}. Only the last three "
        "show a dependence that correctness and difficulty do not explain. "
        f"{found.n_points:,} of {count(found.n_total, 'solution')} drawn; the means, with 95% intervals over problems, "
        "use all." + (f" {JITTER_NOTE}" if found.whole_lengths else ""),
        settings=parts.made_with(source, signal, against=x),
    )


def against_step(source: Source, signal: str) -> None:
    """The score over training, as curves and as an animation."""
    try:
        found = findings.by_step(source, signal)
    except InputError as error:
        st.info(literal(error), icon=":material/info:")
        return
    if len(found.step) < 2:
        st.info(
            f"All of these solutions were sampled at training step {int(found.step[0])}. Rollouts of several steps in "
            "one file, such as the checkpoints of a run, would show here how the score learns.",
            icon=":material/info:",
        )
        return
    left, right = st.columns(2, gap="medium")
    name = parts.signal_label(signal)
    with left:
        parts.figure(
            score_by_step_figure(found, signal=name),
            key="score_steps",
            alt=f"Median {name} of correct and incorrect solutions and the AUROCs at each training step",
            see=f"{count(len(found.step), 'step')}. Above, medians with the middle half of the scores as bands; below, "
            "AUROC overall and within a problem with 95% intervals over problems. Only the second helps voting.",
            settings=parts.made_with(source, signal),
        )
    with right:
        fig = score_animation(found, threshold=findings.decision(source, signal), signal=name)
        parts.figure(
            fig,
            key="score_animation",
            alt=f"Histograms of the {name} at each training step",
            see=("Press play: do" if fig.frames else "Do")
            + " the two kinds part as the score learns? Bars are shares of each kind; n is in the figure.",
            settings=parts.made_with(source, signal),
        )


def beside_signals(source: Source, signal: str) -> None:
    """The score beside the free signals."""
    try:
        table = findings.signal_table(source)
    except InputError as error:  # every signal of the file was derived from the verdict
        st.info(literal(error), icon=":material/info:")
        return
    metrics: list[SignalMetric] = list(SignalMetric)
    metric = st.selectbox(
        "Compared by",
        metrics,
        format_func=lambda metric: metric.title,
        key="signal_metric",
        width=360,
        **choices.kept(source),
    )
    parts.figure(
        signals_figure(table, metric),
        key="score_signals",
        alt=f"{metric.title} of the score and of every free signal, with 95% intervals",
        see=f"95% intervals over problems, n = {count(table.n_problems, 'problem')}. The last-token score costs one "
        "more token per solution; signals computed from log-probs and lengths are free. Choose a single one in the "
        "sidebar to see it on every page.",
        settings=parts.made_with(source, signal, metric=metric.field),
    )
    st.caption("  \n".join(f"**{name}**: {about}" for name, about in _explained(table)))
    if table.not_judged:
        left_out = "; ".join(f"{parts.signal_name(name)}: {literal(why)}" for name, why in table.not_judged.items())
        st.caption(f"Left out, because they say nothing beside the verdict they belong to: {left_out}.")
    if table.not_combined:
        st.caption(f"No row for the free signals combined: {literal(table.not_combined)}")


def _explained(table: analysis.SignalTable) -> list[tuple[str, str]]:
    """Each signal with its explanation, which the analysis gives."""
    return [
        (parts.signal_name(row.signal), literal(row.description, 200)) for row in table.rows if row.signal != "score"
    ]
