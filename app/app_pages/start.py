"""Start: does the last token know whether the solution is right? One finding, five figures, runs side by side."""

from __future__ import annotations

import streamlit as st

from app import data, findings, parts
from app.words import count, estimate, interval, literal, number, percent, verdict
from laser_core.figures import comparison_figure

source = data.current()
signal = data.signal_of(source)
accuracy = data.analyse(source, "accuracy", signal=signal or "score")

QUESTION = "Does the last token know whether the solution is right?"


def card(label: str, value: str, spread: str, page: str, link: str, help_text: str) -> None:
    """One figure with its interval, and the page that shows it."""
    with st.container(border=True, width=205, gap="xsmall"):
        st.metric(label, value, help=help_text)
        st.caption(spread)
        st.page_link(page, label=link, icon=":material/arrow_forward:")


if signal is None:
    parts.header(QUESTION, f"These rollouts hold no score. {percent(accuracy.value)} of the solutions are correct.")
    parts.needs_score(source)
    st.stop()

separation = data.analyse(source, "separation", signal=signal)
curve = data.analyse(source, "voting_curve", signal=signal)
n = findings.headline_n(curve)
gain = findings.at_n(curve, "weighted_minus_majority", n)
majority, weighted = findings.at_n(curve, "majority", n), findings.at_n(curve, "weighted", n)
within = separation.within_problem_auroc

parts.header(
    QUESTION,
    f"{verdict(within)}, in the run “{literal(source.title)}”: of two solutions to the same problem, one right and one "
    f"wrong, the right one has the higher {parts.signal_name(signal)} {percent(within.value)} of the time "
    f"(95% interval {interval(within, scale=100, digits=0)}%, n = {count(separation.n_mixed_problems, 'problem')} "
    "with both; chance is 50%).",
)

with st.container(horizontal=True, gap="small"):
    card(
        "Accuracy",
        percent(accuracy.value, 1),
        f"95%: {interval(accuracy, scale=100, digits=1)}%",
        "app_pages/traces.py",
        "Traces",
        f"Share of {count(len(source.rollouts), 'solution')} that the verifier marks correct.",
    )
    card(
        "AUROC",
        number(separation.auroc.value, 3),
        f"95%: {interval(separation.auroc, digits=3)}",
        "app_pages/scores.py",
        "Scores",
        "How often a correct solution outscores an incorrect one, over all problems. Knowing which problems are hard "
        "is enough to raise it.",
    )
    card(
        "AUROC within a problem",
        number(within.value, 3),
        f"95%: {interval(within, digits=3)}",
        "app_pages/scores.py",
        "Scores",
        "The same between solutions of one problem. Voting gains from this one only.",
    )
    card(
        "Balanced F1",
        number(separation.balanced_f1.value, 3),
        f"95%: {interval(separation.balanced_f1, digits=3)}",
        "app_pages/thresholds.py",
        "Thresholds",
        "Harmonic mean of TPR and TNR when a solution with a score above 0.5 is judged correct.",
    )
    card(
        f"Weighted − majority, N = {n}",
        f"{100 * gain.value:+.1f} points",
        f"95%: {interval(gain, scale=100, digits=1, sign='+')}",
        "app_pages/voting.py",
        "Voting",
        f"Accuracy of a vote of {n} solutions weighted by the score ({percent(weighted.value, 1)}), less that of the "
        f"plain majority ({percent(majority.value, 1)}), on the same solutions.",
    )

parts.equation(
    r"r_s = \beta_v \left(\log \pi_\theta(z_c \mid x, y, \langle\mathrm{eos}\rangle) - c_{\mathrm{ref}}\right)",
    "After a solution *y* to problem *x* ends, read the log-probability of one reserved token, $z_c$, with no extra "
    r"text generated. Scaled by $\beta_v$ and shifted by the constant $c_{\mathrm{ref}}$ it is the model's own "
    "estimate of its reward: about 1 for a solution it takes to be right, about 0 for a wrong one. LaSeR trains it "
    "beside the reward (arXiv 2510.14943).",
    label="The last-token score",
)

st.subheader(
    "The same problems, three ways of training" if not source.private else "Beside the bundled runs", anchor=False
)
shown = list(data.bundled_sources().values()) + ([source] if source.private else [])
rows = findings.side_by_side(shown)
chart, cards = st.columns([3, 2], gap="large")
with chart:
    parts.figure(
        comparison_figure(rows, chance=0.5),
        key="start_comparison",
        alt="Accuracy, AUROC, balanced F1 and vote accuracy of each run with 95% intervals",
        see="Markers are estimates, bars their 95% intervals over problems; the dotted line is chance for an AUROC. A "
        "high AUROC with an AUROC within a problem near 0.5 means a score that knows which problems are hard, not which "
        "solutions are right.",
    )
with cards:
    for other in shown:
        with st.container(border=True):
            st.markdown(f"**{literal(other.title)}** · {literal(other.description)}")
            row = rows[other.title]
            st.caption("  \n".join(f"{name}: {estimate(value)}" for name, value in list(row.items())[:3]))
            if other.key == source.key:
                st.caption(":material/check: shown on every page")
            else:
                st.page_link(
                    "app_pages/start.py",
                    label="Look at this run",
                    icon=":material/visibility:",
                    query_params={"run": other.key},
                )
