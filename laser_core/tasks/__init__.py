"""Problems to train on and to evaluate with. None of this needs torch."""

from laser_core.tasks.problems import Problem
from laser_core.tasks.sources import load_problems

__all__ = ["Problem", "load_problems"]
