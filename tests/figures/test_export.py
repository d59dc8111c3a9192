"""Downloads of a figure."""

import csv
import io

import numpy as np
import plotly.graph_objects as go

from laser_core.figures import Trace, figure_csv, figure_html, token_heatmap


def rows(text):
    return list(csv.reader(io.StringIO(text)))


def test_a_heatmap_is_written_cell_by_cell_with_its_tokens():
    trace = Trace("sample 3", True, ("a", "<eos>"), {"logprob": np.array([-0.5, -1.0])})
    shorter = Trace("sample 4", False, ("b",), {"logprob": np.array([-2.0])})
    assert rows(figure_csv(token_heatmap([trace, shorter], "logprob")))[1:] == [
        ["", "1", "✓ 3", "-0.5", "a"],
        ["", "2", "✓ 3", "-1.0", "∎"],
        ["", "1", "✗ 4", "-2.0", "b"],
    ]


def test_text_that_a_spreadsheet_would_run_is_defused():
    fig = go.Figure(go.Bar(x=["=HYPERLINK(1)", "a, b"], y=[1, -2], name="@SUM(1)"))
    assert rows(figure_csv(fig))[1:] == [
        ["'@SUM(1)", "'=HYPERLINK(1)", "1", "", ""],
        ["'@SUM(1)", "a, b", "-2", "", ""],
    ]


def test_the_page_is_self_contained_and_escapes_its_words():
    page = figure_html(go.Figure(go.Bar(x=[1], y=[2])), title="<b>t</b>", caption="a & b")
    assert "<h1>&lt;b&gt;t&lt;/b&gt;</h1>" in page
    assert "<p>a &amp; b</p>" in page
    assert 'src="http' not in page
    assert "Plotly.newPlot" in page
