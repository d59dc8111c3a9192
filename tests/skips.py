"""What CI may skip: benchmarks, and checks against data that is not part of the checkout. Any other skip fails it.

A test that is skipped because a package or a browser is missing looks like a test that passes. On a laptop that is
convenient; in CI (``CI=true``) it would hide that nothing was tested.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

#: Beginning of the reason of a test that is skipped for want of data outside the checkout.
NEEDS_DATA = "needs data beside the checkout"
BENCHMARK = "Skipping benchmark"  # by pytest-benchmark, under --benchmark-skip
SKIPPED = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SKIPPED] = Counter()
    config.pluginmanager.register(_Recorder(config.stash[SKIPPED]), "skips-recorder")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _in_ci() and _forbidden(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not _in_ci():
        return
    data = sum(n for reason, n in config.stash[SKIPPED].items() if reason.startswith(NEEDS_DATA))
    terminalreporter.write_line(f"Skipped for want of data, which CI allows: {data}")
    for reason, n in _forbidden(config).items():
        terminalreporter.write_line(f"ERROR: CI must not skip tests, and skipped {n}: {reason}", red=True)


class _Recorder:
    """Counts skips by their reason."""

    def __init__(self, skipped: Counter[str]) -> None:
        self.skipped = skipped

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped[_reason(report)] += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped[_reason(report)] += 1


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    words = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return words.removeprefix("Skipped: ")


def _forbidden(config: pytest.Config) -> dict[str, int]:
    return {reason: n for reason, n in config.stash[SKIPPED].items() if not reason.startswith((NEEDS_DATA, BENCHMARK))}


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() == "true"
