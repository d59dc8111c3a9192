"""A figure in a notebook, with its description in words below it."""

from __future__ import annotations

import json
import sys

import plotly.graph_objects as go

PLOTLY = "application/vnd.plotly.v1+json"


def show(fig: go.Figure, description: str) -> None:
    """Display a figure and, below it, what it shows in words.

    The description is the figure's alternative text: for those who do not see the figure, and for viewers that do not
    draw it, such as a code host's preview. The figure travels as data, without Plotly's own code, so that a notebook
    stays small; JupyterLab and VS Code draw it. Colab does not, and gets Plotly's own display.

    Parameters
    ----------
    fig : Figure
    description : str
        What is drawn and what to see in it, with its numbers; plain text or Markdown.
    """
    from IPython.display import display  # in every notebook, and no dependency of the library

    if "google.colab" in sys.modules:
        fig.show(renderer="colab")
    else:
        bundle = {PLOTLY: json.loads(fig.to_json()), "text/plain": f"[figure] {description}"}
        display(bundle, raw=True)
    display({"text/markdown": f"*Figure:* {description}", "text/plain": f"Figure: {description}"}, raw=True)
