"""What a run was made with: versions, hardware, the state of the code. Recorded in ``run.json``."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import torch

from laser_core import __version__
from laser_core.fast.devices import CPU, device_name

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "safetensors", "math-verify")


def provenance(dtype: torch.dtype, device: torch.device = CPU) -> dict[str, Any]:
    """Versions, hardware and git state, as one JSON object.

    Parameters
    ----------
    dtype : torch.dtype
        The precision that the run computes in, with ``auto`` resolved.
    device : torch.device
        What it computes on.

    Returns
    -------
    dict
        ``versions`` (package -> version), ``hardware`` and ``git`` (None outside a checkout).

    Examples
    --------
    >>> found = provenance(torch.float32)
    >>> sorted(found), found["hardware"]["dtype"]
    (['git', 'hardware', 'versions'], 'float32')
    """
    return {"versions": versions(), "hardware": hardware(dtype, device), "git": git_state()}


def versions() -> dict[str, str]:
    """Versions of Python, of this package, and of the packages that affect a run's numbers."""
    found = {"python": platform.python_version(), "laser_core": __version__}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:  # optional, or put on the path by hand
            continue
    return found


def hardware(dtype: torch.dtype, device: torch.device = CPU) -> dict[str, Any]:
    """The processor, its cores, torch's threads, memory in GiB, the device, its name if it is a GPU, the precision."""
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "system": f"{platform.system()} {platform.release()}",
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "cores_usable": len(affinity(0)) if affinity else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "device": str(device),
        "gpu": None if device.type == "cpu" else device_name(device),
        "dtype": str(dtype).removeprefix("torch."),
    }


def cpu_model() -> str:
    """The processor's product name where the system knows it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def git_state() -> dict[str, Any] | None:
    """The commit of the running code, and whether tracked files differ from it; None outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():  # an installed copy: some other repository may lie above it
        return None

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout.strip()

    try:
        return {
            "commit": git("rev-parse", "HEAD"),
            "dirty": bool(git("status", "--porcelain", "--untracked-files=no")),
        }
    except (OSError, subprocess.SubprocessError):
        return None
