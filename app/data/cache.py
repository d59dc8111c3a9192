"""Analyses of the runs, each computed once and kept.

Every cache is keyed by the hash of the content and the parameters. (Streamlit's own hashing samples large tables, and
would return old results for a table with a few changed rows.) Results for bundled files are shared by all visitors;
results for an upload belong to one session and end with it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import pyarrow as pa
import streamlit as st

from app.data.sources import Source
from laser_core.analysis import Samples, Sweep
from laser_core.rollouts import give_back, held
from laser_core.rollouts.groups import group_of_rows
from laser_core.runfolder.events import read_events

T = TypeVar("T")
LARGE = 20_000  # solutions from which on memory is given back after each computation
POOL_STEPS = "pool_steps"  # the sidebar's toggle
MAX_THRESHOLDS = 2000  # kept of a sweep over a large run; a figure draws 400


# Results are frozen and handed out by reference: copying them on every rerun would cost more than computing them. There
# are two caches, one for everybody and one that ends with the session.
@st.cache_resource(show_spinner="Computing …", max_entries=1024)
def _shared(content_id: str, key: tuple, n_solutions: int, _make: Callable[[], object]) -> object:
    return _made(_make, n_solutions)


@st.cache_resource(show_spinner="Computing …", max_entries=256, scope="session")
def _private(content_id: str, key: tuple, n_solutions: int, _make: Callable[[], object]) -> object:
    return _made(_make, n_solutions)


def _made(make: Callable[[], object], n_solutions: int) -> object:
    """The result of ``make()``; after a large run, the memory it took is given back to the system."""
    made = make()
    if n_solutions >= LARGE:
        made = made.thinned(MAX_THRESHOLDS) if isinstance(made, Sweep) else made
        give_back()
    return made


def pools_steps() -> bool:
    """Whether the sidebar asks for the solutions of all training steps of a problem as one problem."""
    return bool(st.session_state.get(POOL_STEPS))


def group_names(source: Source) -> pa.DictionaryArray:
    """The name of each row's problem on the pages: its id, with the step where a problem has several."""
    pooled = pools_steps()
    return remember(source, ("group names",), lambda: group_of_rows(source.rollouts, pool_steps=pooled))


def meets_again(source: Source) -> bool:
    """Whether a problem has solutions of several training steps."""

    def make() -> bool:
        return len(group_of_rows(source.rollouts).dictionary) > source.n_problems

    return source.rollouts.has("step") and remember(source, ("meets again",), make)


def remember(source: Source, key: tuple, make: Callable[[], T]) -> T:
    """The result of ``make()``, computed once per content and key.

    Parameters
    ----------
    source : Source
        The run.
    key : tuple
        Hashable; everything that the result depends on beside the run's content.
    make : callable
        Computes the result.
    """
    kept = _private if source.private else _shared
    return cast(
        T, kept(source.content_id, (*key, pools_steps()), len(source.rollouts), make)
    )  # the key decides what `make` returns


def samples(source: Source, signal: str = "score") -> Samples:
    """The padded grid of a source, built once; answers are grouped once for all signals."""
    if signal == "score":
        pooled = pools_steps()
        return remember(
            source,
            ("samples", signal),
            lambda: Samples.from_rollouts(source.rollouts, signal=signal, pool_steps=pooled),
        )
    grid = samples(source)
    return remember(source, ("samples", signal), lambda: grid.with_signal(source.with_signals, signal))


def analyse(source: Source, function: Callable[..., T], *, signal: str = "score", **params: object) -> T:
    """``function(samples, **params)`` for a run, computed once per content and parameters.

    Parameters
    ----------
    source : Source
        The run.
    function : callable
        A function of :mod:`laser_core.analysis` that takes samples.
    signal : str
        The column that stands in the score's place.
    params : object
        The function's keyword arguments; hashable.

    Raises
    ------
    InputError
        Where the data do not allow the analysis.
    """
    key = (function.__module__, function.__qualname__, signal, *sorted(params.items()))
    return remember(source, key, lambda: function(samples(source, signal), **params))


def memory_in_words(source: Source) -> str:
    """Where the rollouts are held while they are shown: how much of them in memory, and how much on disk."""
    where = held(source.rollouts)
    grid = sum(value.nbytes for value in vars(samples(source)).values() if isinstance(value, np.ndarray))
    words = f"{(where.memory + grid) / 1e6:.1f} MB in memory"
    if where.disk:
        until = "the session ends" if source.private else "the server stops"
        words += f", {where.disk / 1e6:.1f} MB in a temporary file until {until}"
    return words


@st.cache_data(show_spinner=False)
def _events(path: str, stamp: int) -> list[dict]:
    return read_events(Path(path))


def events(source: Source) -> list[dict]:
    """The training events of a source, oldest first; empty where it has none."""
    return _events(str(source.events), source.events.stat().st_mtime_ns) if source.events else []
