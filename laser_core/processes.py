"""The environment of a child process that imports this package."""

from __future__ import annotations

import os
from pathlib import Path


def child_environment(**extra: str) -> dict[str, str]:
    """This process's environment, in which ``laser_core`` can be imported from any working directory, and ``extra``."""
    package_root, inherited = str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH")
    path = f"{package_root}{os.pathsep}{inherited}" if inherited else package_root
    return {**os.environ, "PYTHONPATH": path, **extra}
