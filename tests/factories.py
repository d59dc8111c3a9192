"""What several tests make: synthetic rollouts with known answers, and training runs that take seconds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from laser_core.config import LaserConfig
from laser_core.rollouts import Rollouts, RunMeta

BETA_V, C_REF = 0.1, -23.0
#: Fields of an event that differ between two runs with the same seed.
TIMING = {"step_seconds", "sample_seconds", "tokens_per_second"}


def tiny_run(model: Path, **changes: object) -> LaserConfig:
    """Settings of a run of seconds on the tiny model, in float32, where a curve repeats itself."""
    settings = {
        "model": str(model),
        "steps": 4,
        "prompts_per_step": 6,
        "rollouts_per_prompt": 4,
        "max_new_tokens": 12,
        "eval_problems": 5,
        "eval_samples": 3,
        "checkpoint_every": 1,
        "dtype": "float32",
        "lr": 1e-3,
    }
    return LaserConfig(**(settings | changes))


def events(folder: Path) -> list[dict]:
    """The steps that a run logged, without what depends on the clock."""
    lines = (folder / "events.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMING} for line in lines]


def make_rollouts(
    *,
    n_problems: int = 20,
    n_samples: int = 8,
    skill: float = 1.5,
    seed: int = 0,
    run: str = "demo",
    traces: bool = True,
    truncated_share: float = 0.05,
    unanswered_share: float = 0.05,
) -> Rollouts:
    """Rollouts whose score is 0.25 + noise for wrong and 0.25 + 0.3 * skill + noise for right solutions."""
    rng = np.random.default_rng(seed)
    rows = []
    for p in range(n_problems):
        a, x, b = (int(rng.integers(2, 10)) for _ in range(3))
        c, p_right = a * x + b, float(rng.beta(1.2, 1.5))
        for s in range(n_samples):
            right = bool(rng.random() < p_right)
            guess = x if right else x + int(rng.choice([-2, -1, 1, 2]))
            response = f"x={guess};{a}*{guess}={a * guess};{a * guess}+{b}={a * guess + b}#{guess}"
            truncated, answered = bool(rng.random() < truncated_share), bool(rng.random() >= unanswered_share)
            if truncated:
                response, answered = response[: response.index("#")], False
            tokens = list(response) + ([] if truncated else ["<eos>"])
            n = len(tokens)
            score = 0.25 + 0.3 * skill * right + 0.15 * float(rng.standard_normal())
            z_logprob = score / BETA_V + C_REF
            rows.append(
                {
                    "run": run,
                    "step": 100,
                    "problem_id": f"{run}-p{p}" if run == "other-problems" else f"p{p}",
                    "sample": s,
                    "problem": f"{a}*x+{b}={c}?",
                    "reference_answer": str(x),
                    "response": response,
                    "answer": str(guess) if answered else None,
                    "correct": right and answered,
                    "truncated": truncated,
                    "n_tokens": n,
                    "z_logprob": None if truncated else z_logprob,
                    "ref_z_logprob": None if truncated else C_REF + 0.04 * float(rng.standard_normal()),
                    "score": None if truncated else score,
                }
                | (
                    {
                        "tokens": tokens,
                        "token_logprobs": (-rng.exponential(0.3, n)).tolist(),
                        "z_trace": np.linspace(C_REF, z_logprob, n).tolist(),
                        "entropy": rng.exponential(0.4, n).tolist(),
                    }
                    if traces
                    else {}
                )
            )
    meta = RunMeta(
        model="demo", z_token="<z>", beta_v=BETA_V, c_ref=C_REF, c_ref_std=0.04, task="linear", temperature=1.0
    )
    return Rollouts.from_rows(rows, meta)
