"""Sections of the Scores page: the distribution of the scores, and what they correlate with."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import streamlit as st

from app.data import cache, findings
from app.data.sources import Source
from app.widgets import choices, parts, problem_chooser
from app.widgets.format import count, estimate, interval, literal, mean_score, number
from laser_core import analysis
from laser_core.analysis import Samples
from laser_core.errors import InputError
from laser_core.figures import (
    SignalMetric,
    ecdf_figure,
    score_animation,
    score_by_step_figure,
    score_histogram,
    score_length_figure,
    signals_figure,
    violin_figure,
)


class Section(StrEnum):
    """The sections, by title."""

    DISTRIBUTION = "Distribution"
    LENGTH = "Against length"
    SIGNAL = "Against another signal"
    STEP = "Against training step"
    FREE_SIGNALS = "Beside free signals"


class Picture(StrEnum):
    """How a distribution is drawn."""

    HISTOGRAM = "histogram"
    ECDF = "ECDF"
    VIOLIN = "violin"


class Scope(StrEnum):
    """The problems whose solutions are counted."""

    ALL = "all problems"
    ONE = "one problem"


class Counted(StrEnum):
    """The solutions that are counted."""

    SCORED = "all scored"
    ANSWERED = "filtered: with an answer"


def show(section: Section, source: Source, signal: str) -> None:
    """Draw one section."""
    match section:
        case Section.DISTRIBUTION:
            distribution(source, signal)
        case Section.LENGTH:
            against_length(source, signal)
        case Section.SIGNAL:
            against_signal(source, signal)
        case Section.STEP:
            against_step(source, signal)
        case Section.FREE_SIGNALS:
            beside_signals(source, signal)


def _decision(source: Source, signal: str) -> float | None:
    return findings.threshold(source, signal) if signal == "score" else None


@st.fragment
def distribution(source: Source, signal: str) -> None:
    """Histogram, ECDF or violin of correct and of incorrect solutions' scores, over all problems or within one."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        picture = choices.one_of("Picture", {one: one.value for one in Picture}, key="score_picture", source=source)
        scope = choices.one_of("Over", {one: one.value for one in Scope}, key="score_over", source=source)
        counted = choices.one_of("Solutions", {one: one.value for one in Counted}, key="score_counted", source=source)
        bins = 40
        if picture == Picture.HISTOGRAM:
            bins = st.select_slider(
                "Bins", [10, 20, 40, 80], value=40, key="score_bins", width=180, **choices.kept(source)
            )
    problem_id = problem_chooser.choose(source, signal) if scope == Scope.ONE else None

    def grid() -> Samples:
        found = cache.samples(source, signal)
        if problem_id is not None:
            found = found.take(np.array([found.problem_ids.index(problem_id)]))
        return analysis.answered(found) if counted == Counted.ANSWERED else found

    key = (signal, problem_id, str(counted))
    separated = cache.remember(source, ("separation", *key), lambda: analysis.separation(grid()))
    spread = cache.remember(
        source, ("distribution", bins, *key), lambda: analysis.score_distribution(grid(), bins=bins)
    )
    decision, name = _decision(source, signal), parts.signal_label(signal)
    settings = parts.made_with(source, signal, over=str(scope), problem=problem_id, solutions=str(counted))
    means = (
        f"Mean {parts.signal_name(signal)} with 95% CI: correct {mean_score(spread.correct_mean)}, incorrect "
        f"{mean_score(spread.incorrect_mean)}; AUROC {estimate(separated.auroc)}."
    )
    left_out = f" {count(spread.n_unscored, 'solution')} without a score left out." if spread.n_unscored else ""
    if picture == Picture.HISTOGRAM:
        parts.figure(
            score_histogram(spread, threshold=decision, signal=name),
            key="score_histogram",
            alt=f"Histograms of the {name} of correct and of incorrect solutions",
            see=f"{count(spread.n_correct, 'correct solution')} in blue, {spread.n_incorrect:,} incorrect in hatched "
            f"vermilion. The less they overlap, the better the score tells them apart. {means}{left_out}",
            settings=settings,
        )
        return
    shape = cache.remember(source, ("shape", *key), lambda: analysis.score_shape(grid()))
    n = f"n = {count(shape.correct.n, 'correct solution')} and {shape.incorrect.n:,} incorrect."
    if picture == Picture.ECDF:
        parts.figure(
            ecdf_figure(shape, threshold=decision, signal=name),
            key="score_ecdf",
            alt=f"Share of correct and of incorrect solutions with a {name} up to each value",
            see="The share of each kind that scores at most this much, with 95% bands over problems. The further apart "
            f"the curves, the better. {n} {means}{left_out}",
            settings=settings,
        )
    else:
        parts.figure(
            violin_figure({source.title: shape}, threshold=decision, signal=name),
            key="score_violin",
            alt=f"Violins of the {name} of correct and of incorrect solutions",
            see="The distribution of each kind, wide where many scores lie; each side is scaled to its own peak. "
            f"{n} {means}{left_out}",
            settings=settings,
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
        f"{number(found.spearman_correct.value)} {interval(found.spearman_correct)}, among incorrect ones "
        f"{number(found.spearman_incorrect.value)} {interval(found.spearman_incorrect)}, within a problem "
        f"{number(found.spearman_within_problem.value)} {interval(found.spearman_within_problem)}. Only the last three "
        "show a dependence that correctness and difficulty do not explain. "
        f"{found.n_points:,} of {count(found.n_total, 'solution')} drawn; the means, with 95% intervals over problems, "
        "use all.",
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
        parts.figure(
            score_animation(found, threshold=_decision(source, signal), signal=name),
            key="score_animation",
            alt=f"Histograms of the {name} at each training step, as an animation",
            see="Press play: the two kinds part as the score learns. n is in the legend, step by step.",
            settings=parts.made_with(source, signal),
        )


def beside_signals(source: Source, signal: str) -> None:
    """The score beside the free signals."""
    table = findings.signal_table(source)
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
        "more token per solution; the other signals are free. Choose one in the sidebar to see it on every page.",
        settings=parts.made_with(source, signal, metric=metric.field),
    )
    st.caption("  \n".join(f"**{name}**: {about}" for name, about in _explained(table)))


def _explained(table: analysis.SignalTable) -> list[tuple[str, str]]:
    """Each signal with its explanation, which the analysis gives."""
    return [
        (parts.signal_name(row.signal), literal(row.description, 200)) for row in table.rows if row.signal != "score"
    ]
