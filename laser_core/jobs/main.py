"""``laser train`` as :mod:`laser_core.jobs.jobs` starts it, with the command's own arguments.

A shell that starts a server in the background switches its interrupts off, and every child inherits that; a run started
by such a server could then not be stopped. So this process switches them on again.
"""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from laser_core.cli import main as laser

    sys.argv = ["laser", "train", *sys.argv[1:]]
    laser()


if __name__ == "__main__":
    main()
