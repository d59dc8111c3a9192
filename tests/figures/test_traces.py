"""Traces, heatmap and token strip of single solutions."""

import html
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from laser_core.figures import Trace, theme, token_heatmap, token_strip_html, trace_figure
from tests.factories import BETA_V, C_REF, make_rollouts

SETTINGS = {"beta_v": 0.1, "c_ref": -23.0}
RIGHT = Trace.from_row(
    {
        "sample": 0,
        "correct": True,
        "tokens": ["x", "=", "9", "<eos>"],
        "token_logprobs": [-0.1, 0.0, -0.7, -0.2],
        "z_trace": [-23.0, -20.0, -18.0, -13.0],
    },
    **SETTINGS,
)
WRONG = Trace.from_row(
    {
        "sample": 1,
        "correct": False,
        "tokens": ["x", "=", "7"],
        "token_logprobs": [-0.1, 0.0, -2.0],
        "z_trace": [-23, -22, -21],
    },
    **SETTINGS,
)


def test_z_trace_in_score_units_by_hand():
    # 0.1 * (-20 + 23) = 0.3 and so on
    assert RIGHT.values["score"].tolist() == pytest.approx([0.0, 0.3, 0.5, 1.0])


def test_without_settings_there_is_no_score_trace_but_the_nats_stay():
    trace = Trace.from_row({"sample": 0, "z_trace": [-20.0]}, beta_v=None, c_ref=None)
    assert set(trace.values) == {"z_logprob"}


def test_trace_figure_draws_right_solid_blue_and_wrong_dashed_vermilion():
    right, wrong = trace_figure([RIGHT, WRONG], "score", **SETTINGS).data
    assert (right.line.color, right.line.dash) == (theme.CORRECT, "solid")
    assert (wrong.line.color, wrong.line.dash) == (theme.INCORRECT, "dash")
    assert right.marker.symbol != wrong.marker.symbol
    assert list(right.y) == pytest.approx([0.0, 0.3, 0.5, 1.0])
    assert list(wrong.x) == [1, 2, 3]
    assert right.name == "sample 0, correct"


def test_score_trace_marks_one_half_and_z_trace_marks_c_ref_and_the_same_decision():
    assert [shape.y0 for shape in trace_figure([RIGHT], "score", **SETTINGS).layout.shapes] == [0.5]
    # score 0.5 is log pi(z_c) = -23 + 0.5 / 0.1
    assert [shape.y0 for shape in trace_figure([RIGHT], "z_logprob", **SETTINGS).layout.shapes] == [-23.0, -18.0]


@pytest.mark.parametrize(("quantity", "unit"), [("z_logprob", "nats"), ("logprob", "nats"), ("score", "score")])
def test_the_axis_says_the_unit(quantity, unit):
    assert unit in trace_figure([RIGHT], quantity, **SETTINGS).layout.yaxis.title.text


def test_missing_values_give_a_message_not_an_error():
    fig = trace_figure([RIGHT], "entropy")
    assert not fig.data
    assert "entropy" in fig.layout.annotations[0].text


def test_heatmap_has_a_row_per_solution_and_a_cell_per_token():
    (cells,) = token_heatmap([RIGHT, WRONG], "score", **SETTINGS).data
    assert np.asarray(cells.z).shape == (2, 4)
    assert np.asarray(cells.z)[0].tolist() == pytest.approx([0.0, 0.3, 0.5, 1.0])
    assert np.isnan(np.asarray(cells.z)[1, 3])  # the shorter solution ends
    assert list(cells.text[0]) == ["x", "=", "9", "∎"]
    assert cells.customdata[0][3] == "&lt;eos&gt;"


def test_special_tokens_are_one_sign_in_a_cell_and_another_at_the_end():
    trace = Trace("sample 0", None, ("<|think|>", "a", "<eos>"), {"logprob": np.zeros(3)})
    assert list(token_heatmap([trace], "logprob").data[0].text[0]) == ["◇", "a", "∎"]


def test_heatmap_rows_say_the_verdict_without_colour():
    assert list(token_heatmap([RIGHT, WRONG], "score", **SETTINGS).layout.yaxis.ticktext) == ["✓ 0", "✗ 1"]


@pytest.mark.parametrize(
    ("quantity", "low", "middle", "high"),
    [("score", 0.0, 0.5, 1.0), ("z_logprob", -23.0, -18.0, -13.0), ("logprob", -3.0, -1.5, 0.0)],
)
def test_a_colour_means_the_same_in_every_heatmap(quantity, low, middle, high):
    (cells,) = token_heatmap([RIGHT], quantity, **SETTINGS).data
    assert (cells.zmin, (cells.zmin + cells.zmax) / 2, cells.zmax) == pytest.approx((low, middle, high))


def test_score_and_z_heatmaps_diverge_and_logprobs_do_not():
    def scale(quantity):
        return [tuple(stop) for stop in token_heatmap([RIGHT], quantity, **SETTINGS).data[0].colorscale]

    assert scale("score") == scale("z_logprob") == [tuple(stop) for stop in theme.SCORE_SCALE]
    assert scale("logprob") == [tuple(stop) for stop in theme.LOGPROB_SCALE]


