"""Where the app's rollouts come from: bundled runs, runs trained here, and this session's uploads.

A file is read when a page first needs it. Its bytes are hashed then, once; the hash is the key of every cached
result (:mod:`app.data.cache`). Uploads belong to one session and end with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow.compute as pc
import streamlit as st

from app.data import marks
from laser_core import bundled
from laser_core.analysis import JudgedSignals, judged_signals, with_free_signals
from laser_core.errors import InputError
from laser_core.jobs import jobs
from laser_core.rollouts import ReadResult, Rollouts, give_back, on_disk, read
from laser_core.rollouts.reading.source import open_source

DEFAULT_RUN = "laser"
UPLOADED_METRICS = "uploaded_metrics"  # in the session's state: events of metric files, by the run's content
MAX_ROWS_FREE = 200_000  # beyond this many solutions the free signals would take longer than a page may


@dataclass(frozen=True)
class Loaded:
    """A file that was read: the hash of its content and run name, the whole result, and the run's own rows."""

    content_id: str
    result: ReadResult
    rollouts: Rollouts


@dataclass(frozen=True)
class Source:
    """One run that the sidebar can choose. Its file is read once, when a page first needs it.

    Attributes
    ----------
    key : str
        Its name in the session, unique among the sources.
    title, description : str
        What the sidebar and the cards show; the title is also its name in the address.
    load : callable
        Reads the file.
    events : Path, optional
        The file of training events.
    private : bool
        Whether this session uploaded it.
    mapping : mapping of str to str
        For an upload of no known format: the field that each of its columns was mapped to.
    selected_from : str, optional
        For a selection of rollouts: the key of the run that it was made from.
    marks_of : Source, optional
        For a selection: that run, whose marks it shows.
    uncorrected : Source, optional
        For a run whose verdicts were corrected by marks: the run as the file has it.
    """

    key: str
    title: str
    description: str
    load: Callable[[], Loaded]
    events: Path | None = None
    private: bool = False
    mapping: Mapping[str, str] = field(default_factory=dict)
    selected_from: str | None = None
    marks_of: Source | None = None
    uncorrected: Source | None = None

    @cached_property
    def loaded(self) -> Loaded:
        """What reading the file gave."""
        try:
            return self.load()
        except InputError as error:  # the footer was sound, but the data are not: start over without this run
            self.faults.append(str(error))
            st.rerun()
            raise

    @cached_property
    def faults(self) -> list[str]:
        """Why the file cannot be read; empty as long as nothing is known to be wrong."""
        return []

    @property
    def content_id(self) -> str:
        """Hash of the file's content and the run's name; the key of every cache."""
        return self.loaded.content_id

    @property
    def result(self) -> ReadResult:
        """The result of reading the file; where it holds several runs, ``rollouts`` is one of them."""
        return self.loaded.result

    @property
    def rollouts(self) -> Rollouts:
        """The run's rows, as read."""
        return self.loaded.rollouts

    @cached_property
    def signals(self) -> list[str]:
        """The file's own columns that can stand in the score's place, the score first."""
        return self.rollouts.signals

    @cached_property
    def judged(self) -> JudgedSignals:
        """Which of the file's own signals can stand in the score's place, and why the others cannot."""
        return judged_signals(self.rollouts)

    @cached_property
    def with_signals(self) -> Rollouts:
        """The rows with the free signals (mean log-prob, length, ...); without them in a run of too many rows."""
        return on_disk(with_free_signals(self.rollouts)) if len(self.rollouts) <= MAX_ROWS_FREE else self.rollouts

    @cached_property
    def n_problems(self) -> int:
        """The number of problems."""
        return pc.count_distinct(self.rollouts.table["problem_id"]).as_py()

    @property
    def all_signals(self) -> list[str]:
        """Every column that can stand in the score's place, the score first."""
        return self.with_signals.signals


