"""One theme for every figure: what each colour, dash and marker means, and the frame all figures share.

The categorical colours are Okabe and Ito's, which can be told apart under the common colour-vision deficiencies; two
more are for runs. All of them are readable on a light and on a dark page. No meaning relies on colour alone: every
style has a dash and a marker of its own.
"""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from laser_core.figures.drawn import Drawn

if TYPE_CHECKING:
    from laser_core.analysis.voting.curve import CurveName

CORRECT = "#0072B2"
INCORRECT = "#D55E00"
UNKNOWN = "#8C8C8C"
WEIGHTED = "#009E73"
MAJORITY = "#7F7F7F"
BEST_OF_N = "#CC79A7"
PASS = "#56B4E9"
LASER = "#7C6CF2"
GRPO = "#E69F00"
RULE = "rgba(127, 127, 127, 0.9)"  # thresholds and reference lines: readable on white and on near-black
GRID = "rgba(127, 127, 127, 0.22)"

INK = "#14151C"  # text on the cells of a heatmap, in both themes
MONOSPACE = "ui-monospace, 'SF Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace"
HEIGHT = 380  # pixels; a phone in portrait still shows the figure and its sentence at once

# Scores diverge around 0.5, the decision; the ends are the incorrect and the correct colour, the middle is neutral.
# All three scales stay light enough for black text (contrast above 4.5), so that tokens can be read on every cell.
Scale = list[tuple[float, str]]  # positions from 0 to 1 with their colours
SCORE_SCALE: Scale = [(0.0, "#E0752D"), (0.25, "#F0B58A"), (0.5, "#F4F1EC"), (0.75, "#93C5E6"), (1.0, "#3D94CC")]
# Log-probs run one way, from certain (pale) to surprising (dark); the scale is reversed because nats are negative.
LOGPROB_SCALE: Scale = [(0.0, "#9B7BCC"), (0.25, "#B29BD9"), (0.5, "#C7B7E3"), (0.75, "#E1D8F1"), (1.0, "#F6F3FA")]
ENTROPY_SCALE: Scale = [(1.0 - position, color) for position, color in reversed(LOGPROB_SCALE)]


@dataclass(frozen=True)
class Style:
    """How one meaning is drawn: its name on screen, colour, dash and marker."""

    name: str
    color: str
    dash: str
    symbol: str


OUTCOMES = {
    True: Style("correct", CORRECT, "solid", "circle"),
    False: Style("incorrect", INCORRECT, "dash", "x"),
    None: Style("not verified", UNKNOWN, "dot", "diamond-open"),
}
VOTES: dict[CurveName, Style] = {
    "pass_": Style("pass@N", PASS, "dot", "triangle-up"),
    "best_of_n": Style("best-of-N", BEST_OF_N, "dashdot", "diamond"),
    "weighted": Style("weighted vote", WEIGHTED, "solid", "circle"),
    "majority": Style("majority vote", MAJORITY, "dash", "square"),
}
FILTERED = Style("filtered majority", "#B07D3C", "longdash", "cross")
_SPARE_RUNS = (
    ("#56B4E9", "dashdot", "diamond"),
    ("#CC79A7", "longdash", "triangle-up"),
    ("#009E73", "longdashdot", "star"),
)


def run_style(name: str, position: int = 0) -> Style:
    """The style of a run, by its name: LaSeR solid, GRPO dashed, the base model dotted.

    Parameters
    ----------
    name : str
        The run's name.
    position : int
        Chooses a spare style for a run with another name.

    Examples
    --------
    >>> run_style("laser seed 1").dash, run_style("GRPO").dash, run_style("base").dash, run_style("mine", 1).dash
    ('solid', 'dash', 'dot', 'longdash')
    """
    lowered = name.lower()
    if "laser" in lowered:
        return Style(name, LASER, "solid", "circle")
    if "grpo" in lowered:
        return Style(name, GRPO, "dash", "square")
    if "base" in lowered:
        return Style(name, UNKNOWN, "dot", "circle-open")
    return Style(name, *_SPARE_RUNS[position % len(_SPARE_RUNS)])


def fade(color: str, alpha: float) -> str:
    """A hex colour as rgba with the given opacity.

    >>> fade("#0072B2", 0.2)
    'rgba(0, 114, 178, 0.2)'
    """
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha})"


