"""The ``laser`` commands, one small module for each subject, and what they share."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from laser_core.analysis import Estimate
    from laser_core.models.prompt import PromptSettings
    from laser_core.rollouts import Rollouts
    from laser_core.tasks import Problem

Out = Annotated[Path, typer.Option("--out", help="Where to write the result.")]
Device = Annotated[str, typer.Option(help="auto (a GPU if there is one), cpu, cuda, cuda:1 or mps.")]
Seed = Annotated[int, typer.Option(help="Seed of all random draws.")]
PromptPairs = Annotated[
    list[str] | None,
    typer.Option(
        "--prompt",
        help="How a problem is asked, as name=value, any number of times: template, system, examples, shots, chat "
        "(auto, on, off), answer_format (boxed, hash, none).",
    ),
]


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


def prompt_of(pairs: list[str] | None) -> PromptSettings:
    """The prompt settings that the options --prompt ask for.

    Raises
    ------
    typer.BadParameter
        If one does not have the form name=value.
    InputError
        If there is no such setting, or it cannot have the value.
    """
    from laser_core.models.prompt import PromptSettings

    return PromptSettings.from_pairs(split_pair(pair, "--prompt") for pair in pairs or ())


def problems_of(source: str, split: str, limit: int | None) -> tuple[Problem, ...]:
    """The first problems of a split.

    Raises
    ------
    InputError
        If there are none.
    """
    from laser_core.errors import InputError
    from laser_core.tasks import load_problems

    found = load_problems(source, split)[:limit]
    if not found:
        raise InputError("there are no problems", file=source, remedy="choose another split or file")
    return found


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
