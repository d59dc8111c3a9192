"""Where Streamlit Community Cloud starts: the app, listening wherever the cloud's own proxy looks for it.

A checkout's own configuration (``app/.streamlit``) keeps the server on this machine; the one beside this file does not.
"""

from pathlib import Path

import streamlit as st

app = st.App(Path(__file__).resolve().parents[2] / "app" / "main.py")
