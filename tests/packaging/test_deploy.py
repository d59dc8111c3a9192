"""The files that put the explorer on a server: who it listens to, and whether each file finds what it names."""

from __future__ import annotations

import os
import re
import runpy
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
CLOUD = ROOT / "deploy" / "community_cloud"


@pytest.fixture
def free_port() -> int:
    """A port that nothing uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def settings(folder: Path) -> dict:
    """Streamlit's configuration beside a script."""
    return tomllib.loads((folder / ".streamlit" / "config.toml").read_text())


def listens_on(process: psutil.Process, port: int) -> set[str]:
    """The addresses that a process, or a child of it, accepts connections on."""
    return {
        found.laddr.ip
        for one in (process, *process.children(recursive=True))
        for found in one.net_connections("tcp")
        if found.status == psutil.CONN_LISTEN and found.laddr.port == port
    }


@pytest.mark.parametrize(
    ("command", "everywhere"),
    [
        (["-m", "streamlit", "run", "app/main.py"], False),  # as README says it
        (["-m", "laser_core", "app"], False),
        (["-m", "laser_core", "app", "--host", "0.0.0.0"], True),  # as the Dockerfile says it
        (["-m", "streamlit", "run", "deploy/community_cloud/streamlit_app.py"], True),
    ],
)
def test_the_server_is_reached_from_elsewhere_only_where_that_is_asked_for(command, everywhere, free_port):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("STREAMLIT_")}
    option = "--port" if "laser_core" in command else "--server.port"
    process = subprocess.Popen(
        [sys.executable, *command, option, str(free_port)],
        cwd=ROOT,
        env=clean,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            assert process.poll() is None, "the server ended"
            try:
                with urllib.request.urlopen(f"http://localhost:{free_port}/_stcore/health", timeout=2) as answer:
                    assert answer.read() == b"ok"
                break
            except OSError:
                time.sleep(0.1)
        addresses = listens_on(psutil.Process(process.pid), free_port)
    finally:
        process.terminate()
        process.wait(20)
    assert addresses
    assert bool(addresses - {"127.0.0.1", "::1"}) is everywhere


def test_the_cloud_has_the_apps_settings_but_for_the_address_and_smaller_uploads():
    own, cloud = settings(ROOT / "app"), settings(CLOUD)
    assert own["server"].pop("address") == "localhost"
    assert cloud["server"].pop("maxUploadSize") < own["server"].pop("maxUploadSize")
    assert cloud == own


def test_the_cloud_installs_what_the_app_needs_and_no_pytorch():
    (line,) = (CLOUD / "requirements.txt").read_text().split("\n")[:-1]
    named = (CLOUD / line.removeprefix("-r ")).resolve()
    assert named == ROOT / "requirements-app.txt"
    assert "torch" not in named.read_text().split("==")


def copied() -> list[str]:
    """What the Dockerfile copies from the checkout."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    return [
        source for line in lines if line.startswith("COPY ") and "--from" not in line for source in line.split()[1:-1]
    ]


def test_the_image_is_made_of_files_that_exist_and_that_are_let_in():
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sorted(copied()) == sorted(let_in)
    assert all((ROOT / source).exists() for source in let_in)


def test_the_image_runs_as_nobody_special_and_asks_itself_whether_it_is_well():
    text = (ROOT / "Dockerfile").read_text()
    last = text.split("FROM ")[-1]
    assert last.index("USER explorer") < last.index("CMD [")
    health = re.search(r"HEALTHCHECK [^\[]*(\[.*\])", last).group(1)
    assert "/_stcore/health" in health
    assert '"--host", "0.0.0.0"' in last


def test_a_space_holds_all_that_the_image_copies_and_names_its_port(tmp_path):
    make_space = runpy.run_path(str(ROOT / "deploy" / "huggingface" / "make_space.py"))["make_space"]
    make_space(tmp_path)
    assert all((tmp_path / source).exists() for source in copied())
    head = (tmp_path / "README.md").read_text().split("---")[1]
    port = re.search(r"EXPOSE (\d+)", (tmp_path / "Dockerfile").read_text()).group(1)
    assert f"app_port: {port}\n" in head
    assert "sdk: docker\n" in head
    assert "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION=false" in (tmp_path / "Dockerfile").read_text()
    assert max(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) < 10 * 2**20  # the hub's limit
