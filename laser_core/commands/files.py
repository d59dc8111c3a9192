"""``laser convert``: from anyone's rollout files to the canonical table."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laser_core.commands import Out, split_pair

if TYPE_CHECKING:
    from laser_core.rollouts import Checks, Converted

SHOWN_REFUSALS = 20
SHOWN_DISAGREEMENTS = 10


def convert(
    files: Annotated[list[Path], typer.Argument(help="Rollout files, in any known formats.", metavar="FILE...")],
    out: Out,
    format: Annotated[str | None, typer.Option("--format", help="Read as this format instead of detecting it.")] = None,
    map_: Annotated[list[str] | None, typer.Option("--map", help="column=field, any number of times.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse the files if a single row is bad.")] = False,
    memory: Annotated[
        bool, typer.Option("--remember/--no-remember", help="Reuse the last mapping given for the same columns.")
    ] = True,
) -> None:
    """Convert rollout files to one canonical table (.parquet, .jsonl or .csv), and report what was found in them.

    Several files become runs to compare, or parts of one run if they say so. A file of batch requests among them
    supplies the problems for the answers.
    """
    from laser_core.commands.bars import share_bar
    from laser_core.rollouts import convert as convert_files
    from laser_core.rollouts import missing_views, read, write_csv, write_jsonl

    mapping = dict(split_pair(pair, "--map") for pair in map_ or []) or None
    given = mapping
    if mapping is None and format is None and memory:
        mapping = _recalled(files)
    writer = next((w for end, w in ((".jsonl", write_jsonl), (".csv", write_csv)) if end in out.suffixes[-2:]), None)
    with share_bar() as progress:
        convert_to = partial(
            convert_files, list(files), format=format, strict=strict, mapping=mapping, progress=progress
        )
        if writer is not None:
            with tempfile.TemporaryDirectory() as folder:
                parquet = Path(folder) / "rollouts.parquet"
                result = convert_to(parquet)
                writer(read(parquet, fill=False).rollouts, out)
        else:  # Parquet is written in pieces, so any size will do
            result = convert_to(out)
    _print_findings(result)
    _print_checks(result.checks)
    keys = read(out, fill=False, columns=()).rollouts
    for sentence in missing_views(keys, holds=result.holds):
        typer.echo(f"  {sentence}")
    typer.echo(f"Wrote {out}")
    if given and memory:
        _remember(files, given)


def _print_findings(result: Converted) -> None:
    n_rollouts, n_rows, n_refused = f"{result.n_rollouts:,}", f"{result.n_rows:,}", f"{result.n_refused:,}"
    typer.echo(f"Detected {result.format}: {n_rollouts} rollouts from {n_rows} rows, {n_refused} refused")
    for note in result.notes:
        typer.echo(f"  {note}")
    for refusal in result.refused[:SHOWN_REFUSALS]:
        where = f"{refusal.file}, " * bool(refusal.file) + f"line {refusal.line}"
        where += f", field '{refusal.field}'" if refusal.field else ""
        typer.echo(f"  refused {where}: {refusal.reason}")
    if result.n_refused > SHOWN_REFUSALS:
        typer.echo(f"  ... and {result.n_refused - SHOWN_REFUSALS:,} more refused rows")


def _print_checks(checks: Checks) -> None:
    """What a person would look at to find out whether the file was read as it was meant."""
    from laser_core.rollouts.checks import agreement, opposed, sentences

    found = agreement(checks.given)
    typer.echo("Was the file read correctly?")
    for sentence in sentences(checks, found):
        typer.echo(f"  {sentence}")
    for item in found.disagreements[:SHOWN_DISAGREEMENTS]:
        typer.echo(f"    {opposed(item)}")
    if found.n_disagreements > SHOWN_DISAGREEMENTS:
        typer.echo(f"    ... and {found.n_disagreements - SHOWN_DISAGREEMENTS:,} more")


def _recalled(files: list[Path]) -> dict[str, str] | None:
    """The mapping last used for a table with the first file's columns, if its format is unknown."""
    from laser_core.errors import InputError
    from laser_core.home import home
    from laser_core.rollouts import preview
    from laser_core.rollouts.reading.column_mappings import recall

    try:
        look = preview(files[0])
    except InputError:
        return None  # reading the file will report what is wrong
    mapping = recall(look.shape, home()) if look.format is None else None
    if mapping:
        pairs = " ".join(f"--map {column}={field}" for column, field in mapping.items())
        typer.echo(f"Using the mapping that was last given for these columns: {pairs}")
    return mapping


def _remember(files: list[Path], mapping: dict[str, str]) -> None:
    from laser_core.errors import InputError
    from laser_core.home import home
    from laser_core.rollouts import preview
    from laser_core.rollouts.reading.column_mappings import remember

    try:
        remember(preview(files[0]).shape, mapping, home())
    except InputError:
        return  # if the mapping cannot be kept, the conversion is done all the same
