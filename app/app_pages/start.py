"""Start: does the last token know whether the solution is correct? One finding, five figures, runs side by side."""

from __future__ import annotations

import streamlit as st

from app.data import cache, findings, sources, uploads
from app.sections import compare
from app.tour import tour
from app.widgets import parts
from app.widgets.format import UNDEFINED, count, interval, literal, number, percent, verdict
from laser_core.figures import comparison_figure

source = cache.current()
signal = cache.signal_of(source)
accuracy = cache.analyse(source, "accuracy", signal=signal or "score")

QUESTION = "Does the last token know whether the solution is correct?"


def show(key: str) -> None:
    """Make a run the one that every page shows; for a callback."""
    st.session_state["run"] = key


def card(label: str, value: str, spread: str, page: str, link: str, help_text: str) -> None:
    """One figure with its interval, and the page that shows it."""
    with st.container(border=True, width=171, gap="xsmall"):
        st.metric(label, value, help=help_text)
        st.caption(spread)
        st.page_link(page, label=link, icon=":material/arrow_forward:")


if signal is None:
    parts.header(QUESTION, f"These rollouts hold no score. {percent(accuracy.value)} of the solutions are correct.")
    parts.needs_score(source)
    st.stop()

separation = findings.separated(source, signal)
within = separation.within_problem_auroc
curve, reason = findings.voting(source, signal)
n = findings.headline_n(curve) if curve else findings.HEADLINE_N
gain, majority, weighted = (
    findings.at_n(curve, name, n) if curve else findings.UNDEFINED
    for name in ("weighted_minus_majority", "majority", "weighted")
)

if separation.n_mixed_problems:
    finding = (
        f"{verdict(within)}, in the run “{literal(source.title)}”: of two solutions to the same problem, one correct "
        f"and one incorrect, the correct one has the higher {parts.signal_name(signal)} {percent(within.value)} of the "
        f"time (95% interval {interval(within, scale=100, digits=0)}%, n = "
        f"{count(separation.n_mixed_problems, 'problem')} "
        "with both; chance is 50%)."
    )
else:
    finding = (
        "These rollouts cannot say: no problem has both a correct and an incorrect solution with a score. Sample "
        "several solutions per problem, and check them."
    )
parts.header(QUESTION, finding)
with st.container(horizontal=True, gap="small"):
    st.button(
        "Guided tour: predict, then see",
        key="tour_start",
        icon=":material/tour:",
        on_click=tour.go,
        args=(0,),
        type="primary",
    )
    if len(source.rollouts) <= sources.MAX_ROWS_FREE:  # of more, `laser report` takes its time better than a page
        st.download_button(
            "Report of this run",
            lambda: cache.report(source, signal),
            f"{source.key}-report.html",
            "text/html",
            key="report",
            on_click="ignore",
            icon=":material/download:",
            help="One HTML page with every figure and number on these rollouts; it needs no network. Same as "
            "`laser report FILE`.",
        )

with st.container(horizontal=True, gap="small"):
    card(
        "Accuracy",
        percent(accuracy.value, 1),
        f"{interval(accuracy, scale=100, digits=1)}%",
        "app_pages/traces.py",
        "Traces",
        f"Share of {count(len(source.rollouts), 'solution')} that the verifier marks correct.",
    )
    card(
        "AUROC",
        number(separation.auroc.value, 3),
        f"{interval(separation.auroc, digits=3)}",
        "app_pages/scores.py",
        "Scores",
        "How often a correct solution outscores an incorrect one, over all problems. Knowing which problems are hard "
        "is enough to raise it.",
    )
    card(
        "Within a problem",
        number(within.value, 3),
        f"{interval(within, digits=3)}",
        "app_pages/scores.py",
        "Scores",
        "AUROC between solutions of the same problem. Voting gains from this one only.",
    )
    card(
        "Balanced F1",
        number(separation.balanced_f1.value, 3),
        f"{interval(separation.balanced_f1, digits=3)}",
        "app_pages/thresholds.py",
        "Thresholds",
        f"Harmonic mean of TPR and TNR when a solution above {separation.threshold:.2f} is judged correct.",
    )
    card(
        "Gain by the weights",
        f"{100 * gain.value:+.1f} pts" if curve else UNDEFINED,
        f"{interval(gain, scale=100, digits=1, sign='+')}",
        "app_pages/voting.py",
        "Voting",
        f"Accuracy of a vote of {n} solutions weighted by the score ({percent(weighted.value, 1)}), less that of the "
        f"plain majority ({percent(majority.value, 1)}), on the same solutions."
        if curve
        else f"No votes: {literal(reason)}",
    )

st.caption(
    f"Under each figure its 95% interval, with the problem as the unit: n = {count(accuracy.n, 'problem')}, "
    f"{separation.n_mixed_problems:,} of them with correct and incorrect solutions."
)
parts.equation(
    r"r_s = \beta_v \left(\log \pi_\theta(z_c \mid x, y, \langle\mathrm{eos}\rangle) - c_{\mathrm{ref}}\right)",
    "After a solution *y* to problem *x* ends, read the log-probability of one reserved token, $z_c$, with no extra "
    r"text generated. Scaled by $\beta_v$ and shifted by the constant $c_{\mathrm{ref}}$ it is the model's own "
    "estimate of its reward: about 1 for a solution it takes to be correct, about 0 for an incorrect one. LaSeR trains "
    "it beside the reward (arXiv 2510.14943).",
    label="The last-token score",
)

shown = list(cache.bundled_sources().values()) + ([source] if source.private else [])
same = compare.same_problems(shown)
st.subheader("The same problems, before and after training" if same else "Runs side by side", anchor=False)
rows = compare.side_by_side(shown)
chart, cards = st.columns([3, 2], gap="medium")
with chart:
    parts.figure(
        comparison_figure(rows, chance=0.5),
        key="start_comparison",
        alt="Accuracy, AUROC, balanced F1 and vote accuracy of each run with 95% intervals",
        see="Markers are estimates, bars their 95% intervals over problems; the dotted line is chance for an AUROC. A "
        "high AUROC with an AUROC within a problem near 0.5 means a score that knows which problems are hard, not "
        "which solutions are correct. n: "
        + "; ".join(f"{literal(t)} {count(r['accuracy'].n, 'problem')}" for t, r in rows.items())
        + ".",
        settings={"runs": ", ".join(rows)},
    )
with cards:
    for other in shown:
        with st.container(border=True):
            st.markdown(f"**{literal(other.title)}** · {literal(other.description)}")
            if other.key == source.key:
                st.caption(":material/check: shown on every page")
            else:
                st.button(
                    "Look at this run",
                    key=f"look-{other.key}",
                    on_click=show,
                    args=(other.key,),
                    icon=":material/visibility:",
                    type="tertiary",
                )
    with st.container(border=True):
        st.markdown("**Your own rollouts**")
        st.file_uploader(
            "Drop files here",
            type=uploads.SUFFIXES,
            accept_multiple_files=True,
            key="upload_start",
            on_change=uploads.take,
            args=("upload_start",),
            help="They stay in this session and are gone with it.",
        )
        for key, upload in reversed(cache.uploaded_sources().items()):
            with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
                st.button(
                    literal(upload.title, 40),
                    key=f"open-{key}",
                    on_click=show,
                    args=(key,),
                    icon=":material/check:" if key == source.key else ":material/history:",
                    type="tertiary",
                )
                st.button(
                    "",
                    key=f"forget-{key}",
                    on_click=uploads.forget,
                    args=(key,),
                    icon=":material/delete:",
                    type="tertiary",
                    help="Forget this file",
                )
