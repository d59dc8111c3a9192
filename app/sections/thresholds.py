"""The Thresholds page's panel: one threshold, its figures, confusion table and rollouts; and the calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import streamlit as st

from app.data import cache, findings
from app.data.sources import Source
from app.format import bounds, count, estimate, interval, number, percent, score_text, with_interval
from app.widgets import choices, parts, rollout_table
from laser_core import analysis
from laser_core.figures import mark_threshold, reliability_figure, roc_pr_figure, threshold_figure

COSTS = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]


class Cell(StrEnum):
    """A cell of the confusion table, in the table's order."""

    TRUE_ACCEPTS = "true accepts"
    FALSE_REJECTS = "false rejects"
    FALSE_ACCEPTS = "false accepts"
    TRUE_REJECTS = "true rejects"

    @property
    def accepted(self) -> bool:
        """Whether its solutions are predicted correct."""
        return self in (Cell.TRUE_ACCEPTS, Cell.FALSE_ACCEPTS)

    @property
    def correct(self) -> bool:
        """Whether its solutions are verified correct."""
        return self in (Cell.TRUE_ACCEPTS, Cell.FALSE_REJECTS)


class ThresholdPicture(StrEnum):
    """What is drawn of the thresholds."""

    SWEEP = "every threshold"
    ROC = "ROC"
    PRECISION_RECALL = "precision and recall"


@dataclass(frozen=True)
class Fitted:
    """What a run's thresholds were fitted to: the balanced F1, or a cost ratio."""

    sweep: analysis.Sweep
    cross_fit: analysis.CrossFit
    cost_ratio: float | None


@st.fragment
def panel(source: Source, signal: str) -> None:
    """The slider and everything that follows it."""
    left, right = st.columns([3, 2], gap="medium")
    with right:
        fitted = _fitted(source, signal, _cost_ratio(source))
        threshold = _slider(source, signal, fitted.sweep)
        cells = cache.analyse(source, analysis.confusion, signal=signal, threshold=threshold)
        _confusion(source, cells, threshold)
        _shares(source, signal, cells, fitted)
    with left:
        pictures = choices.by_value(ThresholdPicture)
        picture = choices.one_of("Picture", pictures, key="threshold_picture", source=source, label_shown=False)
        if picture == ThresholdPicture.SWEEP:
            _sweep(source, signal, fitted, threshold)
        elif picture == ThresholdPicture.ROC:
            _roc(source, signal, threshold)
        else:
            _precision_recall(source, signal, threshold)
    cell = next((cell for cell in Cell if cell == st.session_state.get("cell")), None)
    if cell is not None:
        grid = cache.samples(source, signal)
        rows = analysis.cell_rows(grid, threshold=threshold, predicted=cell.accepted, correct=cell.correct)
        st.caption(f"{len(rows):,} {cell.value}, those furthest from the threshold first.")
        rollout_table.show(source, rows, key="cell_rollouts", signal=signal)


def _cost_ratio(source: Source) -> float | None:
    """How many false rejects one false accept costs; None: the threshold is chosen by balanced F1."""
    kept = choices.kept(source)
    if not st.toggle("Choose by cost instead of balanced F1", key="priced", **kept):
        return None
    return st.select_slider(
        "One false accept costs as much as this many false rejects", COSTS, value=2.0, key="cost_ratio", **kept
    )


def _fitted(source: Source, signal: str, cost_ratio: float | None) -> Fitted:
    return Fitted(
        cache.analyse(source, analysis.threshold_sweep, signal=signal, cost_ratio=cost_ratio),
        cache.analyse(source, analysis.cross_fit, signal=signal, cost_ratio=cost_ratio),
        cost_ratio,
    )


def _slider(source: Source, signal: str, sweep: analysis.Sweep) -> float:
    low = min(math.floor(10 * sweep.threshold[0]) / 10, 0.0)
    high = max(math.ceil(10 * sweep.threshold[-1]) / 10, 1.0)
    choices.drop_outside("threshold", low, high)
    return st.slider(
        "Predicted correct when the score is above",
        low,
        high,
        round(findings.threshold(source, signal), 2),
        0.01,
        key="threshold",
        **choices.kept(source),
    )


def _confusion(source: Source, cells: analysis.Confusion, threshold: float) -> None:
    """The confusion table as buttons; each opens its rollouts."""
    numbers = {
        Cell.TRUE_ACCEPTS: cells.tp,
        Cell.FALSE_ACCEPTS: cells.fp,
        Cell.FALSE_REJECTS: cells.fn,
        Cell.TRUE_REJECTS: cells.tn,
    }
    st.pills(
        f"Confusion at {threshold:.2f}: select a cell to list its rollouts",
        list(Cell),
        key="cell",
        format_func=lambda cell: f"{cell}: {numbers[cell]:,}",
        wrap=True,
        **choices.kept(source),
    )


