"""Make an installation small: ``python deploy/slim.py PREFIX``, by the Python of any environment, prints what is left.

First everything goes that no server reads: the packages' own tests, C headers, stubs, libraries for services that
nothing here calls, and all bytecode. Then every page of the app is opened once, an analysis made and a report written:
so each is known to work without what is gone, and the modules that they import have bytecode again, which the image's
user could not write.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

UNREAD = (  # below site-packages
    "**/__pycache__",
    "**/tests",
    "**/*.pyi",
    "**/*.pyx",
    "**/*.pxd",
    "**/include",
    "pyarrow/src",
    "pyarrow/*flight*",  # Arrow's network protocol
    "pyarrow/*s3*",  # files in a cloud
    "pyarrow/libarrow_python.so",  # copies of libarrow_python.so.NUMBER, where an archive cannot hold links
    "pyarrow/libarrow_python.so.*.*",
    "*duckdb*",  # only `laser analyze` needs it, for files of more than two million rows
    "pydeck/nbextension",  # maps, tables and figures in notebooks
    "plotly/labextension",
    "plotly/package_data/widgetbundle.js",
    "laser_core/_share/sample_data/models/*/model.safetensors",  # without PyTorch nothing can run them
)
VISIT = """
import sys, tempfile
from pathlib import Path
from streamlit.testing.v1 import AppTest
from laser_core.bundled import runs, shipped
from laser_core.cli import app as laser
import streamlit.web.bootstrap, uvicorn.protocols.http.h11_impl, uvicorn.protocols.websockets.websockets_sansio_impl
main = shipped("app") / "main.py"
sys.path.insert(0, str(main.parents[1]))
for page in sorted((main.parent / "app_pages").glob("[!_]*.py")):
    test = AppTest.from_file(str(main), default_timeout=300).run()
    test.switch_page(f"app_pages/{page.name}").run()
    assert not test.exception, (page, test.exception)
with tempfile.TemporaryDirectory() as folder:
    rollouts = str(runs()[0].rollouts)
    laser(["analyze", rollouts], standalone_mode=False)
    laser(["report", rollouts, "--out", str(Path(folder) / "report.html")], standalone_mode=False)
"""


def size(folder: Path) -> int:
    """Bytes of the files below a folder, links not followed."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def remove(prefix: Path) -> None:
    """Remove what :data:`UNREAD` names from the environment at ``prefix``."""
    (packages,) = prefix.glob("lib/python*/site-packages")
    for pattern in UNREAD:
        for found in sorted(packages.glob(pattern)):
            if found.is_dir() and not found.is_symlink():
                shutil.rmtree(found)
            else:
                found.unlink(missing_ok=True)


def main() -> None:
    """Remove, visit, and say how large the environment was and is."""
    prefix = Path(sys.argv[1]).resolve()
    before = size(prefix)
    remove(prefix)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([prefix / "bin" / "python", "-c", VISIT], check=True, stdout=subprocess.DEVNULL, env=clean)
    print(f"{before / 1e6:,.0f} MB before, {size(prefix) / 1e6:,.0f} MB now")


if __name__ == "__main__":
    main()
