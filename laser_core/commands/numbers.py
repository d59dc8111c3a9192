"""``laser analyze``: the numbers of a rollout file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from laser_core.commands import Seed


def analyze(
    file: Annotated[Path, typer.Argument(help="A rollout file of any known format.")],
    json_: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    signal: Annotated[str, typer.Option(help="Column to judge: score, or signal.<name>.")] = "score",
    n_max: Annotated[int | None, typer.Option(help="Largest N of the voting curves.")] = None,
    seed: Seed = 0,
) -> None:
    """The numbers of a rollout file: accuracy, separation, voting, each with its interval."""
    from laser_core.analysis import summarize
    from laser_core.rollouts import ANALYSIS_COLUMNS, read
    from laser_core.summary_text import summary_text

    summary = summarize(read(file, columns=ANALYSIS_COLUMNS).rollouts, signal=signal, n_max=n_max, seed=seed)
    typer.echo(json.dumps(summary.to_json()) if json_ else summary_text(summary))
