"""Words in figures: names of signals and symbols as people write them, and names of lines at the lines' ends."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from laser_core.figures.theme import Style, plain

SIGNAL_TITLES = {  # the score and the free signals; any other signal has the name that its file gave it
    "score": "last-token score",
    "signal.mean_logprob": "mean token log-prob",
    "signal.min_logprob": "log-prob of the least likely token",
    "signal.tail_logprob": "mean log-prob of the last tokens",
    "signal.lowest_group_logprob": "log-prob of the weakest group of tokens",
    "signal.bottom_group_logprob": "log-prob of the weakest tenth of groups",
    "signal.neg_entropy": "certainty (minus mean entropy)",
    "signal.shortness": "shortness (minus tokens)",
}
_SYMBOLS = {
    "beta_v": "β_v",
    "pi_ref": "π_ref",
    "log pi(": "log π(",
    "alpha = ": "α = ",
}


def symbols(text: str) -> str:
    """Names from code and formulas as one writes them: Greek letters in place of their names.

    >>> symbols("std of log pi_ref(z_c), beta_v = 0.1")
    'std of log π_ref(z_c), β_v = 0.1'
    """
    for name, shown in _SYMBOLS.items():
        text = text.replace(name, shown)
    return text


def signal_title(signal: str, limit: int = 40) -> str:
    """A signal's name in a figure; foreign names are made safe.

    >>> signal_title("signal.mean_logprob"), signal_title("signal.<b>rm</b>")
    ('mean token log-prob', '&lt;b&gt;rm&lt;/b&gt;')
    """
    return SIGNAL_TITLES.get(signal) or plain(signal.removeprefix("signal."), limit)


_SIGNS = {"circle": "●", "square": "■", "triangle-up": "▲", "diamond": "◆", "cross": "✚"}


def label_line_ends(fig: go.Figure, ends: Sequence[tuple[Style, float]], *, low: float, high: float) -> None:
    """Write each line's name at its right end, behind its marker, in place of a legend; labels never overlap.

    Parameters
    ----------
    fig : Figure
        After :func:`frame`; its vertical axis is set to run from ``low`` to ``high``, and on to the last label.
    ends : sequence of (Style, float)
        Each line's style and its last value.
    low, high : float
        Ends of the vertical axis.
    """
    least = 0.1 * (high - low)
    places = spread_apart([y for _, y in ends], least=least)
    low, high = min([low, *(place - least / 2 for place in places)]), max([high, *(p + least / 2 for p in places)])
    for (style, y), place in zip(ends, places, strict=True):
        fig.add_annotation(
            text=f'<span style="color:{style.color}">{_SIGNS.get(style.symbol, "●")}</span> {style.name}',
            font={"size": 13},
            x=1,
            xref="paper",
            xanchor="left",
            xshift=8,
            y=place,
            yanchor="middle",
            showarrow=False,
            align="left",
            hovertext=f"{y:.3f}",
        )
    longest = max((len(style.name) for style, _ in ends), default=0)
    fig.update_layout(showlegend=False, margin={"r": 34 + int(7.3 * longest)})
    fig.update_yaxes(range=[low, high])


def spread_apart(values: Sequence[float], *, least: float) -> list[float]:
    """Places for labels at ``values``: in the same order, at least ``least`` apart, moved as little as can be.

    >>> spread_apart([0.0, 0.0, 5.0], least=1.0)
    [-0.5, 0.5, 5.0]
    """
    groups: list[tuple[float, list[int]]] = []  # the middle of each cluster of touching labels, and its members
    for i in sorted(range(len(values)), key=lambda i: values[i]):
        groups.append((values[i], [i]))
        while len(groups) > 1:
            (lower, few), (upper, more) = groups[-2:]
            if upper - lower >= least * (len(few) + len(more)) / 2:
                break
            members = few + more
            groups[-2:] = [(sum(values[j] for j in members) / len(members), members)]
    places = [0.0] * len(values)
    for middle, members in groups:
        for rank, i in enumerate(members):
            places[i] = middle + least * (rank - (len(members) - 1) / 2)
    return places
