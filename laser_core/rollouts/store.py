"""Write the rollout table: Parquet (the canonical form) and JSON lines (for eyes and other tools), both atomically."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from laser_core.rollouts.schema import FORMAT_VERSION, PER_TOKEN, Rollouts
from laser_core.runfolder.atomic import atomic_path

ROW_GROUP_ROWS = 8192  # about 100 MB with traces: a reader holds one group at a time


def write_parquet(rollouts: Rollouts, path: str | Path) -> None:
    """Write the table as zstd-compressed Parquet; whoever reads ``path`` sees the old file or the new one, whole.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with atomic_path(path) as temporary:
        pq.write_table(rollouts.to_arrow(), temporary, row_group_size=ROW_GROUP_ROWS, compression="zstd")


def write_jsonl(rollouts: Rollouts, path: str | Path) -> None:
    """Write one JSON object per row, nulls left out, after a first line ``{"laser_core": {...}}`` with the metadata.

    Compressed where the path ends in .gz or .zst.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    header = _header(rollouts)
    with atomic_path(path) as temporary, _text_file(temporary, path, newline="\n") as file:
        file.write(json.dumps({"laser_core": header}) + "\n")
        for batch in rollouts.table.to_batches(max_chunksize=1024):
            for row in batch.to_pylist():
                values = {name: _plain(name, value) for name, value in row.items() if value is not None}
                file.write(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(rollouts: Rollouts, path: str | Path) -> None:
    """Write one row a rollout, lists as JSON in their cells; the path may end in .gz or .zst.

    An empty cell is a missing value. The metadata stands in the first row of a last column, ``laser_core``. Cells that
    a spreadsheet would take for a formula are written as they are: this file is for programs.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    names = rollouts.table.column_names
    with atomic_path(path) as temporary, _text_file(temporary, path, newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*names, "laser_core"])
        header = json.dumps(_header(rollouts))
        for batch in rollouts.table.to_batches(max_chunksize=1024):
            for row in batch.to_pylist():
                rows.writerow([*(_cell(_plain(name, row[name])) for name in names), header])
                header = ""


def _header(rollouts: Rollouts) -> dict[str, object]:
    return {"format_version": FORMAT_VERSION, **asdict(rollouts.meta), "columns": rollouts.table.column_names}


@contextlib.contextmanager
def _text_file(temporary: Path, path: str | Path, *, newline: str) -> Iterator[TextIO]:
    """The file to write text to, compressed where the final name ends in .gz or .zst."""
    kind = {".gz": "gzip", ".zst": "zstd"}.get(Path(path).suffix)
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(pa.CompressedOutputStream(str(temporary), kind) if kind else temporary.open("wb"))
        yield stack.enter_context(io.TextIOWrapper(raw, encoding="utf-8", newline=newline, write_through=bool(kind)))


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def _plain(name: str, value: object) -> object:
    """JSON has no NaN: null stands for it. A float32 is written with the fewest digits that give it back."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list) and name in PER_TOKEN and name != "tokens":
        return [float(str(np.float32(x))) if x is not None and math.isfinite(x) else None for x in value]
    return value
