"""How often the 95% intervals of the Brier score and the ECE hold the truth, at few and at many problems.

    python -m tests.benchmarks.calibration_coverage

prints the table in ``docs/estimators.md``. Problems are drawn anew in every experiment, 16 solutions each; the truth
comes from 40,000 problems.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np

from laser_core.analysis import Samples, calibration

PROBLEMS, N_SAMPLES, TRUTH_PROBLEMS = (30, 100, 500), 16, 40_000


def one_hump(rng: np.random.Generator, n_problems: int) -> Samples:
    """Scores around one centre that leans with the problem: not calibrated."""
    rate = rng.beta(1.2, 1.5, (n_problems, 1))
    lean = 0.15 * rng.standard_normal((n_problems, 1))
    correct = rng.random((n_problems, N_SAMPLES)) < rate
    score = 0.3 + 0.25 * correct + 0.2 * rate + lean + 0.2 * rng.standard_normal(correct.shape)
    return Samples.from_arrays(correct=correct, score=score)


def two_humps(rng: np.random.Generator, n_problems: int, *, right_share: float = 0.9) -> Samples:
    """Scores near 0 or near 1, on the right side in this share of the solutions, and less often in some problems."""
    correct = rng.random((n_problems, N_SAMPLES)) < rng.beta(1.2, 1.5, (n_problems, 1))
    right = rng.random(correct.shape) < rng.beta(5 * right_share, 5 * (1 - right_share), (n_problems, 1))
    return Samples.from_arrays(correct=correct, score=(correct == right) + 0.05 * rng.standard_normal(correct.shape))


def calibrated_one_hump(rng: np.random.Generator, n_problems: int) -> Samples:
    """Scores around their problem's rate, each the chance of its solution to be correct."""
    rate = rng.beta(3, 3, (n_problems, 1))
    score = rng.beta(8 * rate, 8 * (1 - rate), (n_problems, N_SAMPLES))
    return Samples.from_arrays(correct=rng.random(score.shape) < score, score=score)


def calibrated_two_humps(rng: np.random.Generator, n_problems: int) -> Samples:
    """Scores mostly near 0 or 1, each the chance of its solution to be correct."""
    rate = rng.beta(1.2, 1.5, (n_problems, 1))
    score = rng.beta(0.4 * rate, 0.4 * (1 - rate), (n_problems, N_SAMPLES))
    return Samples.from_arrays(correct=rng.random(score.shape) < score, score=score)


WORLDS: dict[str, Callable[[np.random.Generator, int], Samples]] = {
    "one hump, not calibrated": one_hump,
    "two humps, 90% on the right side": two_humps,
    "two humps, 98% on the right side": partial(two_humps, right_share=0.98),
    "one hump, calibrated": calibrated_one_hump,
    "two humps, calibrated": calibrated_two_humps,
}


def coverage(
    world: Callable[[np.random.Generator, int], Samples], n_problems: int, truth: np.ndarray, repeats: int
) -> np.ndarray:
    """Share of the experiments whose interval holds the truth, for the Brier score and the ECE."""
    rng, covered = np.random.default_rng(n_problems), np.zeros(2)
    for _ in range(repeats):
        found = calibration(world(rng, n_problems))
        low, high = np.transpose([found.brier.ci, found.ece.ci])
        covered += (low <= truth) & (truth <= high)
    return covered / repeats


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2000)
    repeats = parser.parse_args().repeats
    sizes = " | ".join(f"{name}, {n}" for name in ("Brier", "ECE") for n in PROBLEMS)
    print(f"| score | true Brier, ECE | {sizes} |\n|---|---|{'---|' * 2 * len(PROBLEMS)}")
    for name, world in WORLDS.items():
        large = calibration(world(np.random.default_rng(0), TRUTH_PROBLEMS))
        truth = np.array([large.brier.value, 0.0 if name.endswith(", calibrated") else large.ece.value])
        cells = np.array([coverage(world, n, truth, repeats) for n in PROBLEMS])
        shown = " | ".join(f"{value:.3f}" for value in cells.T.ravel())
        print(f"| {name} | {truth[0]:.3f}, {truth[1]:.3f} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
