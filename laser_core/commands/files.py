"""``laser convert``: from anyone's rollout file to the canonical table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from laser_core.commands import Out, split_pair


def convert(
    file: Annotated[Path, typer.Argument(help="A rollout file of any known format.")],
    out: Out,
    format: Annotated[str | None, typer.Option("--format", help="Skip detection.")] = None,
    map_: Annotated[list[str] | None, typer.Option("--map", help="column=field, any number of times.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse the file for one bad row.")] = False,
) -> None:
    """Read a rollout file, say what was found, and write the canonical table (.parquet or .jsonl)."""
    from laser_core.progress import share_bar
    from laser_core.rollouts import convert as convert_file
    from laser_core.rollouts import read, write_jsonl

    mapping = dict(split_pair(pair, "--map") for pair in map_ or []) or None
    with share_bar() as progress:
        if out.suffix == ".jsonl":
            result = read(file, format=format, strict=strict, mapping=mapping, progress=progress)
            write_jsonl(result.rollouts, out)
            n_rollouts = len(result.rollouts)
        else:  # Parquet is written piece by piece, whatever the size
            result = convert_file(file, out, format=format, strict=strict, mapping=mapping, progress=progress)
            n_rollouts = result.n_rollouts
    typer.echo(f"Detected {result.format}: {n_rollouts} rollouts from {result.n_rows} rows, {result.n_refused} refused")
    for note in result.notes:
        typer.echo(f"  {note}")
    for refusal in result.refused[:20]:
        where = f"line {refusal.line}" + (f", field '{refusal.field}'" if refusal.field else "")
        typer.echo(f"  refused {where}: {refusal.reason}")
    if result.n_refused > 20:
        typer.echo(f"  ... and {result.n_refused - 20} more refused rows")
    typer.echo(f"Wrote {out}")
