"""Training curves and runs side by side."""

import pytest

from laser_core.analysis import Estimate
from laser_core.figures import Phase, comparison_figure, theme, training_figure

EVENTS = {
    "LaSeR": [{"step": 0, "reward": 0.2, "balanced_f1": None}, {"step": 1, "reward": 0.4, "balanced_f1": 0.6}],
    "GRPO": [{"step": 0, "reward": 0.2}, {"step": 1, "reward": 0.5}],
}


def test_training_curves_draw_each_run_in_its_style_and_skip_what_is_missing():
    fig = training_figure(EVENTS)
    drawn = [(trace.name, trace.yaxis, list(trace.x), list(trace.y), trace.line.dash) for trace in fig.data]
    assert drawn == [
        ("LaSeR", "y", [0.0, 1.0], [0.2, 0.4], "solid"),
        ("GRPO", "y", [0.0, 1.0], [0.2, 0.5], "dash"),
        ("LaSeR", "y2", [1.0], [0.6], "solid"),
    ]
    assert [trace.showlegend for trace in fig.data] == [True, True, False]


def test_training_curves_can_be_chosen():
    fig = training_figure(EVENTS, panels=["balanced_f1"])
    assert [(trace.name, trace.showlegend) for trace in fig.data] == [("LaSeR", True)]


def test_no_events_give_a_message():
    fig = training_figure({"Base": []})
    assert not fig.data
    assert "no training events" in fig.layout.annotations[0].text


def test_comparison_draws_value_interval_and_n_and_leaves_out_the_undefined():
    nan = float("nan")
    fig = comparison_figure(
        {
            "LaSeR": {"accuracy": Estimate(0.5, 0.4, 0.55, 100), "AUROC": Estimate(0.9, 0.8, 0.95, 90)},
            "GRPO": {"accuracy": Estimate(0.45, 0.4, 0.5, 100), "AUROC": Estimate(nan, nan, nan, 0)},
        }
    )
    laser, grpo = fig.data
    assert list(laser.x) == [0.5, 0.9]
    assert list(laser.error_x.array) == pytest.approx([0.05, 0.05])
    assert list(laser.error_x.arrayminus) == pytest.approx([0.1, 0.1])
    assert [list(row) for row in laser.customdata] == [[0.4, 0.55, 100, "accuracy"], [0.8, 0.95, 90, "AUROC"]]
    assert list(grpo.x) == [0.45]
    assert laser.marker.color == theme.LASER
    assert laser.marker.symbol != grpo.marker.symbol
    assert laser.y[0] != grpo.y[0]  # side by side, not on top of each other
    assert list(fig.layout.yaxis.ticktext) == ["accuracy", "AUROC"]


def test_run_names_from_a_file_stay_text():
    fig = comparison_figure({"<b>laser</b>": {"accuracy": Estimate(0.5, 0.4, 0.6, 10)}})
    assert fig.data[0].name == "&lt;b&gt;laser&lt;/b&gt;"


def test_axes_of_shares_stand_still_and_phases_are_drawn_up_to_the_last_step():
    phases = [Phase(0, 2, "GRPO alone"), Phase(2, 4, "score trained, not used"), Phase(4, 10, "LaSeR")]
    fig = training_figure(EVENTS, panels=["reward"], phases=phases, steps=4)
    assert tuple(fig.layout.xaxis.range) == (-0.5, 3.5)
    assert fig.layout.yaxis.range[0] < 0 < 1 < fig.layout.yaxis.range[1]
    assert [note.text for note in fig.layout.annotations][1:] == ["GRPO alone", "score trained, not used"]
    assert [(box.x0, box.x1) for box in fig.layout.shapes if box.type == "rect"] == [(1.5, 3.5)]


def test_a_run_of_one_phase_has_no_borders():
    fig = training_figure(EVENTS, panels=["reward"], phases=[Phase(0, 2, "GRPO alone")], steps=2)
    assert not fig.layout.shapes


def test_chance_is_marked_in_the_rows_of_an_auroc_alone():
    value = Estimate(0.5, 0.4, 0.6, 10)
    rows = {"run": {"accuracy": value, "AUROC": value, "majority vote of 8": value}}
    (line,) = comparison_figure(rows, chance=0.5).layout.shapes
    assert (line.y0, line.y1) == (pytest.approx(0.58), pytest.approx(1.42))
    assert not comparison_figure({"run": {"accuracy": value}}, chance=0.5).layout.shapes
