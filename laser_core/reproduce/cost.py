"""What verification costs: the last-token score, a second forward pass, and a generated self-verification, timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.special import stdtrit

from laser_core.evaluate import responses_of
from laser_core.fast.precision import pick_dtype
from laser_core.generate import Generation, generate
from laser_core.policy import load_policy
from laser_core.reproduce.evidence import Cost, Timing
from laser_core.scoring import Solutions, score_solutions
from laser_core.tasks import load_problems

SAMPLES, REPEATS = 8, 9
FEW, MORE = 4, 16  # decode steps; every solution is longer, so the batch is full at both


@torch.inference_mode()
def measure_cost(model: Path, *, n_problems: int = 64, dtype: str = "auto") -> Cost:
    """Time the three ways to verify a batch of fresh solutions, alternating, in one process.

    The score takes one more decode step after <eos>. That step's time is the slope of generation time against the
    number of steps, at a full batch.

    Parameters
    ----------
    model : Path
        Folder of the trained model.
    n_problems : int
        Problems in the batch, with 8 solutions each.
    dtype : str
        As in :class:`laser_core.config.LaserConfig`.

    Returns
    -------
    Cost
        Ratios of times; their intervals are over repeats.
    """
    policy, precision = load_policy(str(model)), pick_dtype(dtype)
    problems = load_problems("linear", "test")[:n_problems]
    prompts = [policy.encode_prompt(problem.text) for problem in problems]

    def sample(texts: list[list[int]], samples: int, tokens: int) -> Generation:
        generator = torch.Generator().manual_seed(0)
        return generate(policy, texts, samples=samples, max_new_tokens=tokens, generator=generator, dtype=precision)

    sampled = sample(prompts, SAMPLES, 40)
    repeated, responses = [p for p in prompts for _ in range(SAMPLES)], responses_of(sampled)
    solutions = Solutions.pack(repeated, responses, policy)
    read_again = [p + r for p, r in zip(repeated, responses, strict=True)]

    few, more, whole, second_pass, generated = _in_turns(
        lambda: sample(prompts, SAMPLES, FEW),
        lambda: sample(prompts, SAMPLES, MORE),
        lambda: sample(prompts, SAMPLES, 40),
        lambda: score_solutions(policy, solutions, dtype=precision),
        lambda: sample(read_again, 1, 1),
    )
    step = (more - few) / (MORE - FEW)
    tokens, context = float(sampled.length.float().mean()), float(solutions.prompt_length.float().mean())
    read = f"{tokens + context:.0f}"
    score_row = _timing(
        "cost.score",
        "score: its decode step / all of generation, seconds",
        step / whole,
        at_most=0.1,
        note=f"{tokens:.0f} tokens a solution",
    )
    second_pass_row = _timing(
        "cost.second_pass",
        "second forward pass / the score's decode step, seconds",
        second_pass / step,
        note=f"reads {read} tokens instead of 1",
    )
    generated_row = _timing(
        "cost.generated",
        "generated verdict / the score's decode step, seconds",
        generated / step,
        note=f"reads {read} tokens and writes 1; a large model would also write its reasoning",
    )
    return Cost(n_problems, (score_row, second_pass_row, generated_row))


def _in_turns(*actions: Callable[[], object]) -> list[np.ndarray]:
    """Seconds of each action, alternating, ``REPEATS`` times after a warm-up."""
    seconds = np.zeros((len(actions), REPEATS + 1))
    for repeat in range(REPEATS + 1):
        for i, action in enumerate(actions):
            started = time.perf_counter()
            action()
            seconds[i, repeat] = time.perf_counter() - started
    return list(seconds[:, 1:])


def _timing(id: str, claim: str, ratios: np.ndarray, *, note: str, at_most: float | None = None) -> Timing:
    """Median over the repeats, which one busy moment does not move as it would a mean, and Student's interval."""
    half = stdtrit(len(ratios) - 1, 0.975) * ratios.std(ddof=1) / np.sqrt(len(ratios))
    value = float(np.median(ratios))
    return Timing(claim, value, float(value - half), float(value + half), at_most, note, id)
