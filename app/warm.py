"""What a server loads once, before any data: the modules of every page, kept out of the way of garbage collection.

Streamlit collects garbage after every run of the script, with the interpreter's lock held, so that what the run sent
last waits for it. Going through the 200,000 objects of the imported libraries took longer than a slider's own work.
They never become garbage, so they are set aside (``gc.freeze``), before the first file is read: nothing of a visitor's
is among them.
"""

from __future__ import annotations

import gc

import pandas  # noqa: F401
import plotly.graph_objects as go
import plotly.io  # noqa: F401
import scipy.optimize  # noqa: F401

from laser_core import analysis, figures, verify  # noqa: F401

go.Figure(go.Scatter(x=[0], y=[0])).update_layout(xaxis_title="loads plotly's own validators")
gc.collect()
gc.freeze()
