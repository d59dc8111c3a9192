"""``laser sample`` and ``laser score``: solutions from a model, and scores for solutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laser_core.commands import Out, PromptPairs, Seed, echo_start, headline, problems_of, prompt_of
from laser_core.errors import InputError

if TYPE_CHECKING:
    import torch

    from laser_core.pick_token import Settled
    from laser_core.policy import Policy
    from laser_core.tasks import Problem

C_REF_PROBLEMS = 128  # x 4 solutions, as in training


def sample(
    model: Annotated[str, typer.Argument(help="Hugging Face name, folder, or bundled:laser.")],
    out: Out,
    task: Annotated[str, typer.Option(help="Generated family (linear, ...) or Hugging Face dataset.")] = "linear",
    problems: Annotated[
        Path | None, typer.Option(help="A .jsonl or .parquet file of problems instead of a task.")
    ] = None,
    split: Annotated[str, typer.Option(help="train, validation, test or all.")] = "test",
    limit: Annotated[int | None, typer.Option(help="Use at most this many problems.")] = None,
    n: Annotated[int, typer.Option("-n", help="Solutions per problem.")] = 16,
    max_new_tokens: Annotated[int, typer.Option(help="Longest solution, in tokens.")] = 40,
    temperature: Annotated[float, typer.Option(help="Sampling temperature; the score is always read at 1.")] = 1.0,
    z_token: Annotated[str, typer.Option(help="Verdict token z_c; by default an unused token of the model.")] = "",
    beta_v: Annotated[float, typer.Option(help="Scale of the score, in reward units per nat.")] = 0.1,
    c_ref: Annotated[
        float | None, typer.Option(help="Reference constant, in nats; measured on --reference by default.")
    ] = None,
    reference: Annotated[str, typer.Option(help="Model to measure c_ref with; the model itself by default.")] = "",
    prompt: PromptPairs = None,
    seed: Seed = 0,
) -> None:
    """Sample solutions, score and verify them, and write the rollout table."""
    from laser_core.commands.bars import plain_bar
    from laser_core.evaluate import Sampling, sample_rollouts
    from laser_core.fast.precision import pick_dtype
    from laser_core.rollouts import write_parquet

    source = str(problems) if problems else task
    found = problems_of(source, "all" if problems else split, limit)
    policy, ref_policy = _loaded(model, reference, z_token, prompt)
    settled = _settled(policy, ref_policy, found, c_ref, beta_v, max_new_tokens, seed, measured_on=reference)
    policy, level = settled.apply(policy), settled.level
    echo_start(settled.sentence(), *level.warnings(), policy.asks.sentence())
    with plain_bar("sampling", len(found)) as advance:
        settings = Sampling(
            run=Path(model.removeprefix("bundled:")).name,
            samples=n,
            max_new_tokens=max_new_tokens,
            seed=seed,
            c_ref=level.c_ref,
            c_ref_std=level.c_ref_std,
            beta_v=beta_v,
            temperature=temperature,
            dtype=pick_dtype("auto"),
            task=source,
        )
        rollouts = sample_rollouts(
            policy,
            found,
            settings,
            reference=settled.policy if reference else None,
            on_progress=lambda done, total: advance(done, "problems"),
        )
    write_parquet(rollouts, out)
    typer.echo(headline(rollouts))
    typer.echo(f"Wrote {len(rollouts)} rollouts to {out}")


def _loaded(model: str, reference: str, z_token: str, prompt: list[str] | None) -> tuple[Policy, Policy]:
    """The model and its reference (itself, where none is named), asked in the same way."""
    from laser_core.models.verdict_token import NAMED, NEW
    from laser_core.policy import load_policy, with_prompt

    settings = prompt_of(prompt)
    policy = with_prompt(load_policy(model, z_token=z_token), settings)
    if not reference:
        return policy, policy
    same_token = policy.z_token if policy.z_kind in (NAMED, NEW) else ""
    return policy, replace(load_policy(reference, z_token=same_token), prompt=policy.prompt)


def _settled(
    policy: Policy,
    ref_policy: Policy,
    problems: Sequence[Problem],
    c_ref: float | None,
    beta_v: float,
    max_new_tokens: int,
    seed: int,
    *,
    measured_on: str,
) -> Settled:
    """The verdict token and c_ref: as given, as noted with the model, or measured on the reference."""
    from laser_core.pick_token import Settled, settle_token
    from laser_core.reference_level import Level

    if c_ref is None and not measured_on:
        c_ref = policy.c_ref
    if c_ref is not None:
        return Settled(ref_policy, Level(beta_v, c_ref))
    found = settle_token(ref_policy, problems[:C_REF_PROBLEMS], beta_v=beta_v, max_new_tokens=max_new_tokens, seed=seed)
    if not measured_on:
        typer.echo(
            "c_ref was measured on the model itself. If it has been trained, give --reference or --c-ref instead.",
            err=True,
        )
    return found


def score(
    model: Annotated[str, typer.Argument(help="Hugging Face name, folder, or bundled:laser.")],
    rollouts: Annotated[Path, typer.Argument(help="A rollout file in any known format.")],
    out: Out,
    reference: Annotated[str, typer.Option(help="The model before training, to measure c_ref with.")] = "",
    c_ref: Annotated[float | None, typer.Option(help="Reference constant, in nats; instead of --reference.")] = None,
    beta_v: Annotated[float, typer.Option(help="Scale of the score, in reward units per nat.")] = 0.1,
    z_token: Annotated[str, typer.Option(help="Verdict token z_c; by default an unused token of the model.")] = "",
    traces: Annotated[
        bool, typer.Option("--traces", help="Also write log-probs, entropy and the log-prob of z_c after every token.")
    ] = False,
    dtype: Annotated[str, typer.Option(help="float32 (exact), bfloat16, or auto (the faster one here).")] = "float32",
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto (a GPU if there is one).")] = "auto",
    prompt: PromptPairs = None,
) -> None:
    """Add last-token scores, and traces if asked, to rollouts of any model. If interrupted, run it again to resume."""
    from laser_core.commands.bars import plain_bar, time_left
    from laser_core.fast.precision import pick_dtype
    from laser_core.rescoring.file import score_file

    if dtype not in ("float32", "bfloat16", "auto"):
        raise typer.BadParameter("choose float32, bfloat16 or auto", param_hint="--dtype")
    place = _device(device)
    policy, ref_policy = _loaded(model, reference, z_token, prompt)
    for loaded in {id(p): p for p in (policy, ref_policy)}.values():
        loaded.model.to(place)  # type: ignore[arg-type]  # transformers' decorator hides the signature
    noted = None if reference or z_token else policy.c_ref  # with the model, for its own verdict token
    with plain_bar("scoring", None) as advance:
        done = score_file(
            policy,
            rollouts,
            out,
            beta_v=beta_v,
            c_ref=noted if c_ref is None else c_ref,
            reference=ref_policy if reference else None,
            z_chosen=bool(z_token) or noted is not None,
            prompt_chosen=bool(prompt),
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
        typer.echo(f"{done.n_resumed:,} rollouts were already scored by an interrupted run")
    unscored = done.n_rollouts - done.n_scored
    cut = f"; {unscored:,} are cut off before <eos> and have no score" if unscored else ""
    typer.echo(f"Scored {done.n_scored:,} of {done.n_rollouts:,} rollouts in {done.seconds:.0f} s{cut}")
    typer.echo(f"Wrote {out}")


def _device(name: str) -> torch.device:
    """The device that --device names.

    Raises
    ------
    InputError
        If it is a GPU and PyTorch finds none, or if PyTorch knows no such device.
    """
    import torch

    available = torch.cuda.is_available()
    if name.startswith("cuda") and not available:
        raise InputError("PyTorch finds no GPU", field="device", remedy="use --device cpu")
    try:
        return torch.device(("cuda" if available else "cpu") if name == "auto" else name)
    except RuntimeError:
        raise InputError(f"there is no device {name!r}", field="device", remedy="use cpu, cuda or auto") from None
