"""What the notebooks need beside the library: exercises that answer back, and figures with their description.

Nothing else imports this package, and it never imports torch.
"""

from laser_core.lessons.exercises import Exercise, FunctionExercise
from laser_core.lessons.show import show

__all__ = ["Exercise", "FunctionExercise", "show"]
