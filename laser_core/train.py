"""Train LaSeR, or plain GRPO, on any causal LM: the loop around :mod:`laser_core.step`, and everything it keeps.

Departures from the paper and its official code, beside those of a single step:

1. c_ref is measured on the starting model's own solutions (mean, std and n are recorded) unless it is given; the
   official runs write it into their settings (-23 for Qwen2.5, -25 for OctoThinker).
2. The learning rate warms up linearly and decays linearly to zero, because a short run is evaluated at its end; theirs
   is constant.
3. AdamW's second beta is 0.99 and its weight decay 0: a run of a hundred steps is over before an average of a thousand
   squared gradients has settled. The official optimiser has verl's 0.999 and 0.01; so has ``LaserConfig.published``.
4. The defaults of learning rate, batch and length suit the miniature world; ``LaserConfig.published`` has the paper's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from laser_core.ablations import objective_of
from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.evaluate import Sampling, sample_rollouts
from laser_core.fast.choice import Lean, choose
from laser_core.fast.devices import pick_device
from laser_core.fast.optimiser import adamw
from laser_core.fast.precision import pick_dtype
from laser_core.generate import counting
from laser_core.policy import Policy
from laser_core.rollouts import Rollouts, write_parquet
from laser_core.runfolder import guards, trackers
from laser_core.runfolder.checkpoints import RunState
from laser_core.runfolder.folder import RunFolder
from laser_core.runfolder.guards import Stop
from laser_core.runfolder.loop import run_steps
from laser_core.runfolder.provenance import provenance
from laser_core.start import adapter_sentence, fit_into_memory, learner_beside, load_start, with_lean
from laser_core.step import TrainingRun, training_step
from laser_core.tasks import Problem, load_problems
from laser_core.token_choice.pick_token import Settled, settle_token, with_settled_token
from laser_core.token_choice.reference_level import Level

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
    doing : str
        What is going on within the stage, or nothing.
    tokens : int, optional
        Tokens that it has sampled so far.
    """

    stage: str
    done: int
    total: int
    event: dict
    note: str = ""
    doing: str = ""
    tokens: int | None = None


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
        Called with a :class:`Progress` after every step and every evaluation batch, and many times in between.

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
    folder.record(provenance(run.dtype, run.policy.model.device), from_step=state["step"])

    def validate() -> None:
        if config.eval_every and state["step"] % config.eval_every == 0 and 0 < state["step"] < config.steps:
            name = f"validation-{state['step']}.parquet"
            evaluate_run(run, folder, state, stop, report, problems=held_out["validation"], file=name)

    if not (folder.path / f"validation-{state['step']}.parquet").is_file():
        validate()  # it was interrupted

    def step(number: int) -> dict:
        chosen = np.random.default_rng([config.seed, number]).choice(len(pool), config.prompts_per_step, replace=False)
        return training_step(
            run,
            [pool[i] for i in chosen],
            step=number,
            on_rollouts=folder.keep_rollouts if config.keep_rollouts else None,
        )

    def on_event(event: dict) -> None:
        track(event)
        report(Progress("train", event["step"] + 1, config.steps, event, guards.remark(event, config)))

    run_steps(
        folder,
        state,
        stop,
        step,
        model=run.policy.model,
        optimizer=run.optimizer,
        on_event=on_event,
        after_step=validate,
    )
    folder.save_model(run.policy.model, run.policy.tokenizer, run.policy.notes(state["c_ref"]))
    return evaluate_run(run, folder, state, stop, report, problems=held_out["test"], file="rollouts.parquet")


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

    def tell(note: str = "", doing: str = "", tokens: int | None = None) -> None:
        report(Progress("train", state["step"] if state else 0, config.steps, {}, note, doing, tokens))

    state: RunState | None = None
    device = pick_device(config.device)
    dtype = pick_dtype(config.dtype, device)
    tell(doing="loading the model")
    reference = load_start(config, device, dtype)
    policy = learner_beside(reference, config, device, dtype)
    policy = replace(policy, name=f"{config.model}, {config.steps} steps of {config.method}")
    if sentence := adapter_sentence(policy.model):
        tell(sentence)
    optimizer = adamw(policy.model, lr=config.lr, weight_decay=config.weight_decay, beta2=config.adam_beta2)
    state, notes = folder.restore(policy.model, optimizer)
    for note in notes:
        tell(note)
    if state is None:
        tell(doing="measuring which forward pass is faster")
        choice = choose(reference.model, dtype, reference.pad_id, to_train=not config.lora_rank)
        reference = replace(reference, lean=choice.lean)
        tell(choice.reason, doing="measuring c_ref")
        settled = _settle(config, reference, pool, tell)
        level, reference = settled.level, settled.policy
        for sentence in (reference.asks.sentence(), settled.sentence(), *level.warnings()):
            tell(sentence)
        lean = [choice.lean.sampling, choice.lean.training]
        state = RunState(step=0, c_ref=level.c_ref, c_ref_std=level.c_ref_std, c_ref_n=level.n, lean=lean)
        state["z_token"] = reference.z_token
    reference = with_settled_token(reference, state.get("z_token"))
    policy = replace(policy, z_token=reference.z_token, z_id=reference.z_id)
    policy, reference = (with_lean(model, Lean(*state["lean"])) for model in (policy, reference))
    policy, batches = fit_into_memory(policy, config, dtype, say=tell)
    run = TrainingRun(
        config,
        policy,
        optimizer,
        objective_of(config, state["c_ref"]),
        dtype,
        reference,
        batches,
        on_activity=lambda doing, tokens: tell(doing=doing, tokens=tokens),
    )
    return run, state


def _settle(config: LaserConfig, reference: Policy, pool: Sequence[Problem], tell: Callable[..., None]) -> Settled:
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
        batches=reference.batches(reference.model.dtype, say=tell),
        on_progress=counting(lambda tokens: tell(doing="measuring c_ref", tokens=tokens)),
    )


def evaluate_run(
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

    done_so_far = 0

    def on_batch(done: int, total: int) -> None:
        nonlocal done_so_far
        done_so_far = done
        report(Progress("evaluate", done, total, {}))
        stop.check(state["step"])

    def say(note: str) -> None:
        report(Progress("evaluate", done_so_far, len(problems), {}, note))

    def on_tokens(tokens: int) -> None:
        report(Progress("evaluate", done_so_far, len(problems), {}, doing="sampling", tokens=tokens))

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
        batches=run.policy.batches(run.dtype, say=say),
        on_progress=on_batch,
        on_tokens=counting(on_tokens),
    )
    write_parquet(rollouts, folder.path / file)
    return rollouts
