"""One training step of LaSeR, or plain GRPO, with the paper's pseudo-code beside it: :func:`training_step`.

Departures from the official code (RUCBM/LaSeR, a fork of verl 0.5.0); where that differs from the paper, the paper's
equations decide. :mod:`laser_core.train` lists what concerns a whole run.

Scores in the advantage:

1. They come from the sampler, which feeds <eos> back once. The official advantage path takes them from log-probs that
   were computed without z_c in its place.
2. They enter a problem's statistics as they are. The official code first clamps them to [0, 1], which the paper's
   equation does not: a clamp hides by how much one solution is above another once both are sure.
3. A truncated solution has no score. It is left out of the score loss and of its denominator, of its problem's score
   statistics, and of the blend. The official code divides the loss by it as well, and counts it as 0 in the statistics.
4. The standard deviation has 1e-6 added, as for rewards; the official one has nothing added for scores.

Losses:

5. The policy loss averages over all response tokens of the step. The official one is a token mean of each micro-batch
   (two solutions), averaged over micro-batches, so that a token of a long solution weighs less there; the result would
   depend on how a step is cut into micro-batches. The score loss has one denominator for the whole step likewise.
6. No dual clip: the official surrogate bounds the loss at 3 times the advantage where that is negative. With one update
   a step the ratio is still about 1 when the gradient is taken, and the bound never acts.
7. Old log-probs are those of the sampler, which shares its arithmetic with the update. The official code samples with
   another engine and computes them again.
8. No entropy bonus and no KL loss; the official runs multiply theirs by 0.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from laser_core import algorithm
from laser_core.config import LaserConfig
from laser_core.evaluate import repeated, responses_of, rollout_rows, verify_solutions
from laser_core.fast.batches import Batches
from laser_core.fast.optimiser import trained_by
from laser_core.generate import Generation, counting, generate
from laser_core.objective import Objective, VerdictLogprobs
from laser_core.policy import Policy
from laser_core.reference import against_reference, reference_z_logprob
from laser_core.runfolder import step_metrics
from laser_core.runfolder.step_metrics import Update
from laser_core.scoring import Solutions, score_in_micro_batches
from laser_core.tasks import Problem


@dataclass(frozen=True)
class TrainingRun:
    """What stays the same over a run; its policy and optimiser change in place.

    Attributes
    ----------
    config : LaserConfig
    policy : Policy
        The model that is trained.
    optimizer : torch.optim.Optimizer
    objective : Objective
        LaSeR's, or an ablation's.
    dtype : torch.dtype
        Precision of the matrix products; parameters and log-probs are float32.
    reference : Policy, optional
        The model before training. It scores every solution where the objective asks for that, else a few, so that the
        event can say how far the policy has moved.
    batches : Batches, optional
        Says how much to compute at once; by default as much as free memory holds.
    on_activity : callable, optional
        Called many times a step with what it is doing, and the number of tokens sampled so far, or None.
    """

    config: LaserConfig
    policy: Policy
    optimizer: torch.optim.Optimizer
    objective: Objective
    dtype: torch.dtype
    reference: Policy | None = None
    batches: Batches | None = None
    on_activity: Callable[[str, int | None], None] | None = None

    def room(self) -> Batches:
        """How much to compute at once."""
        return self.batches or self.policy.batches(self.dtype, to_train=True)

    def doing(self, what: str, tokens: int | None = None) -> None:
        """Tell what the step is doing."""
        if self.on_activity:
            self.on_activity(what, tokens)


def training_step(
    run: TrainingRun,
    problems: Sequence[Problem],
    *,
    step: int,
    on_rollouts: Callable[[list[dict], int], None] | None = None,
) -> dict:
    """One step of GRPO with LaSeR's score loss and integrated advantages: sample, verify, score, update, describe.

    Parameters
    ----------
    run : TrainingRun
        Its policy and optimiser are updated.
    problems : sequence of Problem
        This step's G problems x.
    step : int
        Counted from 0; decides the phase of the schedule and the random draws.
    on_rollouts : callable, optional
        Called with the step's solutions as rows of the rollout table, and the step.

    Returns
    -------
    dict
        The step's line of ``events.jsonl`` (:func:`~laser_core.runfolder.step_metrics.step_event`).
    """
    config, objective, phase = run.config, run.objective, run.config.phase(step)

    # Sample K solutions y of each problem x. One more decode step after <eos> gives log pi(z_c | x, y, <eos>).
    started = time.perf_counter()
    sampled, solutions = _sample(run, problems, step)
    sample_seconds = time.perf_counter() - started

    # Verify: r_v = 1 where the answer equals the reference answer.
    verified = verify_solutions(run.policy, sampled, problems)
    reward = verified.reward

    # Score: r_s = beta_v * (log pi(z_c | x, y, <eos>) - c_ref), for solutions that end.
    scored = ~sampled.truncated
    ref_z = _reference_z_logprob(run, solutions)
    score = objective.score(VerdictLogprobs(sampled.z_logprob, sampled.z_wrong_logprob, ref_z))
    if on_rollouts:
        on_rollouts(rollout_rows(problems, sampled, verified, score, run=config.method, step=step), step)

    # Advantages: A = (1 - tau) * norm_group(r_v) + tau * norm_group(r_s), once both warm-ups are over.
    advantage = objective.advantages(reward, score, scored, phase=phase)

    # Update: minimise policy_loss(A) + alpha * score_loss(r_s, r_v).
    batch = StepBatch(solutions, sampled.logprob, advantage, reward, objective.class_weights(reward, scored), ref_z)
    for _ in range(config.updates_per_step):
        update = update_policy(run, batch, alpha=objective.alpha(phase), lr=config.learning_rate(step))

    # Describe.
    return step_metrics.step_event(
        sampled,
        reward,
        score,
        update,
        step=step,
        phase=phase,
        group_size=config.rollouts_per_prompt,
        sample_seconds=sample_seconds,
        against_reference=_distance_from_reference(run, solutions, sampled),
    )


@dataclass(frozen=True)
class StepBatch:
    """What the updates of a step learn from: B solutions with T response tokens at most.

    Attributes
    ----------
    solutions : Solutions
    old_logprob : Tensor of shape (B, T)
        log pi of each response token under the policy that sampled it, in nats.
    advantage : Tensor of shape (B,)
    reward : Tensor of shape (B,)
        r_v, 0 or 1.
    weight : Tensor of shape (B,)
        Class weights of the score loss; 0 for a solution without a score.
    ref_z_logprob : Tensor of shape (B,), optional
        log pi_ref(z_c | x, y, <eos>), in nats, where the objective asks for it.
    """

    solutions: Solutions
    old_logprob: Tensor
    advantage: Tensor
    reward: Tensor
    weight: Tensor
    ref_z_logprob: Tensor | None


def update_policy(run: TrainingRun, batch: StepBatch, *, alpha: float, lr: float) -> Update:
    """One optimiser update on a batch; both losses come from the same forward pass, a micro-batch at a time.

    Parameters
    ----------
    run : TrainingRun
    batch : StepBatch
    alpha : float
        Weight of the score loss.
    lr : float
        Learning rate.

    Returns
    -------
    Update
    """
    config, solutions, batches = run.config, batch.solutions, run.room()
    losses, clipped = batches.forward(
        lambda tokens: _gather_gradients(run, batch, alpha=alpha, max_tokens=tokens, recompute=batches.recompute),
        longest=solutions.tokens.shape[1],
        most=config.micro_batch_tokens,
    )
    grad_norm = torch.nn.utils.clip_grad_norm_(trained_by(run.optimizer), config.max_grad_norm)
    for group in run.optimizer.param_groups:
        group["lr"] = lr
    run.optimizer.step()
    return Update(
        loss=(losses[0] + alpha * losses[1]).item(),
        policy_loss=losses[0].item(),
        score_loss=losses[1].item(),
        clipped_low=clipped[0].item(),
        clipped_high=clipped[1].item(),
        grad_norm=grad_norm.item(),
        lr=lr,
    )


def _gather_gradients(
    run: TrainingRun, batch: StepBatch, *, alpha: float, max_tokens: int, recompute: bool
) -> tuple[Tensor, Tensor]:
    """The gradient of a batch's loss, from nothing, a micro-batch at a time.

    Returns
    -------
    losses : Tensor of shape (2,)
        Policy loss and score loss.
    clipped : Tensor of shape (2,)
        Tokens whose ratio was clipped from below and from above.
    """
    config, solutions, device = run.config, batch.solutions, run.policy.model.device
    n_tokens, n_scored = int(solutions.length.sum()), int(solutions.ended.sum())
    run.optimizer.zero_grad()
    losses, clipped = torch.zeros(2, device=device), torch.zeros(2, device=device)
    done = 0
    run.doing(f"learning from {len(solutions.length)} solutions")
    for rows, now in score_in_micro_batches(
        run.policy, solutions, max_tokens=max_tokens, dtype=run.dtype, recompute=recompute
    ):

        def part(values: Tensor, rows: Tensor = rows) -> Tensor:
            return values[rows].to(device)

        ref_z = None if batch.ref_z_logprob is None else part(batch.ref_z_logprob)
        logprobs = VerdictLogprobs(now.z_logprob, now.z_wrong_logprob, ref_z)
        reward, weight, advantage = part(batch.reward), part(batch.weight), part(batch.advantage)
        old_logprob = part(batch.old_logprob[:, : now.logprob.shape[1]])
        policy_loss = algorithm.policy_loss(
            now.logprob,
            old_logprob,
            advantage,
            now.mask,
            clip_low=config.clip_low,
            clip_high=config.clip_high,
            n_tokens=n_tokens,
        )
        score_loss = run.objective.score_loss(logprobs, reward, weight, n_scored=n_scored)
        (policy_loss + alpha * score_loss).backward()
        losses += torch.stack([policy_loss.detach(), score_loss.detach()])
        with torch.no_grad():
            clipped += algorithm.clipped_tokens(
                now.logprob, old_logprob, advantage, now.mask, clip_low=config.clip_low, clip_high=config.clip_high
            )
        done += len(rows)
        run.doing(f"learning from solution {done} of {len(solutions.length)}")
    return losses.cpu(), clipped.cpu()


def _sample(run: TrainingRun, problems: Sequence[Problem], step: int) -> tuple[Generation, Solutions]:
    """K solutions of each problem; the draws depend on the seed and the step alone."""
    config = run.config
    prompts = [run.policy.encode_prompt(problem.text) for problem in problems]
    sampled = generate(
        run.policy,
        prompts,
        samples=config.rollouts_per_prompt,
        max_new_tokens=config.max_new_tokens,
        generator=torch.Generator().manual_seed(config.seed * 1_000_003 + step),
        dtype=run.dtype,
        batches=run.room(),
        on_progress=counting(lambda tokens: run.doing("sampling", tokens)),
    )
    return sampled, Solutions.pack(repeated(prompts, config.rollouts_per_prompt), responses_of(sampled), run.policy)


def _reference_z_logprob(run: TrainingRun, solutions: Solutions) -> Tensor | None:
    """Each solution's own log pi_ref(z_c | x, y, <eos>), where the objective asks for it."""
    if not run.objective.reads_reference:
        return None
    reference = run.reference
    assert reference is not None
    return run.room().forward(
        lambda tokens: reference_z_logprob(reference, solutions, dtype=run.dtype, max_tokens=tokens),
        longest=solutions.tokens.shape[1],
        most=run.config.micro_batch_tokens,
        gradients=False,
    )


def _distance_from_reference(run: TrainingRun, solutions: Solutions, sampled: Generation) -> dict[str, float]:
    """KL divergence, drift of c_ref and log Z; empty without a reference model."""
    reference = run.reference
    if reference is None:
        return {}
    return run.room().forward(
        lambda tokens: against_reference(
            reference,
            solutions,
            sampled,
            group_size=run.config.rollouts_per_prompt,
            beta_v=run.config.beta_v,
            c_ref=run.objective.c_ref,
            dtype=run.dtype,
            max_tokens=tokens,
        ),
        longest=solutions.tokens.shape[1],
        most=0,
        gradients=False,
    )