def plain(text: object, limit: int = 200) -> str:
    """Foreign text made safe for a Plotly label: tags shown as text, control and direction characters made visible.

    Plotly reads a subset of HTML in every label, and direction overrides could make a label lie about its order.

    >>> plain("<b>x</b>")
    '&lt;b&gt;x&lt;/b&gt;'
    >>> plain("a\\u202eb\\n")
    'a\\\\u202eb↵'
    """
    shown = str(text)
    shown = shown if len(shown) <= limit else shown[: limit - 1] + "…"
    return html.escape(visible(shown), quote=False)


def visible(text: str) -> str:
    """Whitespace and invisible characters replaced by visible signs.

    >>> visible("a\\tb"), visible("\\u200b"), visible(" ")
    ('a⇥b', '\\\\u200b', ' ')
    """
    if text.isprintable():
        return text
    out = []
    for char in text:
        if char == "\n":
            out.append("↵")
        elif char == "\t":
            out.append("⇥")
        elif char.isprintable() or char == " ":
            out.append(char)
        else:
            code = ord(char)
            out.append(f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return "".join(out)


_TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif", "size": 14},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {"gridcolor": GRID, "zeroline": False, "automargin": True},
        "yaxis": {"gridcolor": GRID, "zeroline": False, "automargin": True},
    }
)


def frame(
    fig: go.Figure, *, x: str, y: str, height: int = HEIGHT, hovermode: str | bool = "x unified", legend: bool = True
) -> go.Figure:
    """Give a figure the shared frame: axis titles with units, a legend above the data, no chart title.

    The page's sentence is the title; a legend above the plot never covers data, at any width.
    """
    fig.update_layout(
        template=_TEMPLATE,
        height=height,
        margin={"l": 8, "r": 8, "t": 34 if legend else 12, "b": 8},
        hovermode=hovermode,
        showlegend=legend,
        legend={
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "title_text": "",
            "bgcolor": "rgba(0,0,0,0)",
        },
        dragmode=False,  # on a phone a drag scrolls the page; zooming stays in the toolbar
    )
    fig.update_xaxes(title_text=x, gridcolor=GRID, zeroline=False, automargin=True)
    fig.update_yaxes(title_text=y, gridcolor=GRID, zeroline=False, automargin=True)
    return fig


STAGE_TYPE = 20  # pixels: the smallest type of a figure on a slide
STAGE_WIDTH = 1080  # pixels: about as wide is the plot of a slide at 1280 x 720


def enlarge(fig: go.Figure) -> go.Figure:
    """Make a finished figure readable from the back of a hall: type of 20 pixels or more, thicker lines and markers.

    The figure loses its fixed height: on a slide it fills the room between the title and the caption.
    """
    factor = STAGE_TYPE / 13
    fig.update_layout(font={"size": STAGE_TYPE}, legend={"font": {"size": STAGE_TYPE}}, hoverlabel={"font_size": 20})
    for update in (fig.update_xaxes, fig.update_yaxes):
        update(tickfont={"size": STAGE_TYPE}, title_font={"size": STAGE_TYPE + 2}, automargin=True)
    for annotation in fig.layout.annotations:
        shift = (annotation.yshift or 0) * factor
        annotation.update(font={"size": max(STAGE_TYPE, (annotation.font.size or 0))}, yshift=shift)
    for slider in fig.layout.sliders:
        slider.update(font={"size": STAGE_TYPE}, currentvalue={"font": {"size": STAGE_TYPE}})
    for trace in fig.data:
        if trace.type == "scatter" and trace.fill is None:
            trace.update(line={"width": (trace.line.width or 2) * factor})
            if not isinstance(trace.marker.size, (tuple, list, np.ndarray)):
                trace.update(marker={"size": (trace.marker.size or 6) * factor})
        elif trace.type in ("heatmap", "bar"):
            trace.update(textfont={"size": STAGE_TYPE})
            if trace.type == "heatmap" and trace.colorbar.title.text:
                title = {"font": {"size": STAGE_TYPE}, "side": "right"}  # beside the bar, which leaves more height
                trace.update(colorbar={"tickfont": {"size": STAGE_TYPE}, "title": title})
    if (fig.layout.legend.y or 0) >= 1:
        # At the upper edge of the slide: Plotly may draw a legend that stands on the plot into the plot when it learns
        # the slide's height only later.
        fig.update_layout(legend={"yref": "container", "y": 1, "yanchor": "top"})
    fig.update_layout(height=None, margin={"t": _room_above(fig), "r": (fig.layout.margin.r or 0) * factor})
    return fig


