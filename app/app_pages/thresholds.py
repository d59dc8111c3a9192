"""Thresholds: which score should count as "correct", and is the score a probability?"""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import data, parts
from app.words import count, estimate, number
from laser_core.figures import reliability_figure, threshold_figure

QUESTION = "Is 0.5 the right threshold?"

source = data.current()
signal = data.signal_of(source)
if signal is None:
    parts.header(QUESTION, "These rollouts hold no score.")
    parts.needs_score(source)
    st.stop()

sweep = data.analyse(source, "threshold_sweep", signal=signal)
fixed = data.analyse(source, "separation", signal=signal)
at_best = int(np.argmin(np.abs(np.asarray(sweep.threshold) - sweep.best)))
parts.header(
    QUESTION,
    f"At 0.5 the balanced F1 (TPR, TNR) is {estimate(fixed.balanced_f1)}; the best threshold on these same rollouts, "
    f"{number(sweep.best)}, reaches {number(sweep.balanced_f1[at_best])}.",
)

figure_column, control_column = st.columns([3, 2], gap="large")
finite = np.asarray(sweep.threshold)[np.isfinite(sweep.threshold)]
low, high = (
    (float(np.floor(10 * finite.min()) / 10), float(np.ceil(10 * finite.max()) / 10)) if len(finite) else (0.0, 1.0)
)
low, high = min(low, 0.0), max(high, 1.0)
with control_column:
    threshold = st.slider(
        "Judged correct when the score is above",
        low,
        high,
        0.5,
        0.01,
        key="threshold",
        persist_state="session",
    )
chosen = data.analyse(source, "separation", signal=signal, threshold=threshold)
with figure_column:
    parts.figure(
        threshold_figure(sweep, threshold=threshold, signal=parts.signal_name(signal)),
        key="threshold_sweep",
        alt="True positive rate, true negative rate and balanced F1 against the threshold",
        see="Raising the threshold rejects more wrong solutions (TNR rises) and loses right ones (TPR falls); the "
        f"balanced F1 is their harmonic mean, with its 95% band. A wide plateau means the choice hardly matters. n = "
        f"{count(fixed.n_correct + fixed.n_incorrect, 'solution')}.",
    )
with control_column:
    kept, lost = round(chosen.tpr.value * chosen.n_correct), 0
    lost = chosen.n_correct - kept
    rejected = round(chosen.tnr.value * chosen.n_incorrect)
    missed = chosen.n_incorrect - rejected
    st.table(
        {
            "verifier says": ["correct", "incorrect"],
            f"score above {threshold:.2f}": [f"{kept:,}", f"{missed:,}"],
            f"score at most {threshold:.2f}": [f"{lost:,}", f"{rejected:,}"],
        }
    )
    st.markdown(
        f"- balanced F1 (TPR, TNR): **{estimate(chosen.balanced_f1)}**\n"
        f"- TPR, right solutions kept: {estimate(chosen.tpr)}\n"
        f"- TNR, wrong solutions rejected: {estimate(chosen.tnr)}\n"
        f"- Matthews correlation: {estimate(chosen.mcc)}"
    )
    parts.equation(
        r"F = \frac{2\,\mathrm{TPR}\cdot\mathrm{TNR}}{\mathrm{TPR}+\mathrm{TNR}}",
        "This is the “F1” of the LaSeR paper: the harmonic mean of the true positive and true negative rates, not of "
        "precision and recall. A judge that says “correct” to everything scores 0.",
    )

st.subheader("Is the score a probability?", anchor=False)
calibration = data.analyse(source, "calibration", signal=signal)
left, right = st.columns([3, 2], gap="large")
with left:
    parts.figure(
        reliability_figure(calibration),
        key="reliability",
        alt="Accuracy against the mean clipped score, bin by bin, with the diagonal of a calibrated probability",
        see="Each point is a bin of the score. Above the dotted line the score is too modest, below it too sure.",
    )
with right:
    st.markdown(
        f"Expected calibration error **{estimate(calibration.ece, 3)}**.  \n"
        f"Brier score **{estimate(calibration.brier, 3)}**."
    )
    st.markdown(
        "The score is trained towards 0 and 1 by a squared loss, so it tends towards the probability of being right, "
        "but nothing forces it there. Ranking, voting and thresholds need no calibration."
    )
    parts.equation(
        r"\mathrm{ECE} = \sum_b \frac{n_b}{n}\left|\mathrm{acc}_b - \overline{r}_b\right|,\qquad "
        r"\mathrm{Brier} = \frac1n\sum_i (\bar r_i - y_i)^2",
        "Over bins *b* of the score clipped to [0, 1]: the mean gap between a bin's accuracy and its mean score; and "
        "the mean squared difference between score and outcome. Lower is better for both.",
        label="The equations",
    )
