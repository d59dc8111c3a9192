"""Where the app's rollouts come from, and the analyses of them, each computed once.

A file's bytes are hashed once, when it is loaded; every cache is keyed by that hash and the parameters. (Streamlit's
own hashing samples large tables, and would return old results for a table with a few changed rows.) Results for
bundled files are shared by all visitors; uploads and their results belong to one session and end with it.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import streamlit as st

from laser_core import analysis, bundled, jobs
from laser_core.analysis import Samples
from laser_core.errors import InputError
from laser_core.rollouts import ReadResult, Rollouts, read, write_jsonl, write_parquet

DEFAULT_RUN = "laser"
T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """One run that the sidebar can choose.

    Attributes
    ----------
    key : its name in the URL and in the session, unique among the sources.
    title, description : what the sidebar and the cards say.
    content_id : hash of the file's content and the run's name; the key of every cache.
    result : what reading the file gave; ``rollouts`` holds this run's rows only.
    rollouts : the run's rows.
    events : the training events' file, if there is one.
    private : whether it was uploaded by this session.
    """

    key: str
    title: str
    description: str
    content_id: str
    result: ReadResult
    rollouts: Rollouts
    events: Path | None = None
    private: bool = False

    @cached_property
    def signals(self) -> list[str]:
        """Columns that can stand in the score's place, the score first."""
        return self.rollouts.signals


@st.cache_resource(show_spinner=False)
def _bundled_source(name: str, title: str, description: str, path: str, events: str | None, stamp: int) -> Source:
    """Read a bundled file once per server; ``stamp`` (its modification time) makes a rewritten file a new entry."""
    content = Path(path).read_bytes()
    result = read(path)
    digest = hashlib.sha256(content).hexdigest()
    return Source(name, title, description, digest, result, result.rollouts, Path(events) if events else None)


def bundled_sources() -> dict[str, Source]:
    """The bundled runs by key, in the order of :func:`laser_core.bundled.runs`; unreadable ones are left out."""
    st.session_state.pop("bundled_error", None)
    return _read_all(bundled.runs())


def trained_sources() -> dict[str, Source]:
    """The runs trained on the Train page and finished, the newest first."""
    return _read_all(jobs.finished())


def _read_all(runs: Sequence[bundled.BundledRun]) -> dict[str, Source]:
    sources = {}
    for run in runs:
        path = Path(run.rollouts)
        if path.is_file():
            events = str(run.events) if run.events and Path(run.events).is_file() else None
            stamp = path.stat().st_mtime_ns
            try:
                sources[run.name] = _bundled_source(run.name, run.title, run.description, str(path), events, stamp)
            except InputError as error:  # a damaged copy must not take the other runs along
                st.session_state["bundled_error"] = str(error)
    return sources


def uploaded_sources() -> dict[str, Source]:
    """This session's uploads by key."""
    return st.session_state.setdefault("uploaded_sources", {})


def add_upload(name: str, content: bytes) -> str:
    """Read an uploaded file into this session, one source per run in it.

    Parameters
    ----------
    name : the file's name, for messages and titles.
    content : its bytes.

    Returns
    -------
    str
        The key of the file's first run.

    Raises
    ------
    InputError
        If the file cannot be read or holds no rollouts; the session's sources are then unchanged.
    """
    result = read(content, name=name)
    if not len(result.rollouts):
        raise InputError("the file holds no rollouts", file=name, remedy="upload a file with at least one solution")
    digest, runs = hashlib.sha256(content).hexdigest(), result.rollouts.runs()
    added = {}
    for run in runs:
        rows = result.rollouts.table["run"].to_numpy(zero_copy_only=False) == run
        key = f"upload-{digest[:8]}" + (f"-{run}" if len(runs) > 1 else "")
        title = _free_title(f"{name}: {run}" if len(runs) > 1 else name, key)
        rollouts = result.rollouts if len(runs) == 1 else result.rollouts.take(rows)
        added[key] = Source(key, title, f"Uploaded, {result.format}", f"{digest}:{run}", result, rollouts, private=True)
    uploaded_sources().update(added)
    return next(iter(added))