def _room_above(fig: go.Figure) -> int:
    """Pixels between the upper edge of a slide's figure and its plot: for the legend, and for what stands below it."""
    if any(trace.type == "heatmap" and trace.colorbar.title.text for trace in fig.data):
        return 52  # the bar and its numbers; its title is beside it
    named = [trace.name or "" for trace in fig.data if trace.showlegend is not False]
    wide = sum(70 + 0.55 * STAGE_TYPE * len(name) for name in named)
    rows = math.ceil(wide / STAGE_WIDTH) if named and fig.layout.showlegend is not False else 0
    labels = any(
        str(note.yref or "paper").endswith(("paper", "domain")) and (note.y or 0) >= 1 and note.yanchor == "bottom"
        for note in fig.layout.annotations
    )
    return 16 + 30 * rows + (24 if labels else 0)


def add_band(fig: go.Figure, x: ArrayLike, low: ArrayLike, high: ArrayLike, style: Style, **kwargs: object) -> None:
    """Draw an interval as a translucent band behind its line; points with an undefined bound are left out."""
    points = np.stack([np.asarray(values, dtype=float) for values in (x, low, high)])
    points = points[:, np.isfinite(points).all(axis=0)]
    if not points.size:
        return
    at, lower, upper = points
    fig.add_trace(
        go.Scatter(
            x=np.concatenate([at, at[::-1]]),
            y=np.concatenate([upper, lower[::-1]]),
            fill="toself",
            fillcolor=fade(style.color, 0.16),
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
            legendgroup=style.name,
            name=f"{style.name}, 95% interval",
        ),
        **kwargs,
    )


def add_line(
    fig: go.Figure, x: ArrayLike, y: ArrayLike, style: Style, *, markers: bool = True, **kwargs: object
) -> None:
    """Draw one line in its style; ``kwargs`` go to the trace."""
    fig.add_trace(
        go.Scatter(
            x=x,
            y=y,
            name=style.name,
            legendgroup=style.name,
            mode="lines+markers" if markers else "lines",
            line={"color": style.color, "dash": style.dash, "width": 2.5},
            marker={"color": style.color, "symbol": style.symbol, "size": 8},
            **kwargs,
        )
    )


def add_rule(fig: go.Figure, *, label: str, x: float | None = None, y: float | None = None, **kwargs: object) -> None:
    """A thin labelled reference line at ``x`` (vertical) or ``y`` (horizontal)."""
    line = {"color": RULE, "width": 1.5, "dash": "dot"}
    if x is not None:
        fig.add_vline(x=x, line=line, annotation={"text": label, "font": {"size": 12}, **kwargs})
    if y is not None:
        fig.add_hline(y=y, line=line, annotation={"text": label, "font": {"size": 12}, **kwargs})


def above_plot(fig: go.Figure) -> None:
    """Put the label of the last vertical rule above the plot, below the legend, where no grid line crosses it."""
    fig.layout.annotations[-1].update(yref="paper", y=1, yanchor="bottom", xanchor="center")
    fig.update_layout(legend={"y": 1.08}, margin={"t": 54})


def interval_bars(
    value: np.ndarray, low: np.ndarray, high: np.ndarray, color: str, *, thickness: float = 2, width: float = 0
) -> dict[str, object]:
    """Error bars from ``low`` to ``high``, for a marker at ``value``."""
    return {
        "type": "data",
        "symmetric": False,
        "array": high - value,
        "arrayminus": value - low,
        "color": color,
        "thickness": thickness,
        "width": width,
    }


def bar_marker(correct: bool) -> dict[str, object]:
    """How the histogram of correct or of incorrect solutions is filled: one kind is hatched, and both can overlap."""
    color = OUTCOMES[correct].color
    return {
        "color": fade(color, 0.55),
        "line": {"color": color, "width": 1},
        "pattern": {"shape": "" if correct else "/", "fgcolor": color, "size": 6, "solidity": 0.35},
    }


def thin(n_points: int, limit: int = 400) -> np.ndarray:
    """Indices of at most ``limit`` points spread evenly over ``n_points``, both ends kept: what a screen can show.

    >>> thin(5, 3).tolist(), thin(2, 3).tolist()
    ([0, 2, 4], [0, 1])
    """
    if n_points <= limit:
        return np.arange(n_points)
    return np.unique(np.linspace(0, n_points - 1, limit).round().astype(int))


def empty(message: str) -> Drawn:
    """A figure that says why there is nothing to draw, so that callers need no special case."""
    fig = Drawn()
    fig.add_annotation(text=plain(message), showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper")
    frame(fig, x="", y="", height=180, hovermode=False, legend=False)
    fig.update_xaxes(visible=False)
    fig.update_yaxes(visible=False)
    return fig
