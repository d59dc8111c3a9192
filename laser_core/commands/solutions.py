"""``laser sample`` and ``laser score``: solutions from a model, scores for solutions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from laser_core.commands import Out, Seed, headline
from laser_core.errors import InputError


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
    from laser_core.commands.bars import plain_bar
    from laser_core.evaluate import Sampling, sample_rollouts
    from laser_core.fast.precision import pick_dtype
    from laser_core.policy import load_policy
    from laser_core.reference import measure_c_ref
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
        settings = Sampling(
            run=Path(model.removeprefix("bundled:")).name,
            samples=n,
            max_new_tokens=max_new_tokens,
            seed=seed,
            c_ref=c_ref,
            c_ref_std=c_ref_std,
            beta_v=beta_v,
            temperature=temperature,
            dtype=pick_dtype("auto"),
            task=source,
        )
        rollouts = sample_rollouts(
            policy,
            found,
            settings,
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
    dtype: Annotated[str, typer.Option(help="float32 (exact), bfloat16, or auto: the faster of the two.")] = "float32",
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU where there is one.")] = "auto",
) -> None:
    """Add last-token scores (and traces) to rollouts that any model wrote. Killed, it goes on where it stopped."""
    import torch

    from laser_core.commands.bars import plain_bar, time_left
    from laser_core.fast.precision import pick_dtype
    from laser_core.policy import load_policy
    from laser_core.rescoring.file import score_file

    if dtype not in ("float32", "bfloat16", "auto"):
        raise typer.BadParameter("choose float32, bfloat16 or auto", param_hint="--dtype")
    place = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    if place.startswith("cuda") and not torch.cuda.is_available():
        raise InputError("there is no GPU that PyTorch can use", field="device", remedy="--device cpu")
    policy = load_policy(model, z_token=z_token)
    ref_policy = load_policy(reference, z_token=policy.z_token) if reference else None
    for loaded in (policy, ref_policy):
        if loaded is not None:
            loaded.model.to(place)
    with plain_bar("scoring", None) as advance:
        done = score_file(
            policy,
            rollouts,
            out,
            beta_v=beta_v,
            c_ref=c_ref,
            reference=ref_policy,
            z_chosen=bool(z_token),
            traces=traces,
            dtype=pick_dtype(dtype),
            on_progress=lambda rows, total, left: advance(rows, f"rollouts{time_left(left)}", total),
        )
    level, spread = done.level, ""
    if level.c_ref_std is not None:
        spread = f" (standard deviation {level.c_ref_std:.2f} over {level.n:,} solutions)"
    typer.echo(f"z_c = {done.z_token}, beta_v = {beta_v:g}, c_ref = {level.c_ref:.2f} nats{spread}")
    for warning in level.warnings():
        typer.echo(warning, err=True)
    if done.n_resumed:
        typer.echo(f"{done.n_resumed:,} rollouts had been scored by a run that was interrupted")
    unscored = done.n_rollouts - done.n_scored
    cut = f"; {unscored:,} are cut off before <eos> and have no score" if unscored else ""
    typer.echo(f"Scored {done.n_scored:,} of {done.n_rollouts:,} rollouts in {done.seconds:.0f} s{cut}")
    typer.echo(f"Wrote {out}")
