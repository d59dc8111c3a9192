"""The sections of the scores page: how scores are spread, and what they go with."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.data import cache, findings
from app.widgets import choices, parts, problem_chooser
from app.widgets.format import count, estimate, interval, literal, mean_score, number
from laser_core import analysis
from laser_core.analysis import Samples
from laser_core.errors import InputError
from laser_core.figures import (
    SIGNAL_METRICS,
    ecdf_figure,
    score_animation,
    score_by_step_figure,
    score_histogram,
    score_length_figure,
    signals_figure,
    violin_figure,
)

PICTURES = ("histogram", "ECDF", "violin")
OVER = ("all problems", "one problem")
COUNTED = {"all": "all scored", "answered": "filtered: with an answer"}


def _decision(source: cache.Source, signal: str) -> float | None:
    return findings.threshold(source, signal) if signal == "score" else None


@st.fragment
def scores(source: cache.Source, signal: str) -> None:
    """Histogram, ECDF or violin of the scores by verdict, over all problems or within one."""
    kept, name = choices.kept(source), parts.signal_label(signal)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        picture = st.segmented_control(
            "Picture", PICTURES, default="histogram", key="score_picture", required=True, **kept
        )
        over = st.segmented_control("Over", OVER, default=OVER[0], key="score_over", required=True, **kept)
        counted = st.segmented_control(
            "Solutions",
            list(COUNTED),
            default="all",
            key="score_counted",
            required=True,
            format_func=COUNTED.__getitem__,
            **kept,
        )
        bins = 40
        if picture == "histogram":
            bins = st.select_slider("Bins", [10, 20, 40, 80], value=40, key="score_bins", width=180, **kept)
    problem_id = problem_chooser.choose(source, signal) if over == OVER[1] else None

    def grid() -> Samples:
        found = cache.samples(source, signal)
        if problem_id is not None:
            found = found.take(np.array([found.problem_ids.index(problem_id)]))
        return analysis.answered(found) if counted == "answered" else found

    key = (signal, problem_id, counted)
    parted = cache.remember(source, ("separation", *key), lambda: analysis.separation(grid()))
    decision = _decision(source, signal)
    settings = parts.made_with(source, signal, over=over, problem=problem_id, solutions=COUNTED[counted])
    spread = cache.remember(
        source, ("distribution", bins, *key), lambda: analysis.score_distribution(grid(), bins=bins)
    )
    told = (
        f"Mean {parts.signal_name(signal)} with its 95% interval: correct {mean_score(spread.correct_mean)}, incorrect "
        f"{mean_score(spread.incorrect_mean)}; AUROC {estimate(parted.auroc)}."
    )
    left_out = f" {count(spread.n_unscored, 'solution')} without a score not counted." if spread.n_unscored else ""
    if picture == "histogram":
        parts.figure(
            score_histogram(spread, threshold=decision, signal=name),
            key="score_histogram",
            alt=f"Histograms of the {name} of correct and of incorrect solutions",
            see=f"{count(spread.n_correct, 'correct solution')} in blue, {spread.n_incorrect:,} incorrect ones in "
            f"hatched vermilion. The less they overlap, the better the score tells them apart. {told}{left_out}",
            settings=settings,
        )
        return
    shape = cache.remember(source, ("shape", *key), lambda: analysis.score_shape(grid()))
    n = f"n = {count(shape.correct.n, 'correct solution')} and {shape.incorrect.n:,} incorrect."
    if picture == "ECDF":
        parts.figure(
            ecdf_figure(shape, threshold=decision, signal=name),
            key="score_ecdf",
            alt=f"Share of correct and of incorrect solutions with a {name} up to each value",
            see="How many of each kind score at most this much, with 95% bands over problems: at any height, the "
            f"further apart the curves, the better. {n} {told}{left_out}",
            settings=settings,
        )
    else:
        parts.figure(
            violin_figure({source.title: shape}, threshold=decision, signal=name),
            key="score_violin",
            alt=f"Violins of the {name} of correct and of incorrect solutions",
            see="Where the scores of each kind gather; wide is where there are many, each kind by its own peak. "
            f"{n} {told}{left_out}",
            settings=settings,
        )


def against_length(source: cache.Source, signal: str) -> None:
    """Does the score only follow the length?"""
    found = cache.analyse(source, "length_relation", signal=signal, max_points=4000)
    _relation(source, signal, found, "length, tokens", "length")


def against_signal(source: cache.Source, signal: str) -> None:
    """The score against any other signal."""
    others = [name for name in source.all_signals if name != signal]
    if not others:
        st.info("These rollouts hold no second signal, and nothing to make one from.", icon=":material/info:")
        return
    other = st.selectbox(
        "Other signal",
        others,
        key="other_signal",
        width=280,
        format_func=lambda name: "last-token score" if name == "score" else name.removeprefix("signal."),
        **choices.kept(source),
    )

    def make() -> analysis.LengthRelation:
        both = analysis.in_length_place(cache.samples(source, signal), cache.samples(source, other))
        return analysis.length_relation(both, max_points=4000)

    found = cache.remember(source, ("relation", signal, other), make)
    _relation(source, signal, found, parts.signal_label(other), "signal")


def _relation(source: cache.Source, signal: str, found: analysis.LengthRelation, x: str, what: str) -> None:
    parts.figure(
        score_length_figure(found, signal=parts.signal_label(signal), x=x),
        key=f"score_{what}",
        alt=f"{parts.signal_label(signal)} against {x}, correct and incorrect solutions",
        see=f"Rank correlation (Spearman) {estimate(found.spearman)}; among correct solutions "
        f"{number(found.spearman_correct.value)} ({interval(found.spearman_correct)}), among incorrect ones "
        f"{number(found.spearman_incorrect.value)} ({interval(found.spearman_incorrect)}), within a problem "
        f"{number(found.spearman_within_problem.value)} ({interval(found.spearman_within_problem)}). Only the last "
        "three say that the score follows it beyond right and wrong, and beyond easy and hard. "
        f"{found.n_points:,} of {count(found.n_total, 'solution')} drawn; the means, with 95% intervals over problems, "
        "use all.",
        settings=parts.made_with(source, signal, against=x),
    )


def against_step(source: cache.Source, signal: str) -> None:
    """The score over training, as curves and as an animation."""
    try:
        found = findings.by_step(source, signal)
    except InputError as error:
        st.info(literal(error), icon=":material/info:")
        return
    if len(found.step) < 2:
        st.info(
            f"All of these solutions were sampled at one training step ({int(found.step[0])}). Rollouts of several "
            "steps in one file, such as the checkpoints of a run, show here how the score learns.",
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
            see=f"{count(len(found.step), 'step')}, the middle half of the scores as bands; below, AUROC overall and "
            "within a problem with 95% intervals over problems. The second is what voting lives on.",
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


def beside_signals(source: cache.Source, signal: str) -> None:
    """The score beside the signals that cost nothing."""
    table = findings.signal_table(source)
    metric = st.selectbox(
        "Judged by",
        list(SIGNAL_METRICS),
        format_func=lambda key: SIGNAL_METRICS[key][0],
        key="signal_metric",
        width=360,
        **choices.kept(source),
    )
    parts.figure(
        signals_figure(table, metric=metric),
        key="score_signals",
        alt=f"{SIGNAL_METRICS[metric][0]} of the score and of every free signal, with 95% intervals",
        see=f"95% intervals over problems, n = {count(table.n_problems, 'problem')}. The last-token score costs one "
        "more token per solution; the others were there anyway. Choose a single one in the sidebar to see it on every "
        "page.",
        settings=parts.made_with(source, signal, metric=metric),
    )
    if table.not_combined:
        st.caption(f"No row for the free signals combined: {table.not_combined}")
