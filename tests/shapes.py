"""Checks the shapes that the equations and the scorer are annotated with; for tests alone, production pays nothing.

``tests/conftest.py`` installs the hook before anything imports these modules. From then on every call of their
functions, and every dataclass they build, is checked: ``Float[Tensor, "B T"]`` means floating point, two axes, and the
same B and T wherever they occur in one call.
"""

from __future__ import annotations

import sys

from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

CHECKED = ("laser_core.algorithm", "laser_core.scoring", "laser_core.solutions")

# An int may stand for a float, as type checkers allow.
typechecker = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check_shapes() -> None:
    """Check the annotated shapes of :data:`CHECKED` from their import on."""
    early = [name for name in CHECKED if name in sys.modules]
    if early:
        raise RuntimeError(f"imported before its shapes could be checked: {', '.join(early)}")
    install_import_hook(CHECKED, "tests.shapes.typechecker")
