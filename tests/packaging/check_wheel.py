"""Build the wheel, install it in fresh environments, and use it from another folder as somebody who has no checkout.

``make wheel-check`` runs this; it is no pytest module because it installs PyTorch once more. The first environment has
everything, the second leaves PyTorch out (``requirements-app.txt``) and must still open every page, analyse and report,
also after ``deploy/slim.py`` has made it as small as it is in the Docker image.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BASE_MB, MOST_MB = 131, 700  # python:3.11-slim-bookworm, unpacked, and the whole image: docs/deploy.md
PAGES = """
import sys
from streamlit.testing.v1 import AppTest
from laser_core.bundled import shipped
main = shipped("app") / "main.py"
sys.path.insert(0, str(main.parents[1]))
pages = [page.stem for page in sorted((main.parent / "app_pages").glob("*.py")) if page.stem != "__init__"]
assert len(pages) > 9, pages
for page in pages:
    test = AppTest.from_file(str(main), default_timeout=120).run()
    test.switch_page(f"app_pages/{page}.py").run()
    assert not test.exception, (page, test.exception)
    told = any("runs no models" in notice.value for notice in test.info)
    assert told is (page in ("train", "playground") and "small" in sys.argv), page
    print(f"page {page}: {len(test.main)} elements")
"""
SIZE = """
import importlib.metadata as m, pathlib, sys
root = pathlib.Path(sys.prefix)
print(f"  {sum(f.stat().st_size for f in root.rglob('*') if f.is_file()) / 2**20:.0f} MiB installed")
"""


class Environment:
    """A virtual environment, and a folder without a checkout to work from."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.work = folder / "env" / "bin", folder / "work"
        self.work.mkdir(parents=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder / "env")], check=True)
        clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
        self.environment = clean | {"HOME": str(folder), "LASER_EXPLORER_HOME": str(folder / "home")}

    def run(self, *command: str, fails: bool = False) -> str:
        """Run a program of the environment; what it printed. It must succeed, or fail where ``fails`` says so."""
        print("$", *(part if len(part) < 80 else "..." for part in command), flush=True)
        line = [str(self.bin / command[0]), *command[1:]]
        done = subprocess.run(line, cwd=self.work, env=self.environment, capture_output=True, text=True, timeout=900)
        said = done.stdout + done.stderr
        assert (done.returncode != 0) is fails, said
        assert "Traceback" not in said, said
        return said

    def install(self, *what: str) -> None:
        """``pip install``."""
        self.run("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what)


def serves(environment: Environment) -> None:
    """``laser app`` answers, and ends when it is told to."""
    print("$ laser app", flush=True)
    command = [str(environment.bin / "laser"), "app", "--port", "8599"]
    server = subprocess.Popen(command, cwd=environment.work, env=environment.environment | {"CI": "true"})
    try:
        for _ in range(120):
            assert server.poll() is None, "the server ended"
            try:
                with urllib.request.urlopen("http://localhost:8599/_stcore/health", timeout=2) as answer:
                    assert answer.read() == b"ok"
                    return
            except OSError:
                time.sleep(0.5)
        raise AssertionError("the app did not answer within a minute")
    finally:
        server.terminate()
        server.wait(20)


def analyses(environment: Environment, rollouts: str, *kind: str) -> None:
    """What needs no model: the numbers, the report, the claims, and every page of the app."""
    assert "does not hold" in environment.run("laser", "reproduce", "--show")
    assert "AUROC" in environment.run("laser", "analyze", rollouts)
    environment.run("laser", "report", rollouts, "--out", "report.html")
    assert (environment.work / "report.html").stat().st_size > 100_000
    opened = environment.run("python", "-c", PAGES, *kind).splitlines()
    print(*(line for line in opened if line.startswith("page ")), sep="\n")
    serves(environment)


def slimmed(environment: Environment) -> None:
    """What the Dockerfile does to its environment; the image must stay as small as it is said to be."""
    environment.run("python", "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools", "pip")
    prefix = environment.bin.parent
    print("$ deploy/slim.py", flush=True)
    subprocess.run([sys.executable, str(ROOT / "deploy" / "slim.py"), str(prefix)], check=True)
    size = sum(file.lstat().st_size for file in prefix.rglob("*") if file.is_file() and not file.is_symlink()) / 1e6
    print(f"  the Docker image: {BASE_MB} + {size:.0f} MB")
    assert BASE_MB + size < MOST_MB


def main() -> None:
    """Build, install, use."""
    pins = {line.split("==")[0]: line for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", name, str(ROOT)]
        subprocess.run(build, check=True)
        (wheel,) = folder.glob("*.whl")
        print(f"{wheel.name}: {wheel.stat().st_size / 2**20:.1f} MiB")

        small = Environment(folder / "small")
        small.install("--no-deps", str(wheel))
        small.install("-r", str(ROOT / "requirements-app.txt"))
        print(small.run("python", "-c", SIZE))
        small.run("python", "-c", "import importlib.util as u; assert u.find_spec('torch') is None")
        shipped = small.run("python", "-c", "from laser_core.bundled import runs; print(runs()[0].rollouts)").strip()
        slimmed(small)
        analyses(small, shipped, "small")
        refused = small.run("laser", "sample", "bundled:laser", "--out", "s.parquet", fails=True)
        assert "pip install torch" in refused, refused

        whole = Environment(folder / "whole")
        whole.install(str(wheel), *pins.values(), "-c", str(ROOT / "requirements-app.txt"))
        print(whole.run("python", "-c", SIZE))
        whole.run(
            "laser",
            "sample",
            "bundled:laser",
            "--limit",
            "20",
            "-n",
            "4",
            "--reference",
            "bundled:base",
            "--out",
            "sampled.parquet",
        )
        analyses(whole, "sampled.parquet")
        small_run = ["--set", "steps=2", "--set", "prompts_per_step=4", "--set", "eval_problems=4"]
        whole.run("laser", "train", *small_run, "--out", "run")
        whole.run("laser", "report", "run/rollouts.parquet", "--out", "trained.html")
    print("The wheel works in fresh environments, with PyTorch and without.")


if __name__ == "__main__":
    main()
