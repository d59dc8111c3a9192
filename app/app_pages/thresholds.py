"""Thresholds: which score should count as "correct", and is the score a probability?"""

from __future__ import annotations

import math

import streamlit as st

from app import data, findings, parts
from app.words import count, estimate, interval, number, score_text
from laser_core.figures import reliability_figure, threshold_figure

source = data.current()
signal = data.signal_of(source)
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

sweep = data.analyse(source, "threshold_sweep", signal=signal)
fitted = data.analyse(source, "cross_fit", signal=signal)
parts.header(
    question,
    f"At {fixed.threshold:.2f} the balanced F1 (TPR, TNR) is {estimate(fixed.balanced_f1)}. Thresholds chosen on other "
    f"problems reach {number(fitted.balanced_f1.value)} ({interval(fitted.balanced_f1)}).",
)

left, right = st.columns([3, 2], gap="medium")
low, high = min(math.floor(10 * sweep.threshold[0]) / 10, 0.0), max(math.ceil(10 * sweep.threshold[-1]) / 10, 1.0)
with right:
    threshold = st.slider(
        "Judged correct when the score is above",
        low,
        high,
        round(fixed.threshold, 2),
        0.01,
        key=f"threshold-{signal}-{low}-{high}",  # a slider's range is part of what it is
        persist_state="session",
    )
chosen = data.analyse(source, "separation", signal=signal, threshold=threshold)
with left:
    parts.figure(
        threshold_figure(sweep, threshold=threshold, signal=parts.signal_name(signal)),
        key="threshold_sweep",
        alt="True positive rate, true negative rate and balanced F1 against the threshold",
        see="Raising the threshold rejects more incorrect solutions (TNR rises) and loses correct ones (TPR falls); "
        "the balanced F1 is their harmonic mean, with its 95% band. The star is the best threshold on these rollouts: "
        f"{score_text(sweep.best)} (95% interval {score_text(sweep.best_low)} to {score_text(sweep.best_high)}). "
        f"n = {count(sweep.n_scored, 'solution')} of {count(sweep.n_problems, 'problem')}.",
    )
with right:
    kept, rejected = round(chosen.tpr.value * chosen.n_correct), round(chosen.tnr.value * chosen.n_incorrect)
    st.table(
        {
            "verifier says": ["correct", "incorrect"],
            f"above {threshold:.2f}": [f"{kept:,}", f"{chosen.n_incorrect - rejected:,}"],
            f"at most {threshold:.2f}": [f"{chosen.n_correct - kept:,}", f"{rejected:,}"],
        }
    )
    named = {
        "balanced F1 (TPR, TNR)": chosen.balanced_f1,
        "the same, unscored counted as rejected": chosen.balanced_f1_all,
        "TPR, correct ones kept": chosen.tpr,
        "TNR, incorrect ones rejected": chosen.tnr,
        "Matthews correlation": chosen.mcc,
    }
    if not chosen.n_unscored:
        named.pop("the same, unscored counted as rejected")
    st.table(
        {
            "at this threshold": list(named),
            "value": [number(value.value) for value in named.values()],
            "95% interval": [interval(value) for value in named.values()],
        }
    )
    parts.equation(
        r"F = \frac{2\,\mathrm{TPR}\cdot\mathrm{TNR}}{\mathrm{TPR}+\mathrm{TNR}}",
        "This is the “F1” of the LaSeR paper: the harmonic mean of the true positive and true negative rates, not of "
        "precision and recall. A judge that says “correct” to everything scores 0. The paper prints it twice: over "
        "scored solutions, and with unscored ones (cut off, no answer) counted as rejected.",
    )

if signal == "score":
    st.subheader("Is the score a probability?", anchor=False)
    calibration = data.analyse(source, "calibration", signal=signal)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        parts.figure(
            reliability_figure(calibration),
            key="reliability",
            alt="Accuracy against the mean clipped score, bin by bin, with the diagonal of a calibrated probability",
            see="Each point is a bin of the score. Above the dotted line the score is too modest, below it too sure.",
        )
    with right:
        st.markdown(
            f"Expected calibration error: **{estimate(calibration.ece, 3)}**\n\n"
            f"Brier score: **{estimate(calibration.brier, 3)}**\n\n"
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
