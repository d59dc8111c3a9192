"""Start: does the last token know whether the solution is correct? One finding, five numbers, runs side by side."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app.data import cache, downloads, findings, sources
from app.format import (
    UNDEFINED,
    ci,
    count,
    interval,
    knows,
    literal,
    number,
    percent,
    percent_interval,
    points,
    points_interval,
)
from app.presentation import deck
from app.sections import runs, unscored, worked
from app.tour import tour
from app.widgets import parts
from laser_core import analysis
from laser_core.analysis import Separation

QUESTION = "Does the last token know whether the solution is correct?"

source = sources.current()
signal = sources.signal_of(source)


def card(label: str, value: str, spread: str, page: str, link: str, help_text: str) -> None:
    """One number with its interval, and a link to the page about it."""
    with st.container(border=True, width=171, gap="xsmall"):
        st.metric(label, value, help=help_text)
        st.caption(spread)
        st.page_link(page, label=link, icon=":material/arrow_forward:")


def buttons() -> None:
    """The tour, and the run as a report."""
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Guided tour: predict, then see",
            key="tour_start",
            icon=":material/tour:",
            on_click=tour.go,
            args=(0,),
            type="primary",
        )
        if len(source.rollouts) <= sources.MAX_ROWS_FREE:  # beyond that, `laser report` on the command line is the way
            st.download_button(
                "Report of this run",
                lambda: downloads.report(source, signal),
                f"{source.key}-report.html",
                "text/html",
                key="report",
                on_click="ignore",
                icon=":material/download:",
                help="One HTML page with every figure and number on these rollouts, to open offline. The same as "
                "`laser report FILE`.",
            )


def finding(signal: str, separation: Separation) -> str:
    """What the signal tells about solutions of one problem."""
    within, name = separation.within_problem_auroc, parts.signal_name(signal)
    if derived := findings.derived(source, signal):
        return f"{derived} Choose another signal in the sidebar."
    if separation.n_mixed_problems:
        return (
            f"{knows(within)}, in the run “{literal(source.title)}”: of two solutions to the same problem, one correct "
            f"and one incorrect, the correct one has the higher {name} {percent(within.value)} of the "
            f"time ({ci(percent_interval(within))}, n = {count(separation.n_mixed_problems, 'problem')} with both; "
            "chance is 50%)."
        )
    return (
        f"These rollouts do not tell: no problem has both a correct and an incorrect solution with a {name}. Sample "
        "several solutions per problem, and verify them."
    )


def votes_card(signal: str, derived: str) -> None:
    """The gain from weighting the votes."""
    curve, reason = findings.voting(source, signal)
    n = findings.headline_n(curve) if curve else findings.HEADLINE_N
    gain, majority, weighted = (
        curve.at(name, n) if curve else findings.UNDEFINED
        for name in ("weighted_minus_majority", "majority", "weighted")
    )
    card(
        "Gain from weighting",
        "–" if derived else f"{points(gain.value)} pts" if curve else UNDEFINED,
        derived or points_interval(gain),
        "app_pages/voting.py",
        "Voting",
        f"Accuracy of a vote of {n} solutions weighted by the {parts.signal_name(signal)} "
        f"({percent(weighted.value, 1)}) minus that of the majority vote ({percent(majority.value, 1)}), on the same "
        "solutions."
        if curve
        else f"No votes: {literal(reason)}",
    )


def cards(signal: str, separation: Separation) -> None:
    """Five numbers: how well the signal separates, and what it is worth in votes."""
    accuracy, within = cache.analyse(source, analysis.accuracy, signal=signal), separation.within_problem_auroc
    derived = "derived from the verdict" if findings.derived(source, signal) else ""
    with st.container(horizontal=True, gap="small"):
        card(
            "Accuracy",
            percent(accuracy.value, 1),
            percent_interval(accuracy, 1),
            "app_pages/traces.py",
            "Traces",
            f"Share of {count(len(source.rollouts), 'solution')} that are verified correct.",
        )
        card(
            "AUROC",
            "–" if derived else number(separation.auroc.value, 3),
            derived or interval(separation.auroc, 3),
            "app_pages/scores.py",
            "Scores",
            "How often a correct solution outscores an incorrect one, over all problems. Knowing which problems are "
            "easy is enough to raise it.",
        )
        card(
            "Within a problem",
            "–" if derived else number(within.value, 3),
            derived or interval(within, 3),
            "app_pages/scores.py",
            "Scores",
            "AUROC between solutions of the same problem. Only this one helps voting.",
        )
        card(
            "Balanced F1",
            "–" if derived else number(separation.balanced_f1.value, 3),
            derived or interval(separation.balanced_f1, 3),
            "app_pages/thresholds.py",
            "Thresholds",
            f"Harmonic mean of TPR and TNR when scores above {separation.threshold:.2f} predict correct.",
        )
        votes_card(signal, derived)
    st.caption(
        f"The range below each number is its 95% confidence interval, computed over problems: n = "
        f"{count(accuracy.n, 'problem')}, {separation.n_mixed_problems:,} of them with correct and incorrect solutions."
    )


def the_score() -> None:
    """The score's equation, one click away."""
    parts.equation(
        r"r_s = \beta_v \left(\log \pi_\theta(z_c \mid x, y, \langle\mathrm{eos}\rangle) - c_{\mathrm{ref}}\right)",
        "When a solution *y* to problem *x* has ended, we read how likely the model finds one reserved token, $z_c$, "
        r"which it never writes. Shifted by the constant $c_{\mathrm{ref}}$ and scaled by $\beta_v$, this "
        "log-probability is the model's own estimate of its reward: about 1 for a solution it takes to be correct, "
        "about 0 for an incorrect one. LaSeR trains it together with the reward (arXiv 2510.14943).",
        label="The last-token score",
    )


def answer(question: str) -> None:
    """The finding with its numbers; without a score, what can be said of the solutions themselves."""
    if signal is None:
        parts.finding_of(question, unscored.finding(source))
        unscored.body(source)
    else:
        separation = findings.separated(source, signal)
        parts.finding_of(question, finding(signal, separation))
        cards(signal, separation)
        the_score()


if signal is None:
    question = "How often are these solutions correct?"
elif signal == "score":
    question = QUESTION
else:
    question = f"Does the {parts.signal_name(signal)} tell correct from incorrect solutions?"
st.title(question, anchor=False)
worked.show(source, signal)
buttons()
above, below = st.container(), st.container()
drawn = [(above, partial(answer, question)), (below, partial(runs.side_by_side, source))]
# The figure is sent before the numbers above it: the browser fetches its drawing library when the first one arrives. In
# a presentation the order counts, because slides are numbered as they are drawn.
for place, draw in drawn[:: 1 if deck.on() else -1]:
    with place:
        draw()
