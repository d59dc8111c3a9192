"""The ``laser`` commands, one small module for each subject, and what they share."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from laser_core.analysis import Estimate
    from laser_core.rollouts import Rollouts

Out = Annotated[Path, typer.Option("--out", help="Where to write the result.")]
Device = Annotated[str, typer.Option(help="auto (a GPU if there is one), cpu, cuda, cuda:1 or mps.")]
Seed = Annotated[int, typer.Option(help="Seed of all random draws.")]


def split_pair(pair: str, option: str) -> tuple[str, str]:
    """Split the value of an option that must have the form name=value.

    Raises
    ------
    typer.BadParameter
        If there is no equals sign.
    """
    name, equals, value = pair.partition("=")
    if not equals:
        raise typer.BadParameter(f"{pair!r} does not have the form name=value", param_hint=option)
    return name.strip(), value.strip()


def headline(rollouts: Rollouts) -> str:
    """Accuracy, and how well the score separates correct from incorrect solutions, in one line."""
    from laser_core.analysis import Samples, accuracy, separation

    samples = Samples.from_rollouts(rollouts)
    found = separation(samples)

    def show(estimate: Estimate) -> str:
        if math.isnan(estimate.value):
            return "undefined"
        return f"{estimate.value:.3f} [{estimate.ci_low:.3f}, {estimate.ci_high:.3f}]"

    return (
        f"{samples.n_problems} problems x {samples.n_samples} solutions (95% CI in brackets): accuracy "
        f"{show(accuracy(samples))}, balanced F1 {show(found.balanced_f1)}, AUROC {show(found.auroc)}, AUROC within a "
        f"problem {show(found.within_problem_auroc)}"
    )
