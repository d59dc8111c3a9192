"""The checks of :mod:`tests.pretend_devices`, in a process of their own.

PyTorch starts its threads for gradients with the first backward pass, for the devices it has then. A device that is
made up later is refused by them, so these checks cannot share a process with tests that have computed before.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.timeout(900)
def test_nothing_is_mixed_on_a_device_that_is_not_the_cpu():
    command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "tests/pretend_devices.py"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=840)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert re.search(r"\d passed", result.stdout), result.stdout[-2000:]
    assert "skipped" not in result.stdout, result.stdout[-2000:]
