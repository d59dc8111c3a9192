"""ROC, shares, confusion, length, steps, signals, costs and differences: what is drawn is what was computed."""

from __future__ import annotations

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from laser_core import analysis, figures
from laser_core.analysis import Samples
from laser_core.figures import theme
from laser_core.rollouts import Rollouts
from tests.factories import BETA_V, C_REF, make_rollouts

# Scores worked so that 0.5 keeps one of two right ones and rejects two of three wrong ones.
SMALL = Samples.from_arrays(
    correct=[[1, 0, 0], [1, 0, np.nan]],
    score=[[0.9, 0.6, 0.1], [0.4, 0.35, 0.5]],
    n_tokens=[[10, 20, 30], [12, 14, 16]],
)
TABLE = make_rollouts(n_problems=30, n_samples=8)
SAMPLES = Samples.from_rollouts(TABLE)


def named(fig: go.Figure) -> dict:
    return {trace.name: trace for trace in fig.data}


def band(fig: go.Figure, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Upper and lower end of a band as it is drawn."""
    trace = named(fig)[f"{name}, 95% interval"]
    half = len(trace.y) // 2
    return np.asarray(trace.y[:half]), np.asarray(trace.y[half:])[::-1]


def test_roc_starts_at_accepting_all_and_marks_the_threshold():
    curves = analysis.roc_pr(SMALL)
    fig = figures.roc_pr_figure(curves, threshold=0.5)
    drawn = named(fig)
    line = next(trace for name, trace in drawn.items() if name == "this run, 95% band")
    assert list(line.x) == pytest.approx([1, 2 / 3, 1 / 3, 1 / 3, 0, 0])
    assert list(line.y) == pytest.approx([1, 1, 1, 0.5, 0.5, 0])
    star = drawn["at threshold 0.5"]
    assert (star.x[0], star.y[0]) == pytest.approx((1 / 3, 0.5))
    assert list(drawn["chance"].y) == [0, 1]


def test_precision_beside_the_share_of_correct_solutions():
    fig = figures.roc_pr_figure(analysis.roc_pr(SMALL), "pr", threshold=0.5)
    drawn = named(fig)
    assert list(drawn["chance"].y) == [0.4, 0.4]
    assert (drawn["at threshold 0.5"].x[0], drawn["at threshold 0.5"].y[0]) == (0.5, 0.5)
    assert "precision" in fig.layout.yaxis.title.text


def test_cumulative_shares_with_bands_in_their_styles():
    shape = analysis.score_shape(SAMPLES)
    fig = figures.ecdf_figure(shape)
    line = next(trace for name, trace in named(fig).items() if name.startswith("correct (n ="))
    assert list(line.y) == list(shape.correct.ecdf)
    assert (line.line.color, line.line.dash) == (theme.CORRECT, "solid")
    high, low = band(fig, "correct")
    assert np.all(low <= high)
    assert high == pytest.approx(shape.correct.ecdf_high)


def test_violins_put_correct_right_of_the_middle_and_escape_names():
    fig = figures.violin_figure({"<b>mine</b>": analysis.score_shape(SAMPLES)})
    sides = {trace.name: trace for trace in fig.data if trace.fill == "toself"}
    assert np.min(sides["correct"].x) == 0
    assert np.max(sides["incorrect"].x) == 0
    median = next(t for t in fig.data if t.name == "correct, median and middle half")
    score = SAMPLES.score[(SAMPLES.correct == 1) & np.isfinite(SAMPLES.score)]
    assert median.y[0] == pytest.approx(np.median(score))
    assert fig.layout.xaxis.ticktext == ("&lt;b&gt;mine&lt;/b&gt;",)


def test_confusion_cells_hold_count_share_and_interval():
    (heat,) = figures.confusion_figure(analysis.confusion(SMALL, threshold=0.5)).data
    assert [[cell.split("<")[1] for cell in row] for row in heat.text] == [["b>1", "b>1"], ["b>1", "b>2"]]
    assert "TPR 0.500" in heat.text[0][0]
    assert "TNR 0.667" in heat.text[1][1]
    assert np.asarray(heat.z) == pytest.approx(np.array([[0.5, -0.5], [-1 / 3, 2 / 3]]))


def test_points_say_when_they_are_a_sample():
    whole = figures.score_length_figure(analysis.length_relation(SAMPLES))
    part = figures.score_length_figure(analysis.length_relation(SAMPLES, max_points=50))
    assert not any("sampled" in trace.name for trace in whole.data)
    assert sum(len(t.x) for t in part.data if t.mode == "markers") == 50
    assert all("sampled" in trace.name for trace in part.data if trace.mode == "markers")
    many = analysis.length_relation(analysis.Samples.from_rollouts(make_rollouts(n_problems=500, traces=False)))
    assert figures.score_length_figure(many).data[0].type == "scattergl"


def two_steps(steps: tuple[int, ...] = (0, 5)) -> Rollouts:
    rows = [
        {"run": "r", "step": step, "problem_id": f"p{p}", "sample": i, "response": "", "correct": i % 2 == 0}
        | {"score": 0.1 * step * (i % 2 == 0) + 0.01 * p}
        for step in steps
        for p in range(6)
        for i in range(4)
    ]
    return Rollouts.from_rows(rows)


def test_only_whole_numbers_are_jittered():
    """A log-prob of -0.31 was once drawn anywhere between -0.66 and 0.04."""
    lengths = analysis.length_relation(SAMPLES)
    assert lengths.whole_lengths
    moved = figures.score_length_figure(lengths).data[0]
    assert 0 < np.abs(moved.x - moved.customdata).max() <= 0.35
    other = SAMPLES.with_score(SAMPLES.n_tokens / 7)
    relation = analysis.length_relation(analysis.in_length_place(SAMPLES, other))
    assert not relation.whole_lengths
    drawn = figures.score_length_figure(relation, x="log-prob").data[0]
    np.testing.assert_array_equal(drawn.x, drawn.customdata)


def test_steps_show_medians_and_the_auroc_below():
    fig = figures.score_by_step_figure(analysis.score_by_step(two_steps()))
    drawn = named(fig)
    assert list(drawn["correct"].y) == pytest.approx([0.025, 0.525])
    assert list(drawn["AUROC within a problem"].y) == [0.5, 1.0]
    assert drawn["AUROC within a problem"].yaxis == "y2"


def test_animation_has_a_frame_per_step_and_ends_on_the_last():
    fig = figures.score_animation(analysis.score_by_step(two_steps((0, 5, 10, 15))))
    assert [frame.name for frame in fig.frames] == ["0", "5", "10", "15"]
    assert fig.layout.sliders[0].active == 3
    assert list(fig.data[0].y) == list(fig.frames[3].data[0].y)
    assert sum(fig.data[0].y) == pytest.approx(1)


def test_two_steps_are_shown_at_once_instead_of_an_animation():
    fig = figures.score_animation(analysis.score_by_step(two_steps()))
    assert len(fig.frames) == len(fig.layout.sliders) == 0
    steps = analysis.score_by_step(two_steps())
    assert [note.text for note in fig.layout.annotations] == [
        f"training step {step} (n = {n} correct, {m} incorrect)"
        for step, n, m in zip((0, 5), steps.n_correct, steps.n_incorrect, strict=True)
    ]
    assert len(fig.data) == 4  # correct and incorrect, twice
    assert [sum(bars.y) for bars in fig.data] == pytest.approx([1] * 4)
    assert fig.layout.yaxis.range == fig.layout.yaxis2.range  # so that heights compare


def test_few_solutions_are_points_and_equal_scores_are_stacked():
    fig = figures.solution_points_figure({True: np.array([0.9, 0.9, 0.2]), False: np.array([0.5])})
    drawn = named(fig)
    assert list(drawn["correct (n = 3)"].x) == [0.2, 0.9, 0.9]
    assert list(drawn["correct (n = 3)"].y) == [1, 1, 2]
    assert list(drawn["incorrect (n = 1)"].y) == [-1]


def test_signals_list_the_score_first_and_draw_its_interval():
    table = analysis.compare_signals(SAMPLES, TABLE)
    fig = figures.signals_figure(table)
    drawn = named(fig)
    assert fig.layout.yaxis.ticktext[0] == "last-token score"
    assert fig.layout.yaxis.ticktext[-1] == "free signals combined"
    estimate = table.rows[0].within_problem_auroc
    assert drawn["last-token score"].x[0] == estimate.value
    assert drawn["last-token score"].error_x.array[0] == pytest.approx(estimate.ci_high - estimate.value)
    assert len(drawn["free"].x) == len(table.rows) - 1
    votes = figures.signals_figure(table, figures.SignalMetric.WEIGHTED)
    assert votes.layout.shapes[0].x0 == table.majority.value
    assert (
        len(named(figures.signals_figure(table, figures.SignalMetric.WITHIN_DIFFERENCE))["free"].x)
        == len(table.rows) - 1
    )


def test_costs_draw_every_policy_of_the_vote_and_the_plain_majority():
    drop = analysis.early_drop(TABLE, SAMPLES)
    worth = analysis.compute_worth(SAMPLES, drop=drop, budgets=[1, 2, 4], n_orders=16)
    drawn = {name: t for name, t in named(figures.accuracy_tokens_figure(worth)).items() if "interval" not in name}
    assert set(drawn) == {
        "majority vote",
        "weighted: whole budget",
        "weighted: stop when decided",
        "weighted: stop when sure (95%)",
        "weighted: drop early",
        "weighted: drop early, stop when sure",
    }
    fixed = worth.policy("weighted", "fixed")
    assert list(drawn["weighted: whole budget"].x) == list(fixed.tokens)
    assert list(drawn["weighted: whole budget"].y) == list(fixed.accuracy)
    only = named(figures.accuracy_tokens_figure(worth, vote="majority"))
    assert not any("weighted" in name for name in only)


def test_settings_in_use_are_framed():
    found = analysis.sensitivity(SAMPLES, beta_v=BETA_V, c_ref=C_REF)
    fig = figures.sensitivity_figure(found, beta_v=BETA_V, c_ref=C_REF)
    (heat,) = fig.data
    assert np.asarray(heat.z) == pytest.approx(found.balanced_f1)
    assert heat.text[2][2].startswith(f"{found.balanced_f1[2, 2]:.2f}<br>")
    shape = fig.layout.shapes[0]
    assert (shape.x0, shape.x1, shape.y0, shape.y1) == (1.5, 2.5, 1.5, 2.5)


def test_paired_differences_are_in_points_around_zero():
    better = SAMPLES.with_score(SAMPLES.score + 0.3 * (SAMPLES.correct == 1))
    found = analysis.compare(SAMPLES, better, n_max=4)
    fig = figures.paired_difference_figure(found, n=4, names=("before", "<b>after</b>"))
    assert fig.layout.xaxis.title.text == "&lt;b&gt;after&lt;/b&gt; minus before, points"
    (trace,) = fig.data
    at = fig.layout.yaxis.ticktext.index("AUROC")
    assert trace.x[at] == pytest.approx(100 * found.auroc.difference.value)
    assert trace.x[fig.layout.yaxis.ticktext.index("accuracy")] == 0
    at = [fig.layout.yaxis.ticktext.index(name) for name in ("accuracy", "AUROC")]
    assert [trace.textposition[i] for i in at] == ["top right", "top left"]  # the line at 0 strikes through neither
    assert "weighted vote of 4" in fig.layout.yaxis.ticktext
    curve = named(figures.voting_difference_figure(found))["weighted vote"]
    assert list(curve.y) == pytest.approx(list(100 * found.curves["weighted"][0]))


def test_recalibrated_scores_are_drawn_beside_the_score():
    fig = figures.reliability_figure(
        analysis.calibration(SAMPLES), recalibrated=analysis.calibration(analysis.recalibrate(SAMPLES))
    )
    points = [trace.name for trace in fig.data if trace.type == "scatter" and trace.mode == "markers"]
    assert points == ["the score, 95% interval", "recalibrated on held-out problems"]


EMPTY = Samples.from_arrays(correct=[[np.nan, np.nan]])


@pytest.mark.parametrize(
    "make",
    [
        lambda: figures.roc_pr_figure(analysis.roc_pr(EMPTY)),
        lambda: figures.ecdf_figure(analysis.score_shape(EMPTY)),
        lambda: figures.violin_figure({"run": analysis.score_shape(EMPTY)}),
        lambda: figures.confusion_figure(analysis.confusion(EMPTY)),
        lambda: figures.score_length_figure(analysis.length_relation(EMPTY)),
    ],
)
def test_nothing_to_draw_says_so(make):
    fig = make()
    assert not fig.data
    assert len(fig.layout.annotations[0].text) > 10


@pytest.mark.parametrize(
    "make",
    [
        lambda: figures.roc_pr_figure(analysis.roc_pr(SAMPLES)),
        lambda: figures.confusion_figure(analysis.confusion(SAMPLES)),
        lambda: figures.score_by_step_figure(analysis.score_by_step(two_steps())),
        lambda: figures.signals_figure(analysis.compare_signals(SAMPLES, TABLE)),
        lambda: figures.sensitivity_figure(analysis.sensitivity(SAMPLES, beta_v=BETA_V, c_ref=C_REF)),
    ],
)
def test_every_figure_leaves_as_json_and_as_a_table(make):
    fig = make()
    assert json.loads(fig.to_json())["data"]
    assert len(figures.figure_csv(fig).splitlines()) > 2
