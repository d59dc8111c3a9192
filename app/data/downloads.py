"""What a visitor can download of a run: its rollouts in three formats, and the report."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.data.sources import Source
from laser_core.rollouts import Rollouts, write_csv, write_jsonl, write_parquet


@dataclass(frozen=True)
class FileFormat:
    """A format that rollouts can be downloaded in."""

    label: str
    suffix: str
    write: Callable[[Rollouts, Path], object]


FORMATS = (
    FileFormat("Parquet", "parquet", write_parquet),
    FileFormat("JSON lines", "jsonl", write_jsonl),
    FileFormat("CSV", "csv", write_csv),
)


def as_file(source: Source, file_format: FileFormat) -> bytes:
    """A run in this project's own columns, as the bytes of a file."""
    return _written(source.rollouts, file_format)


def rows_as_file(source: Source, rows: np.ndarray, file_format: FileFormat) -> bytes:
    """Some rows of a run, in the given order, in this project's own columns, as the bytes of a file."""
    if np.array_equal(rows, np.arange(len(source.rollouts))):
        return as_file(source, file_format)  # a large run stays on the disk
    return _written(source.rollouts.take(rows), file_format)


def _written(rollouts: Rollouts, file_format: FileFormat) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rollouts.{file_format.suffix}"
        file_format.write(rollouts, path)
        return path.read_bytes()


def report(source: Source, signal: str | None) -> str:
    """The page that ``laser report`` writes, for one run and the score or signal chosen in the sidebar."""
    from laser_core.report import ReportOptions, report_html

    return report_html(
        replace(source.result, rollouts=source.rollouts), name=source.title, options=ReportOptions(signal=signal)
    )
