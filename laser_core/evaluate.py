"""Sample a policy on problems, verify the answers, and write what happened to the rollout table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from laser_core.ablations import ScoreRule
from laser_core.answers.verify import extract_answers, verify_answers
from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.generate import Generation, generate
from laser_core.policy import Policy
from laser_core.rollouts import Rollouts, RunMeta
from laser_core.runfolder import step_metrics
from laser_core.scoring import Solutions, score_solutions
from laser_core.tasks import Problem


def responses_of(sampled: Generation) -> list[list[int]]:
    """Each response's token ids, without padding."""
    return [row[:n] for row, n in zip(sampled.response.tolist(), sampled.length.tolist(), strict=True)]


def verify_rewards(
    policy: Policy, sampled: Generation, problems: Sequence[Problem], samples: int
) -> tuple[Tensor, list[str], list[str | None]]:
    """The verifier's rewards r_v of shape (B,), the responses as text, and the answers found in them.

    A truncated response is not searched for a closing number: it stated no answer.
    """
    texts = [policy.decode(tokens) for tokens in responses_of(sampled)]
    answers = extract_answers(texts, prose=(~sampled.truncated).tolist())
    references = [problem.answer for problem in problems for _ in range(samples)]
    verdicts = verify_answers(answers, references)
    return torch.tensor([float(verdict is True) for verdict in verdicts]), texts, answers


