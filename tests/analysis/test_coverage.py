"""Do 95% intervals hold the truth in 95% of the experiments? Simulated, problems being drawn anew each time."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import Samples, calibration, voting_curve
from laser_core.analysis.estimates import confidence_interval
from laser_core.analysis.questions.length import spearman_statistic
from laser_core.analysis.scores.separation import (
    Ranked,
    accuracy_statistic,
    auroc_statistic,
    average_precision_statistic,
    cell_statistics,
    within_problem_statistic,
)

N_PROBLEMS, N_SAMPLES, REPEATS = 60, 8, 1500


def world(rng: np.random.Generator, n_problems: int) -> Samples:
    """Problems differ in how often they are solved, and in how the score leans; solutions of one problem are alike."""
    rate = rng.beta(1.2, 1.5, (n_problems, 1))
    lean = 0.15 * rng.standard_normal((n_problems, 1))
    correct = rng.random((n_problems, N_SAMPLES)) < rate
    score = 0.3 + 0.25 * correct + 0.2 * rate + lean + 0.2 * rng.standard_normal(correct.shape)
    answer = np.where(correct, 0, rng.integers(1, 5, correct.shape))
    return Samples.from_arrays(correct=correct, score=score, answer=answer)


def statistics(samples: Samples) -> dict:
    ranked = Ranked.of(samples)
    return {
        "accuracy": accuracy_statistic(samples),
        "auroc": auroc_statistic(ranked),
        "within_problem_auroc": within_problem_statistic(ranked),
        "average_precision": average_precision_statistic(ranked),
        "spearman": spearman_statistic(ranked.score, ranked.correct, ranked.problem, ranked.n_problems),
        **vars(cell_statistics(ranked, 0.5)),
    }


@pytest.mark.slow
def test_intervals_cover():
    truth = {name: s.value for name, s in statistics(world(np.random.default_rng(0), 200_000)).items()}
    rng = np.random.default_rng(1)
    covered = dict.fromkeys(truth, 0)
    for _ in range(REPEATS):
        for name, statistic in statistics(world(rng, N_PROBLEMS)).items():
            estimate = statistic.estimate()
            covered[name] += estimate.ci_low <= truth[name] <= estimate.ci_high
    coverage = {name: count / REPEATS for name, count in covered.items()}
    assert all(0.93 <= value <= 0.97 for value in coverage.values()), coverage


@pytest.mark.slow
def test_voting_bands_cover():
    sizes = [1, 4, 8]
    options = {"n_values": sizes, "target_se": 0.01}
    truth = voting_curve(world(np.random.default_rng(0), 20_000), n_values=sizes, target_se=0.001)
    rng = np.random.default_rng(2)
    names = ("pass_", "majority", "weighted", "best_of_n", "weighted_minus_majority")
    covered = {name: np.zeros(3) for name in names}
    repeats = 600
    for _ in range(repeats):
        curve = voting_curve(world(rng, N_PROBLEMS), **options)
        for name in names:
            stem = name.rstrip("_")
            low, high = getattr(curve, f"{stem}_low"), getattr(curve, f"{stem}_high")
            covered[name] += (low <= getattr(truth, name)) & (getattr(truth, name) <= high)
    for name in names:
        coverage = covered[name] / repeats
        # At N = 1 weighting changes nothing: the difference is 0 by definition.
        kept = coverage[1:] if name == "weighted_minus_majority" else coverage
        assert np.all((kept >= 0.93) & (kept <= 0.975)), (name, coverage)


def test_calibration_intervals_cover():
    """The Brier score's holds the truth as often as stated; the ECE's, which has no unbiased estimate, more often."""
    truth = calibration(world(np.random.default_rng(0), 40_000))
    rng, repeats = np.random.default_rng(4), 300
    covered = np.zeros(2)
    for _ in range(repeats):
        found = calibration(world(rng, 120))
        covered += [
            estimate.ci_low <= true.value <= estimate.ci_high
            for estimate, true in ((found.brier, truth.brier), (found.ece, truth.ece))
        ]
    brier, ece = covered / repeats
    assert 0.92 <= brier <= 0.98, brier  # 300 experiments say it to within 0.025
    assert ece >= 0.93, ece


def test_the_brier_interval_covers_where_few_problems_make_up_the_score():
    """Scores near 0 or 1 that are rarely wrong: 30 problems often miss the few that matter; Wilson's is too short."""

    def rarely_wrong(n_problems: int) -> Samples:
        wrong = rng.random((n_problems, 16)) < rng.beta(0.1, 4.9, (n_problems, 1))  # in 2 of 100
        correct = rng.random(wrong.shape) < 0.5
        return Samples.from_arrays(correct=correct, score=(correct != wrong).astype(float))

    rng, repeats, truth = np.random.default_rng(5), 600, 0.02
    covered, wilson = 0, 0
    for _ in range(repeats):
        brier = calibration(samples := rarely_wrong(30)).brier
        covered += brier.ci_low <= truth <= brier.ci_high
        of_problem = (samples.score != samples.correct).mean(axis=1)
        low, high = confidence_interval(of_problem.mean(), of_problem.std(ddof=1) / np.sqrt(30), 30)
        wilson += low <= truth <= high
    assert covered / repeats >= 0.92, covered / repeats  # 600 experiments say it to within 0.02
    assert wilson / repeats < 0.9, wilson / repeats


@pytest.mark.parametrize("rate", [0.02, 0.5, 0.95])
def test_intervals_cover_near_the_bounds(rate):
    """Independent draws of a rare event: where the Student interval fails, Wilson's holds."""
    rng = np.random.default_rng(3)
    covered, student = 0, 0
    for _ in range(4000):
        x = rng.random(100) < rate
        se = x.std(ddof=1) / 10
        low, high = confidence_interval(x.mean(), se, 100)
        covered += low <= rate <= high
        student += x.mean() - 1.984 * se <= rate <= x.mean() + 1.984 * se
    assert 0.93 <= covered / 4000 <= 0.985
    if rate == 0.02:
        assert student / 4000 < 0.9
