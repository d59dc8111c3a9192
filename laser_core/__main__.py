"""``python -m laser_core`` is the ``laser`` command."""

from laser_core.cli import main

if __name__ == "__main__":
    main()
