"""The options of a report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReportOptions:
    """The options of a report.

    Attributes
    ----------
    signal : str, optional
        The column to analyse; by default the score, or the file's first signal where there is none.
    run : str, optional
        The run of the file to analyse; needed where it holds several.
    n_max : int, optional
        Largest N of the voting curves; by default the largest that nine problems in ten reach.
    seed : int
        Seed of all random draws.
    strict : bool
        Whether to refuse the file because of a single bad row.
    """

    signal: str | None = None
    run: str | None = None
    n_max: int | None = None
    seed: int = 0
    strict: bool = False
