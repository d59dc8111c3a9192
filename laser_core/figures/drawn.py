"""A figure that carries the observations it shows, as a tidy table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

if TYPE_CHECKING:
    from laser_core.analysis import Estimate

Cell = str | int | float | np.generic | None
Column = Cell | Sequence[Cell] | np.ndarray


class Drawn(go.Figure):
    """A Plotly figure with the table of what it shows: one row per observation, one column per variable.

    A figure function records what it draws from the analysis result that it was given. Unlike the traces, the table is
    neither thinned nor jittered for the screen.

    Examples
    --------
    >>> fig = Drawn()
    >>> fig.observe(method="majority vote", n_solutions=[1, 2], accuracy=[0.5, 0.75])
    >>> fig.observe(method="pass@N", n_solutions=1, accuracy=0.5)
    >>> fig.columns
    ('method', 'n_solutions', 'accuracy')
    >>> list(fig.rows())
    [('majority vote', 1, 0.5), ('majority vote', 2, 0.75), ('pass@N', 1, 0.5)]
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        drawn = args[0] if args else kwargs.get("data")
        # The leading underscore is Plotly's rule: it takes any other new attribute for a misspelt property.
        self._observed: list[dict[str, Column]] = list(drawn._observed) if isinstance(drawn, Drawn) else []

    def observe(self, **columns: Column) -> None:
        """Record observations.

        Parameters
        ----------
        **columns : scalar, sequence or ndarray of shape (n_rows,)
            The variables by name. A scalar holds for every row; with scalars alone there is one row. An observation
            without a variable that others have gets an empty cell.
        """
        self._observed.append(columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the variables, in the order in which they were recorded."""
        return tuple(dict.fromkeys(name for part in self._observed for name in part))

    def rows(self) -> Iterator[tuple[Cell, ...]]:
        """The observations in the order of ``columns``; None where an observation lacks a variable.

        Raises
        ------
        ValueError
            If the columns of one ``observe`` differ in length.
        """
        names = self.columns
        for part in self._observed:
            n_rows = next((len(column) for column in part.values() if not isinstance(column, Cell)), 1)
            yield from zip(*(_cells(part.get(name), n_rows) for name in names), strict=True)

    def __reduce__(self) -> tuple[object, ...]:
        return (*super().__reduce__(), {"_observed": self._observed})  # a copy keeps its table


def _cells(column: Column, n_rows: int) -> Sequence[Cell]:
    if isinstance(column, np.ndarray):
        return column.tolist()
    return [column] * n_rows if isinstance(column, Cell) else column


def estimated(estimates: Iterable[Estimate]) -> dict[str, list[float]]:
    """The columns of estimates: ``value``, ``ci_low``, ``ci_high`` and ``n_problems``.

    >>> from laser_core.analysis import Estimate
    >>> estimated([Estimate(0.5, 0.4, 0.6, 100)])
    {'value': [0.5], 'ci_low': [0.4], 'ci_high': [0.6], 'n_problems': [100]}
    """
    listed = list(estimates)
    return {
        "value": [estimate.value for estimate in listed],
        "ci_low": [estimate.ci_low for estimate in listed],
        "ci_high": [estimate.ci_high for estimate in listed],
        "n_problems": [estimate.n for estimate in listed],
    }