@st.cache_resource(show_spinner=False)
def _bundled_source(name: str, title: str, description: str, path: str, events: str | None, stamp: int) -> Source:
    """One source per file and server; ``stamp`` (its modification time) makes a rewritten file a new one."""
    with open_source(path) as opened:
        if opened.kind == "parquet":
            opened.parquet()  # reads the footer alone: a truncated file is refused before it is offered

    def load() -> Loaded:
        with Path(path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        result = read(path, to_disk=True)
        give_back()
        return Loaded(digest, result, result.rollouts)

    return Source(name, title, description, load, Path(events) if events else None)


def bundled_sources() -> dict[str, Source]:
    """The bundled runs by key, in the order of :func:`laser_core.bundled.runs`; unreadable ones are left out."""
    st.session_state.pop("bundled_error", None)
    return _read_all(bundled.runs())


def real_sources() -> dict[str, Source]:
    """The bundled runs of a real language model by key; their files are read when somebody looks at them."""
    return _read_all(bundled.real_runs())


def trained_sources() -> dict[str, Source]:
    """The runs trained on the Train page and finished, the newest first."""
    return _read_all(jobs.finished())


def opened_sources() -> dict[str, Source]:
    """The runs behind the table of claims that this session has opened or that its address names."""
    opened, asked = st.session_state.get("opened_runs", ()), st.query_params.get("run")
    return _read_all([run for run in bundled.claim_runs() if run.name in opened or run.title == asked])


def runs_behind(group: str) -> list[bundled.BundledRun]:
    """The shipped runs of a group of the table of claims, by seed."""
    return [run for run in bundled.claim_runs() if run.name == group or run.name.rpartition("-")[0] == group]


def open_run(name: str, page: str = "scores") -> None:
    """Add a shipped run to the sidebar, choose it and go to a page. A callback: the sidebar is drawn after it."""
    st.session_state["opened_runs"] = {*st.session_state.get("opened_runs", ()), name}
    st.session_state["run"] = name
    st.session_state["go_to"] = f"app_pages/{page}.py"


def _read_all(runs: Sequence[bundled.BundledRun]) -> dict[str, Source]:
    sources = {}
    for run in runs:
        path = Path(run.rollouts)
        if path.is_file():
            events = str(run.events) if run.events and Path(run.events).is_file() else None
            stamp = path.stat().st_mtime_ns
            try:
                source = _bundled_source(run.name, run.title, run.description, str(path), events, stamp)
                if source.faults:
                    st.session_state["bundled_error"] = source.faults[0]
                else:
                    sources[run.name] = source
            except InputError as error:  # one damaged file must not hide the other runs
                st.session_state["bundled_error"] = str(error)
    return sources


def uploaded_sources() -> dict[str, Source]:
    """This session's uploads by key."""
    uploads = st.session_state.setdefault("uploaded_sources", {})
    _until_the_session_ends(id(uploads), uploads)
    return uploads


@st.cache_resource(show_spinner=False, scope="session", on_release=dict.clear)
def _until_the_session_ends(number: int, _uploads: dict[str, Source]) -> dict[str, Source]:
    """Empty the uploads when the session ends; garbage collection would keep them for a while."""
    return _uploads


def all_sources() -> dict[str, Source]:
    """Bundled runs first, then those trained here, then this session's uploads; with corrections where asked for."""
    found = bundled_sources() | real_sources() | opened_sources() | trained_sources() | uploaded_sources()
    if not st.session_state.get(marks.APPLY):
        return found
    return {key: marks.with_corrections(source) for key, source in found.items()}


def missing_run(runs: Mapping[str, Source]) -> str | None:
    """The title of a run that a reloaded or shared address asks for and that is not here; None once one is chosen."""
    if st.session_state.get("run") is not None:
        st.session_state["missing_run"] = None
    elif "missing_run" not in st.session_state:  # the session's first look at its address
        asked = st.query_params.get("run")
        known = asked is None or any(source.title == asked for source in runs.values())
        st.session_state["missing_run"] = None if known else asked
    return st.session_state["missing_run"]


def current() -> Source:
    """The source chosen in the sidebar."""
    sources = all_sources()
    key = st.session_state.get("run")
    if key in sources:
        return sources[key]
    return sources[DEFAULT_RUN] if DEFAULT_RUN in sources else list(sources.values())[-1]


def signal_of(source: Source) -> str | None:
    """The signal chosen in the sidebar if this source has it, else the file's default; None where it is unscored."""
    chosen = st.session_state.get("signal")
    if chosen is not None and (chosen in source.signals or chosen in source.all_signals):
        return chosen
    return source.judged.default
