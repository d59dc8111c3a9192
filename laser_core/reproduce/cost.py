"""What a verdict costs in seconds and tokens: the score, a second forward pass, and a verdict that is generated."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.special import stdtrit

from laser_core.evaluate import responses_of
from laser_core.fast.precision import pick_dtype
from laser_core.generate import generate
from laser_core.policy import load_policy
from laser_core.scoring import Solutions, score_solutions
from laser_core.tasks import load_problems

N_PROBLEMS, SAMPLES, REPEATS = 64, 8, 9
FEW, MORE = 4, 16  # decode steps; no solution is shorter, so that the batch is full at both


@torch.inference_mode()
def measure_cost(model: Path, *, dtype: str = "auto") -> dict:
    """Time the verdicts on 512 fresh solutions, in turns, in one process.

    The score is read from one more decode step after <eos>. That step's time is the slope of generation time against
    the number of steps, at a full batch.

    Parameters
    ----------
    model : folder of the trained model
    dtype : as in :class:`laser_core.config.LaserConfig`

    Returns
    -------
    dict
        ``n_problems`` and ``rows``, each with ``claim``, ``value``, ``ci_low``, ``ci_high`` (over repeats), ``at_most``
        and ``note``.
    """
    policy, precision = load_policy(str(model)), pick_dtype(dtype)
    problems = load_problems("linear", "test")[:N_PROBLEMS]
    prompts = [policy.encode_prompt(problem.text) for problem in problems]

    def sample(texts: list[list[int]], samples: int, tokens: int):
        generator = torch.Generator().manual_seed(0)
        return generate(policy, texts, samples=samples, max_new_tokens=tokens, generator=generator, dtype=precision)

    sampled = sample(prompts, SAMPLES, 40)
    repeated, responses = [p for p in prompts for _ in range(SAMPLES)], responses_of(sampled)
    solutions = Solutions.pack(repeated, responses, policy)
    read_again = [p + r for p, r in zip(repeated, responses, strict=True)]

    few, more, whole, forward, generated = _in_turns(
        lambda: sample(prompts, SAMPLES, FEW),
        lambda: sample(prompts, SAMPLES, MORE),
        lambda: sample(prompts, SAMPLES, 40),
        lambda: score_solutions(policy, solutions, dtype=precision),
        lambda: sample(read_again, 1, 1),
    )
    step = (more - few) / (MORE - FEW)
    tokens, context = float(sampled.length.float().mean()), float(solutions.prompt_length.float().mean())
    shares = (
        ("score: its decode step / all of generation, seconds", step / whole, 0.1, f"{tokens:.0f} tokens a solution"),
        (
            "second forward pass / the score's decode step, seconds",
            forward / step,
            None,
            f"reads {tokens + context:.0f} tokens instead of 1",
        ),
        (
            "generated verdict / the score's decode step, seconds",
            generated / step,
            None,
            f"reads {tokens + context:.0f} tokens and writes 1; a large model also writes its reasons",
        ),
    )
    rows = [
        {"claim": claim, "value": value, "ci_low": low, "ci_high": high, "at_most": at_most, "note": note}
        for claim, ratios, at_most, note in shares
        for value, low, high in [_interval(ratios)]
    ]
    return {"n_problems": N_PROBLEMS, "rows": rows}


def _in_turns(*actions: Callable[[], object]) -> list[np.ndarray]:
    """Seconds of each action, one after the other, ``REPEATS`` times after a warm-up."""
    seconds = np.zeros((len(actions), REPEATS + 1))
    for repeat in range(REPEATS + 1):
        for i, action in enumerate(actions):
            started = time.perf_counter()
            action()
            seconds[i, repeat] = time.perf_counter() - started
    return list(seconds[:, 1:])


def _interval(ratios: np.ndarray) -> tuple[float, float, float]:
    """Median over the repeats (a busy moment spoils a mean) and Student's interval around it."""
    half = stdtrit(len(ratios) - 1, 0.975) * ratios.std(ddof=1) / np.sqrt(len(ratios))
    value = float(np.median(ratios))
    return value, float(value - half), float(value + half)
