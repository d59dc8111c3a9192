"""``laser convert``: from anyone's rollout files to the canonical table."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laser_core.commands import Out, split_pair

if TYPE_CHECKING:
    from laser_core.rollouts import Checks

SHOWN_DISAGREEMENTS = 10


def convert(
    files: Annotated[list[Path], typer.Argument(help="Rollout files of any known formats.", metavar="FILE...")],
    out: Out,
    format: Annotated[str | None, typer.Option("--format", help="Skip detection.")] = None,
    map_: Annotated[list[str] | None, typer.Option("--map", help="column=field, any number of times.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse the files for one bad row.")] = False,
    memory: Annotated[bool, typer.Option("--remember/--no-remember", help="Use and keep mappings by shape.")] = True,
) -> None:
    """Read rollout files, say what was found, and write one canonical table (.parquet, .jsonl or .csv).

    Several files become runs to compare, or parts of one run where they say so. A file of batch requests among them
    lends its problems to the answers.
    """
    from laser_core.commands.bars import share_bar
    from laser_core.rollouts import convert as convert_files
    from laser_core.rollouts import missing_views, read, write_csv, write_jsonl

    mapping = dict(split_pair(pair, "--map") for pair in map_ or []) or None
    if mapping is None and format is None and memory:
        mapping = _recalled(files)
    writer = next((w for end, w in ((".jsonl", write_jsonl), (".csv", write_csv)) if end in out.suffixes[-2:]), None)
    with share_bar() as progress:
        options = {"format": format, "strict": strict, "mapping": mapping, "progress": progress}
        if writer is not None:
            with tempfile.TemporaryDirectory() as folder:
                parquet = Path(folder) / "rollouts.parquet"
                result = convert_files(list(files), parquet, **options)
                writer(read(parquet, fill=False).rollouts, out)
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
    _show_checks(result.checks)
    keys = read(out, fill=False, columns=()).rollouts
    for sentence in missing_views(keys, holds=result.holds):
        typer.echo(f"  {sentence}")
    typer.echo(f"Wrote {out}")
    if map_ and memory:
        _remember(files, mapping)


def _show_checks(checks: Checks) -> None:
    """What a person would look at to find out whether the file was read as it was meant."""
    from laser_core.rollouts.checks import agreement, opposed, sentences

    found = agreement(checks.given)
    typer.echo("Check that the file was read as it was meant:")
    for sentence in sentences(checks, found):
        typer.echo(f"  {sentence}")
    for item in found.disagreements[:SHOWN_DISAGREEMENTS]:
        typer.echo(f"    {opposed(item)}")
    if found.n_disagreements > SHOWN_DISAGREEMENTS:
        typer.echo(f"    ... and {found.n_disagreements - SHOWN_DISAGREEMENTS:,} more")


def _recalled(files: list[Path]) -> dict[str, str] | None:
    """The mapping last used for a table like the first file, where its format is unknown."""
    from laser_core.errors import InputError
    from laser_core.jobs.jobs import home
    from laser_core.rollouts import preview
    from laser_core.rollouts.reading.column_mappings import recall

    try:
        look = preview(files[0])
    except InputError:
        return None  # reading it will say what is wrong
    mapping = recall(look.shape, home()) if look.format is None else None
    if mapping:
        pairs = " ".join(f"--map {column}={field}" for column, field in mapping.items())
        typer.echo(f"Using the mapping given for such columns before: {pairs}")
    return mapping


def _remember(files: list[Path], mapping: dict[str, str]) -> None:
    from laser_core.errors import InputError
    from laser_core.jobs.jobs import home
    from laser_core.rollouts import preview
    from laser_core.rollouts.reading.column_mappings import remember

    try:
        remember(preview(files[0]).shape, mapping, home())
    except InputError:
        return  # a home that cannot be written to is no reason to fail a finished conversion
