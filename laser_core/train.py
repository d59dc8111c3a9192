"""Train LaSeR, or plain GRPO, on any causal LM: the loop around :mod:`laser_core.step`, and everything it keeps.

Departures from the paper, beside those of a single step:

1. c_ref is measured on the starting model's own solutions (mean, std and n are recorded) unless it is given.
2. The learning rate warms up linearly and decays linearly to zero, because a short run is evaluated at its end.
3. The defaults of learning rate, batch and length suit the miniature world; ``LaserConfig.published`` has the paper's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from laser_core.ablations import objective_of, verdict_tokens
from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.evaluate import Sampling, sample_rollouts
from laser_core.fast.precision import pick_dtype
from laser_core.models.notes import ModelNotes
from laser_core.pick_token import Settled, settle_token
from laser_core.policy import Policy, choose_z_token, load_policy, with_prompt
from laser_core.reference_level import Level
from laser_core.rollouts import Rollouts, write_parquet
from laser_core.runfolder import guards, trackers
from laser_core.runfolder.checkpoints import RunState
from laser_core.runfolder.folder import RunFolder
from laser_core.runfolder.guards import Stop
from laser_core.runfolder.provenance import provenance
from laser_core.step import TrainingRun, training_step
from laser_core.tasks import Problem, load_problems

C_REF_PROBLEMS = 128  # x 4 solutions; the paper uses 300 pairs
VALIDATION_PROBLEMS = 128  # in an evaluation on the way


@dataclass(frozen=True)
class Progress:
    """What a run reports as it goes.

    Attributes
    ----------
    stage : str
        "train" or "evaluate".
    done, total : int
        Steps, or problems of the evaluation.
    event : dict
        The step's line of ``events.jsonl``; empty during an evaluation.
    note : str
        A sentence for the user, or nothing.
    """

    stage: str
    done: int
    total: int
    event: dict
    note: str = ""


def load_start(config: LaserConfig) -> Policy:
    """The model a run starts from, with the verdict tokens and the prompt its settings ask for."""
    policy = load_policy(config.model, z_token=config.z_token)
    return with_prompt(verdict_tokens(policy, config), config.prompt_settings())


def train(
    config: LaserConfig,
    out: str | Path,
    *,
    resume: bool = False,
    name: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Rollouts:
    """Train and evaluate; everything a run produces is in the folder ``out`` (see :class:`RunFolder`).

    A step's problems and draws depend on the seed and the step alone. The same seed therefore gives the same curve, and
    a resumed run the curve of an uninterrupted one, bit for bit on one machine.

    Parameters
    ----------
    config : LaserConfig
    out : str or Path
        The run's folder.
    resume : bool
        Whether to resume from the last checkpoint in ``out``.
    name : str, optional
        Of the run in the rollout table; by default the method's, and for a resumed run the one it has.
    on_progress : callable, optional
        Called with a :class:`Progress` after every step and every evaluation batch.

    Returns
    -------
    Rollouts
        The evaluation on held-out problems.

    Raises
    ------
    InputError
        If ``out`` holds another run, holds nothing to resume, or is in use; or if a setting cannot work.
    RunError
        If the disk or the memory is full, or the losses diverge; the last checkpoint is kept.
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
    config, pool, held_out = folder.config, _training_problems(folder.config), _held_out_problems(folder.config)
    run, state = _start_or_resume(folder, pool, report)
    folder.record(provenance(run.dtype), from_step=state["step"])

    def validate() -> None:
        if config.eval_every and state["step"] % config.eval_every == 0 and 0 < state["step"] < config.steps:
            name = f"validation-{state['step']}.parquet"
            _evaluate(run, folder, state, stop, report, problems=held_out["validation"], file=name)

    if not (folder.path / f"validation-{state['step']}.parquet").is_file():
        validate()  # it was interrupted
    for step in range(state["step"], config.steps):
        started = time.perf_counter()
        chosen = np.random.default_rng([config.seed, step]).choice(len(pool), config.prompts_per_step, replace=False)
        event = training_step(
            run,
            [pool[i] for i in chosen],
            step=step,
            on_rollouts=folder.keep_rollouts if config.keep_rollouts else None,
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
            folder.checkpoints.save(run.policy.model, run.optimizer, state)
        stop.check(done)
        validate()

    folder.save_model(run.policy.model, run.policy.tokenizer, _notes(run.policy, state))
    return _evaluate(run, folder, state, stop, report, problems=held_out["test"], file="rollouts.parquet")


def _training_problems(config: LaserConfig) -> Sequence[Problem]:
    pool = load_problems(config.task, "train")
    if len(pool) < config.prompts_per_step:
        raise InputError(
            f"{len(pool)} training problems, fewer than one step takes", field="prompts_per_step", remedy="lower it"
        )
    return pool


def _held_out_problems(config: LaserConfig) -> dict[str, Sequence[Problem]]:
    """The problems of every evaluation to come, by split: a missing split must show before the first step."""
    found: dict[str, Sequence[Problem]] = {}
    for split, size, setting in (
        ("validation", VALIDATION_PROBLEMS if 0 < config.eval_every < config.steps else 0, "eval_every"),
        ("test", config.eval_problems, "eval_problems"),
    ):
        reason = "it holds no problem"
        try:
            found[split] = load_problems(config.task, split)[:size] if size else ()
        except InputError as error:
            reason = error.problem
        if size and not found.get(split):
            raise InputError(
                f"'{config.task}' has no {split} split to evaluate on ({reason})",
                field="task",
                remedy=f"give a local .jsonl file, which is divided into splits, or set {setting} = 0",
            )
    return found


def _start_or_resume(
    folder: RunFolder, pool: Sequence[Problem], report: Callable[[Progress], None]
) -> tuple[TrainingRun, RunState]:
    """The run with its models loaded: from the newest checkpoint, or from the start with c_ref measured."""
    config = folder.config
    dtype = pick_dtype(config.dtype)
    reference = load_start(config)
    policy = replace(load_start(config), name=f"{config.model}, {config.steps} steps of {config.method}")
    optimizer = torch.optim.AdamW(
        policy.model.parameters(), lr=config.lr, betas=(0.9, 0.99), weight_decay=config.weight_decay
    )
    state, notes = folder.restore(policy.model, optimizer)
    if state is None:
        settled = _settle(config, reference, pool)
        level, reference = settled.level, settled.policy
        state = RunState(step=0, c_ref=level.c_ref, c_ref_std=level.c_ref_std, c_ref_n=level.n)
        state["z_token"] = reference.z_token
        notes = [*notes, settled.sentence(), *level.warnings(), reference.asks.sentence()]
    elif state.get("z_token") and not reference.more_z_ids and reference.z_wrong_id is None:
        token, z_id = choose_z_token(reference.tokenizer, state["z_token"] or "")
        reference = replace(reference, z_token=token, z_id=z_id)
    policy = replace(policy, z_token=reference.z_token, z_id=reference.z_id)
    for note in notes:
        report(Progress("train", state["step"], config.steps, {}, note))
    return TrainingRun(config, policy, optimizer, objective_of(config, state["c_ref"]), dtype, reference), state


def _settle(config: LaserConfig, reference: Policy, pool: Sequence[Problem]) -> Settled:
    """The verdict token, and c_ref as given or measured on the starting model."""
    if config.c_ref is not None:
        return Settled(reference, Level(config.beta_v, config.c_ref))
    return settle_token(
        reference,
        pool[:C_REF_PROBLEMS],
        beta_v=config.beta_v,
        max_new_tokens=config.max_new_tokens,
        seed=config.seed,
        fixed=bool(config.z_token or config.z_tokens),
    )


def _notes(policy: Policy, state: RunState) -> ModelNotes:
    """What the trained model's folder says of it; several verdict tokens cannot be named there."""
    z_token = policy.z_token if not policy.more_z_ids and policy.z_wrong_id is None else None
    return ModelNotes(policy.asks, z_token, state["c_ref"] if z_token else None)


def _evaluate(
    run: TrainingRun,
    folder: RunFolder,
    state: RunState,
    stop: Stop,
    report: Callable[[Progress], None],
    *,
    problems: Sequence[Problem],
    file: str,
) -> Rollouts:
    """Sample the policy on held-out problems and write the table.

    The run's state must have been saved: a stop that comes meanwhile counts as one after ``state["step"]`` steps.
    """
    config = run.config

    def on_batch(done: int, total: int) -> None:
        report(Progress("evaluate", done, total, {}))
        stop.check(state["step"])

    settings = Sampling(
        run=folder.name,
        samples=config.eval_samples,
        max_new_tokens=config.max_new_tokens,
        seed=config.seed,
        beta_v=config.beta_v,
        c_ref=state["c_ref"],
        c_ref_std=state["c_ref_std"],
        dtype=run.dtype,
        step=state["step"],
        task=config.task,
    )
    rollouts = sample_rollouts(
        run.policy,
        problems,
        settings,
        reference=run.reference,
        score_of=run.objective.score,
        on_progress=on_batch,
    )
    write_parquet(rollouts, folder.path / file)
    return rollouts
