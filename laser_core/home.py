"""The user's own folder: runs started from the app, converted models, copies of data sets."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path

HOME_VARIABLE = "LASER_EXPLORER_HOME"
DATA_VARIABLE = "LASER_EXPLORER_DATA"


def home() -> Path:
    """The folder that holds it all: ``LASER_EXPLORER_HOME`` if set, otherwise this user's data folder."""
    chosen = os.environ.get(HOME_VARIABLE)
    return Path(chosen).expanduser() if chosen else user_data_path("laser-explorer", appauthor=False)


def data_folder() -> Path:
    """The folder of local data sets: ``LASER_EXPLORER_DATA`` if set, otherwise ``data`` in :func:`home`."""
    chosen = os.environ.get(DATA_VARIABLE)
    return Path(chosen).expanduser() if chosen else home() / "data"
