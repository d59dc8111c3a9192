"""What rollouts without a score still tell: accuracy, pass@N and majority vote, lengths, truncation, and a way on."""

from __future__ import annotations

import streamlit as st

from app.data import cache, findings
from app.data.sources import Source
from app.format import ci, count, interval, literal, number, percent, percent_interval
from app.widgets import parts
from laser_core import analysis
from laser_core.figures import score_histogram, voting_figure

MAX_OFFERED = 4  # free signals that get a button; the sidebar lists all of them


def finding(source: Source) -> str:
    """The accuracy, the majority vote, and why no signal of the file stands in the score's place."""
    accuracy = cache.analyse(source, analysis.accuracy)
    sentences = [
        f"No last-token score in these rollouts. {percent(accuracy.value)} of the solutions are correct "
        f"({ci(percent_interval(accuracy))}, n = {count(accuracy.n, 'problem')})."
        if accuracy.n
        else "These rollouts hold neither a last-token score nor verdicts."
    ]
    curve, _ = findings.voting(source, "score")
    if curve is not None and (n := findings.headline_n(curve)) > 1:
        majority, ceiling = curve.at("majority", n), curve.at("pass_", n)
        sentences.append(
            f"A majority vote of {n} is correct on {percent(majority.value)} of the problems "
            f"({ci(percent_interval(majority))}); on {percent(ceiling.value)} ({ci(percent_interval(ceiling))}) "
            f"at least one of {n} solutions is."
        )
    return " ".join(sentences)


def body(source: Source) -> None:
    """Figures that need no score, between the free signals that could stand in its place and how to get one."""
    refused(source)
    free_signals(source)
    left, right = st.columns(2, gap="medium")
    with left:
        votes(source)
    with right:
        _lengths(source)
    parts.needs_score(source)


def votes(source: Source) -> None:
    """pass@N and the majority vote as N grows."""
    curve, reason = findings.voting(source, "score")
    if curve is None:
        st.info(f"Votes cannot be counted: {literal(reason)}.", icon=":material/info:")
        return
    parts.figure(
        voting_figure(curve),
        key="unscored_voting",
        alt="Accuracy of pass at N and of the majority vote against the number of solutions",
        see=f"The bars at the right end are 95% intervals over {count(curve.n_problems, 'problem')}. pass@N is the "
        "ceiling: at least one solution is correct. A score could win what lies between it and the majority vote.",
        settings=parts.made_with(source),
    )


def _lengths(source: Source) -> None:
    """Lengths of correct and of incorrect solutions, and how many were cut off."""
    grid = cache.remember(
        source, ("lengths",), lambda: analysis.length_in_score_place(cache.samples(source), source.rollouts)
    )
    found = cache.remember(source, ("length distribution",), lambda: analysis.score_distribution(grid, bins=30))
    truncated = (
        f"{percent(float(grid.truncated.sum() / max(1, grid.present.sum())), 1)} of the solutions were cut off by the "
        "length limit."
        if source.rollouts.has("truncated")
        else "The file does not say which solutions were cut off by the length limit."
    )
    if not (found.n_correct or found.n_incorrect):
        st.caption(truncated)
        return
    means = "; ".join(
        f"{kind} {number(mean.value, 0)} {interval(mean, 0)}"
        for kind, mean in (("correct", found.correct_mean), ("incorrect", found.incorrect_mean))
        if mean.n
    )
    parts.figure(
        score_histogram(found, threshold=None, signal=grid.signal),
        key="unscored_lengths",
        alt="Histograms of the lengths of correct and of incorrect solutions",
        see=f"Mean {grid.signal} with 95% CI: {means}; {found.n_correct:,} correct and {found.n_incorrect:,} incorrect "
        f"solutions. {truncated}",
        settings=parts.made_with(source),
    )


def refused(source: Source) -> None:
    """Why the signals that the file brings do not stand in the score's place."""
    lines = [f"**{parts.signal_name(name)}**: {literal(reason)}" for name, reason in source.judged.reasons.items()]
    if lines:
        st.caption(
            "Not used in the score's place, because a verdict must not be judged by itself:  \n" + "  \n".join(lines)
        )


def free_signals(source: Source) -> None:
    """One click to put a signal that costs nothing in the score's place."""
    names = [name for name in analysis.FREE_SIGNALS if name in source.all_signals and name not in source.judged.reasons]
    if not names:
        return
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.markdown("Use a free signal in the score's place:", width="content")
        for name in names[:MAX_OFFERED]:
            st.button(
                parts.signal_choice(name),
                key=f"use-{name}",
                on_click=_use,
                args=(name,),
                help=analysis.FREE_SIGNALS[name],
                icon=":material/swap_horiz:",
            )


def _use(name: str) -> None:
    """A callback: analyse this signal on every page."""
    st.session_state["signal"] = name
