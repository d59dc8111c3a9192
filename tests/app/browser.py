"""The app as its users meet it: the real command, started from another directory, in a real browser."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGES = {
    "start": "",  # the default page answers at the root
    "traces": "traces",
    "pair": "pair",
    "rollouts": "rollouts",
    "groups": "groups",
    "scores": "scores",
    "thresholds": "thresholds",
    "voting": "voting",
    "compare": "compare",
    "claims": "claims",
    "train": "train",
    "playground": "playground",
    "theory": "theory",
    "data": "data",
}
DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
ERROR_BOXES = '[data-testid="stException"], [data-testid="stAlertContentError"]'


class Address(str):
    """A server's address, and the number of its process."""

    pid: int


def need_browser() -> None:
    """Skip where there is no browser, with the reason; fail in CI, which must have one."""
    if reason := missing_browser():
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"CI must run the browser tests: {reason}")
        pytest.skip(reason)


def missing_browser() -> str | None:
    """Why there is no browser to test in; None where there is one."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "playwright is not installed (pip install -e '.[dev]')"
    return None if Path(CHROMIUM).exists() else f"no Chromium at {CHROMIUM} (Debian: apt-get install chromium)"


@contextlib.contextmanager
def serve(main: Path = ROOT / "app" / "main.py", *, timeout: float = 60.0) -> Iterator[Address]:
    """Run ``streamlit run app/main.py`` in a directory that is not the project's; give the app's address.

    Raises
    ------
    RuntimeError
        If the server ends or does not answer in ``timeout`` seconds; holds what it wrote.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as elsewhere, open(Path(elsewhere) / "log", "w+") as log:
        env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith("STREAMLIT_")}
        command = [sys.executable, "-m", "streamlit", "run", str(main), "--server.port", str(port)]
        command += ["--server.address", "127.0.0.1", "--server.headless", "true"]
        process = subprocess.Popen(command, cwd=elsewhere, env=env, stdout=log, stderr=subprocess.STDOUT)
        try:
            url = Address(f"http://127.0.0.1:{port}")
            url.pid = process.pid
            _wait_for(url + "/_stcore/health", process, log, timeout)
            yield url
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(3)
            if process.poll() is None:
                process.kill()


def _wait_for(url: str, process: subprocess.Popen, log: object, timeout: float) -> None:
    end = time.monotonic() + timeout
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    log.flush()
    log.seek(0)
    raise RuntimeError(f"the server did not start: {log.read()[-3000:]}")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        try:
            yield browser
        finally:
            browser.close()


def open_page(context: BrowserContext, url: str, *, timeout: float = 120.0) -> tuple[Page, list[str]]:
    """Open an address and wait until the script has run and its charts are drawn.

    Returns
    -------
    page, complaints
        ``complaints`` collects console errors and uncaught exceptions, also those that come later.
    """
    page = context.new_page()
    complaints: list[str] = []

    def note(message: object) -> None:
        address = message.location.get("url", "")
        # On a deep link Streamlit's front end first asks for its own address below the page's, and then at the root.
        probe = "404" in message.text and address.endswith(("/_stcore/health", "/_stcore/host-config"))
        if message.type == "error" and not probe:
            complaints.append(f"{message.text} ({address})")

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_default_timeout(1000 * timeout)
    page.goto(url)
    settle(page)
    return page, complaints


def settle(page: Page) -> None:
    """Wait until the script has run, its title is there, and every chart is drawn."""
    page.wait_for_selector(DONE)
    page.wait_for_selector("h1")
    page.wait_for_function(
        '() => !document.querySelector(\'[data-stale="true"], [data-testid="stSkeleton"]\') && '
        "[...document.querySelectorAll('[data-testid=\"stPlotlyChart\"]')].every(c => c.querySelector('.main-svg'))"
    )
    page.wait_for_timeout(400)
    page.wait_for_selector(DONE)
