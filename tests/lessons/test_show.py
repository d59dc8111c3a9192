"""A figure in a notebook comes with its words, and without megabytes."""

import sys
import types

import plotly.graph_objects as go
import pytest
from IPython.utils.capture import capture_output

from laser_core.lessons.show import PLOTLY, show


@pytest.fixture
def fig():
    return go.Figure(go.Scatter(x=[0, 1], y=[2, 3]))


def test_the_figure_is_data_with_its_description_beside_and_below(fig, monkeypatch):
    displayed = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: displayed.append(bundle))
    show(fig, "A line that rises by 1.")
    figure, words = displayed
    assert figure[PLOTLY]["data"][0]["type"] == "scatter"
    assert figure["text/plain"] == "[figure] A line that rises by 1."
    assert words["text/markdown"] == "*Figure:* A line that rises by 1."
    assert len(str(figure)) < 20_000


def test_colab_draws_with_plotlys_own_display(fig, monkeypatch):
    drawn = []
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setattr(go.Figure, "show", lambda self, renderer: drawn.append(renderer))
    with capture_output():
        show(fig, "A line.")
    assert drawn == ["colab"]
