"""Sampling, scoring, a training step and resuming on a GPU: do they work there, and how fast? (``make gpu-check``)

    python -m tests.benchmarks.gpu_check [--model NAME] [--device cuda] [--prompts 32] [--samples 8] [--tokens 256]

Prints one line a part: milliseconds, tokens/s, and the share of the device's peak, which is the rate of one large
matrix product measured just before. ``--device cpu`` tries the script itself. Exit code 1 if there is no such device,
or if a part went wrong: other log-probs than the CPU's, or a resumed run that is not the uninterrupted one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.evaluate import repeated, responses_of
from laser_core.fast.choice import choose
from laser_core.fast.devices import device_name, pick_device, weights_dtype
from laser_core.fast.precision import pick_dtype
from laser_core.generate import generate
from laser_core.policy import Policy, load_policy
from laser_core.scoring import Solutions, score_in_micro_batches, score_solutions
from laser_core.tasks import load_problems
from laser_core.train import train

AGREE = {torch.float32: 1e-3, torch.bfloat16: 0.15}  # nats: log-probs there against float32 on the CPU, on average


@dataclass(frozen=True)
class Part:
    """One line of the table: what was done, how long it took, for how many tokens and operations."""

    name: str
    seconds: float
    tokens: int
    operations: float

    def line(self, peak: float) -> str:
        share = f"{self.operations / self.seconds / peak:8.1%}" if self.operations else " " * 8
        rate = f"{self.tokens / self.seconds:12,.0f}" if self.tokens else " " * 12
        return f"{self.name:<28}{self.seconds * 1e3:12,.0f}{rate}{share}"


def timed(work: Callable[[], Any], device: torch.device) -> tuple[float, Any]:
    """Seconds, and what it returned; waits for the device before and after."""
    wait = torch.cuda.synchronize if device.type == "cuda" else (lambda: None)
    wait()
    start = time.perf_counter()
    found = work()
    wait()
    return time.perf_counter() - start, found


def peak_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of a large matrix product, of random numbers."""
    n = 8192 if device.type == "cuda" else 1024
    a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
    a @ b
    return 2 * n**3 / min(timed(lambda: a @ b, device)[0] for _ in range(5))


def check_speed(policy: Policy, dtype: torch.dtype, prompts: list[list[int]], samples: int, limit: int) -> list[Part]:
    """Sampling, scoring, and a forward and backward pass, each after a turn to warm up."""
    device, n_parameters = policy.model.device, policy.model.num_parameters()

    def sample() -> Any:
        generator = torch.Generator().manual_seed(0)
        return generate(policy, prompts, samples=samples, max_new_tokens=limit, generator=generator, dtype=dtype)

    sampled = timed(sample, device)[1]
    seconds, sampled = timed(sample, device)
    tokens = int(sampled.length.sum())
    parts = [Part("sampling", seconds, tokens, 2.0 * n_parameters * tokens)]
    solutions = Solutions.pack(repeated(prompts, samples), responses_of(sampled), policy)
    read = int((solutions.prompt_length + solutions.length).sum())

    def learn() -> None:
        for _, now in score_in_micro_batches(policy, solutions, max_tokens=16_384, dtype=dtype):
            now.logprob.sum().backward()
        policy.model.zero_grad()

    def score() -> None:
        with torch.inference_mode():
            for rows in solutions.micro_batches(16_384):
                score_solutions(policy, solutions.rows(rows), dtype=dtype)

    for name, work, factor in (("scoring", score, 2.0), ("forward and backward", learn, 6.0)):
        timed(work, device)
        parts.append(Part(name, timed(work, device)[0], read, factor * n_parameters * read))
    return parts


def check_values(policy: Policy, here: Policy, dtype: torch.dtype, prompts: list[list[int]]) -> str:
    """Whether log-probs there agree with float32 on the CPU; what is wrong, or nothing."""
    generator = torch.Generator().manual_seed(1)
    sampled = generate(here, prompts[:4], samples=2, max_new_tokens=24, generator=generator)
    solutions = Solutions.pack(repeated(prompts[:4], 2), responses_of(sampled), here)
    with torch.inference_mode():
        there = score_solutions(policy, solutions, dtype=dtype).cpu()
    off = float((there.logprob - sampled.logprob).abs().sum() / there.mask.sum())
    print(f"log-probs against the CPU's in float32: {off:.2g} nats apart on average")
    return "" if off < AGREE[dtype] else f"log-probs are {off:.2g} nats off"


def check_training(config: LaserConfig, folder: Path) -> tuple[list[Part], str]:
    """Four steps at once, and two and two; the seconds of the last step, and what is wrong, or nothing."""

    def events(path: Path) -> list[dict]:
        return [json.loads(line) for line in (path / "events.jsonl").read_text().splitlines()]

    train(config, folder / "whole")
    train(config.replace(steps=2), folder / "parts")
    seconds, _ = timed(lambda: train(config, folder / "parts", resume=True), torch.device("cpu"))
    whole, parts = events(folder / "whole"), events(folder / "parts")
    last = whole[-1]
    found = [
        Part("a training step", last["step_seconds"], last["n_tokens"], 0.0),
        Part("resuming: load, 2 steps", seconds, 0, 0.0),
    ]
    apart = max(abs(a["loss"] - b["loss"]) for a, b in zip(whole, parts, strict=True))
    print(f"a resumed run against an uninterrupted one: losses at most {apart:.2g} apart")
    return found, "" if apart < 0.05 else f"a resumed run is {apart:.2g} off"


def main() -> int:
    """Run all checks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="bundled:base")
    parser.add_argument("--task", default="linear")
    parser.add_argument("--z-token", default="")
    parser.add_argument("--device", default="cuda")
    for name, default in (("prompts", 64), ("samples", 8), ("tokens", 40)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    try:
        device = pick_device(asked.device)
    except InputError as error:
        print(f"gpu-check: {error}", file=sys.stderr)
        return 1
    dtype = pick_dtype("auto", device)
    policy = load_policy(asked.model, z_token=asked.z_token, device=device, dtype=weights_dtype(dtype, device))
    choice = choose(policy.model, dtype, policy.pad_id, to_train=True)
    policy = replace(policy, lean=choice.lean)
    peak = peak_rate(device, dtype)
    print(f"{device_name(device)}, {str(dtype).removeprefix('torch.')}, {asked.model}: peak {peak / 1e12:,.2f} TFLOP/s")
    print(choice.reason or "The lean forward pass is used.")
    prompts = [policy.encode_prompt(problem.text) for problem in load_problems(asked.task, "test")[: asked.prompts]]
    here = load_policy(asked.model, z_token=asked.z_token)
    wrong = [check_values(policy, here, dtype, prompts)]
    parts = check_speed(policy, dtype, prompts, asked.samples, asked.tokens)
    config = LaserConfig(
        model=asked.model,
        task=asked.task,
        z_token=asked.z_token,
        device=asked.device,
        steps=4,
        lr_decay=0.0,
        prompts_per_step=asked.prompts,
        rollouts_per_prompt=asked.samples,
        max_new_tokens=asked.tokens,
        c_ref=-15.0,
        reasoning_warmup=0,
        eval_problems=0,
    )
    with tempfile.TemporaryDirectory() as folder:
        trained, problem = check_training(config, Path(folder))
    print(f"{'':<28}{'ms':>12}{'tokens/s':>12}{'of peak':>8}")
    for part in (*parts, *trained):
        print(part.line(peak))
    wrong = [found for found in (*wrong, problem) if found]
    print("wrong: " + "; ".join(wrong) if wrong else "all parts work")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
