"""``python -m laser_core`` is the ``laser`` command."""

import os
import signal

from laser_core.cli import main
from laser_core.processes import INTERRUPTIBLE

if __name__ == "__main__":
    if os.environ.get(INTERRUPTIBLE):
        # A server started in a shell's background ignores SIGINT, and so does every process it starts: a training run
        # started from such an app could not be stopped.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
