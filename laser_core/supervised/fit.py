"""Train the last-token score alone, on rollouts that are already verified: nothing is sampled.

c_ref is measured first, under the starting model and over the rollouts themselves. Then the score's loss, LaSeR's own,
is all there is. A share of the problems, a fifth by default, is held out by a hash of their text and scored at the end.

Departures from LaSeR: the solutions may be another model's; the policy is not trained to write them; with
``fit_weights = top`` only the last layers learn, and with ``lora_rank`` only an adapter in the layers that learn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from laser_core import metrics
from laser_core.ablations import objective_of
from laser_core.config import LaserConfig
from laser_core.fast.devices import pick_device
from laser_core.fast.optimiser import adamw
from laser_core.fast.precision import pick_dtype
from laser_core.models.prompt import PromptSettings
from laser_core.objective import Objective, VerdictLogprobs
from laser_core.policy import Policy
from laser_core.rescoring.graded import GradedSolutions, held_out_rows
from laser_core.rescoring.table import as_noted, score_part, steady_z_token, unseen_z_token
from laser_core.rollouts import Rollouts, write_parquet
from laser_core.runfolder import guards, trackers
from laser_core.runfolder.checkpoints import RunState
from laser_core.runfolder.folder import RunFolder
from laser_core.runfolder.guards import Stop
from laser_core.runfolder.loop import run_steps, update
from laser_core.runfolder.provenance import provenance
from laser_core.start import adapter_sentence, load_start, with_adapter
from laser_core.supervised.end_reader import EndReader
from laser_core.token_choice.pick_token import Settled, with_settled_token
from laser_core.token_choice.reference_level import Level
from laser_core.train import Progress

LEVEL_ROWS = 256  # that a verdict token's level is judged by, as in `laser score`
PROBE = "signal.linear_probe"
Probe = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # states, correct, problem -> P(correct)


def fit(
    config: LaserConfig,
    rollouts: Rollouts,
    out: str | Path,
    *,
    resume: bool = False,
    name: str | None = None,
    probe: Probe | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Rollouts:
    """Train the score on a rollout table and score its held-out problems; everything is in the folder ``out``.

    Parameters
    ----------
    config : LaserConfig
        With ``method = "fit"``. A step takes ``rollouts_per_prompt`` solutions of ``prompts_per_step`` problems.
    rollouts : Rollouts
        Needs ``problem``, ``response`` and ``correct``.
    out, resume, name, on_progress
        As of :func:`laser_core.train.train`.
    probe : callable, optional
        Predicts correctness from the starting model's hidden states (R, D), given verdicts and problem numbers, each
        solution's from other problems; its prediction becomes the column ``signal.linear_probe``.

    Returns
    -------
    Rollouts
        The held-out problems, with the new scores; also ``rollouts.parquet``.

    Raises
    ------
    InputError, RunError, Interrupted
        As of :func:`laser_core.train.train`, and if solutions of a kind are missing.
    """
    with (
        RunFolder.open(out, config, resume=resume, name=name) as folder,
        trackers.opened(config, folder.path, folder.name) as track,
        guards.memory(config, folder=folder.path),
        Stop.on_signals() as stop,
    ):
        return _fit(folder, rollouts, probe, stop, on_progress or (lambda progress: None), track)


def _fit(
    folder: RunFolder,
    rollouts: Rollouts,
    probe: Probe | None,
    stop: Stop,
    report: Callable[[Progress], None],
    track: Callable[[dict], None],
) -> Rollouts:
    config = folder.config

    def tell(note: str = "", doing: str = "") -> None:
        report(Progress("train", 0, config.steps, {}, note, doing))

    device = pick_device(config.device)
    dtype = pick_dtype(config.dtype, device)
    tell(doing="loading the model")
    policy = _for_these(load_start(config, device, dtype), rollouts, config)
    policy = with_adapter(policy, config, layers=_layers_that_learn(policy, config))
    graded = GradedSolutions.of(policy, rollouts, config.fit_held_out)
    tell(_what_is_learnt(graded))
    reader = EndReader(policy, graded, config, dtype)
    reader.cache(lambda done, total: tell(doing=f"caching states of solution {done:,} of {total:,}"))
    before, ref_z = reader.everything(lambda done, total: tell(doing=f"measuring c_ref: {done:,} of {total:,}"))
    level = Level.of(config.beta_v, config.c_ref, ref_z[~graded.held_out])
    for sentence in (policy.asks.sentence(), Settled(policy, level).sentence(), *level.warnings()):
        tell(sentence)
    held_out = held_out_rows(rollouts, config.fit_held_out)
    rollouts = _with_traces(policy, rollouts, held_out, tell)

    optimizer = adamw(policy.model, lr=config.lr, weight_decay=config.weight_decay, beta2=config.adam_beta2)
    state, notes = folder.restore(policy.model, optimizer)
    for note in filter(None, (*notes, adapter_sentence(policy.model))):
        tell(note)
    state = state or RunState(
        step=0, c_ref=level.c_ref, c_ref_std=level.c_ref_std, c_ref_n=level.n, lean=[True, True], z_token=policy.z_token
    )
    reader.policy = with_settled_token(policy, state.get("z_token"))
    folder.record(provenance(dtype, device), from_step=state["step"])
    objective = objective_of(config, state["c_ref"])

    def on_event(event: dict) -> None:
        track(event)
        report(Progress("train", event["step"] + 1, config.steps, event))

    run_steps(
        folder,
        state,
        stop,
        lambda number: score_step(reader, objective, optimizer, number),
        model=policy.model,
        optimizer=optimizer,
        on_event=on_event,
    )
    folder.save_model(policy.model, policy.tokenizer, policy.notes(state["c_ref"]))
    _, z_logprob = reader.everything(lambda done, total: tell(doing=f"scoring solution {done:,} of {total:,}"))
    columns = {"z_logprob": z_logprob, "ref_z_logprob": ref_z, "score": level.scores(z_logprob.tolist())}
    if probe is not None:
        columns[PROBE] = probe(before, graded.reward.double().numpy(), graded.problem)
    for column, values in columns.items():
        rollouts = rollouts.with_column(column, graded.column(values, len(rollouts)))
    scored = rollouts.with_column("run", [folder.name] * len(rollouts)).take(held_out)
    if scored.has("z_trace"):  # of the model that sampled: the score's own is read by `laser score --traces`
        scored = replace(scored, table=scored.table.drop_columns(["z_trace"]))
    scored = replace(scored, meta=level.meta(rollouts.meta, policy))
    write_parquet(scored, folder.path / "rollouts.parquet")
    return scored


def _for_these(policy: Policy, rollouts: Rollouts, config: LaserConfig) -> Policy:
    """The policy with the prompt that the rollouts note and a verdict token that serves on them, where none is set."""
    if config.prompt_settings() == PromptSettings():
        policy = as_noted(policy, rollouts.meta)
    texts = (*rollouts.text("problem"), *rollouts.text("response"))
    policy = unseen_z_token(policy, texts, chosen=bool(config.z_token))
    first = rollouts.take(np.arange(min(LEVEL_ROWS, len(rollouts))))
    return policy if config.z_token else steady_z_token(policy, policy, first, config.beta_v)


def _layers_that_learn(policy: Policy, config: LaserConfig) -> range | None:
    """Numbers of the top layers; None where all layers learn."""
    if config.fit_weights == "all":
        return None
    total = policy.model.config.get_text_config().num_hidden_layers
    return range(max(0, total - config.fit_layers), total)


def _what_is_learnt(graded: GradedSolutions) -> str:
    learnt = ~graded.held_out
    problems = [len(np.unique(graded.problem[mask])) for mask in (learnt, ~learnt)]
    return (
        f"{learnt.sum():,} verified solutions of {problems[0]:,} problems to learn from "
        f"({graded.reward[torch.from_numpy(learnt)].mean().item():.0%} correct); {problems[1]:,} problems held out."
    )


def _with_traces(policy: Policy, rollouts: Rollouts, held_out: np.ndarray, tell: Callable[[str], None]) -> Rollouts:
    """The table with the columns that the free signals are made from, read by the starting model where they lack."""
    if rollouts.has("token_logprobs") and rollouts.has("entropy"):
        return rollouts
    tell("The rollouts have no token log-probs: the free signals are the starting model's.")
    found = score_part(policy, rollouts.take(held_out), traces=True)
    for name in ("token_logprobs", "entropy"):
        values: list = [None] * len(rollouts)
        for row, trace in zip(np.flatnonzero(held_out).tolist(), found[name], strict=True):
            values[row] = trace
        rollouts = rollouts.with_column(name, values)
    return rollouts


def score_step(reader: EndReader, objective: Objective, optimizer: torch.optim.Optimizer, number: int) -> dict:
    """One update of the score's loss on a batch of verified solutions.

    Parameters
    ----------
    reader : EndReader
        Its policy is updated.
    objective : Objective
    optimizer : Optimizer
    number : int
        Of the step, counted from 0.

    Returns
    -------
    dict
        The loss, how well the scores of this batch separate before the update, and the number of tokens.
    """
    config, graded = objective.config, reader.graded
    device = reader.policy.model.device
    rows = graded.batch(number, problems=config.prompts_per_step, most=config.rollouts_per_prompt, seed=config.seed)
    reward = graded.reward[rows]
    weight = objective.class_weights(reward, torch.ones(len(rows), dtype=torch.bool))
    solutions = graded.solutions.rows(rows)
    place = torch.full((len(graded.row),), -1)  # of a solution in this batch
    place[rows] = torch.arange(len(rows))
    optimizer.zero_grad()
    z_logprob, loss = torch.empty(len(rows)), 0.0
    for taken in reader.batches(rows):
        part = place[taken]
        z = reader.z_logprob(taken)
        now = objective.score_loss(
            VerdictLogprobs(z), reward[part].to(device), weight[part].to(device), n_scored=len(rows)
        )
        now.backward()
        z_logprob[part], loss = z.detach().float().cpu(), loss + now.item()
    lr = config.learning_rate(number)
    norm = update(optimizer, lr=lr, max_grad_norm=config.max_grad_norm)
    y_true, score = (reward > 0.5).numpy(), objective.score(VerdictLogprobs(z_logprob)).double().numpy()
    return {
        "phase": "score",
        "reward": reward.mean().item(),
        "loss": loss,
        "score_loss": loss,
        "balanced_f1": float(metrics.balanced_f1(*metrics.true_rates(y_true, score > 0.5))),
        "within_problem_auroc": metrics.within_problem_auroc(y_true, score, graded.problem[rows.numpy()]),
        "grad_norm": norm,
        "lr": lr,
        "n_tokens": int((solutions.prompt_length + solutions.length).sum()),
    }
