"""Sections of the Scores page, and the first of them: the distribution of the scores."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import numpy as np
import streamlit as st

from app.data import cache, findings
from app.data.sources import Source
from app.format import count, estimate, mean_score
from app.sections import score_relations
from app.widgets import choices, parts, problem_chooser
from laser_core import analysis
from laser_core.analysis import Samples
from laser_core.figures import (
    ecdf_figure,
    score_histogram,
    solution_points_figure,
    violin_figure,
)


class ScoresSection(StrEnum):
    """The sections, by title."""

    DISTRIBUTION = "Distribution"
    LENGTH = "Against length"
    SIGNAL = "Against another signal"
    STEP = "Against training step"
    FREE_SIGNALS = "Beside free signals"


class ScorePicture(StrEnum):
    """How a distribution is drawn."""

    HISTOGRAM = "histogram"
    ECDF = "ECDF"
    VIOLIN = "violin"


class ScoreScope(StrEnum):
    """The problems whose solutions are counted."""

    ALL = "all problems"
    ONE = "one problem"


class Counted(StrEnum):
    """The solutions that are counted."""

    SCORED = "all scored"
    ANSWERED = "filtered: with an answer"


def show(section: ScoresSection, source: Source, signal: str) -> None:
    """Draw one section."""
    match section:
        case ScoresSection.DISTRIBUTION:
            distribution(source, signal)
        case ScoresSection.LENGTH:
            score_relations.against_length(source, signal)
        case ScoresSection.SIGNAL:
            score_relations.against_signal(source, signal)
        case ScoresSection.STEP:
            score_relations.against_step(source, signal)
        case ScoresSection.FREE_SIGNALS:
            score_relations.beside_signals(source, signal)


@st.fragment
def distribution(source: Source, signal: str) -> None:
    """Histogram, ECDF or violin of correct and of incorrect solutions' scores, over all problems or within one."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        picture = choices.one_of("Picture", choices.by_value(ScorePicture), key="score_picture", source=source)
        scope = choices.one_of("Over", choices.by_value(ScoreScope), key="score_over", source=source)
        counted = choices.one_of("Solutions", choices.by_value(Counted), key="score_counted", source=source)
        bins = 40
        if picture == ScorePicture.HISTOGRAM:
            bins = st.select_slider(
                "Bins", [10, 20, 40, 80], value=40, key="score_bins", width=180, **choices.kept(source)
            )
    problem_id = problem_chooser.choose(source, signal) if scope == ScoreScope.ONE else None

    def grid() -> Samples:
        found = cache.samples(source, signal)
        if problem_id is not None:
            found = found.take(np.array([found.problem_ids.index(problem_id)]))
        return analysis.answered(found) if counted == Counted.ANSWERED else found

    settings = parts.made_with(source, signal, over=str(scope), problem=problem_id, solutions=str(counted))
    _distribution_figure(source, signal, picture, bins, grid, (signal, problem_id, str(counted)), settings)


def _distribution_figure(
    source: Source,
    signal: str,
    picture: ScorePicture,
    bins: int,
    grid: Callable[[], Samples],
    key: tuple[str | None, ...],
    settings: dict[str, object],
) -> None:
    """The picture of the solutions in ``grid()``, which ``key`` identifies."""
    separated = cache.remember(source, ("separation", *key), lambda: analysis.separation(grid()))
    spread = cache.remember(
        source, ("distribution", bins, *key), lambda: analysis.score_distribution(grid(), bins=bins)
    )
    decision, name = findings.decision(source, signal), parts.signal_label(signal)
    means = (
        f"Mean {parts.signal_name(signal)} with 95% CI: correct {mean_score(spread.correct_mean)}, incorrect "
        f"{mean_score(spread.incorrect_mean)}; AUROC {estimate(separated.auroc)}."
    )
    left_out = f" {count(spread.n_unscored, 'solution')} without a score left out." if spread.n_unscored else ""
    if picture == ScorePicture.HISTOGRAM:
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
    if picture == ScorePicture.ECDF:
        parts.figure(
            ecdf_figure(shape, threshold=decision, signal=name),
            key="score_ecdf",
            alt=f"Share of correct and of incorrect solutions with a {name} up to each value",
            see="The share of each kind that scores at most this much, with 95% bands over problems. The further apart "
            f"the curves, the better. {n} {means}{left_out}",
            settings=settings,
        )
    elif len(grid().problem_ids) == 1:
        one = grid()
        by_verdict = {verdict: one.score[0][one.correct[0] == verdict] for verdict in (True, False)}
        parts.figure(
            solution_points_figure(by_verdict, threshold=decision, signal=name),
            key="score_violin",
            alt=f"Every solution of the problem by its {name}, correct ones above the line, incorrect ones below",
            see="One point a solution, equal scores stacked: so few have no density worth drawing. "
            f"{n} {means}{left_out}",
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
