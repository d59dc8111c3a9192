"""What verification costs: the last-token score, a second forward pass, and a second prompt that is written out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from scipy.special import stdtrit

from laser_core.evaluate import responses_of
from laser_core.fast.precision import pick_dtype
from laser_core.generate import Generation, generate
from laser_core.policy import load_policy
from laser_core.reproduce.evidence import Cost, Timing
from laser_core.reproduce.plan import MAX_NEW_TOKENS
from laser_core.reproduce.verifiers import GRADING_TOKENS
from laser_core.scoring import Solutions, score_solutions
from laser_core.tasks import grading_prompt, load_problems

SAMPLES, REPEATS = 8, 9
FEW, MORE = 4, 12  # decode steps; every solution is longer, so the batch is full at both


def measure_cost(models: Mapping[str, Path], *, n_problems: int = 64, dtype: str = "auto") -> Cost:
    """Time the three ways to verify a batch of fresh solutions, alternating, in one process.

    The score takes one more decode step after <eos>. That step's time is the slope of generation time against the
    number of steps, at a full batch. The second prompt is paid as it is used: it reads problem and solution and writes
    its check and its grade.

    Parameters
    ----------
    models : mapping of str to Path
        Folder of the trained model of each family.
    n_problems : int
        Problems in the batch, with 8 solutions each.
    dtype : str
        As in :class:`laser_core.config.LaserConfig`.

    Returns
    -------
    Cost
        Ratios of times with intervals over repeats, and tokens with intervals over solutions.
    """
    rows = [row for family, model in models.items() for row in _of_family(family, model, n_problems, dtype)]
    return Cost(n_problems, tuple(rows))


@torch.inference_mode()
def _of_family(family: str, model: Path, n_problems: int, dtype: str) -> list[Timing]:
    policy, precision = load_policy(str(model)), pick_dtype(dtype)
    problems, limit = load_problems(family, "test")[:n_problems], MAX_NEW_TOKENS[family]
    prompts = [policy.encode_prompt(problem.text) for problem in problems]

    def sample(texts: list[list[int]], samples: int, tokens: int) -> Generation:
        generator = torch.Generator().manual_seed(0)
        return generate(policy, texts, samples=samples, max_new_tokens=tokens, generator=generator, dtype=precision)

    sampled = sample(prompts, SAMPLES, limit)
    repeated, responses = [p for p in prompts for _ in range(SAMPLES)], responses_of(sampled)
    solutions = Solutions.pack(repeated, responses, policy)
    texts = [problem.text for problem in problems for _ in range(SAMPLES)]
    pages = [policy.encode_prompt(grading_prompt(p, policy.decode(r))) for p, r in zip(texts, responses, strict=True)]
    written = sample(pages, 1, GRADING_TOKENS)

    few, more, whole, second_pass, second_prompt = _in_turns(
        lambda: sample(prompts, SAMPLES, FEW),
        lambda: sample(prompts, SAMPLES, MORE),
        lambda: sample(prompts, SAMPLES, limit),
        lambda: score_solutions(policy, solutions, dtype=precision),
        lambda: sample(pages, 1, GRADING_TOKENS),
    )
    step = (more - few) / (MORE - FEW)
    read = np.mean([len(page) for page in pages])
    length = f"{float(sampled.length.float().mean()):.0f} tokens a solution"
    tokens = written.length.double().numpy()
    one = "one decode step of so many: this row cannot fail, so no rule judges it"
    return [
        _timing("cost.score", "score / all of generation, seconds", step / whole, f"{length}; {one}", family),
        _timing("cost.second_pass", "second forward pass / score, seconds", second_pass / step, length, family),
        _timing(
            "cost.second_prompt",
            "second prompt / score, seconds",
            second_prompt / step,
            f"reads {read:.0f} tokens and writes {tokens.mean():.0f}, in place of 1",
            family,
        ),
        _timing(
            "cost.second_prompt.generation",
            "second prompt / all of generation, seconds",
            second_prompt / whole,
            "what asking for a grade adds to sampling a solution",
            family,
        ),
        _tokens("cost.second_prompt.tokens", "tokens that the second prompt writes; the score: 1", tokens, family),
    ]


def _in_turns(*actions: Callable[[], object]) -> list[np.ndarray]:
    """Seconds of each action, alternating, ``REPEATS`` times after a warm-up."""
    seconds = np.zeros((len(actions), REPEATS + 1))
    for repeat in range(REPEATS + 1):
        for i, action in enumerate(actions):
            started = time.perf_counter()
            action()
            seconds[i, repeat] = time.perf_counter() - started
    return list(seconds[:, 1:])


def _timing(id: str, claim: str, ratios: np.ndarray, note: str, family: str) -> Timing:
    """Median over the repeats, which one busy moment does not move as it would a mean, and Student's interval."""
    half = _half_width(ratios)
    value = float(np.median(ratios))
    return Timing(claim, value, value - half, value + half, note, id, family)


def _tokens(id: str, claim: str, counts: np.ndarray, family: str) -> Timing:
    value, half = float(counts.mean()), _half_width(counts)
    return Timing(claim, value, value - half, value + half, "mean over solutions", id, family)


def _half_width(values: np.ndarray) -> float:
    return float(stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / np.sqrt(len(values)))
