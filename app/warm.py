"""What a server loads once, before any data: the modules of every page, kept out of the way of garbage collection.

Streamlit collects garbage after every run of the script, with the interpreter's lock held, so that what the run sent
last waits for it. Going through the 150,000 objects of the imported libraries took longer than a slider's own work.
They never become garbage, so they are set aside (``gc.freeze``). A session that was there at that moment is set aside
with them, and garbage once it ends: the next run of the script by anybody then collects everything and starts anew.
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

_ended: list[bool] = []  # an entry for each session that ended since garbage was last collected


@st.cache_resource(show_spinner=False, scope="session", on_release=lambda ended: ended.append(True))
def _session() -> list[bool]:
    return _ended


def set_aside() -> None:
    """Collect what ended sessions left behind; for the beginning of the script."""
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
