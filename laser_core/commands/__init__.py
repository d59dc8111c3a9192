"""The bodies of the ``laser`` commands, one small module for each subject, and what they share."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option("--out", help="Where to write.")]
Seed = Annotated[int, typer.Option(help="Seeds every draw.")]


def split_pair(pair: str, option: str) -> tuple[str, str]:
    """Split an option of the form name=value."""
    name, equals, value = pair.partition("=")
    if not equals:
        raise typer.BadParameter(f"{pair!r} is not of the form name=value", param_hint=option)
    return name.strip(), value.strip()


def headline(rollouts) -> str:
    """One line that says whether the score tells right from wrong."""
    from laser_core.analysis import Samples, accuracy, separation

    samples = Samples.from_rollouts(rollouts)
    right, apart = accuracy(samples), separation(samples)

    def show(estimate) -> str:
        if math.isnan(estimate.value):
            return "undefined"
        return f"{estimate.value:.3f} [{estimate.ci_low:.3f}, {estimate.ci_high:.3f}]"

    return (
        f"{samples.n_problems} problems x {samples.n_samples} solutions: accuracy {show(right)}, balanced F1 "
        f"{show(apart.balanced_f1)}, AUROC {show(apart.auroc)}, within a problem {show(apart.within_problem_auroc)}"
    )
