"""The LaSeR Explorer's entry point: page configuration, navigation, sidebar and tour around every page.

Start it from any directory with ``streamlit run app/main.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path

# `streamlit run` puts only this file's folder on the path, whatever directory it is started from.
ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import streamlit as st

from app import sidebar, warm
from app.presentation import deck
from app.tour import tour

st.set_page_config(
    page_title="LaSeR Explorer",
    page_icon=Path(__file__).parent / "icon.svg",
    layout="wide",
    menu_items={"About": "Explore reinforcement learning with last-token self-rewarding (arXiv 2510.14943)."},
)

PAGES = [
    st.Page("app_pages/start.py", title="Start", icon=":material/home:", url_path="start", default=True),
    st.Page("app_pages/traces.py", title="Traces", icon=":material/timeline:", url_path="traces"),
    st.Page("app_pages/pair.py", title="Side by side", icon=":material/compare:", url_path="pair"),
    st.Page("app_pages/rollouts.py", title="Rollouts", icon=":material/table_rows:", url_path="rollouts"),
    st.Page("app_pages/groups.py", title="Groups", icon=":material/workspaces:", url_path="groups"),
    st.Page("app_pages/scores.py", title="Scores", icon=":material/bar_chart:", url_path="scores"),
    st.Page("app_pages/thresholds.py", title="Thresholds", icon=":material/tune:", url_path="thresholds"),
    st.Page("app_pages/voting.py", title="Voting", icon=":material/how_to_vote:", url_path="voting"),
    st.Page("app_pages/compare.py", title="Compare", icon=":material/compare_arrows:", url_path="compare"),
    st.Page("app_pages/claims.py", title="Claims", icon=":material/fact_check:", url_path="claims"),
    st.Page("app_pages/train.py", title="Train", icon=":material/model_training:", url_path="train"),
    st.Page("app_pages/playground.py", title="Playground", icon=":material/casino:", url_path="playground"),
    st.Page("app_pages/theory.py", title="Theory", icon=":material/function:", url_path="theory"),
    st.Page("app_pages/data.py", title="Data", icon=":material/table:", url_path="data"),
]

warm.collect_ended_sessions()
HERE = Path(__file__).parent
st.html(HERE / "style.css")
st.logo(HERE / "logo.svg", size="large")
page = st.navigation(PAGES, expanded=True)
NEEDS_NO_ROLLOUTS = ("train", "playground", "theory")
tour.resume()
if target := st.session_state.pop("go_to", None):  # set by a table's row or a step of the tour
    st.switch_page(target, query_params=deck.address())  # the choices that belong there are written again
name = page.url_path or "start"
deck.begin()
try:
    if sidebar.show(standalone=page.url_path in NEEDS_NO_ROLLOUTS) and not tour.show(name):
        page.run()
finally:  # also where the page stops early
    deck.end(name)
