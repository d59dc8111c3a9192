"""What the analysis loads before anyone asks it anything."""

from __future__ import annotations

import subprocess
import sys


def test_slow_libraries_wait_until_they_are_needed():
    """scikit-learn and scipy.stats together took half of the second that importing the analysis took."""
    code = (
        "import sys, laser_core.analysis; print([m for m in ('sklearn', 'scipy.stats', 'duckdb') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
