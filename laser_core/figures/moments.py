"""When a model knows: how well its trace ranks the solutions of a problem at each moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from laser_core.figures.drawn import Drawn, estimated
from laser_core.figures.quantities import QUANTITIES
from laser_core.figures.theme import add_band, add_line, add_rule, empty, frame, run_style

if TYPE_CHECKING:
    from laser_core.analysis import RankingAlong


def ranking_along_figure(runs: Mapping[str, RankingAlong]) -> Drawn:
    """AUROC within a problem at each moment of the solutions, one line per run, with 95% bands.

    Parameters
    ----------
    runs : mapping of str to RankingAlong
        By the name of the run; all aligned in the same way.
    """
    known = {name: run for name, run in runs.items() if np.isfinite([e.value for e in run.auroc]).any()}
    if not known:
        return empty("No problem has both correct and incorrect solutions with per-token values.")
    fig = Drawn()
    for number, (name, run) in enumerate(known.items()):
        style = run_style(name, number)
        to_end = run.by == "to_end"
        x = -run.position if to_end else run.position  # time runs from left to right
        columns = estimated(run.auroc)
        where = {"tokens_to_the_end": run.position} if to_end else {"fraction": run.position}
        fig.observe(run=name, quantity=QUANTITIES[run.quantity].name, **where, **columns)
        low, high, n = (np.asarray(columns[key], float) for key in ("ci_low", "ci_high", "n_problems"))
        add_band(fig, x, low, high, style)
        add_line(
            fig,
            x,
            columns["value"],
            style,
            customdata=np.stack([low, high, n], axis=1),
            hovertemplate="%{y:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}], n = %{customdata[2]:.0f} problems"
            f"<extra>{style.name}, 95% CI</extra>",
        )
    add_rule(fig, y=0.5, label="chance")
    fig.layout.annotations[-1].update(x=0, xref="paper", xanchor="left")  # the lines end on the right
    by_end = next(iter(known.values())).by == "to_end"
    axis = "token, counted from the last one (0)" if by_end else "fraction of the solution"
    frame(fig, x=axis, y="AUROC within a problem", height=360)
    return fig
