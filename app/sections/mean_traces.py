"""The Traces page's mean traces: correct and incorrect solutions on average, token by token."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import streamlit as st

from app.data import cache
from app.format import count, estimate, percent
from app.sections.token_panel import quantity_name
from app.sections.traces import ProblemView
from app.widgets import choices, parts
from laser_core import analysis
from laser_core.figures import mean_trace_figure, ranking_along_figure


class MeanScope(StrEnum):
    """The problems that the means are taken over."""

    ALL = "all problems"
    THIS = "this problem"


class Alignment(StrEnum):
    """The horizontal axis; the value is the ``by`` of :func:`laser_core.analysis.mean_traces`."""

    TOKEN = "token"
    FRACTION = "fraction"


class Moment(StrEnum):
    """How moments of different solutions are compared; the value is the ``by`` of ``analysis.ranking_along``."""

    TO_END = "to_end"
    FRACTION = "fraction"


MOMENTS = {Moment.TO_END: "the last tokens", Moment.FRACTION: "share that is written"}


def show(shown: ProblemView) -> None:
    """Mean traces of correct and of incorrect solutions."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        scope = choices.one_of("Over", choices.by_value(MeanScope), key="mean_over", source=shown.source)
        by = choices.one_of("Aligned by", choices.by_value(Alignment), key="mean_by", source=shown.source)
        of = _quantity(shown, "Of", key="mean_of")
    problem = shown.position if scope == MeanScope.THIS else None
    found = cache.remember(
        shown.source,
        ("mean traces", shown.signal, of, str(by), problem),
        lambda: analysis.mean_traces(
            shown.source.with_signals,
            cache.samples(shown.source, shown.signal),
            quantity=of,
            by=Alignment(by).value,
            problem=problem,
        ),
    )
    if not np.isfinite([*found.correct[0], *found.incorrect[0]]).any():
        st.info(
            "Too few verified solutions with per-token values for a mean. Choose all problems, or another run.",
            icon=":material/info:",
        )
        return
    unit = "problems" if problem is None else "solutions"
    parts.figure(
        mean_trace_figure(found, beta_v=shown.beta_v, c_ref=shown.c_ref, unit=unit),
        key="traces_mean",
        alt=f"Mean {quantity_name(of)} along correct and along incorrect solutions, with 95% bands",
        see=f"Means with 95% intervals over {unit}; n = {count(int(found.n_correct[0]), 'correct solution')} and "
        f"{int(found.n_incorrect[0]):,} incorrect of {count(found.n_problems, 'problem')} at the start. Where the "
        "bands part, the model's own estimate begins to tell them apart."
        + (" The right end rests on the longest solutions alone." if by == Alignment.TOKEN else ""),
        settings=parts.made_with(shown.source, shown.signal, over=str(scope), by=str(by), quantity=of),
    )


def ranking(shown: ProblemView) -> None:
    """How well each moment of the solutions ranks those of one problem, over all problems."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        by = choices.one_of("Moments", MOMENTS, key="ranking_by", source=shown.source)
        of = _quantity(shown, "Ranked by", key="ranking_of")
    found = cache.remember(
        shown.source,
        ("ranking along", shown.signal, of, str(by)),
        lambda: analysis.ranking_along(
            shown.source.with_signals, cache.samples(shown.source, shown.signal), quantity=of, by=Moment(by).value
        ),
    )
    if found.farthest is None:
        st.info("No problem of this run has correct and incorrect solutions to rank.", icon=":material/info:")
        return
    extreme, place = found.auroc[found.farthest], found.position[found.farthest]
    if found.farthest == len(found.auroc) - 1:
        farthest = "no other moment is farther from chance"
    else:
        where = f"{count(int(place), 'token')} before the end" if by == Moment.TO_END else f"at {percent(place)} of it"
        farthest = (
            f"the farthest from chance, {where}, is {estimate(extreme)}, and as the extreme of {len(found.auroc)} it "
            "flatters itself"
        )
    parts.figure(
        ranking_along_figure({shown.source.title: found}),
        key="traces_ranking",
        alt=f"AUROC within a problem of the {quantity_name(of)} at each moment",
        see=f"AUROC within a problem of the {quantity_name(of)} read at each moment, with its 95% interval over "
        f"problems; 0.5 is chance. At the last token it is {estimate(found.auroc[-1])}; {farthest}. Every moment "
        "is counted from a solution's end, so none is a rule for stopping early.",
        settings=parts.made_with(shown.source, shown.signal, moments=str(by), quantity=of),
    )


def _quantity(shown: ProblemView, label: str, *, key: str) -> str:
    """The choice of what is read at each token."""
    return st.selectbox(
        label, shown.quantities, key=key, format_func=quantity_name, width=210, **choices.kept(shown.source)
    )
