"""A selection of rollouts as a run of its own that every page can show, until the session ends."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from app.data.sources import Loaded, Source, uploaded_sources
from app.data.uploads import free_title
from app.format import short
from laser_core.rollouts import on_disk


def choose(source: Source, rows: np.ndarray) -> None:
    """Add the selected rows as a run and show it. A callback: the sidebar is drawn after it.

    Parameters
    ----------
    source : Source
        The run that the rows belong to.
    rows : ndarray of int of shape (n_selected,)
        Row numbers, in any order; the new run keeps the file's.
    """
    rows = np.sort(rows)
    digest = hashlib.sha256(np.ascontiguousarray(rows, np.int64).tobytes()).hexdigest()
    content_id = f"{(source.uncorrected or source).content_id}:{digest}"
    key = f"selection-{hashlib.sha256(content_id.encode()).hexdigest()[:8]}"
    if key not in uploaded_sources():
        uploaded_sources()[key] = _selected(source, key, content_id, rows)
    st.session_state["run"] = key


def _selected(source: Source, key: str, content_id: str, rows: np.ndarray) -> Source:
    own = source.uncorrected or source  # corrections are applied to the selection as they are to the run
    rollouts = on_disk(own.rollouts.take(rows))
    given = None if source.result.given is None else source.result.given.take(rows)
    share = f"{len(rows):,} of {len(source.rollouts):,}"
    return Source(
        key,
        free_title(short(f"{source.title}: {share}", 100), key),
        f"Filtered: {share} solutions of “{source.title}”.",
        partial(Loaded, content_id, replace(source.result, rollouts=rollouts, given=given), rollouts),
        private=True,
        mapping=source.mapping,
        selected_from=source.key,
        marks_of=source.marks_of or own,
    )
