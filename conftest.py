"""Where an optional extra is not installed, the module that needs it is not asked for its doctests."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("trl") else ["laser_core/integrations/trl.py"]
