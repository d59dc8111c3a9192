"""Read rollouts of any known format into the canonical table, piece by piece, and say what was found on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from laser_core.rollouts.canonical_parquet import holds_verdicts, is_canonical_parquet, read_canonical, wanted
from laser_core.rollouts.complete import OnProgress, complete
from laser_core.rollouts.mapped_table import on_disk
from laser_core.rollouts.reading.identity import ProblemNames
from laser_core.rollouts.reading.one_pass import Reading, ReadOptions
from laser_core.rollouts.reading.records import Refusal
from laser_core.rollouts.reading.source import MAX_IN_MEMORY_BYTES, open_source
from laser_core.rollouts.schema import COLUMNS, Rollouts, ordered

_COMBINE_BELOW = 2**30  # bytes; larger tables stay in chunks, whose text offsets are 32 bits wide


@dataclass(frozen=True)
class ReadResult:
    """What :func:`read` found.

    Attributes
    ----------
    rollouts : Rollouts
        The canonical table.
    format : str
        "parquet", "jsonl", "laser-official", "verl", "trl", "lm-eval", ... (a reader's NAME) or "mapping".
    n_rows : int
        Records in the file, refused ones included; a record may hold several rollouts.
    refused : tuple of Refusal
        The records and rows left out, at most MAX_LISTED_REFUSALS of them.
    noted : Counter of str
        What was filled in, reinterpreted or ignored, and how often.
    n_refused : int
        How many were left out, listed or not.
    files : tuple of str
        Display names of the files that the rollouts came from.
    given : ChunkedArray of bool, or None
        The file's own verdict per row, null where it gave none; None if all verdicts are the file's.
    """

    rollouts: Rollouts
    format: str
    n_rows: int
    refused: tuple[Refusal, ...]
    noted: Counter[str] = field(default_factory=Counter)
    n_refused: int = 0
    files: tuple[str, ...] = ()
    given: pa.ChunkedArray | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """``noted`` in sentences, as shown to the user."""
        return sentences(self.noted)


def read(
    source: str | Path | bytes | BinaryIO,
    *,
    format: str | None = None,
    strict: bool = False,
    mapping: dict[str, str] | None = None,
    name: str | None = None,
    run: str | None = None,
    columns: Collection[str] | None = None,
    requests: Mapping[str, str] | None = None,
    problems: ProblemNames | None = None,
    fill: bool = True,
    to_disk: bool = False,
    progress: OnProgress | None = None,
) -> ReadResult:
    """Read a rollout file; its format is recognised from its content.

    Parameters
    ----------
    source : path, bytes or binary file
        Parquet, JSON lines, a JSON document or CSV; text also compressed with gzip or zstd.
    format : str, optional
        Skip the recognition; see :class:`ReadResult` for the names.
    strict : bool
        Refuse the whole file for one bad row instead of leaving the row out.
    mapping : dict, optional
        Column -> field, for tables of no known format (and TRL's, whose reward columns have any name).
    name : str, optional
        What to call the source in errors.
    run : str, optional
        What to call the run where the file names none; by default the file's name without its endings.
    columns : collection of str, optional
        Which columns to return; ``"signal."`` stands for every signal, and ``run``, ``problem_id`` and ``sample``
        always come along. Of our own Parquet nothing else is loaded: ``laser_core.rollouts.ANALYSIS_COLUMNS`` leaves
        out the texts and the traces, most of a file.
    requests : mapping, optional
        Problem texts by ``custom_id``, for answers to a batch of requests
        (:func:`laser_core.rollouts.read_requests`).
    problems : ProblemNames, optional
        The names given to problems in the files read before, so that one name stays one problem over all of them.
    fill : bool
        Complete the table: extract missing answers, verify missing verdicts (:func:`laser_core.rollouts.complete`).
    to_disk : bool
        Keep a large table in a nameless temporary file, of which only what is looked at takes up memory
        (:mod:`laser_core.rollouts.mapped_table`).
    progress : callable, optional
        ``progress(what, done, total)``: "reading" in bytes, then the steps of completion in items.

    Raises
    ------
    InputError
        If nothing can be read from the file, or with ``strict`` if anything cannot; names file, line, field and remedy.

    Examples
    --------
    >>> result = read(b'{"problem_id": "p", "sample": 0, "response": "x=2#2", "correct": true}', name="demo.jsonl")
    >>> result.format, result.rollouts.row(0)["answer"], result.rollouts.runs()
    ('jsonl', '2', ['demo'])
    """
    with open_source(source, name=name) as opened:
        if is_canonical_parquet(opened, format=format, mapping=mapping):
            # Verdicts can only be filled in from the texts, which are then read whatever was asked for.
            names = opened.parquet().schema_arrow.names
            fillable = "reference_answer" in names or "answer" not in names
            to_fill = fill and fillable and not holds_verdicts(opened.parquet())
            rollouts = read_canonical(opened, columns=None if to_fill else columns, to_disk=to_disk and not to_fill)
            result = ReadResult(rollouts, "parquet", len(rollouts), (), files=(opened.name,))
            fill, extract = to_fill, "answer" not in rollouts.table.column_names
        else:
            options = ReadOptions(format, strict, mapping, run, requests or {}, problems or ProblemNames())
            reading = Reading(opened, options)
            tables = []
            for table in reading.tables(max_bytes=MAX_IN_MEMORY_BYTES):
                tables.append(table)
                if progress:
                    progress("reading", opened.position(), opened.size)
            result, extract = _whole(reading, tables), reading.states_no_answers
    if fill:
        result = replace(result, given=own_verdicts(result.rollouts.table))
        done = complete(result.rollouts, extract=extract, progress=progress)
        result = replace(result, rollouts=done.rollouts, noted=result.noted + done.notes)
    if columns is not None:
        table = result.rollouts.table
        kept = table.select([column for column in table.column_names if wanted(column, columns)])
        result = replace(result, rollouts=replace(result.rollouts, table=kept))
    return replace(result, rollouts=on_disk(result.rollouts)) if to_disk else result


def own_verdicts(table: pa.Table) -> pa.ChunkedArray:
    """The verdicts in a table as it was read, one per row, null where there is none."""
    if "correct" in table.column_names:
        return table["correct"]
    return pa.chunked_array([pa.nulls(len(table), pa.bool_())])


def sentences(notes: Counter[str]) -> tuple[str, ...]:
    """Notes with their counts, as shown to the user."""
    return tuple(f"{note} ({count:,} rows)" if count > 1 else f"{note} (1 row)" for note, count in notes.items())


def _whole(reading: Reading, tables: list[pa.Table]) -> ReadResult:
    """All that one pass gave, in one table.

    Raises
    ------
    InputError
        If there are no rows.
    """
    reading.require_rows(sum(table.num_rows for table in tables))
    table = ordered(pa.concat_tables(tables, promote_options="default"))
    if table.nbytes < _COMBINE_BELOW:
        table = table.combine_chunks()
    for name in reading.own_columns():
        if isinstance(name, str) and name in COLUMNS and name not in table.column_names:
            table = table.append_column(name, pa.nulls(len(table), COLUMNS[name]))
    rollouts = Rollouts(ordered(table), reading.meta())
    return ReadResult(
        rollouts,
        format=reading.reader.NAME,
        n_rows=reading.n_records,
        refused=tuple(reading.refused),
        noted=reading.context.notes,
        n_refused=reading.n_refused,
        files=(reading.opened.name,),
    )
