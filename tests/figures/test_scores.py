"""Histogram, threshold sweep and reliability curve: the numbers drawn are the numbers computed."""

import numpy as np
import pytest

from laser_core import analysis
from laser_core.analysis import Samples
from laser_core.figures import reliability_figure, score_histogram, theme, threshold_figure

# Two problems; scores worked so that 0.5 keeps both right ones and lets one wrong one through.
SAMPLES = Samples.from_arrays(correct=[[1, 0, 0], [1, 0, np.nan]], score=[[0.9, 0.6, 0.1], [0.75, 0.35, 0.5]])


def traces(fig):
    return {trace.name: trace for trace in fig.data}


def test_histogram_shows_each_kind_in_its_colour_with_its_n():
    fig = score_histogram(analysis.score_distribution(SAMPLES, bins=4))
    drawn = traces(fig)
    assert set(drawn) == {"correct (n = 2)", "incorrect (n = 3)"}
    right, wrong = drawn["correct (n = 2)"], drawn["incorrect (n = 3)"]
    # edges 0.1, 0.3, 0.5, 0.7, 0.9; the score 0.5 has no verdict and is not drawn
    assert list(right.y) == [0, 0, 0, 2]
    assert list(wrong.y) == [1, 1, 1, 0]
    assert list(right.x) == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert right.marker.line.color == theme.CORRECT
    assert wrong.marker.line.color == theme.INCORRECT
    assert wrong.marker.pattern.shape  # hatched: told apart without colour
    assert not right.marker.pattern.shape


def test_histogram_marks_the_threshold_only_where_there_is_one():
    distribution = analysis.score_distribution(SAMPLES, bins=4)
    marked = score_histogram(distribution, threshold=0.5)
    assert [shape.x0 for shape in marked.layout.shapes] == [0.5]
    assert "0.5" in marked.layout.annotations[0].text
    assert not score_histogram(distribution, threshold=None).layout.shapes


def test_the_thresholds_label_lies_above_the_plot_and_below_the_legend():
    fig = score_histogram(analysis.score_distribution(SAMPLES, bins=4))
    label = fig.layout.annotations[0]
    assert (label.yref, label.y, label.yanchor) == ("paper", 1, "bottom")
    assert fig.layout.legend.y > 1.05


def test_threshold_figure_draws_the_sweep_and_its_best():
    sweep = analysis.threshold_sweep(SAMPLES)
    fig = threshold_figure(sweep, threshold=0.65)
    drawn = traces(fig)
    tpr = next(trace for name, trace in drawn.items() if name.startswith("TPR"))
    tnr = next(trace for name, trace in drawn.items() if name.startswith("TNR"))
    assert dict(zip(np.round(tpr.x, 6), tpr.y, strict=True))[0.75] == 0.5  # one of two right ones is above 0.75
    assert dict(zip(np.round(tnr.x, 6), tnr.y, strict=True))[0.35] == pytest.approx(2 / 3)
    assert tpr.line.dash != tnr.line.dash != drawn["balanced F1"].line.dash
    assert [shape.x0 for shape in fig.layout.shapes] == [0.65]
    best = next(trace for name, trace in drawn.items() if name.startswith("best"))
    assert list(best.y) == [1.0]  # between 0.6 and 0.75 everything is judged right
    assert 0.6 <= best.x[0] < 0.75


def test_a_long_sweep_is_thinned_to_what_a_screen_shows_and_keeps_its_ends():
    rng = np.random.default_rng(0)
    samples = Samples.from_arrays(correct=rng.integers(0, 2, (500, 8)), score=rng.normal(size=(500, 8)))
    sweep = analysis.threshold_sweep(samples)
    line = next(trace for trace in threshold_figure(sweep).data if trace.name == "balanced F1")
    assert len(line.x) == 400
    assert (line.x[0], line.x[-1]) == (sweep.threshold[0], sweep.threshold[-1])


def test_without_both_kinds_there_is_no_best_threshold_to_mark():
    sweep = analysis.threshold_sweep(Samples.from_arrays(correct=[[1, 1]], score=[[0.9, 0.6]]))
    assert not [trace for trace in threshold_figure(sweep).data if trace.name.startswith("best")]


def test_reliability_figure_draws_bins_with_intervals_beside_the_diagonal():
    result = analysis.calibration(SAMPLES, bins=2)
    diagonal, curve, counts = reliability_figure(result).data
    assert curve.mode == "markers"  # there is nothing between the bins for a line to show
    assert list(counts.y) == list(np.asarray(result.count)[np.asarray(result.count) > 0])
    assert list(diagonal.x) == list(diagonal.y) == [0, 1]
    known = np.asarray(result.count) > 0
    assert list(curve.x) == pytest.approx(list(np.asarray(result.mean_score)[known]))
    low = np.asarray(curve.y) - np.asarray(curve.error_y.arrayminus)
    assert list(low) == pytest.approx(list(np.asarray(result.ci_low)[known]), nan_ok=True)


@pytest.mark.parametrize(
    ("fig", "x", "y"),
    [
        (score_histogram(analysis.score_distribution(SAMPLES)), "last-token score", "solutions per bin"),
        (
            threshold_figure(analysis.threshold_sweep(SAMPLES)),
            "threshold on the last-token score",
            "share of solutions",
        ),
        (reliability_figure(analysis.calibration(SAMPLES)), "mean clipped score", "accuracy"),
    ],
    ids=["histogram", "threshold", "reliability"],
)
def test_axes_say_what_they_measure(fig, x, y):
    axes = fig.to_dict()["layout"]
    assert any(x in axes[name]["title"].get("text", "") for name in axes if name.startswith("xaxis"))
    assert y in fig.layout.yaxis.title.text