def training_rows(
    config: LaserConfig,
    step: int,
    problems: Sequence[Problem],
    sampled: Generation,
    texts: Sequence[str],
    answers: Sequence[str | None],
    reward: Tensor,
    score: Tensor,
) -> list[dict]:
    """A training step's solutions as rows of the rollout table, without traces."""
    samples = len(texts) // len(problems)
    return [
        {
            "run": config.method,
            "step": step,
            "problem_id": problems[i // samples].problem_id,
            "sample": i % samples,
            "problem": problems[i // samples].text,
            "reference_answer": problems[i // samples].answer,
            "response": text,
            "answer": answers[i],
            "correct": bool(reward[i] > 0.5),
            "truncated": bool(sampled.truncated[i]),
            "n_tokens": int(sampled.length[i]),
            "z_logprob": None if sampled.truncated[i] else float(sampled.z_logprob[i]),
            "score": None if sampled.truncated[i] else float(score[i]),
        }
        for i, text in enumerate(texts)
    ]


@torch.inference_mode()
def against_reference(
    reference: Policy,
    solutions: Solutions,
    sampled: Generation,
    *,
    group_size: int,
    beta_v: float,
    c_ref: float,
    dtype: torch.dtype,
) -> dict[str, float]:
    """KL divergence, drift of c_ref and log Z, from a few of the step's solutions read by the reference model.

    See :func:`~laser_core.runfolder.step_metrics.reference_rows` for which solutions, and
    :func:`~laser_core.runfolder.step_metrics.reference_summary` for what is measured.
    """
    rows = step_metrics.reference_rows(len(solutions.length) // group_size, group_size)
    read = score_solutions(reference, solutions.rows(rows), dtype=dtype)
    return step_metrics.reference_summary(
        sampled.logprob[rows, : read.logprob.shape[1]],
        read.logprob.cpu(),
        read.mask.cpu(),
        read.z_logprob.cpu(),
        ~sampled.truncated[rows],
        beta_v=beta_v,
        c_ref=c_ref,
    )


def measure_c_ref(
    reference: Policy, problems: Sequence[Problem], *, max_new_tokens: int, seed: int, samples: int = 4
) -> tuple[float, float | None, int]:
    """Mean, standard deviation and number of log pi_ref(z_c | x, y, <eos>) over the model's own solutions, in nats.

    The paper measures it the same way, over 300 pairs. A single solution has no standard deviation: None.

    Raises
    ------
    InputError
        If every solution was cut off, or the model's numbers are not finite.
    """
    if broken := next((n for n, p in reference.model.named_parameters() if not torch.isfinite(p).all()), None):
        raise InputError(f"its weights hold numbers that are not finite ({broken})", file=reference.name, field="model")
    generator = torch.Generator().manual_seed(seed)
    prompts = [reference.encode_prompt(problem.text) for problem in problems]
    sampled = generate(reference, prompts, samples=samples, max_new_tokens=max_new_tokens, generator=generator)
    values = sampled.z_logprob[~sampled.truncated].double()
    if not len(values):
        raise InputError(
            f"none of {len(sampled.length)} solutions of the starting model ends within {max_new_tokens} tokens, so "
            "c_ref cannot be measured",
            field="max_new_tokens",
            remedy="raise it, or set c_ref",
        )
    return values.mean().item(), values.std().item() if len(values) > 1 else None, len(values)


@torch.inference_mode()
def reference_z_logprob(
    reference: Policy, solutions: Solutions, *, dtype: torch.dtype = torch.float32, max_tokens: int = 4096
) -> Tensor:
    """log pi_ref(z_c | x, y, <eos>) of given solutions, nats, of shape (B,); 0 where there is no <eos>.

    One forward pass of the reference model, in batches of at most ``max_tokens`` tokens.
    """
    found = torch.zeros(len(solutions.length))
    for rows in solutions.micro_batches(max_tokens):
        found[rows] = score_solutions(reference, solutions.rows(rows), dtype=dtype).z_logprob.cpu()
    return found


@torch.inference_mode()
def sample_rollouts(
    policy: Policy,
    problems: Sequence[Problem],
    *,
    run: str,
    samples: int,
    beta_v: float,
    c_ref: float,
    c_ref_std: float | None = None,
    max_new_tokens: int,
    seed: int,
    step: int | None = None,
    task: str | None = None,
    temperature: float = 1.0,
    dtype: torch.dtype = torch.float32,
    reference: Policy | None = None,
    rule: ScoreRule | None = None,
    problems_at_once: int = 32,
    on_progress: Callable[[int, int], None] | None = None,
    on_token: Callable[[Tensor, Tensor, Tensor], None] | None = None,
) -> Rollouts:
    """Sample ``samples`` solutions of each problem into the rollout table, traces and entropies included.

    Parameters
    ----------
    reference : Policy, optional
        The model before training; adds ``ref_z_logprob``, by a forward pass.
    rule : ScoreRule, optional
        How a score is made; LaSeR's from ``beta_v`` and ``c_ref`` by default.
    on_progress : callable, optional
        Called with the number of problems done and the number of all.
    on_token : callable, optional
        Called as tokens arrive; see :func:`laser_core.generate.generate`. Rows count within a batch of problems.

    Returns
    -------
    Rollouts
    """
    rule = rule or ScoreRule(beta_v, c_ref)
    rows: list[dict] = []
    for start in range(0, len(problems), problems_at_once):
        batch = problems[start : start + problems_at_once]
        # Seeded by position, so that a problem's solutions depend on nothing but the seed and its batch.
        generator = torch.Generator().manual_seed(seed * 1_000_003 + start)
        prompts = [policy.encode_prompt(problem.text) for problem in batch]
        sampled = generate(
            policy,
            prompts,
            samples=samples,
            max_new_tokens=max_new_tokens,
            generator=generator,
            temperature=temperature,
            dtype=dtype,
            on_token=on_token,
        )
        reward, texts, answers = verify_rewards(policy, sampled, batch, samples)
        responses = responses_of(sampled)
        ref_z_logprob = None
        if reference is not None:
            repeated = [prompt for prompt in prompts for _ in range(samples)]
            ref_z_logprob = score_solutions(reference, Solutions.pack(repeated, responses, reference)).z_logprob
        score = rule.score(
            sampled.z_logprob.double(), z_wrong_logprob=sampled.z_wrong_logprob, ref_z_logprob=ref_z_logprob
        )
        for i, text in enumerate(texts):
            problem, n, ended = batch[i // samples], len(responses[i]), not sampled.truncated[i]
            row = {
                "run": run,
                "step": step,
                "problem_id": problem.problem_id,
                "sample": i % samples,
                "problem": problem.text,
                "reference_answer": problem.answer,
                "response": text,
                "answer": answers[i],
                "correct": bool(reward[i] > 0.5),
                "truncated": not ended,
                "n_tokens": n,
                "z_logprob": float(sampled.z_logprob[i]) if ended else None,
                "ref_z_logprob": float(ref_z_logprob[i]) if ended and ref_z_logprob is not None else None,
                "score": float(score[i]) if ended else None,
                "tokens": policy.tokenizer.convert_ids_to_tokens(responses[i]),
                "token_logprobs": sampled.logprob[i, :n].numpy().astype(np.float32),
                "z_trace": sampled.z_trace[i, :n].numpy().astype(np.float32),
                "entropy": sampled.entropy[i, :n].numpy().astype(np.float32),
            }
            rows.append(row)
        if on_progress:
            on_progress(min(start + problems_at_once, len(problems)), len(problems))
    meta = RunMeta(
        model=policy.name,
        z_token=policy.z_token,
        beta_v=beta_v,
        c_ref=c_ref,
        c_ref_std=c_ref_std,
        task=task,
        temperature=temperature,
        source_format="laser_core",
    )
    return Rollouts.from_rows(rows, meta)
