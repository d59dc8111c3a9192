"""Sample a policy on problems, verify the answers, and write what happened to the rollout table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from laser_core.answers.verify import extract_answers, verify_answers
from laser_core.fast.batches import Batches
from laser_core.generate import Generation, generate
from laser_core.objective import VerdictLogprobs
from laser_core.policy import Policy
from laser_core.rollouts import Rollouts, RunMeta
from laser_core.score import last_token_score
from laser_core.scoring import Solutions, score_last_tokens
from laser_core.tasks import Problem

EVALUATION_TOKENS = 2**14  # most tokens in one forward pass of the reference model


@dataclass(frozen=True)
class Sampling:
    """How solutions are sampled and scored, and what the rollout table says of their origin.

    Attributes
    ----------
    run : str
        Name of the run in the rollout table.
    samples : int
        Solutions of each problem.
    max_new_tokens : int
        Length limit of a solution, in tokens, <eos> included.
    seed : int
        Decides every draw.
    c_ref : float
        Reference constant of the score, in nats.
    c_ref_std : float, optional
        Its standard deviation where it was measured, in nats.
    beta_v : float
        Scale of the score, in reward units per nat.
    temperature : float
        Of the draws; log-probs and scores are the untempered policy's at any temperature.
    dtype : torch.dtype
        Precision of the matrix products.
    step : int, optional
        Training steps that the policy has done.
    task : str, optional
        Where the problems come from.
    problems_at_once : int
        Problems sampled together.
    first : int
        Number of the first problem within a larger set, of which these are a part: it decides the draws, too.
    """

    run: str
    samples: int
    max_new_tokens: int
    seed: int
    c_ref: float
    c_ref_std: float | None = None
    beta_v: float = 0.1
    temperature: float = 1.0
    dtype: torch.dtype = torch.float32
    step: int | None = None
    task: str | None = None
    problems_at_once: int = 32
    first: int = 0


@dataclass(frozen=True)
class Verified:
    """What the verifier found in B solutions.

    Attributes
    ----------
    reward : Tensor of shape (B,)
        r_v: 1 where the answer equals the reference answer, else 0.
    texts : list of str
        The responses.
    answers : list of str or None
        The answer found in each response; None where there is none.
    """

    reward: Tensor
    texts: list[str]
    answers: list[str | None]


def responses_of(sampled: Generation) -> list[list[int]]:
    """Each response's token ids, without padding."""
    return [row[:n] for row, n in zip(sampled.response.tolist(), sampled.length.tolist(), strict=True)]


def repeated(prompts: Sequence[list[int]], samples: int) -> list[list[int]]:
    """Each prompt as often as it has solutions, in their order."""
    return [prompt for prompt in prompts for _ in range(samples)]


def verify_solutions(policy: Policy, sampled: Generation, problems: Sequence[Problem]) -> Verified:
    """Extract each solution's answer and compare it with the reference answer.

    A truncated response is not searched for a closing number: it stated no answer.

    Parameters
    ----------
    policy : Policy
        Decodes the responses.
    sampled : Generation
        B solutions, the same number for each problem.
    problems : sequence of Problem

    Returns
    -------
    Verified
    """
    samples = len(sampled.length) // len(problems)
    texts = [policy.decode(tokens) for tokens in responses_of(sampled)]
    answers = extract_answers(texts, prose=(~sampled.truncated).tolist())
    references = [problem.answer for problem in problems for _ in range(samples)]
    verdicts = verify_answers(answers, references)
    return Verified(torch.tensor([float(verdict is True) for verdict in verdicts]), texts, answers)


