"""``laser analyze`` and ``laser report``: the numbers of a rollout file, as text or as a page with figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from laser_core.commands import Out, Seed


def analyze(
    file: Annotated[Path, typer.Argument(help="A rollout file in any known format.")],
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
    signal: Annotated[
        str | None,
        typer.Option(help="What to analyze: score, or a signal such as mean_logprob; by default the score if any."),
    ] = None,
    run: Annotated[str | None, typer.Option(help="Which run, if the file holds several.")] = None,
    n_max: Annotated[int | None, typer.Option(help="Largest N of the voting curves.")] = None,
    seed: Seed = 0,
    out_of_core: Annotated[
        bool | None,
        typer.Option(
            "--out-of-core/--in-memory",
            help="Use DuckDB and bounded memory; the default for Parquet files of more than 2,000,000 rows.",
        ),
    ] = None,
) -> None:
    """Print accuracy, separation and voting of a rollout file, each with its 95% CI."""
    from laser_core.commands.bars import waiting
    from laser_core.commands.summary_text import summary_text

    with waiting(f"analyzing {file}"):
        found = _numbers(file, signal, run, n_max, seed, out_of_core)
    typer.echo(json.dumps(found) if json_ else summary_text(found))


def _numbers(
    file: Path, signal: str | None, run: str | None, n_max: int | None, seed: int, out_of_core: bool | None
) -> dict:
    """The summary of a file, in memory or by DuckDB."""
    import numpy as np

    from laser_core.analysis import is_big_parquet, summarize, summarize_parquet
    from laser_core.rollouts import ANALYSIS_COLUMNS, read

    if is_big_parquet(file) if out_of_core is None else out_of_core:
        sizes = None if n_max is None else 2 ** np.arange(max(n_max, 1).bit_length())
        return summarize_parquet(file, signal=signal or "score", run=run, n_values=sizes).to_json()
    columns = ANALYSIS_COLUMNS if signal in (None, "score") else (*ANALYSIS_COLUMNS, "token_logprobs", "entropy")
    rollouts = read(file, columns=columns).rollouts
    return summarize(rollouts, signal=signal, run=run, n_max=n_max, seed=seed).to_json()


def report(
    file: Annotated[Path, typer.Argument(help="A rollout file in any known format.")],
    out: Out,
    signal: Annotated[str | None, typer.Option(help="What to analyze; the score if there is one.")] = None,
    run: Annotated[str | None, typer.Option(help="Which run, if the file holds several.")] = None,
    n_max: Annotated[int | None, typer.Option(help="Largest N of the voting curves.")] = None,
    seed: Seed = 0,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse the file if a single row is bad.")] = False,
) -> None:
    """Write one self-contained HTML page with numbers, figures, settings and warnings."""
    from laser_core.commands.bars import waiting
    from laser_core.report import ReportOptions, write_report

    with waiting(f"writing {out}"):
        write_report(file, out, ReportOptions(signal=signal, run=run, n_max=n_max, seed=seed, strict=strict))
    typer.echo(f"Wrote {out} ({out.stat().st_size / 1e6:.1f} MB); open it in any browser, no network needed.")
