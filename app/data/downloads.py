"""What a visitor can download of a run: its rollouts in three formats, and the report."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.data import marks
from app.data.sources import Source
from laser_core.rollouts import Rollouts, write_csv, write_jsonl, write_parquet
from laser_core.rollouts.marks import with_marks


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
    """A run in this project's own columns, with the file's own verdicts and the marks as tags, as a file's bytes."""
    return _written(with_marks(_own(source), marks.of(source)), file_format)


def rows_as_file(source: Source, rows: np.ndarray, file_format: FileFormat) -> bytes:
    """Some rows of a run, in the given order, in this project's own columns, as the bytes of a file."""
    if np.array_equal(rows, np.arange(len(source.rollouts))):
        return as_file(source, file_format)  # a large run stays on the disk
    return _written(with_marks(_own(source).take(rows), marks.of(source)), file_format)


def _own(source: Source) -> Rollouts:
    """The run's rollouts with the verdicts of its file: whoever opens the download applies the marks or not."""
    return (source.uncorrected or source).rollouts


def _written(rollouts: Rollouts, file_format: FileFormat) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rollouts.{file_format.suffix}"
        file_format.write(rollouts, path)
        return path.read_bytes()


def report(source: Source, signal: str | None) -> str:
    """The page that ``laser report`` writes, for one run and the score or signal chosen in the sidebar."""
    from laser_core.report import ReportOptions, report_html

    name = source.title + (", verdicts corrected by hand" if source.uncorrected is not None else "")
    return report_html(
        replace(source.result, rollouts=source.rollouts), name=name, options=ReportOptions(signal=signal)
    )
