"""Downloads of a figure."""

import csv
import io

import plotly.graph_objects as go
import pytest

from laser_core.figures import Drawn, figure_csv, figure_html


def rows(text):
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+cmd", "'+cmd"),
        ("-", "'-"),
        ("-inf", "'-inf"),
        ("@SUM(1)", "'@SUM(1)"),
        (" =1", "' =1"),
        ("\t=1", "⇥=1"),
        ("a\r=1", "a\\x0d=1"),
        ("\uff1d1", "'\uff1d1"),
        ("-5", "-5"),
        ("+1.5e3", "+1.5e3"),
        ("a, b", "a, b"),
        ("&lt;b&gt;", "&lt;b&gt;"),
    ],
)
def test_text_that_a_spreadsheet_would_run_is_defused(text, cell):
    fig = Drawn()
    fig.observe(token=[text], value=[-2])
    assert rows(figure_csv(fig, settings={"run": text})) == [["token", "value", "run"], [cell, "-2", cell]]


def test_the_page_is_self_contained_and_escapes_its_words():
    page = figure_html(go.Figure(go.Bar(x=[1], y=[2])), title="<b>t</b>", caption="a & b")
    assert "<h1>&lt;b&gt;t&lt;/b&gt;</h1>" in page
    assert "<p>a &amp; b</p>" in page
    assert 'src="http' not in page
    assert "Plotly.newPlot" in page
