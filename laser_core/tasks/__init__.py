"""Problems to train on and to evaluate with. None of this needs torch."""

from laser_core.tasks.guess_and_check import Family, arithmetic_rate, grading_prompt
from laser_core.tasks.linear import CHAIN, LINEAR
from laser_core.tasks.problems import Problem
from laser_core.tasks.sources import load_problems
from laser_core.tasks.words import FAMILY as WORDS

#: The generated families of the miniature world.
FAMILIES = (LINEAR, CHAIN, WORDS)

__all__ = ["FAMILIES", "Family", "Problem", "arithmetic_rate", "grading_prompt", "load_problems"]