def _free_title(title: str, key: str) -> str:
    """The title, or where another source has it already, the title with a part of the content's hash."""
    taken = {source.title for other, source in all_sources().items() if other != key}
    return f"{title} ({key.removeprefix('upload-')[:6]})" if title in taken else title


def as_file(source: Source, suffix: str) -> bytes:
    """A run in the canonical format, as the bytes of a ``parquet`` or ``jsonl`` file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rollouts.{suffix}"
        (write_parquet if suffix == "parquet" else write_jsonl)(source.rollouts, path)
        return path.read_bytes()


def all_sources() -> dict[str, Source]:
    """Bundled runs first, then those trained here, then this session's uploads."""
    return bundled_sources() | trained_sources() | uploaded_sources()


def current() -> Source:
    """The source chosen in the sidebar."""
    sources = all_sources()
    key = st.session_state.get("run")
    if key in sources:
        return sources[key]
    return sources[DEFAULT_RUN] if DEFAULT_RUN in sources else list(sources.values())[-1]


def signal_of(source: Source) -> str | None:
    """The signal chosen in the sidebar if this source has it, otherwise its first; None where it has none."""
    chosen = st.session_state.get("signal")
    if chosen in source.signals:
        return chosen
    return source.signals[0] if source.signals else None


# Results are frozen and handed out by reference: copying them on every rerun would cost more than computing them. Each
# pair of functions is one computation behind two caches, one for everybody and one that ends with the session.
def _make_samples(signal: str, rollouts: Rollouts) -> Samples:
    return Samples.from_rollouts(rollouts, signal=signal)


@st.cache_resource(show_spinner="Grouping answers …", max_entries=32)
def _shared_samples(content_id: str, signal: str, _rollouts: Rollouts) -> Samples:
    return _make_samples(signal, _rollouts)


@st.cache_resource(show_spinner="Grouping answers …", max_entries=16, scope="session")
def _private_samples(content_id: str, signal: str, _rollouts: Rollouts) -> Samples:
    return _make_samples(signal, _rollouts)


@st.cache_resource(show_spinner="Computing …", max_entries=512)
def _shared_result(content_id: str, signal: str, function: str, params: tuple, _samples: Samples) -> object:
    return getattr(analysis, function)(_samples, **dict(params))


@st.cache_resource(show_spinner="Computing …", max_entries=128, scope="session")
def _private_result(content_id: str, signal: str, function: str, params: tuple, _samples: Samples) -> object:
    return getattr(analysis, function)(_samples, **dict(params))


def samples(source: Source, signal: str = "score") -> Samples:
    """The padded grid of a source, built once."""
    build = _private_samples if source.private else _shared_samples
    return build(source.content_id, signal, source.rollouts)


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
def _shared_memory(content_id: str, key: tuple, _make: Callable[[], object]) -> object:
    return _make()


@st.cache_resource(show_spinner="Computing …", max_entries=128, scope="session")
def _private_memory(content_id: str, key: tuple, _make: Callable[[], object]) -> object:
    return _make()


def remember(source: Source, key: tuple, make: Callable[[], T]) -> T:
    """What ``make()`` gives, computed once per content and key; for analyses that need more than the samples."""
    return (_private_memory if source.private else _shared_memory)(source.content_id, key, make)


@st.cache_data(show_spinner=False)
def _events(path: str, stamp: int) -> list[dict]:
    events = []
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # a line still being written by a running training
        if isinstance(event, dict) and "step" in event:
            events.append(event)
    return events


def events(source: Source) -> list[dict]:
    """The training events of a source, oldest first; empty where it has none."""
    return _events(str(source.events), source.events.stat().st_mtime_ns) if source.events else []
