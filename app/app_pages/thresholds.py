"""Thresholds: which score should count as "correct", what do mistakes cost, and is the score a probability?"""

from __future__ import annotations

import math

import streamlit as st

from app.data import cache, findings
from app.widgets import choices, parts
from app.widgets.format import count, estimate, interval, number, percent, score_text
from laser_core import analysis
from laser_core.figures import mark_threshold, reliability_figure, roc_pr_figure, threshold_figure

COSTS = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
CELLS = {  # name: accepted, correct, what it is; in the order of a confusion table
    "kept": (True, True, "correct, kept"),
    "lost": (False, True, "correct, lost"),
    "let through": (True, False, "incorrect, let through"),
    "stopped": (False, False, "incorrect, stopped"),
}

source = cache.current()
signal = cache.signal_of(source)
question = (
    "Is 0.5 the right threshold?" if signal in (None, "score") else "Which threshold tells correct from incorrect?"
)
if signal is None:
    parts.header(question, "These rollouts hold no score.")
    parts.needs_score(source)
    st.stop()

fixed = findings.separated(source, signal)
if not (fixed.n_correct and fixed.n_incorrect):
    parts.header(
        question, "A threshold needs correct and incorrect solutions with scores, and one of the two kinds is missing."
    )
    st.stop()

kept = choices.kept(source)
by_f1 = cache.analyse(source, "cross_fit", signal=signal)
parts.header(
    question,
    f"At {fixed.threshold:.2f} the balanced F1 (TPR, TNR) is {estimate(fixed.balanced_f1)}. Thresholds chosen on other "
    f"problems reach {number(by_f1.balanced_f1.value)} ({interval(by_f1.balanced_f1)}).",
)


def counted(cells: analysis.Confusion, threshold: float) -> None:
    """The confusion table; each cell opens its rollouts."""
    numbers = {
        "kept": cells.tp,
        "let through": cells.fp,
        "lost": cells.fn,
        "stopped": cells.tn,
    }
    st.pills(
        f"Judged at {threshold:.2f}: open a cell",
        list(CELLS),
        key="cell",
        format_func=lambda cell: f"{CELLS[cell][2]}: {numbers[cell]:,}",
        wrap=True,
        **kept,
    )


def shares(cells: analysis.Confusion, cost: analysis.CrossFit | None) -> None:
    """The shares at this threshold, with intervals."""
    named = {
        "balanced F1 (TPR, TNR)": cells.balanced_f1,
        "TPR, recall: correct ones kept": cells.tpr,
        "TNR: incorrect ones stopped": cells.tnr,
        "precision: kept ones correct": cells.precision,
        "Matthews correlation": cells.mcc,
    }
    if cells.n_unscored_correct or cells.n_unscored_incorrect:
        named["balanced F1, unscored counted as rejected"] = fixed.balanced_f1_all
    if cost is not None:
        named["cost per solution, cross-fitted threshold"] = cost.cost
    with st.container(key="threshold_shares"):
        st.table(
            {
                "at this threshold": list(named),
                "value": [number(value.value) for value in named.values()],
                "95% interval": [interval(value) for value in named.values()],
            }
        )


PICTURES = {"sweep": "every threshold", "roc": "ROC", "pr": "precision and recall"}


def curve(which: str, threshold: float) -> None:
    """ROC or PR, with the threshold in use on it."""
    found = cache.analyse(source, "roc_pr", signal=signal)
    if which == "roc":
        alt = "ROC: true positive rate against false positive rate"
        see = f"Every threshold at once: AUROC {estimate(found.auroc)}, 0.5 for a score that knows nothing."
    else:
        alt = "Precision against recall"
        see = (
            f"Average precision {estimate(found.average_precision)}; a score that knows nothing stays at the share of "
            f"correct solutions, {percent(found.share_correct)}."
        )
    parts.figure(
        roc_pr_figure(found, which=which, threshold=threshold),
        key=f"threshold_{which}",
        alt=alt,
        see=f"{see} Bands are 95% intervals over problems; the star is the threshold in use.",
        settings=parts.made_with(source, signal, threshold=threshold),
    )


def sweep_figure(sweep: analysis.Sweep, fitted: analysis.CrossFit, threshold: float, ratio: float | None) -> None:
    """TPR, TNR and balanced F1 at every threshold."""
    curves = cache.remember(
        source,
        ("sweep figure", signal, ratio),
        lambda: threshold_figure(sweep, threshold=None, signal=parts.signal_label(signal)),
    )
    parts.figure(
        mark_threshold(curves, threshold),
        key="threshold_sweep",
        alt="True positive rate, true negative rate and balanced F1 against the threshold",
        see="Raising the threshold stops more incorrect solutions (TNR rises) and loses correct ones (TPR falls); "
        "the balanced F1 is their harmonic mean, with its 95% band. The best threshold on these rollouts"
        + (" at this cost" if ratio else "")
        + f" is {score_text(sweep.best)} (95% interval {score_text(sweep.best_low)} to "
        f"{score_text(sweep.best_high)}), n = {count(sweep.n_scored, 'solution')} of "
        f"{count(sweep.n_problems, 'problem')}. Chosen on four fifths of the problems and judged on the rest, "
        f"{len(fitted.thresholds)} times: {', '.join(score_text(t) for t in fitted.thresholds)}, balanced F1 "
        f"{number(fitted.balanced_f1.value)} ({interval(fitted.balanced_f1)}).",
        settings=parts.made_with(source, signal, threshold=threshold, cost_ratio=ratio),
    )


