"""``laser convert``: from anyone's rollout files to the canonical table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from laser_core.commands import Out, split_pair


def convert(
    files: Annotated[list[Path], typer.Argument(help="Rollout files of any known formats.", metavar="FILE...")],
    out: Out,
    format: Annotated[str | None, typer.Option("--format", help="Skip detection.")] = None,
    map_: Annotated[list[str] | None, typer.Option("--map", help="column=field, any number of times.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse the files for one bad row.")] = False,
) -> None:
    """Read rollout files, say what was found, and write one canonical table (.parquet, .jsonl or .csv).

    Several files become runs to compare, or parts of one run where they say so. A file of batch requests among them
    lends its problems to the answers.
    """
    import tempfile

    from laser_core.progress import share_bar
    from laser_core.rollouts import convert as convert_files
    from laser_core.rollouts import read, write_csv, write_jsonl

    mapping = dict(split_pair(pair, "--map") for pair in map_ or []) or None
    writers = {".jsonl": write_jsonl, ".csv": write_csv}
    with share_bar() as progress:
        options = {"format": format, "strict": strict, "mapping": mapping, "progress": progress}
        if out.suffix in writers:
            with tempfile.TemporaryDirectory() as folder:
                parquet = Path(folder) / "rollouts.parquet"
                result = convert_files(list(files), parquet, **options)
                writers[out.suffix](read(parquet, fill=False).rollouts, out)
        else:  # Parquet is written piece by piece, whatever the size
            result = convert_files(list(files), out, **options)
    n_rollouts, n_rows, n_refused = f"{result.n_rollouts:,}", f"{result.n_rows:,}", f"{result.n_refused:,}"
    typer.echo(f"Detected {result.format}: {n_rollouts} rollouts from {n_rows} rows, {n_refused} refused")
    for note in result.notes:
        typer.echo(f"  {note}")
    for refusal in result.refused[:20]:
        where = f"{refusal.file}, " * bool(refusal.file) + f"line {refusal.line}"
        where += f", field '{refusal.field}'" if refusal.field else ""
        typer.echo(f"  refused {where}: {refusal.reason}")
    if result.n_refused > 20:
        typer.echo(f"  ... and {result.n_refused - 20:,} more refused rows")
    typer.echo(f"Wrote {out}")