def test_without_settings_the_z_scale_claims_no_decision():
    (cells,) = token_heatmap([RIGHT], "z_logprob").data
    assert [tuple(stop) for stop in cells.colorscale] == [tuple(stop) for stop in theme.LOGPROB_SCALE]
    assert (cells.zmin, cells.zmax) == (-23.0, -13.0)


def test_strip_shows_each_token_on_its_colour_with_its_value():
    strip = token_strip_html(RIGHT, "score", **SETTINGS)
    spans = re.findall(r'<span title="([^"]*)" style="([^"]*)"(?: class="special")?>([^<]*)</span>', strip)
    assert [html.unescape(text) for _, _, text in spans] == ["x", "=", "9", "<eos>"]
    assert "score so far 0.300" in spans[1][0]
    assert f"background:{theme.SCORE_SCALE[0][1].lower()}" in spans[0][1]
    assert f"background:{theme.SCORE_SCALE[2][1].lower()}" in spans[2][1]


REAL = Trace.from_row(
    {
        "sample": 0,
        "correct": True,
        "tokens": ["So", "Ġx", "ĠâĪ", "Ī", "Ġâ", "Ħ", "Ŀ", ".ĊĊ", "Ġ", "Ċ", "<|im_end|>"],
        "token_logprobs": [-0.1] * 11,
    },
    **SETTINGS,
)


def running_text(strip: str) -> str:
    """What a reader sees of a strip."""
    return html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", "", strip, flags=re.DOTALL))


def test_a_strip_shows_text_not_the_vocabulary_and_line_breaks_break_its_line():
    assert running_text(token_strip_html(REAL, "logprob")) == "So x␣∈␣◌ℝ.\n\n␣↵\n<|im_end|>"


def test_cells_and_hover_texts_are_decoded():
    (cells,) = token_heatmap([REAL], "logprob").data
    assert list(cells.text[0]) == ["So", "x", "␣", "∈", "␣", "◌", "ℝ", ".↵↵", "␣", "↵", "∎"]
    assert list(cells.customdata[0][:4]) == ["So", " x", "␣", "∈"]
    (line,) = trace_figure([REAL], "logprob").data
    assert line.customdata[6][0] == "So x ∈ ℝ"


def test_the_text_before_a_point_ends_with_its_token():
    trace = Trace("sample 0", True, tuple(f" word{i}" for i in range(12)), {"logprob": np.zeros(12)})
    text = trace_figure([trace], "logprob").data[0].customdata[-1][0]
    assert text.startswith("…")
    assert text.endswith("word10 word11")
    assert len(text) == 40


def test_a_space_that_is_a_token_does_not_glue_words_together():
    trace = Trace("sample 0", True, ("the", " ", "cat"), {"logprob": np.zeros(3)})
    assert ">␣<wbr></span>" in token_strip_html(trace, "logprob")


def test_four_thousand_tokens_stay_below_100_bytes_each():
    tokens = ["Ġthe", "Ġx", "Ċ", "Ġ\\", "frac", "{", "1", "}", "Ġequation", "âĪ"] * 400
    row = {"sample": 0, "correct": True, "tokens": tokens, "z_trace": np.linspace(-23, -13, 4000)}
    assert len(token_strip_html(Trace.from_row(row, **SETTINGS), "score", **SETTINGS).encode()) < 400_000


def seen_by_a_browser(markup: str) -> set[tuple[str, str]]:
    """All pairs of a tag and an attribute that an HTML parser finds."""
    found = set()

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.update((tag, name) for name, _ in attrs)

    Parser().feed(markup)
    return found


HOSTILE = ("<script>alert(1)</script>", '" onmouseover="x', "\u202eevil", "a" * 1_000_000, "&amp;", "$x$", "\x00")


def test_hostile_tokens_stay_text_and_stay_small():
    trace = Trace("sample 0", None, HOSTILE, {"logprob": np.full(len(HOSTILE), -1.0)})
    strip = token_strip_html(trace, "logprob")
    of_div = {("div", "class"), ("div", "dir"), ("div", "style")}
    assert seen_by_a_browser(strip) - {("span", "class")} == of_div | {("span", "title"), ("span", "style")}
    assert len(strip) < 10_000
    fig = token_heatmap([trace], "logprob")
    assert all("<" not in text for text in fig.data[0].text[0])
    assert all("<" not in text for text in fig.data[0].customdata[0])


def test_a_very_long_solution_is_cut_and_says_so():
    n = 6500
    trace = Trace("sample 0", True, ("a",) * n, {"logprob": np.zeros(n)})
    strip = token_strip_html(trace, "logprob")
    assert strip.count('<span title="') == 6000
    assert "500 more tokens" in strip


def test_traces_of_real_rows_end_at_the_score_of_the_table():
    rollouts = make_rollouts(n_problems=3, n_samples=4, truncated_share=0.0)
    for i in range(len(rollouts)):
        row = rollouts.row(i)
        trace = Trace.from_row(row, beta_v=BETA_V, c_ref=C_REF)
        assert trace.values["score"][-1] == pytest.approx(row["score"], abs=1e-5)
        assert len(trace.tokens) == len(trace.values["score"]) == row["n_tokens"]
