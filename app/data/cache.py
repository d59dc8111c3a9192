"""The analyses of the runs, each computed once.

Every cache is keyed by the hash of the content and the parameters. (Streamlit's own hashing samples large tables, and
would return old results for a table with a few changed rows.) Results for bundled files are shared by all visitors;
those for uploads belong to one session and end with it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import streamlit as st

from app.data.sources import (
    DEFAULT_RUN,
    Source,
    all_sources,
    bundled_sources,
    current,
    signal_of,
    trained_sources,
    uploaded_sources,
)
from laser_core import analysis
from laser_core.analysis import Samples, Sweep
from laser_core.rollouts import give_back, held, write_csv, write_jsonl, write_parquet
from laser_core.runfolder.events import read_events

__all__ = [
    "DEFAULT_RUN",
    "Source",
    "all_sources",
    "analyse",
    "as_file",
    "bundled_sources",
    "current",
    "events",
    "held_in_words",
    "remember",
    "report",
    "samples",
    "signal_of",
    "trained_sources",
    "uploaded_sources",
]
T = TypeVar("T")
LARGE = 20_000  # solutions from which on memory is given back after each computation
MAX_THRESHOLDS = 2000  # of a sweep over a large run that are kept; 400 are drawn
_WRITERS = {"parquet": write_parquet, "jsonl": write_jsonl, "csv": write_csv}


def as_file(source: Source, suffix: str) -> bytes:
    """A run in the canonical format, as the bytes of a ``parquet``, ``jsonl`` or ``csv`` file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rollouts.{suffix}"
        _WRITERS[suffix](source.rollouts, path)
        return path.read_bytes()


def report(source: Source, signal: str | None) -> str:
    """The page that ``laser report`` writes, for one run with what stands in the score's place on the pages."""
    from laser_core.report import ReportOptions, report_html

    return report_html(
        replace(source.result, rollouts=source.rollouts), name=source.title, options=ReportOptions(signal=signal)
    )


# Results are frozen and handed out by reference: copying them on every rerun would cost more than computing them. Each
# pair of functions is one computation behind two caches, one for everybody and one that ends with the session.
@st.cache_resource(show_spinner="Computing …", max_entries=512)
def _shared_result(content_id: str, signal: str, function: str, params: tuple, _samples: Samples) -> object:
    return _made(lambda: getattr(analysis, function)(_samples, **dict(params)), _samples.present.size)


@st.cache_resource(show_spinner="Computing …", max_entries=128, scope="session")
def _private_result(content_id: str, signal: str, function: str, params: tuple, _samples: Samples) -> object:
    return _made(lambda: getattr(analysis, function)(_samples, **dict(params)), _samples.present.size)


def _made(make: Callable[[], T], n_solutions: int) -> T:
    """What ``make()`` gives, without the memory that making it took of a large run."""
    made = make()
    if n_solutions >= LARGE:
        made = made.thinned(MAX_THRESHOLDS) if isinstance(made, Sweep) else made
        give_back()
    return made


def samples(source: Source, signal: str = "score") -> Samples:
    """The padded grid of a source, built once; answers are grouped once for all signals."""
    if signal == "score":
        return remember(source, ("samples", signal), lambda: Samples.from_rollouts(source.rollouts, signal=signal))
    grid = samples(source)
    return remember(source, ("samples", signal), lambda: grid.with_signal(source.with_signals, signal))


def analyse(source: Source, function: str, *, signal: str = "score", **params: object) -> object:
    """The result of ``laser_core.analysis.<function>`` on a source, computed once per content and parameters.

    Parameters
    ----------
    source : the run.
    function : a function of :mod:`laser_core.analysis` that takes samples.
    signal : the column in the score's place.
    params : its keyword arguments; hashable.

    Raises
    ------
    InputError
        Where the data do not allow the analysis.
    """
    compute = _private_result if source.private else _shared_result
    return compute(source.content_id, signal, function, tuple(sorted(params.items())), samples(source, signal))


@st.cache_resource(show_spinner="Computing …", max_entries=512)
def _shared_memory(content_id: str, key: tuple, n_solutions: int, _make: Callable[[], object]) -> object:
    return _made(_make, n_solutions)


@st.cache_resource(show_spinner="Computing …", max_entries=128, scope="session")
def _private_memory(content_id: str, key: tuple, n_solutions: int, _make: Callable[[], object]) -> object:
    return _made(_make, n_solutions)


def remember(source: Source, key: tuple, make: Callable[[], T]) -> T:
    """What ``make()`` gives, computed once per content and key; for analyses that need more than the samples."""
    kept = _private_memory if source.private else _shared_memory
    return kept(source.content_id, key, len(source.rollouts), make)


def held_in_words(source: Source) -> str:
    """Where the rollouts are while they are shown: how much of them in memory, how much on the disk."""
    where = held(source.rollouts)
    grid = sum(value.nbytes for value in vars(samples(source)).values() if isinstance(value, np.ndarray))
    told = f"{(where.memory + grid) / 1e6:.1f} MB in memory"
    if where.disk:
        until = "session" if source.private else "server"
        told += f", {where.disk / 1e6:.1f} MB in a temporary file that ends with the {until}"
    return told


@st.cache_data(show_spinner=False)
def _events(path: str, stamp: int) -> list[dict]:
    return read_events(Path(path))


def events(source: Source) -> list[dict]:
    """The training events of a source, oldest first; empty where it has none."""
    return _events(str(source.events), source.events.stat().st_mtime_ns) if source.events else []
