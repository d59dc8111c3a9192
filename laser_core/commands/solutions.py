"""``laser sample`` and ``laser score``: solutions from a model, scores for solutions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from laser_core.commands import Out, Seed, headline
from laser_core.errors import InputError

NOISY_SCORE = 0.1  # beta_v * std(c_ref), in reward units, above which a user is warned


def sample(
    model: Annotated[str, typer.Argument(help="Hugging Face name, folder, or bundled:base.")],
    out: Out,
    task: Annotated[str, typer.Option(help="linear, or a Hugging Face dataset.")] = "linear",
    problems: Annotated[
        Path | None, typer.Option(help="A .jsonl or .parquet file of problems instead of a task.")
    ] = None,
    split: Annotated[str, typer.Option(help="train, validation, test or all.")] = "test",
    limit: Annotated[int | None, typer.Option(help="At most so many problems.")] = None,
    n: Annotated[int, typer.Option("-n", help="Solutions of each problem.")] = 16,
    max_new_tokens: Annotated[int, typer.Option(help="Length limit of a solution, tokens.")] = 40,
    temperature: Annotated[float, typer.Option(help="Of sampling; scores are untempered at any.")] = 1.0,
    z_token: Annotated[str, typer.Option(help="Verdict token z_c; empty: one the model ships unused.")] = "",
    beta_v: Annotated[float, typer.Option(help="Scale of the score, reward per nat.")] = 0.1,
    c_ref: Annotated[
        float | None, typer.Option(help="Reference log-prob, nats; unset: measured on --reference.")
    ] = None,
    reference: Annotated[str, typer.Option(help="Model to measure c_ref on; the model itself by default.")] = "",
    seed: Seed = 0,
) -> None:
    """Sample solutions of problems, score and verify them, and write the rollout table."""
    from laser_core.evaluate import measure_c_ref, sample_rollouts
    from laser_core.numerics import pick_dtype
    from laser_core.policy import load_policy
    from laser_core.progress import plain_bar
    from laser_core.rollouts import write_parquet
    from laser_core.tasks import load_problems

    source = str(problems) if problems else task
    found = load_problems(source, "all" if problems else split)[:limit]
    if not found:
        raise InputError("no problems", file=source, remedy="choose another split or file")
    policy = load_policy(model, z_token=z_token)
    ref_policy = load_policy(reference, z_token=policy.z_token) if reference else policy
    c_ref_std = None
    if c_ref is None:
        c_ref, c_ref_std, count = measure_c_ref(ref_policy, found[:128], max_new_tokens=max_new_tokens, seed=seed)
        typer.echo(f"c_ref = {c_ref:.2f} nats (std {c_ref_std:.2f} over {count} solutions of {reference or model})")
        if not reference:
            typer.echo(
                "A trained model's own c_ref makes scores relative to itself: give --reference or --c-ref.", err=True
            )
    with plain_bar("sampling", len(found)) as advance:
        rollouts = sample_rollouts(
            policy,
            found,
            run=Path(model.removeprefix("bundled:")).name,
            samples=n,
            beta_v=beta_v,
            c_ref=c_ref,
            c_ref_std=c_ref_std,
            max_new_tokens=max_new_tokens,
            seed=seed,
            task=source,
            temperature=temperature,
            dtype=pick_dtype("auto"),
            reference=ref_policy if reference else None,
            on_progress=lambda done, total: advance(done, "problems"),
        )
    write_parquet(rollouts, out)
    typer.echo(headline(rollouts))
    typer.echo(f"Wrote {len(rollouts)} rollouts to {out}")


def score(
    model: Annotated[str, typer.Argument(help="Hugging Face name, folder, or bundled:laser.")],
    rollouts: Annotated[Path, typer.Argument(help="A rollout file of any known format.")],
    out: Out,
    reference: Annotated[str, typer.Option(help="The model before training: measures c_ref.")] = "",
    c_ref: Annotated[float | None, typer.Option(help="Nats; instead of --reference.")] = None,
    beta_v: Annotated[float, typer.Option(help="Scale of the score, reward per nat.")] = 0.1,
    z_token: Annotated[str, typer.Option(help="Verdict token z_c; empty: one the model ships unused.")] = "",
    traces: Annotated[
        bool, typer.Option("--traces", help="Also log-probs, entropy and z_c after every token.")
    ] = False,
) -> None:
    """Add last-token scores (and traces) to rollouts that any model wrote."""
    from laser_core.numerics import pick_dtype
    from laser_core.policy import load_policy
    from laser_core.progress import plain_bar
    from laser_core.rescore import score_rollouts
    from laser_core.rollouts import read, write_parquet

    table = read(rollouts).rollouts
    policy = load_policy(model, z_token=z_token)
    ref_policy = load_policy(reference, z_token=policy.z_token) if reference else None
    with plain_bar("scoring", len(table)) as advance:
        scored = score_rollouts(
            policy,
            table,
            beta_v=beta_v,
            c_ref=c_ref,
            reference=ref_policy,
            traces=traces,
            dtype=pick_dtype("auto"),
            on_progress=lambda done, total: advance(done, "rollouts"),
        )
    write_parquet(scored, out)
    spread = "" if scored.meta.c_ref_std is None else f" (standard deviation {scored.meta.c_ref_std:.2f})"
    typer.echo(f"z_c = {policy.z_token}, beta_v = {beta_v:g}, c_ref = {scored.meta.c_ref:.2f} nats{spread}")
    if scored.meta.c_ref_std is not None and beta_v * scored.meta.c_ref_std > NOISY_SCORE:
        noise = f"{beta_v * scored.meta.c_ref_std:.2f}"
        typer.echo(f"c_ref is not constant: that is {noise} of noise in scores that should tell 0 from 1.", err=True)
        typer.echo("Choose a token the model never uses (--z-token).", err=True)
    typer.echo(f"Wrote {len(scored)} rollouts to {out}")