@st.fragment
def panel() -> None:
    """The slider and everything that follows it."""
    left, right = st.columns([3, 2], gap="medium")
    with right:
        priced = st.toggle("Choose by cost instead of balanced F1", key="priced", **kept)
        ratio = None
        if priced:
            ratio = st.select_slider(
                "Letting an incorrect solution through costs as much as losing this many correct ones",
                COSTS,
                value=2.0,
                key="cost_ratio",
                **kept,
            )
        sweep = cache.analyse(source, "threshold_sweep", signal=signal, cost_ratio=ratio)
        low, high = (
            min(math.floor(10 * sweep.threshold[0]) / 10, 0.0),
            max(math.ceil(10 * sweep.threshold[-1]) / 10, 1.0),
        )
        choices.drop_outside("threshold", low, high)
        threshold = st.slider(
            "Judged correct when the score is above",
            low,
            high,
            round(fixed.threshold, 2),
            0.01,
            key="threshold",
            **kept,
        )
        cells = cache.analyse(source, "confusion", signal=signal, threshold=threshold)
        counted(cells, threshold)
        fitted = cache.analyse(source, "cross_fit", signal=signal, cost_ratio=ratio)
        shares(cells, fitted if ratio else None)
    with left:
        picture = st.segmented_control(
            "Picture",
            list(PICTURES),
            default="sweep",
            key="threshold_picture",
            required=True,
            format_func=PICTURES.__getitem__,
            label_visibility="collapsed",
            **kept,
        )
        if picture == "sweep":
            sweep_figure(sweep, fitted, threshold, ratio)
        else:
            curve(picture, threshold)
    if st.session_state.get("cell") in CELLS:
        accepted, correct, name = CELLS[st.session_state["cell"]]
        grid = cache.samples(source, signal)
        rows = analysis.cell_rows(grid, threshold=threshold, predicted=accepted, correct=correct)
        st.caption(f"{count(len(rows), 'solution')} {name}, the surest judgements first.")
        parts.rollout_table(source, rows, key="cell_rollouts", signal=signal)


panel()
parts.equation(
    r"F = \frac{2\,\mathrm{TPR}\cdot\mathrm{TNR}}{\mathrm{TPR}+\mathrm{TNR}}",
    "This is the “F1” of the LaSeR paper: the harmonic mean of the true positive and true negative rates, not of "
    "precision and recall. A judge that says “correct” to everything scores 0. The paper prints it twice: over "
    "scored solutions, and with unscored ones (cut off, no answer) counted as rejected. With a cost ratio *c* the best "
    "threshold keeps the most correct solutions less *c* times the incorrect ones it lets through.",
)

if signal == "score":
    st.subheader("Is the score a probability?", anchor=False)
    calibration = cache.analyse(source, "calibration", signal=signal)
    again = findings.recalibrated(source, signal)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        parts.figure(
            reliability_figure(calibration, recalibrated=again),
            key="reliability",
            alt="Accuracy against the mean clipped score, bin by bin, with the diagonal of a calibrated probability",
            see="Each point is a bin of the score with its 95% interval, "
            f"n = {count(calibration.n_scored, 'solution')} of {count(calibration.n_problems, 'problem')}. Above the "
            "dotted line the score is too modest, below it too sure. Recalibrated: a rising function of the score, "
            "learned on other problems.",
            settings=parts.made_with(source, signal),
        )
    with right:
        after = f", {number(again.ece.value, 3)} recalibrated" if again else ""
        brier = f", {number(again.brier.value, 3)} recalibrated" if again else ""
        st.markdown(
            f"Expected calibration error: **{estimate(calibration.ece, 3)}**{after}\n\n"
            f"Brier score: **{estimate(calibration.brier, 3)}**{brier}\n\n"
            "The score is trained towards 0 and 1 by a squared loss, so it tends towards the probability of being "
            "correct, but nothing forces it there. Ranking needs no calibration; reading 0.9 as “90% sure” does."
        )
        parts.equation(
            r"\mathrm{ECE} = \sum_b \frac{n_b}{n}\left|\mathrm{acc}_b - \overline{r}_b\right|,\qquad "
            r"\mathrm{Brier} = \frac1n\sum_i (\bar r_i - y_i)^2",
            "Over bins *b* of the score clipped to [0, 1]: the mean gap between a bin's accuracy and its mean score; "
            "and the mean squared difference between score and outcome. Lower is better for both.",
            label="The equations",
        )
