"""Lay out a Hugging Face Space: ``python deploy/huggingface/make_space.py FOLDER``.

The folder holds what the Dockerfile copies, and nothing else. Upload it with
``hf upload YOU/laser-explorer FOLDER . --repo-type space``.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("app", "laser_core", "sample_data")
FILES = (".dockerignore", "Dockerfile", "LICENSE", "deploy/slim.py", "pyproject.toml", "requirements-app.txt")
# A Space shows the app in a frame of another site, where browsers refuse the cookie that uploads would be checked by.
FRAMED = "\nENV STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION=false\n"


def make_space(folder: Path) -> None:
    """Write the Space's files.

    Parameters
    ----------
    folder : Path
        Made if missing; files of the same names are replaced.
    """
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "model.safetensors")  # without PyTorch no model runs
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=ignored, dirs_exist_ok=True)
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    shutil.copyfile(Path(__file__).with_name("README.md"), folder / "README.md")  # its head is the Space's settings
    with (folder / "Dockerfile").open("a", encoding="utf-8") as file:
        file.write(FRAMED)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("say where to: python deploy/huggingface/make_space.py FOLDER")
    make_space(Path(sys.argv[1]))
