"""Figures about single solutions, token by token: log-probs, entropy, and the log-prob of the verdict token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go

from laser_core.analysis.tokens.traces import block_means, condense
from laser_core.figures.drawn import Drawn
from laser_core.figures.quantities import QUANTITIES, colour_scale, scale_ends
from laser_core.figures.theme import INK, MONOSPACE, OUTCOMES, add_line, add_rule, empty, frame, plain
from laser_core.figures.token_decoding import decode_tokens, token_label
from laser_core.score import last_token_score, z_logprob_from_score

MAX_POINTS = 800  # of one line; the extremes of each block of tokens are kept
MAX_COLUMNS = 400  # of a heatmap
MARKS = {True: "✓", False: "✗", None: "?"}
SPECIAL, CLOSING = "◇", "∎"  # stand for <...> tokens in narrow cells; the second for one that ends the solution


@dataclass(frozen=True)
class Trace:
    """One solution's per-token values, ready to draw.

    Attributes
    ----------
    label : str
        The solution's name on screen, such as "sample 3".
    correct : bool, optional
        Whether the verifier accepts it; None if unknown.
    tokens : tuple of str
        The response's tokens as text (:func:`~laser_core.figures.token_decoding.decode_tokens`), including the
        closing <eos>; empty for a token that holds only the first bytes of a character.
    values : dict of str to ndarray of shape (n_tokens,)
        The values of each quantity, by its key in :data:`QUANTITIES`; absent where the table has none.
    """

    label: str
    correct: bool | None
    tokens: tuple[str, ...]
    values: dict[str, np.ndarray]

    @classmethod
    def from_row(cls, row: dict, *, beta_v: float | None, c_ref: float | None) -> Trace:
        """From a row of the rollout table (:meth:`laser_core.rollouts.Rollouts.row`).

        Tokens are decoded: Ġthe becomes " the". Where beta_v and c_ref are known, the trace of z_c is also given as a
        score, beta_v * (log pi(z_c) - c_ref). Without tokens, each character of the response is taken for one if that
        matches the trace's length.

        Examples
        --------
        >>> row = {"sample": 3, "correct": True, "tokens": ["x", "<eos>"], "z_trace": [-23.0, -13.0]}
        >>> trace = Trace.from_row(row, beta_v=0.1, c_ref=-23.0)
        >>> trace.label, trace.values["score"].round(6).tolist(), "entropy" in trace.values
        ('sample 3', [0.0, 1.0], False)
        """
        values = {}
        for key, quantity in QUANTITIES.items():
            column = row.get(quantity.column)
            if column is not None and len(column):
                values[key] = np.asarray(column, dtype=float)
        if "z_logprob" in values and beta_v is not None and c_ref is not None:
            values["score"] = last_token_score(values["z_logprob"], beta_v=beta_v, c_ref=c_ref)
        else:
            values.pop("score", None)
        reference = values.pop("log_ratio", None)  # the reference model's log-probs so far
        if reference is not None and len(reference) == len(values.get("logprob", ())):
            values["log_ratio"] = values["logprob"] - reference
        spelled = row.get("tokens")
        if spelled is not None:
            tokens = decode_tokens(spelled)
        else:
            n = max((len(v) for v in values.values()), default=0)
            response = row.get("response") or ""
            tokens = tuple(response) if len(response) == n else tuple(f"token {i + 1}" for i in range(n))
        return cls(f"sample {row.get('sample')}", row.get("correct"), tokens, values)

    def part(self, first: int, last: int) -> Trace:
        """The tokens from ``first`` to ``last``, both included and counted from 1.

        >>> Trace("sample 0", True, ("a", "b", "c"), {"logprob": np.array([-1.0, -2.0, -3.0])}).part(2, 3).tokens
        ('b', 'c')
        """
        if first <= 1 and last >= len(self.tokens):
            return self
        values = {key: value[first - 1 : last] for key, value in self.values.items()}
        return replace(self, tokens=self.tokens[first - 1 : last], values=values)


def trace_figure(
    traces: Sequence[Trace],
    quantity: str,
    *,
    beta_v: float | None = None,
    c_ref: float | None = None,
    first: int = 1,
) -> Drawn:
    """One line per solution over its tokens: correct solid blue, incorrect dashed vermilion.

    Parameters
    ----------
    traces : sequence of Trace
        The solutions to compare.
    quantity : str
        A key of :data:`QUANTITIES`.
    beta_v, c_ref : float, optional
        The score's settings: the line of score 0.5, and for z_c the line of c_ref.
    first : int
        Number of the traces' first token, where they are parts of longer ones.

    Returns
    -------
    plotly.graph_objects.Figure
        A message in place of a chart where no trace holds the quantity.
    """
    shown = [trace for trace in traces if quantity in trace.values]
    what = QUANTITIES[quantity]
    unit = " nats" if what.unit == "nats" else ""
    if not shown:
        return empty(f"These rollouts hold no {what.name}.")
    fig = Drawn()
    observe_tokens(fig, shown, quantity, first)
    for trace in shown:
        style, values = OUTCOMES[trace.correct], trace.values[quantity]
        kept = condense(values, MAX_POINTS)
        before = [_ending(trace.tokens, i) for i in kept]
        add_line(
            fig,
            first + kept,
            values[kept],
            style,
            markers=len(values) <= 80,
            customdata=np.array(before, dtype=object)[:, None],
            hovertemplate=f"%{{y:.3f}}{unit} after “%{{customdata[0]}}”",
        )
        fig.data[-1].update(name=f"{plain(trace.label)}, {style.name}")
    frame(fig, x="response token", y=what.name if what.unit == "score" else f"{what.name}, {what.unit}", height=340)
    if quantity == "score":
        add_rule(fig, y=0.5, label="0.5: predicted correct above")
        # In the middle, because the score often crosses the line near the ends.
        fig.layout.annotations[-1].update(x=0.5, xref="paper", xanchor="center", yanchor="bottom")
    if quantity == "z_logprob" and c_ref is not None:
        add_rule(fig, y=c_ref, label=f"c_ref = {c_ref:.1f}: score 0")
        fig.layout.annotations[-1].update(x=0, xref="paper", xanchor="left", yanchor="bottom")
        if beta_v:
            add_rule(fig, y=z_logprob_from_score(0.5, beta_v=beta_v, c_ref=c_ref), label="score 0.5")
            fig.layout.annotations[-1].update(x=0, xref="paper", xanchor="left", yanchor="bottom")
    return fig


def token_heatmap(
    traces: Sequence[Trace],
    quantity: str,
    *,
    beta_v: float | None = None,
    c_ref: float | None = None,
    first: int = 1,
) -> Drawn:
    """Solutions as rows, tokens as cells, each cell coloured by the quantity and labelled with its token.

    Scores and z_c diverge around the decision (score 0.5) from vermilion over neutral to blue; log-probs and entropy
    have one direction, darker where the model was less sure.

    Parameters
    ----------
    traces : sequence of Trace
        Rows from top to bottom.
    quantity : str
        A key of :data:`QUANTITIES`.
    beta_v, c_ref : float, optional
        The score's settings; they set the middle of the scale of z_c.
    first : int
        Number of the traces' first token, where they are parts of longer ones.

    Notes
    -----
    Beyond 400 columns a cell is the mean of neighbouring tokens.
    """
    shown = [trace for trace in traces if quantity in trace.values]
    what = QUANTITIES[quantity]
    unit = " nats" if what.unit == "nats" else ""
    if not shown:
        return empty(f"These rollouts hold no {what.name}.")
    width = max(len(trace.values[quantity]) for trace in shown)
    grid, text, hover = _cells(shown, quantity, width)
    x = np.arange(width)
    if width > MAX_COLUMNS:
        x, grid = block_means(grid, MAX_COLUMNS)
        text, hover = text[:, x], hover[:, x]
    low, high = scale_ends(what, grid, beta_v, c_ref)
    fig = Drawn(
        go.Heatmap(
            z=grid,
            x=first + x,
            y=list(range(len(shown))),
            text=text,
            customdata=hover,
            texttemplate="%{text}" if width <= 60 else None,
            textfont={"family": MONOSPACE, "color": INK},  # its size follows the cell
            colorscale=colour_scale(what, beta_v, c_ref),
            zmin=low,
            zmax=high,
            xgap=1 if width <= 120 else 0,  # gaps between narrow cells would look like a pattern in the data
            ygap=2,
            hoverongaps=False,
            hovertemplate=f"token %{{x}} “%{{customdata}}”: %{{z:.3f}}{unit}<extra></extra>",
            colorbar=_colour_bar(f"{what.name}{unit and ', nats'}", low, high),
        )
    )
    observe_tokens(fig, shown, quantity, first)
    _frame_rows(fig, shown)
    return fig


def observe_tokens(fig: Drawn, traces: Sequence[Trace], quantity: str, first: int) -> None:
    """Record a quantity at every token of these solutions, also where the screen shows means of neighbouring tokens.

    Parameters
    ----------
    fig : Drawn
        The figure that shows them.
    traces : sequence of Trace
        The solutions, all with the quantity.
    quantity : str
        A key of :data:`QUANTITIES`.
    first : int
        Number of the traces' first token.
    """
    what = QUANTITIES[quantity]
    for trace in traces:
        values = trace.values[quantity]
        n_missing = max(len(values) - len(trace.tokens), 0)
        fig.observe(
            solution=trace.label,
            verdict=OUTCOMES[trace.correct].name,
            token_index=first + np.arange(len(values)),
            token=[*trace.tokens[: len(values)], *[None] * n_missing],
            quantity=what.name,
            unit=what.unit,
            value=values,
        )


def _frame_rows(fig: go.Figure, traces: Sequence[Trace]) -> None:
    """The heatmap's frame, with one labelled row for each trace."""
    frame(fig, x="response token", y="", height=110 + 27 * len(traces), hovermode="closest", legend=False)
    fig.update_layout(margin={"t": 48})
    labels = [f"{MARKS[trace.correct]} {plain(trace.label).removeprefix('sample ')}" for trace in traces]
    fig.update_yaxes(tickvals=list(range(len(traces))), ticktext=labels, autorange="reversed", showgrid=False)
    fig.update_xaxes(showgrid=False)


