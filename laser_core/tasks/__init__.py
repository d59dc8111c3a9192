"""Problems to train and to be judged on. None of this needs torch."""

from laser_core.tasks.problems import Problem
from laser_core.tasks.sources import load_problems

__all__ = ["Problem", "load_problems"]
