"""What the notebooks need beside the library: exercises that answer back, and figures with their description.

Nothing else imports this package, and it never imports torch.
"""

import warnings

from laser_core.lessons.exercises import Exercise, FunctionExercise
from laser_core.lessons.show import show

__all__ = ["Exercise", "FunctionExercise", "show"]

# transformers brings a progress bar that some Jupyter installations cannot draw, and say so in red in every notebook.
warnings.filterwarnings("ignore", message="IProgress")