def _shares(source: Source, signal: str, cells: analysis.Confusion, fitted: Fitted) -> None:
    """The rates at this threshold, with intervals."""
    named = {
        "balanced F1 (TPR, TNR)": cells.balanced_f1,
        "TPR (recall): correct, accepted": cells.tpr,
        "TNR: incorrect, rejected": cells.tnr,
        "precision: accepted, correct": cells.precision,
        "Matthews correlation": cells.mcc,
    }
    if cells.n_unscored_correct or cells.n_unscored_incorrect:
        named["balanced F1, unscored counted as rejected"] = findings.separated(source, signal).balanced_f1_all
    if fitted.cost_ratio is not None:
        named["cost per solution, cross-fitted threshold"] = fitted.cross_fit.cost
    with st.container(key="threshold_shares"):
        st.table(
            {
                "at this threshold": list(named),
                "value": [number(value.value) for value in named.values()],
                "95% CI": [interval(value) for value in named.values()],
            }
        )


def _roc(source: Source, signal: str, threshold: float) -> None:
    found = cache.analyse(source, analysis.roc_pr, signal=signal)
    parts.figure(
        roc_pr_figure(found, "roc", threshold=threshold),
        key="threshold_roc",
        alt="ROC: true positive rate against false positive rate",
        see=f"All thresholds at once: AUROC {estimate(found.auroc)}; 0.5 is chance. Bands are 95% intervals over "
        "problems; the star is the threshold in use.",
        settings=parts.made_with(source, signal, threshold=threshold),
    )


def _precision_recall(source: Source, signal: str, threshold: float) -> None:
    found = cache.analyse(source, analysis.roc_pr, signal=signal)
    parts.figure(
        roc_pr_figure(found, "pr", threshold=threshold),
        key="threshold_pr",
        alt="Precision against recall",
        see=f"Average precision {estimate(found.average_precision)}; chance is the share of correct solutions, "
        f"{percent(found.share_correct)}. Bands are 95% intervals over problems; the star is the threshold in use.",
        settings=parts.made_with(source, signal, threshold=threshold),
    )


def _sweep(source: Source, signal: str, fitted: Fitted, threshold: float) -> None:
    """TPR, TNR and balanced F1 at every threshold."""
    sweep, cross_fit = fitted.sweep, fitted.cross_fit
    curves = cache.remember(
        source,
        ("sweep figure", signal, fitted.cost_ratio),
        lambda: threshold_figure(sweep, threshold=None, signal=parts.signal_label(signal)),
    )
    folds = ", ".join(score_text(t) for t in cross_fit.thresholds)
    parts.figure(
        mark_threshold(curves, threshold),
        key="threshold_sweep",
        alt="True positive rate, true negative rate and balanced F1 against the threshold",
        see="A higher threshold rejects more incorrect solutions (TNR rises) and more correct ones (TPR falls); "
        "the balanced F1 is their harmonic mean, with its 95% band. The best threshold on these rollouts"
        + (" at this cost" if fitted.cost_ratio else "")
        + f" is {score_text(sweep.best)} (95% CI {bounds(sweep.best_low, sweep.best_high, score_text)}), n = "
        f"{count(sweep.n_scored, 'solution')} of {count(sweep.n_problems, 'problem')}. Tuned on four fifths of the "
        f"problems and tested on the rest, {len(cross_fit.thresholds)} times: {folds}; balanced F1 "
        f"{with_interval(cross_fit.balanced_f1)}.",
        settings=parts.made_with(source, signal, threshold=threshold, cost_ratio=fitted.cost_ratio),
    )


def calibration(source: Source) -> None:
    """Whether the score can be read as a probability."""
    found = cache.analyse(source, analysis.calibration, signal="score")
    again = findings.recalibrated(source, "score")
    left, right = st.columns([3, 2], gap="medium")
    with left:
        parts.figure(
            reliability_figure(found, recalibrated=again),
            key="reliability",
            alt="Accuracy against the mean clipped score, bin by bin, with the diagonal of a calibrated probability",
            see="Each point is a bin of the score with its 95% interval, "
            f"n = {count(found.n_scored, 'solution')} of {count(found.n_problems, 'problem')}. Above the dotted line "
            "the score is underconfident, below it overconfident. Recalibrated: a rising function of the score, "
            "fitted on held-out problems.",
            settings=parts.made_with(source, "score"),
        )
    with right:
        after = f", {number(again.ece.value, 3)} recalibrated" if again else ""
        brier = f", {number(again.brier.value, 3)} recalibrated" if again else ""
        st.markdown(
            f"Expected calibration error: **{estimate(found.ece, 3)}**{after}\n\n"
            f"Brier score: **{estimate(found.brier, 3)}**{brier}\n\n"
            "The score is trained towards 0 and 1 by a squared loss, which pulls it towards the probability of being "
            "correct but does not guarantee it. Ranking needs no calibration; reading 0.9 as “90% sure” does."
        )
        parts.equation(
            r"\mathrm{ECE} = \sum_b \frac{n_b}{n}\left|\mathrm{acc}_b - \overline{r}_b\right|,\qquad "
            r"\mathrm{Brier} = \frac1n\sum_i (\bar r_i - y_i)^2",
            "Over bins *b* of the score clipped to [0, 1]: the mean gap between a bin's accuracy and its mean score; "
            "and the mean squared difference between score and outcome. Lower is better for both.",
            label="The equations",
        )
