"""Train LaSeR, or plain GRPO, on any causal LM: the paper's loop, top to bottom.

Departures from the paper, and from its official code where that departs from the paper:

1. The advantage's scores come from the sampler, which feeds <eos> back once; the official advantage path recomputes
   log-probs without inserting z_c.
2. A truncated solution has no score. It is left out of the score loss (and of its denominator), of its problem's score
   statistics, and of the blend; the official code counts it as score 0 in the statistics alone.
3. c_ref is measured on the starting model's own solutions (mean, std and n are recorded) unless it is given.
4. The policy loss averages over all response tokens of the step, not within each solution first.
5. The learning rate warms up linearly and decays linearly to zero, because the end of a short run is what is judged.
6. The defaults of learning rate, batch and length suit the miniature world; ``LaserConfig.published`` has the paper's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from laser_core import algorithm
from laser_core.ablations import ScoreRule
from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.evaluate import (
    against_reference,
    measure_c_ref,
    reference_z_logprob,
    responses_of,
    sample_rollouts,
    training_rows,
    verify_rewards,
)
from laser_core.fast.precision import pick_dtype
from laser_core.generate import generate
from laser_core.policy import Policy, load_policy, with_verdict_tokens
from laser_core.rollouts import Rollouts, write_parquet
from laser_core.runfolder import guards, step_metrics, trackers
from laser_core.runfolder.folder import RunFolder
from laser_core.runfolder.guards import Stop
from laser_core.runfolder.provenance import provenance
from laser_core.scoring import Solutions, score_in_micro_batches
from laser_core.tasks import Problem, load_problems

C_REF_PROBLEMS = 128  # x 4 solutions; the paper uses 300 pairs
VALIDATION_PROBLEMS = 128  # in an evaluation on the way


@dataclass(frozen=True)
class Progress:
    """What a run reports as it goes; ``event`` is a line of ``events.jsonl``."""

    stage: str  # "train" or "evaluate"
    done: int
    total: int
    event: dict
    note: str = ""  # a sentence for the user


def training_step(
    policy: Policy,
    optimizer: torch.optim.Optimizer,
    config: LaserConfig,
    problems: Sequence[Problem],
    *,
    step: int,
    c_ref: float,
    dtype: torch.dtype,
    reference: Policy | None = None,
    on_rollouts: Callable[[list[dict]], None] | None = None,
) -> dict[str, float]:
    """One step of GRPO with LaSeR's score loss and integrated advantages; returns the step's event.

    Parameters
    ----------
    problems : this step's G problems
    step : from 0; decides the phase of the schedule and the random draws
    reference : the model before training; reads every solution for the exact reference, else a few of them, so that
        the event can say how far the policy has moved
    on_rollouts : called with the step's solutions as rows of the rollout table
    """
    phase, group_size, rule = config.phase(step), config.rollouts_per_prompt, ScoreRule.of(config, c_ref)
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)

    # K solutions y of each problem x, and log pi(z_c | x, y, <eos>) from one more decode step.
    prompts = [policy.encode_prompt(problem.text) for problem in problems]
    started = time.perf_counter()
    sampled = generate(
        policy,
        prompts,
        samples=group_size,
        max_new_tokens=config.max_new_tokens,
        generator=generator,
        temperature=config.temperature,
        dtype=dtype,
    )
    sample_seconds = time.perf_counter() - started
    scored = ~sampled.truncated
    solutions = Solutions.pack([p for p in prompts for _ in range(group_size)], responses_of(sampled), policy)
    ref_z = None
    if rule.needs_reference:
        ref_z = reference_z_logprob(reference, solutions, dtype=dtype, max_tokens=config.micro_batch_tokens)

    # The verifier's rewards r_v, the policy's own scores r_s, and the advantages A.
    reward, texts, answers = verify_rewards(policy, sampled, problems, group_size)
    score = rule.score(sampled.z_logprob, z_wrong_logprob=sampled.z_wrong_logprob, ref_z_logprob=ref_z)
    if on_rollouts:
        on_rollouts(training_rows(config, step, problems, sampled, texts, answers, reward, score))
    self_rewarded = phase == "laser" and config.reward_source == "score"
    if self_rewarded:  # the ablation without a verifier: a solution without a score earns 0, as from the verifier
        advantage = algorithm.group_advantages(torch.where(scored, score, 0.0), group_size)
    elif phase == "laser" and config.integrate_advantages:
        advantage = algorithm.integrated_advantages(
            reward, score, scored, group_size, tau=config.tau, std_threshold=config.std_threshold
        )
    else:
        advantage = algorithm.group_advantages(reward, group_size)

    # Each class weighs the same in the score loss.
    weight = algorithm.class_weights(reward, scored) if config.class_weighting else scored.float()
    alpha = 0.0 if phase == "grpo" or self_rewarded else config.alpha

    # Update: policy loss + alpha * score loss, both from the same forward pass.
    n_tokens, n_scored = int(solutions.length.sum()), int(scored.sum())
    for _ in range(config.updates_per_step):
        optimizer.zero_grad()
        losses, clipped = torch.zeros(2), torch.zeros(2)
        batches = score_in_micro_batches(policy, solutions, max_tokens=config.micro_batch_tokens, dtype=dtype)
        for rows, now in batches:
            tokens = now.logprob, sampled.logprob[rows, : now.logprob.shape[1]], advantage[rows], now.mask
            clip = {"clip_low": config.clip_low, "clip_high": config.clip_high}
            policy_loss = algorithm.policy_loss(*tokens, **clip, n_tokens=n_tokens)
            score_loss = rule.loss(
                now.z_logprob,
                reward[rows],
                weight[rows],
                n_scored=n_scored,
                z_wrong_logprob=now.z_wrong_logprob,
                ref_z_logprob=None if ref_z is None else ref_z[rows],
            )
            (policy_loss + alpha * score_loss).backward()
            losses += torch.stack([policy_loss.detach(), score_loss.detach()])
            with torch.no_grad():
                clipped += algorithm.clipped_tokens(*tokens, **clip)
        grad_norm = torch.nn.utils.clip_grad_norm_(policy.model.parameters(), config.max_grad_norm)
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate(step)
        optimizer.step()

    scores = step_metrics.score_summary(score, reward, scored, group_size, loss=losses[1].item())
    drift = {}
    if reference is not None:
        about = {"group_size": group_size, "beta_v": config.beta_v, "c_ref": c_ref, "dtype": dtype}
        drift = against_reference(reference, solutions, sampled, **about)
    return {
        "step": step,
        "phase": phase,
        **step_metrics.reward_summary(reward, group_size),
        "loss": (losses[0] + alpha * losses[1]).item(),
        "policy_loss": losses[0].item(),
        "score_loss": losses[1].item(),
        "balanced_f1": scores["laser/balanced_f1"],
        "within_problem_auroc": scores["laser/within_problem_auroc"],
        "entropy": (sampled.entropy.sum() / n_tokens).item(),
        **step_metrics.length_summary(solutions.length, sampled.truncated),
        **scores,
        **drift,
        "clip_ratio/low_mean": clipped[0].item() / n_tokens,
        "clip_ratio/high_mean": clipped[1].item() / n_tokens,
        "clip_ratio/region_mean": clipped.sum().item() / n_tokens,
        "grad_norm": grad_norm.item(),
        "lr": config.learning_rate(step),
        "n_tokens": n_tokens,
        "sample_seconds": sample_seconds,
    }


def load_start(config: LaserConfig) -> Policy:
    """The model a run starts from, with the verdict tokens its settings ask for."""
    policy = load_policy(config.model, z_token=config.z_token)
    z_wrong_token = config.z_wrong_token if config.score_form == "bce" else None
    return with_verdict_tokens(policy, z_tokens=config.z_tokens, z_wrong_token=z_wrong_token)


def train(
    config: LaserConfig,
    out: str | Path,
    *,
    resume: bool = False,
    name: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Rollouts:
    """Run a whole training and its evaluation; everything it leaves behind is in ``out`` (see :class:`RunFolder`).

    Problems and draws of a step depend on the seed and the step alone, so that the same seed gives the same curve, and
    a resumed run the curve of the uninterrupted one, bit for bit on one machine.

    Parameters
    ----------
    config : LaserConfig
    out : folder to write
    resume : go on from the last checkpoint in ``out``
    name : of the run in the rollout table; the method's by default, and a resumed run's own
    on_progress : called after every step and evaluation batch

    Returns
    -------
    Rollouts
        The evaluation on held-out problems.

    Raises
    ------
    InputError
        If ``out`` holds another run, or nothing to resume, or is in use; or a setting cannot work.
    RunError
        If the disk or the memory is full, or the losses go astray; the last checkpoint is kept.
    Interrupted
        After Ctrl-C or SIGTERM, with a checkpoint of the step reached.
    """
    with (
        RunFolder.open(out, config, resume=resume, name=name) as folder,
        trackers.opened(config, folder.path, folder.name) as track,
        guards.memory(config, folder=folder.path),
        Stop.on_signals() as stop,
    ):
        return _train(folder, stop, on_progress or (lambda progress: None), track)


def _train(
    folder: RunFolder, stop: Stop, report: Callable[[Progress], None], track: Callable[[dict], None]
) -> Rollouts:
    config = folder.config
    dtype = pick_dtype(config.dtype)
    pool = load_problems(config.task, "train")
    if len(pool) < config.prompts_per_step:
        raise InputError(
            f"{len(pool)} training problems, fewer than one step takes", field="prompts_per_step", remedy="lower it"
        )

    reference = load_start(config)
    policy = replace(load_start(config), name=f"{config.model}, {config.steps} steps of {config.method}")
    optimizer = torch.optim.AdamW(
        policy.model.parameters(), lr=config.lr, betas=(0.9, 0.99), weight_decay=config.weight_decay
    )
    state, notes = folder.restore(policy.model, optimizer)
    for note in notes:
        report(Progress("train", state["step"], config.steps, {}, note))
    if state is None:
        c_ref = (config.c_ref, None, 0)
        if config.c_ref is None:
            c_ref = measure_c_ref(
                reference, pool[:C_REF_PROBLEMS], max_new_tokens=config.max_new_tokens, seed=config.seed
            )
        state = {"step": 0, "c_ref": c_ref[0], "c_ref_std": c_ref[1], "c_ref_n": c_ref[2]}
    folder.record(provenance(dtype), from_step=state["step"])

    def evaluate(split: str, problems: int, file: str) -> Rollouts:
        """Needs the state to be saved: a stop while it runs is then a stop at that state."""

        def on_batch(done: int, total: int) -> None:
            report(Progress("evaluate", done, total, {}))
            stop.check(state["step"])

        rollouts = sample_rollouts(
            policy,
            load_problems(config.task, split)[:problems],
            run=folder.name,
            samples=config.eval_samples,
            beta_v=config.beta_v,
            c_ref=state["c_ref"],
            c_ref_std=state["c_ref_std"],
            max_new_tokens=config.max_new_tokens,
            seed=config.seed,
            step=state["step"],
            task=config.task,
            dtype=dtype,
            reference=reference,
            rule=ScoreRule.of(config, state["c_ref"]),
            on_progress=on_batch,
        )
        write_parquet(rollouts, folder.path / file)
        return rollouts

    def validate() -> None:
        if config.eval_every and state["step"] % config.eval_every == 0 and 0 < state["step"] < config.steps:
            evaluate("validation", VALIDATION_PROBLEMS, f"validation-{state['step']}.parquet")

    if not (folder.path / f"validation-{state['step']}.parquet").is_file():
        validate()  # it was interrupted
    for step in range(state["step"], config.steps):
        started = time.perf_counter()
        chosen = np.random.default_rng([config.seed, step]).choice(len(pool), config.prompts_per_step, replace=False)
        event = training_step(
            policy,
            optimizer,
            config,
            [pool[i] for i in chosen],
            step=step,
            c_ref=state["c_ref"],
            dtype=dtype,
            reference=reference,
            on_rollouts=(lambda rows, step=step: folder.keep_rollouts(rows, step)) if config.keep_rollouts else None,
        )
        event["step_seconds"] = time.perf_counter() - started
        event["tokens_per_second"] = event["n_tokens"] / event["step_seconds"]
        guards.check_step(event, config, folder=folder.path, saved=folder.checkpoints.newest_step())
        folder.log(event)
        track(event)
        report(Progress("train", step + 1, config.steps, event, guards.remark(event, config)))
        state["step"] = done = step + 1
        due = [every for every in (config.checkpoint_every, config.eval_every) if every and done % every == 0]
        if due or done == config.steps or stop.signal is not None:
            folder.checkpoints.save(policy.model, optimizer, state)
        stop.check(done)
        validate()

    folder.save_model(policy.model, policy.tokenizer)
    return evaluate("test", config.eval_problems, "rollouts.parquet")