def rollout_rows(
    problems: Sequence[Problem],
    sampled: Generation,
    verified: Verified,
    score: Tensor,
    *,
    run: str,
    step: int | None = None,
) -> list[dict]:
    """The solutions as rows of the rollout table, without a reference model's columns and without per-token ones.

    Parameters
    ----------
    problems : sequence of Problem
    sampled : Generation
        B solutions, the same number for each problem.
    verified : Verified
    score : Tensor of shape (B,)
        r_s.
    run : str
        Name of the run.
    step : int, optional
        The training step.

    Returns
    -------
    list of dict
        Columns as in :mod:`laser_core.rollouts.schema`. A truncated solution has neither log-prob of z_c nor score.
    """
    samples = len(verified.texts) // len(problems)
    rows = []
    for i, text in enumerate(verified.texts):
        problem, truncated = problems[i // samples], bool(sampled.truncated[i])
        rows.append(
            {
                "run": run,
                "step": step,
                "problem_id": problem.problem_id,
                "sample": i % samples,
                "problem": problem.text,
                "reference_answer": problem.answer,
                "response": text,
                "answer": verified.answers[i],
                "correct": bool(verified.reward[i] > 0.5),
                "truncated": truncated,
                "n_tokens": int(sampled.length[i]),
                "z_logprob": None if truncated else float(sampled.z_logprob[i]),
                "score": None if truncated else float(score[i]),
            }
        )
    return rows


def _last_tokens(policy: Policy, solutions: Solutions, batches: Batches) -> Tensor:
    """log pi(z_c | x, y, <eos>) of given solutions, (B,), from as few forward passes as memory allows."""

    def read(max_tokens: int) -> Tensor:
        found = torch.zeros(len(solutions.length))
        for rows in solutions.micro_batches(max_tokens):
            found[rows] = score_last_tokens(policy, solutions.rows(rows)).cpu()
        return found

    return batches.forward(read, longest=solutions.tokens.shape[1], most=EVALUATION_TOKENS, gradients=False)


def _trace_columns(policy: Policy, sampled: Generation, ref_z_logprob: Tensor | None) -> list[dict]:
    """What an evaluation adds to each row: the reference model's log-prob of z_c, and the per-token columns."""
    traces = {"token_logprobs": sampled.logprob, "z_trace": sampled.z_trace, "entropy": sampled.entropy}
    found = []
    for i, response in enumerate(responses_of(sampled)):
        known = None if ref_z_logprob is None or sampled.truncated[i] else float(ref_z_logprob[i])
        found.append(
            {
                "ref_z_logprob": known,
                "tokens": policy.tokenizer.convert_ids_to_tokens(response),
                **{name: grid[i, : len(response)].numpy().astype(np.float32) for name, grid in traces.items()},
            }
        )
    return found


@torch.inference_mode()
def sample_rollouts(
    policy: Policy,
    problems: Sequence[Problem],
    settings: Sampling,
    *,
    reference: Policy | None = None,
    score_of: Callable[[VerdictLogprobs], Tensor] | None = None,
    batches: Batches | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    on_token: Callable[[Tensor, Tensor, Tensor], None] | None = None,
    on_tokens: Callable[[int], None] | None = None,
) -> Rollouts:
    """Sample solutions of each problem into the rollout table, per-token traces and entropies included.

    Parameters
    ----------
    policy : Policy
    problems : sequence of Problem
    settings : Sampling
    reference : Policy, optional
        The model before training; adds the column ``ref_z_logprob``, by a forward pass.
    score_of : callable, optional
        Computes the scores; LaSeR's, with the settings' beta_v and c_ref, by default.
    batches : Batches, optional
        Says how much to compute at once; by default as much as free memory holds.
    on_progress : callable, optional
        Called with the number of problems done and the number of all.
    on_token : callable, optional
        Called as tokens arrive; see :func:`laser_core.generate.generate`. Rows count within a batch of problems.
    on_tokens : callable, optional
        Called after every decode step with the number of tokens it gave.

    Returns
    -------
    Rollouts
    """
    rows: list[dict] = []
    batches = batches or policy.batches(settings.dtype)
    for start in range(0, len(problems), settings.problems_at_once):
        batch = problems[start : start + settings.problems_at_once]
        prompts = [policy.encode_prompt(problem.text) for problem in batch]
        sampled = generate(
            policy,
            prompts,
            samples=settings.samples,
            max_new_tokens=settings.max_new_tokens,
            # Seeded by position, so that a problem's solutions depend on nothing but the seed and its batch.
            generator=torch.Generator().manual_seed(settings.seed * 1_000_003 + settings.first + start),
            temperature=settings.temperature,
            dtype=settings.dtype,
            batches=batches,
            on_token=on_token,
            on_progress=on_tokens,
        )
        ref_z_logprob = None
        if reference is not None:
            solutions = Solutions.pack(repeated(prompts, settings.samples), responses_of(sampled), reference)
            ref_z_logprob = _last_tokens(reference, solutions, batches)
        logprobs = VerdictLogprobs(sampled.z_logprob.double(), sampled.z_wrong_logprob, ref_z_logprob)
        if score_of is None:
            score = last_token_score(logprobs.z, beta_v=settings.beta_v, c_ref=settings.c_ref)
        else:
            score = score_of(logprobs)
        verified = verify_solutions(policy, sampled, batch)
        plain = rollout_rows(batch, sampled, verified, score, run=settings.run, step=settings.step)
        traces = _trace_columns(policy, sampled, ref_z_logprob)
        rows += [row | more for row, more in zip(plain, traces, strict=True)]
        if on_progress:
            on_progress(start + len(batch), len(problems))
    return Rollouts.from_rows(rows, _metadata(policy, settings))


def _metadata(policy: Policy, settings: Sampling) -> RunMeta:
    return RunMeta(
        model=policy.name,
        z_token=policy.z_token,
        beta_v=settings.beta_v,
        c_ref=settings.c_ref,
        c_ref_std=settings.c_ref_std,
        task=settings.task,
        temperature=settings.temperature,
        prompt=policy.asks.text,
        prompt_chat=policy.asks.chat,
        source_format="laser_core",
    )
