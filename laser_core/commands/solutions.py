"""``laser sample`` and ``laser score``: solutions from a model, and scores for solutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laser_core.commands import Device, Out, PromptPairs, Seed, headline, problems_of, prompt_of

if TYPE_CHECKING:
    import torch

    from laser_core.commands.bars import Activity
    from laser_core.evaluate import Sampling
    from laser_core.models.prompt import PromptSettings
    from laser_core.policy import Policy
    from laser_core.rollouts import Rollouts, RunMeta
    from laser_core.runfolder.parts import Parts
    from laser_core.tasks import Problem
    from laser_core.token_choice.pick_token import Settled

C_REF_PROBLEMS, C_REF_SAMPLES = 128, 4  # as in training


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
    max_new_tokens: Annotated[
        int | None, typer.Option(help="Longest solution, in tokens; by default 256, and 40 for the miniature models.")
    ] = None,
    temperature: Annotated[float, typer.Option(help="Sampling temperature; the score is always read at 1.")] = 1.0,
    z_token: Annotated[str, typer.Option(help="Verdict token z_c; by default an unused token of the model.")] = "",
    beta_v: Annotated[float, typer.Option(help="Scale of the score, in reward units per nat.")] = 0.1,
    c_ref: Annotated[
        float | None, typer.Option(help="Reference constant, in nats; measured on --reference by default.")
    ] = None,
    reference: Annotated[str, typer.Option(help="Model to measure c_ref with; the model itself by default.")] = "",
    prompt: PromptPairs = None,
    device: Device = "auto",
    dtype: Annotated[
        str, typer.Option(help="Of matrix products: bfloat16, float32 or auto (the faster here).")
    ] = "auto",
    seed: Seed = 0,
) -> None:
    """Sample solutions, score and verify them, and write the rollout table. If interrupted, run it again to resume."""
    from laser_core.commands.bars import Activity
    from laser_core.evaluate import Sampling
    from laser_core.rollouts import write_parquet
    from laser_core.runfolder.parts import Parts

    source = str(problems) if problems else task
    found, settings = problems_of(source, "all" if problems else split, limit), prompt_of(prompt)
    place, precision = where(device, dtype)
    asked = {
        "model": model, "reference": reference, "problems": [problem.text for problem in found], "n": n, "seed": seed,
        "max_new_tokens": max_new_tokens, "temperature": temperature, "z_token": z_token, "beta_v": beta_v,
        "c_ref": c_ref, "prompt": prompt, "dtype": precision,
    }  # fmt: skip
    parts = Parts.of(out, asked)
    with Activity("sampling") as activity:
        policy, ref_policy = _both(model, reference, z_token, settings, place, precision, activity)
        longest = max_new_tokens or policy.usual_length
        settled = _resumed(ref_policy, parts.meta()) or _settled(
            policy, ref_policy, found, c_ref, beta_v, longest, seed, activity, measured_on=reference
        )
        policy, level = settled.apply(policy), settled.level
        for sentence in (policy.asks.sentence(), settled.sentence(), *level.warnings()):
            activity.say(sentence)
        plan = Sampling(
            run=Path(model.removeprefix("bundled:")).name,
            samples=n,
            max_new_tokens=longest,
            seed=seed,
            c_ref=level.c_ref,
            c_ref_std=level.c_ref_std,
            beta_v=beta_v,
            temperature=temperature,
            dtype=precision,
            task=source,
        )
        rollouts = _in_parts(policy, found, plan, parts, activity, reference=settled.policy if reference else None)
    write_parquet(rollouts, out)
    typer.echo(headline(rollouts))
    typer.echo(f"Wrote {len(rollouts)} rollouts to {out}")


def _in_parts(
    policy: Policy,
    problems: Sequence[Problem],
    plan: Sampling,
    parts: Parts,
    activity: Activity,
    *,
    reference: Policy | None,
) -> Rollouts:
    """The rollouts of all problems, a batch of problems at a time; batches that an earlier try has done are kept."""
    from laser_core.evaluate import sample_rollouts
    from laser_core.generate import counting

    size = plan.problems_at_once
    starts = range(0, len(problems), size)
    n_kept = min(len(problems), size * parts.n_kept())
    if n_kept:
        activity.say(f"{n_kept:,} of {len(problems):,} problems were already sampled by an interrupted run.")
    left = len(problems) - n_kept
    activity.begin(left, "problems", most_tokens=left * plan.samples * plan.max_new_tokens)
    arrived, batches = counting(activity.tokens), policy.batches(plan.dtype, say=activity.say)

    def make(start: int) -> Rollouts:
        batch, part = problems[start : start + size], replace(plan, first=start)
        done = sample_rollouts(policy, batch, part, reference=reference, batches=batches, on_tokens=arrived)
        activity.done(start + len(batch) - n_kept)
        return done

    return parts.complete(starts, make)


def _resumed(reference: Policy, meta: RunMeta | None) -> Settled | None:
    """The verdict token and c_ref that an interrupted run has settled on; None where there was none."""
    from laser_core.token_choice.pick_token import Settled, with_settled_token
    from laser_core.token_choice.reference_level import Level

    if meta is None or meta.c_ref is None or meta.beta_v is None:
        return None
    return Settled(with_settled_token(reference, meta.z_token), Level(meta.beta_v, meta.c_ref, meta.c_ref_std))


def where(device: str, dtype: str) -> tuple[torch.device, torch.dtype]:
    """The device and the precision that the options name.

    Raises
    ------
    typer.BadParameter
        If there is no such precision.
    InputError
        If there is no such device here.
    """
    from laser_core.fast.devices import pick_device
    from laser_core.fast.precision import pick_dtype

    if dtype not in ("float32", "bfloat16", "auto"):
        raise typer.BadParameter("choose float32, bfloat16 or auto", param_hint="--dtype")
    place = pick_device(device)
    return place, pick_dtype(dtype, place)


def loaded(model: str, z_token: str, device: torch.device, dtype: torch.dtype, activity: Activity) -> Policy:
    """The model on its device, with the faster forward pass chosen."""
    from laser_core.fast.choice import choose
    from laser_core.fast.devices import weights_dtype
    from laser_core.policy import load_policy

    activity.doing(f"loading {model}")
    policy = load_policy(model, z_token=z_token, device=device, dtype=weights_dtype(dtype, device))
    activity.doing("measuring which forward pass is faster")
    choice = choose(policy.model, dtype, policy.pad_id, to_train=False)
    if choice.reason:
        activity.say(choice.reason)
    return replace(policy, lean=choice.lean)


def _both(
    model: str,
    reference: str,
    z_token: str,
    prompt: PromptSettings,
    device: torch.device,
    dtype: torch.dtype,
    activity: Activity,
) -> tuple[Policy, Policy]:
    """The model and its reference (itself, where none is named), asked in the same way."""
    from laser_core.models.verdict_token import NAMED, NEW
    from laser_core.policy import with_prompt

    policy = with_prompt(loaded(model, z_token, device, dtype, activity), prompt)
    if not reference:
        return policy, policy
    same_token = policy.z_token if policy.z_kind in (NAMED, NEW) else ""
    return policy, replace(loaded(reference, same_token, device, dtype, activity), prompt=policy.prompt)


def _settled(
    policy: Policy,
    ref_policy: Policy,
    problems: Sequence[Problem],
    c_ref: float | None,
    beta_v: float,
    max_new_tokens: int,
    seed: int,
    activity: Activity,
    *,
    measured_on: str,
) -> Settled:
    """The verdict token and c_ref: as given, as noted with the model, or measured on the reference."""
    from laser_core.generate import counting
    from laser_core.token_choice.pick_token import Settled, settle_token
    from laser_core.token_choice.reference_level import Level

    if c_ref is None and not measured_on:
        c_ref = policy.c_ref
    if c_ref is not None:
        return Settled(ref_policy, Level(beta_v, c_ref))
    n = len(problems[:C_REF_PROBLEMS]) * C_REF_SAMPLES
    activity.doing("measuring c_ref", most_tokens=n * max_new_tokens)
    if not measured_on:
        activity.say(
            "c_ref is measured on the model itself. If it has been trained, give --reference or --c-ref instead."
        )
    return settle_token(
        ref_policy,
        problems[:C_REF_PROBLEMS],
        beta_v=beta_v,
        max_new_tokens=max_new_tokens,
        samples=C_REF_SAMPLES,
        seed=seed,
        batches=ref_policy.batches(ref_policy.model.dtype, say=activity.say),
        on_progress=counting(activity.tokens),
    )


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
    device: Device = "auto",
    prompt: PromptPairs = None,
) -> None:
    """Add last-token scores, and traces if asked, to rollouts of any model. If interrupted, run it again to resume."""
    from laser_core.commands.bars import Activity
    from laser_core.rescoring.file import score_file
    from laser_core.rollouts.reading.source import open_source

    with open_source(rollouts):  # a file that is not there is told before a model is loaded
        settings = prompt_of(prompt)
    place, precision = where(device, dtype)
    with Activity("scoring") as activity:
        policy, ref_policy = _both(model, reference, z_token, settings, place, precision, activity)
        noted = None if reference or z_token else policy.c_ref  # with the model, for its own verdict token
        activity.begin(None, "rollouts")
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
            dtype=precision,
            on_progress=lambda rows, total, left: activity.done(rows, total, left),
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
