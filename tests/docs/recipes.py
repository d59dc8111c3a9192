"""Follows a how-to page to the letter, in a copy of the checkout.

A page is a sequence of fenced blocks. A block with a ``title`` is a file and is written; ``diff`` is applied; ``sh`` is
run, and stops at the first command that fails; ``text`` is what the commands before it must have printed, line by line,
``...`` standing for anything. A block with any other language is for the reader alone, and there should be none.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(
    r'^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes
    ----------
    language : str
    title : str
        Name of the file that it is; empty for anything else.
    text : str
    """

    language: str
    title: str
    text: str


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order.

    >>> blocks('```sh\\nlaser app\\n```\\n')
    [Block(language='sh', title='', text='laser app\\n')]
    """
    return [Block(found["language"], found["title"] or "", found["text"]) for found in _BLOCK.finditer(page)]


def checkout(folder: Path) -> Path:
    """A copy of what a recipe may change; models and rollouts are linked."""
    for name in ("laser_core", "app"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "sample_data").symlink_to(ROOT / "sample_data")
    return folder


def follow(page: str, folder: Path) -> list[str]:
    """Do what the page says.

    Parameters
    ----------
    page : str
        Markdown.
    folder : Path
        A copy of the checkout, from :func:`checkout`.

    Returns
    -------
    list of str
        What each ``sh`` block printed.

    Raises
    ------
    AssertionError
        At the first step that does not work.
    """
    printed: list[str] = []
    for block in blocks(page):
        if block.title:
            (folder / block.title).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "diff":
            done = subprocess.run(["git", "apply", "-"], input=block.text, text=True, cwd=folder, capture_output=True)
            assert done.returncode == 0, f"the change does not apply:\n{block.text}\n{done.stderr}"
        elif block.language == "sh":
            printed.append(run(block.text, folder))
        elif block.language == "text":
            assert printed, "nothing was run before this output"
            missing = [line for line in block.text.splitlines() if not _said(line, printed[-1])]
            assert not missing, f"not printed: {missing}\nbut:\n{printed[-1]}"
        else:
            raise AssertionError(f"nobody follows a block of {block.language!r}: {block.text[:80]}")
    return printed


def run(script: str, folder: Path) -> str:
    """What a script of shell commands prints; it must succeed, without a traceback."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder),  # this copy, not the installed checkout
        "LASER_EXPLORER_HOME": str(folder / "home"),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "160",
    }
    command = ["bash", "-e", "-c", script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=500)
    said = done.stdout + done.stderr
    assert done.returncode == 0, f"{script}\n{said}"
    assert "Traceback" not in said, said
    return said


def _said(line: str, output: str) -> bool:
    """Whether the output has the line, up to its spaces; ``...`` stands for anything.

    >>> _said("Detected verl: ... rollouts", "x\\nDetected  verl: 4 rollouts\\n"), _said("a", "b")
    (True, False)
    """
    pattern = ".*".join(re.escape(" ".join(part.split())) for part in line.split("..."))
    return any(re.search(pattern, " ".join(printed.split())) for printed in output.splitlines())
