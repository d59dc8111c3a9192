"""Imports that a server makes once, kept out of garbage collection so that every page answers faster.

Streamlit collects garbage after every run of the script while it holds the interpreter's lock, which delays the last
message of the run. Scanning the 150,000 objects of the imported libraries took longer than a slider's own work. They
never become garbage, so they are frozen (``gc.freeze``). A session that exists at that moment is frozen too, and is
garbage once it ends: the next script run, of whatever session, then collects everything and freezes again.
"""

from __future__ import annotations

import gc

import pandas  # noqa: F401
import plotly.graph_objects as go
import plotly.io  # noqa: F401
import scipy.optimize  # noqa: F401
import streamlit as st

from laser_core import analysis, figures  # noqa: F401
from laser_core.answers import verify  # noqa: F401
from laser_core.rollouts import be_frugal, give_back

_ended: list[bool] = []  # one entry per session that has ended since the last full collection


@st.cache_resource(show_spinner=False, scope="session", on_release=lambda ended: ended.append(True))
def _session() -> list[bool]:
    return _ended


def collect_ended_sessions() -> None:
    """Collect the garbage of sessions that have ended; for the beginning of the script."""
    _session()
    if _ended:
        _ended.clear()
        gc.unfreeze()
        gc.collect()
        gc.freeze()


go.Figure(go.Scatter(x=[0], y=[0])).update_layout(xaxis_title="loads plotly's own validators")
be_frugal()
give_back()
gc.freeze()