def _colour_bar(title: str, low: float, high: float) -> dict[str, object]:
    """A colour bar above the plot, labelled at its ends and in the middle."""
    ticks = [low, (low + high) / 2, high]
    return {
        "orientation": "h",
        "thickness": 10,
        "x": 0,
        "xanchor": "left",
        "y": 1.0,
        "yanchor": "bottom",
        "len": 0.6,
        "title": {"text": title, "side": "top"},
        "tickvals": ticks,
        "ticktext": [f"{tick:.3g}" for tick in ticks],
    }


def _cells(traces: Sequence[Trace], quantity: str, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, labels and hover texts of a heatmap's cells, each of shape (n_traces, width)."""
    grid = np.full((len(traces), width), np.nan)
    text, hover = (np.full((len(traces), width), "", dtype=object) for _ in range(2))
    for i, trace in enumerate(traces):
        n = len(trace.values[quantity])
        grid[i, :n] = trace.values[quantity]
        tokens = trace.tokens[:n]
        text[i, : len(tokens)] = [_cell_text(token) for token in tokens]
        if tokens and text[i, len(tokens) - 1] == SPECIAL:
            text[i, len(tokens) - 1] = CLOSING
        hover[i, : len(tokens)] = [plain(token_label(token[:41]), 40) for token in tokens]
    return grid, text, hover


def _cell_text(token: str) -> str:
    """A token's label in a narrow cell: special tokens such as <pad> as one sign, spaces around it and its end cut."""
    if len(token) > 2 and token.startswith("<") and token.endswith(">"):
        return SPECIAL
    return plain(token_label(token[:40].strip(" ") or token[:9]), 8)


def _ending(tokens: Sequence[str], i: int) -> str:
    """The last 40 characters of the text that ends with token ``i``."""
    text = "".join(token[-40:] for token in tokens[max(0, i - 11) : i + 1])
    return plain(text if len(text) <= 40 else "…" + text[-39:])
