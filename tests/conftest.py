"""What all tests share."""

import signal
import sys

MAIN = sys.modules["__main__"]

# Started in a shell's background, a process ignores Ctrl-C, and so do its children; the tests of stopping must not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_teardown() -> None:
    """Streamlit's test harness leaves the app as ``__main__``, which a process that is spawned later would run."""
    sys.modules["__main__"] = MAIN
