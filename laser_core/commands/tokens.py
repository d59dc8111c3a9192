"""``laser pick-token``: which token of a model should become its verdict token."""

from __future__ import annotations

from typing import Annotated

import typer

from laser_core.commands import Device, PromptPairs, Seed, problems_of, prompt_of
from laser_core.commands.solutions import loaded, where

SHOWN = 10  # tokens; some models reserve hundreds


def pick_token(
    model: Annotated[str, typer.Argument(help="The model before training: a name, a folder, or bundled:base.")],
    task: Annotated[str, typer.Option(help="Problems for it to solve: a task, a file or a data set.")] = "linear",
    split: Annotated[str, typer.Option(help="train, validation, test or all.")] = "train",
    limit: Annotated[int, typer.Option(help="How many problems.")] = 75,
    n: Annotated[int, typer.Option("-n", help="Solutions per problem.")] = 4,
    max_new_tokens: Annotated[int, typer.Option(help="Longest solution, in tokens.")] = 256,
    beta_v: Annotated[float, typer.Option(help="Scale of the score, in reward units per nat.")] = 0.1,
    prompt: PromptPairs = None,
    device: Device = "auto",
    dtype: Annotated[str, typer.Option(help="Of matrix products: float32 (exact), bfloat16 or auto.")] = "float32",
    seed: Seed = 0,
) -> None:
    """Rank the spare tokens of a model by its own solutions: low reference log-prob, small spread, never written."""
    from laser_core.commands.bars import Activity
    from laser_core.generate import counting
    from laser_core.policy import with_prompt
    from laser_core.reference import c_ref_of, own_solutions
    from laser_core.token_choice.pick_token import ended_solutions, rank_tokens

    problems, settings = problems_of(task, split, limit), prompt_of(prompt)
    place, precision = where(device, dtype)
    with Activity("sampling") as activity:
        policy = with_prompt(loaded(model, "", place, precision, activity), settings)
        activity.say(policy.asks.sentence())
        activity.begin(None, "solutions", most_tokens=len(problems) * n * max_new_tokens)
        sampled = own_solutions(
            policy,
            problems,
            max_new_tokens=max_new_tokens,
            seed=seed,
            samples=n,
            dtype=precision,
            batches=policy.batches(precision, say=activity.say),
            on_progress=counting(activity.tokens),
        )
    c_ref_of(sampled, max_new_tokens=max_new_tokens)  # says so where no solution ends
    solutions = ended_solutions(policy, sampled)
    ranked = rank_tokens(policy, solutions, beta_v=beta_v)
    cut = len(sampled.length) - len(solutions.length)
    typer.echo(f"{len(solutions.length):,} solutions; {cut:,} more were cut off and say nothing here.")
    typer.echo(f"{'token':<28}{'c_ref':>8}{'spread':>8}   why")
    for token in ranked[:SHOWN]:
        level = token.level
        spread = "" if level.c_ref_std is None else f"{level.c_ref_std:.2f}"
        typer.echo(f"{token.candidate.token:<28}{level.c_ref:>8.2f}{spread:>8}   {token.why()}")
    if len(ranked) > SHOWN:
        typer.echo(f"and {len(ranked) - SHOWN} more")
    typer.echo(f"Take {ranked[0].candidate.token}: it is what sample, score and train take by themselves.")
    if not ranked[0].serves:
        typer.echo(
            "None of them serves well. Training with `reference = exact`, which subtracts each solution's own "
            "log pi_ref(z_c), does without a constant.",
            err=True,
        )
    for warning in ranked[0].level.warnings():
        if not warning.startswith("c_ref is not constant"):
            typer.echo(warning, err=True)
