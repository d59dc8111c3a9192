"""Marks on the rollouts of a run: kept in a file beside a run of this server, in the session for an upload.

A run trained here keeps them in its folder, a bundled run in this user's data folder, because its own may be read-only.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from laser_core.errors import InputError
from laser_core.jobs import jobs
from laser_core.rollouts import on_disk
from laser_core.rollouts.marks import (
    Key,
    Mark,
    Marks,
    as_lines,
    change_marks,
    corrected,
    marks_in,
    read_marks,
    with_mark,
)

if TYPE_CHECKING:
    from app.data.sources import Loaded, Source

APPLY = "apply_marks"  # the sidebar's toggle
CHANGED = "marks_changed"  # in the session's state: a verdict was marked, so the sidebar has to be drawn anew
FAULT = "marks_fault"  # in the session's state: why a mark could not be kept
KEPT_CORRECTED = 4  # corrected runs that a session keeps


def of(source: Source) -> dict[Key, Mark]:
    """The marks of a run, by solution; a selection of rollouts shows those of the run that it was made from."""
    path = _file(source)
    if path is not None:
        return _read(str(path), _stamp(path))
    kept: dict[str, dict[Key, Mark]] = st.session_state.setdefault("run_marks", {})
    own = _own(source)
    if own.content_id not in kept:
        kept[own.content_id] = marks_in(own.rollouts)  # an exported table brings its marks along
    return kept[own.content_id]


def put(source: Source, mark: Mark) -> None:
    """Keep one mark of a run. For a callback: what goes wrong is left for the page to say."""
    st.session_state.pop(FAULT, None)
    before = of(source).get(mark.key)
    st.session_state[CHANGED] = mark.wrong_verdict or (before is not None and before.wrong_verdict)
    path = _file(source)
    try:
        if path is None:
            st.session_state["run_marks"][_own(source).content_id] = with_mark(of(source), mark)
        else:
            change_marks(path, mark)
    except InputError as error:
        st.session_state[FAULT] = str(error)


def with_corrections(source: Source) -> Source:
    """The run with the verdicts turned round that are marked as wrong, where the sidebar's toggle asks for it.

    Its content has a name of its own, so that every cached result is computed anew.
    """
    if not st.session_state.get(APPLY):
        return source
    wrong = {key: mark for key, mark in of(source).items() if mark.wrong_verdict}
    return with_verdicts_turned(source, wrong) if wrong else source


def with_verdicts_turned(source: Source, wrong: Marks) -> Source:
    """The run with the verdicts of these marks turned round; built once for each set of marks."""
    digest = hashlib.sha256("\n".join(sorted(as_lines(wrong))).encode()).hexdigest()[:16]
    content_id = f"{source.content_id}:corrected:{digest}"
    kept: dict[str, Source] = st.session_state.setdefault("corrected_sources", {})
    if content_id not in kept:
        while len(kept) >= KEPT_CORRECTED:
            kept.pop(next(iter(kept)))
        kept[content_id] = replace(source, load=partial(_loaded, source, wrong, content_id), uncorrected=source)
    return kept[content_id]


def _loaded(source: Source, wrong: Marks, content_id: str) -> Loaded:
    rollouts = on_disk(corrected(source.rollouts, wrong))
    result = replace(source.result, rollouts=rollouts)
    return replace(source.loaded, content_id=content_id, result=result, rollouts=rollouts)


def _own(source: Source) -> Source:
    """The run that the marks belong to: of a selection the run it was made from, without corrections."""
    whole = source.marks_of or source
    return whole.uncorrected or whole


def _file(source: Source) -> Path | None:
    """Where a run of this server keeps its marks; None for an upload."""
    own = _own(source)
    if own.private:
        return None
    if own.events is not None and jobs.home() in own.events.parents:
        return own.events.with_name("marks.jsonl")
    digest = hashlib.sha256(own.content_id.encode()).hexdigest()[:12]
    return jobs.home() / "marks" / f"{own.key}-{digest}.jsonl"


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return found.st_mtime_ns, found.st_size


@st.cache_resource(show_spinner=False, max_entries=64)
def _read(path: str, stamp: tuple[int, int]) -> dict[Key, Mark]:
    return read_marks(path)
