"""Supervised warm start: a model learns to write worked solutions, in the format and with the prompt of later runs.

A model that solves one problem in a hundred gives reinforcement learning nothing to reward. The loss is the mean
negative log-prob of the solutions' tokens, <eos> included; the prompt's tokens carry none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from laser_core.ablations import objective_of
from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.fast.batches import Batches
from laser_core.fast.devices import pick_device
from laser_core.fast.optimiser import adamw
from laser_core.fast.precision import pick_dtype
from laser_core.models.notes import ModelNotes
from laser_core.policy import Policy
from laser_core.rollouts import Rollouts
from laser_core.runfolder import guards, trackers
from laser_core.runfolder.checkpoints import RunState
from laser_core.runfolder.folder import RunFolder
from laser_core.runfolder.guards import Stop
from laser_core.runfolder.loop import run_steps, update
from laser_core.runfolder.provenance import provenance
from laser_core.scoring import Solutions, score_in_micro_batches
from laser_core.start import adapter_sentence, fit_into_memory, load_start, with_adapter
from laser_core.step import TrainingRun
from laser_core.tasks import load_problems
from laser_core.tasks.worked import WorkedProblem, load_worked
from laser_core.token_choice.pick_token import settle_token
from laser_core.train import Progress, evaluate_run

C_REF_PROBLEMS = 32  # x 4 solutions, of the trained model: the reference of whatever run starts from it


@dataclass(frozen=True)
class Examples:
    """Tokenised prompts and solutions, in the same order."""

    prompts: list[list[int]]
    responses: list[list[int]]

    @classmethod
    def of(cls, policy: Policy, worked: Sequence[WorkedProblem], *, answer_format: str, longest: int) -> Examples:
        """Those whose solution, <eos> included, has at most ``longest`` tokens: no longer one could be sampled."""
        prompts, responses = [], []
        for example in worked:
            text = policy.asks.joint + example.text(answer_format)
            response = [*policy.tokenizer.encode(text, add_special_tokens=False), policy.eos_id]
            if len(response) <= longest:
                prompts.append(policy.encode_prompt(example.problem.text))
                responses.append(response)
        return cls(prompts, responses)

    def __len__(self) -> int:
        return len(self.prompts)

    def pack(self, rows: Sequence[int], policy: Policy) -> Solutions:
        """Some of them, ready for a forward pass."""
        return Solutions.pack([self.prompts[i] for i in rows], [self.responses[i] for i in rows], policy)


def sft(
    config: LaserConfig,
    out: str | Path,
    *,
    epochs: float | None = None,
    resume: bool = False,
    name: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Rollouts | None:
    """Train on worked solutions, then sample held-out problems; everything is in the folder ``out``.

    Parameters
    ----------
    config : LaserConfig
        With ``method = "sft"``; ``task`` names worked problems (:func:`~laser_core.tasks.worked.load_worked`), and a
        step takes ``prompts_per_step`` of them.
    epochs : float, optional
        How often each solution that is short enough is seen; replaces the settings' ``steps``.
    out, resume, name, on_progress
        As of :func:`laser_core.train.train`.

    Returns
    -------
    Rollouts or None
        The evaluation on the test split; None where ``eval_problems`` is 0.

    Raises
    ------
    InputError, RunError, Interrupted
        As of :func:`laser_core.train.train`.
    """
    with (
        RunFolder.open(out, config, resume=resume, name=name) as folder,
        trackers.opened(config, folder.path, folder.name) as track,
        guards.memory(config, folder=folder.path),
        Stop.on_signals() as stop,
    ):
        return _sft(folder, epochs, stop, on_progress or (lambda progress: None), track)


def _sft(
    folder: RunFolder,
    epochs: float | None,
    stop: Stop,
    report: Callable[[Progress], None],
    track: Callable[[dict], None],
) -> Rollouts | None:
    config = folder.config
    state: RunState | None = None
    total = 0 if epochs else config.steps  # epochs decide it once the solutions are counted
    worked = load_worked(config.task, "train")
    held_out = load_problems(config.task, "test")[: config.eval_problems] if config.eval_problems else ()

    def tell(note: str = "", doing: str = "", tokens: int | None = None) -> None:
        report(Progress("train", state["step"] if state else 0, total, {}, note, doing, tokens))

    device = pick_device(config.device)
    dtype = pick_dtype(config.dtype, device)
    tell(doing="loading the model")
    start = with_adapter(load_start(config, device, dtype), config)
    policy, batches = fit_into_memory(start, config, dtype, say=tell)
    examples = _examples(policy, worked, config, tell)
    if epochs:
        config = config.replace(steps=max(1, math.ceil(epochs * len(examples) / config.prompts_per_step)))
        folder, total = replace(folder, config=config), config.steps
    optimizer = adamw(policy.model, lr=config.lr, weight_decay=config.weight_decay, beta2=config.adam_beta2)
    state, notes = folder.restore(policy.model, optimizer)
    for note in filter(None, (*notes, adapter_sentence(policy.model), policy.asks.sentence())):
        tell(note)
    state = state or RunState(step=0, c_ref=math.nan, c_ref_std=None, c_ref_n=0, lean=[True, True])
    folder.record(provenance(dtype, device), from_step=state["step"])
    run = TrainingRun(
        config,
        policy,
        optimizer,
        objective_of(config, math.nan),
        dtype,
        batches=batches,
        on_activity=lambda doing, tokens: tell(doing=doing, tokens=tokens),
    )

    def on_event(event: dict) -> None:
        track(event)
        report(Progress("train", event["step"] + 1, config.steps, event))

    run_steps(
        folder,
        state,
        stop,
        lambda number: supervised_step(run, examples, batches, number),
        model=policy.model,
        optimizer=optimizer,
        on_event=on_event,
    )
    folder.save_model(policy.model, policy.tokenizer, ModelNotes(policy.asks))
    if not held_out:
        return None
    problems = [example.problem for example in worked[:C_REF_PROBLEMS]]
    settled = settle_token(
        policy, problems, beta_v=config.beta_v, max_new_tokens=config.max_new_tokens, seed=config.seed
    )
    tell(settled.sentence())
    state |= {"c_ref": settled.level.c_ref, "c_ref_std": settled.level.c_ref_std, "c_ref_n": settled.level.n}
    scored = replace(run, policy=settled.policy, objective=objective_of(config, settled.level.c_ref))
    return evaluate_run(scored, folder, state, stop, report, problems=held_out, file="rollouts.parquet")


def _examples(
    policy: Policy, worked: Sequence[WorkedProblem], config: LaserConfig, tell: Callable[[str], None]
) -> Examples:
    found = Examples.of(policy, worked, answer_format=config.prompt_settings().answers, longest=config.max_new_tokens)
    left_out = len(worked) - len(found)
    if len(found) < config.prompts_per_step:
        raise InputError(
            f"{len(found)} of {len(worked)} worked solutions have at most {config.max_new_tokens} tokens, fewer than "
            "one step takes",
            field="max_new_tokens",
            remedy="raise it, or lower prompts_per_step",
        )
    longer = f"; {left_out:,} longer than {config.max_new_tokens} tokens are left out" if left_out else ""
    tell(f"{len(found):,} worked solutions to learn from{longer}.")
    return found


def batch_rows(n: int, size: int, step: int, seed: int) -> list[int]:
    """Which of n examples a step takes: epoch after epoch, each in an order of its own.

    Examples
    --------
    >>> sorted(batch_rows(4, 2, 0, seed=0) + batch_rows(4, 2, 1, seed=0))
    [0, 1, 2, 3]
    """
    places = range(step * size, (step + 1) * size)
    orders = {epoch: np.random.default_rng([seed, epoch]).permutation(n) for epoch in {p // n for p in places}}
    return [int(orders[p // n][p % n]) for p in places]


def supervised_step(run: TrainingRun, examples: Examples, batches: Batches, number: int) -> dict:
    """One update on a batch of worked solutions.

    Parameters
    ----------
    run : TrainingRun
        Its policy and optimiser are updated.
    examples : Examples
    batches : Batches
        How much to compute at once.
    number : int
        Of the step, counted from 0.

    Returns
    -------
    dict
        ``solution_loss`` in nats a token, the gradient's norm, the learning rate and the number of tokens.
    """
    config = run.config
    rows = batch_rows(len(examples), config.prompts_per_step, number, config.seed)
    solutions = examples.pack(rows, run.policy)
    n_tokens = int(solutions.length.sum())

    def gather(max_tokens: int) -> torch.Tensor:
        run.optimizer.zero_grad()
        total, done = torch.zeros((), device=run.policy.model.device), 0
        run.doing(f"learning from {len(rows)} solutions")
        for part, now in score_in_micro_batches(
            run.policy, solutions, max_tokens=max_tokens, dtype=run.dtype, recompute=batches.recompute
        ):
            loss = -now.logprob.sum() / n_tokens
            loss.backward()
            total += loss.detach()
            done += len(part)
            run.doing(f"learning from solution {done} of {len(rows)}")
        return total

    loss = batches.forward(gather, longest=solutions.tokens.shape[1], most=config.micro_batch_tokens).item()
    lr = config.learning_rate(number)
    norm = update(run.optimizer, lr=lr, max_grad_norm=config.max_grad_norm)
    return {"phase": "sft", "loss": loss, "solution_loss": loss, "grad_norm": norm, "lr": lr, "n_tokens": n_tokens}
