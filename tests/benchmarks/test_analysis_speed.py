"""How fast the analysis is, beside the ways it is usually done; run side by side, for the machine may be shared.

    pytest tests/benchmarks/test_analysis_speed.py -o addopts="" --benchmark-columns=min,mean,rounds

Every comparison first checks that both sides agree within their stated standard errors. Monte-Carlo methods are
compared by the time they need for the same standard error: time x error**2. ``python -m tests.benchmarks.cost`` draws
each estimator's cost as the number of solutions grows.
"""

from __future__ import annotations

import random
import time
import tracemalloc
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest

from laser_core.analysis import (
    Samples,
    accuracy,
    calibration,
    confusion,
    cross_fit,
    length_relation,
    roc_pr,
    score_distribution,
    score_shape,
    separation,
    threshold_sweep,
    voting_curve,
)
from laser_core.analysis.voting.ballots import Ballots
from laser_core.analysis.voting.majority import majority_vote
from laser_core.analysis.voting.resample import resample_votes
from laser_core.rollouts import Rollouts, RunMeta
from tests.benchmarks.cost import growth, make_samples, measure

POWERS = 2 ** np.arange(11)


def as_table(samples: Samples) -> Rollouts:
    n = samples.present.size
    rng = np.random.default_rng(0)
    score = samples.score.ravel()
    return Rollouts(
        pa.table(
            {
                "run": pa.array(["r"] * n),
                "step": pa.array(np.zeros(n, np.int32)),
                "problem_id": pa.array(np.repeat(samples.problem_ids, samples.n_samples)),
                "sample": pa.array(np.tile(np.arange(samples.n_samples, dtype=np.int32), samples.n_problems)),
                "response": pa.array([""] * n),
                "answer": pa.array([str(a) if a >= 0 else None for a in samples.answer.ravel()]),
                "correct": pa.array(samples.correct.ravel() == 1),
                "truncated": pa.array(np.zeros(n, bool)),
                "n_tokens": pa.array(rng.integers(10, 99, n).astype(np.int32)),
                "z_logprob": pa.array(10 * score - 23),
                "ref_z_logprob": pa.array(np.full(n, -23.0)),
                "score": pa.array(score),
            }
        ),
        RunMeta(),
    )


def everything(samples: Samples, sizes: np.ndarray | None = None) -> tuple:
    """All curves and all metrics, with their intervals."""
    return (
        accuracy(samples),
        separation(samples),
        threshold_sweep(samples),
        cross_fit(samples),
        calibration(samples),
        score_distribution(samples),
        score_shape(samples),
        roc_pr(samples),
        confusion(samples),
        length_relation(samples),
        voting_curve(samples, n_values=sizes),
    )


def loop_of_subsets(samples: Samples, sizes: np.ndarray, n_draws: int) -> tuple[np.ndarray, np.ndarray]:
    """The usual way: draw a subset, count its votes in a dict, repeat. Weighted vote; mean and standard error."""
    rng = random.Random(0)
    weights = np.nan_to_num(np.clip(samples.score, 0, 1))
    values = np.empty((samples.n_problems, n_draws, len(sizes)))
    for p in range(samples.n_problems):
        answers, w = samples.answer[p].tolist(), weights[p].tolist()
        for k in range(n_draws):
            for j, size in enumerate(sizes.tolist()):
                totals: dict[int, float] = defaultdict(float)
                for i in rng.sample(range(len(answers)), size):
                    if answers[i] >= 0:
                        totals[answers[i]] += w[i]
                top = max(totals.values(), default=0.0)
                leaders = [a for a, total in totals.items() if total == top]
                values[p, k, j] = (0 in leaders) / max(1, len(leaders))
    error = np.sqrt(values.var(axis=1, ddof=1).sum(axis=0) / n_draws) / samples.n_problems
    return values.mean(axis=(0, 1)), error


def vectorised_subsets(samples: Samples, sizes: np.ndarray, n_draws: int) -> tuple[np.ndarray, np.ndarray]:
    """NumPy resampling done well: shared random orders, running one-hot sums, one argmax for all sizes."""
    rng = np.random.default_rng(0)
    n_problems, n = samples.answer.shape
    n_answers = int(samples.answer.max()) + 1
    weights = np.nan_to_num(np.clip(samples.score, 0, 1)).astype(np.float32)
    # A weight of almost nothing keeps an answer of weight 0 apart from an answer nobody gave.
    onehot = (samples.answer[:, :, None] == np.arange(n_answers)) * np.maximum(weights, 1e-7)[:, :, None]
    mean, square = np.zeros((n_problems, len(sizes))), np.zeros((n_problems, len(sizes)))
    for _ in range(n_draws):
        order = rng.permuted(np.tile(np.arange(n), (n_problems, 1)), axis=1)
        totals = np.take_along_axis(onehot, order[:, :, None], axis=1).cumsum(axis=1)[:, sizes - 1]
        top = totals.max(axis=2)
        leads = totals == top[:, :, None]
        credit = np.where(top > 0, leads[:, :, 0] / leads.sum(axis=2), 0)
        mean += credit / n_draws
        square += credit**2 / n_draws
    error = np.sqrt(((square - mean**2) * n_draws / (n_draws - 1)).sum(axis=0) / n_draws) / n_problems
    return mean.mean(axis=0), error


def timed(function, *arguments, **options):
    """The result and the processor seconds it took: they suffer less from other programs than the clock does."""
    start = time.process_time()
    result = function(*arguments, **options)
    return result, time.process_time() - start


def test_everything_for_500_problems_of_64(benchmark):
    samples = make_samples(500, 64)
    result = benchmark.pedantic(everything, args=(samples,), rounds=5, warmup_rounds=1)
    benchmark.extra_info["weighted_se"] = float(result[-1].weighted_se.max())
    assert result[-1].weighted_se.max() <= 0.002
    # About a second on two free cores; a shared machine is given some slack.
    assert benchmark.stats["min"] < 1.5


def test_the_table_to_the_samples(benchmark):
    table = as_table(make_samples(500, 64))
    samples = benchmark.pedantic(Samples.from_rollouts, args=(table,), rounds=5, warmup_rounds=1)
    assert samples.n_problems == 500
    assert benchmark.stats["min"] < 0.5


def test_everything_for_500_problems_of_1024(benchmark):
    samples = make_samples(500, 1024)
    result = benchmark.pedantic(everything, args=(samples, POWERS), rounds=1)
    curve = result[-1]
    assert benchmark.stats["min"] < 60
    drawn = resample_votes(Ballots.of(samples), np.ones(samples.score.shape), POWERS, target_se=0.001)
    error = np.maximum(drawn.majority_se, 1e-9)
    assert np.all(np.abs(curve.majority - drawn.majority.mean(axis=0)) < 5 * error + 1e-6)


@pytest.mark.parametrize(("sizes", "least"), [(np.arange(1, 64), 100), (2 ** np.arange(6), 50)], ids=["all", "powers"])
def test_weighted_vote_against_a_plain_loop(benchmark, sizes, least):
    """At least 100 times faster at equal standard error for all N; a loop over powers of two has far less to do.

    Processor time on both sides. Ours includes the other three curves and all bands.
    """
    samples = make_samples(500, 64)
    (plain, plain_error), plain_seconds = timed(loop_of_subsets, samples, sizes, 2 if len(sizes) > 10 else 12)
    options = {"n_values": sizes, "target_se": 5e-4}
    curve = benchmark.pedantic(voting_curve, args=(samples,), kwargs=options, rounds=1, warmup_rounds=1)
    seconds = min(timed(voting_curve, samples, **options)[1] for _ in range(3))
    assert np.all(np.abs(plain - curve.weighted) < 5 * np.hypot(plain_error, curve.weighted_se) + 1e-9)
    inner = slice(1, None)  # at N = 1 there is nothing to estimate
    ratio = plain_seconds * plain_error[inner].max() ** 2 / (seconds * curve.weighted_se[inner].max() ** 2)
    benchmark.extra_info["times faster than a plain loop"] = round(ratio)
    assert ratio > least


def test_weighted_vote_against_vectorised_resampling(benchmark):
    """No slower than NumPy resampling done well, at equal standard error and all N."""
    samples, sizes = make_samples(500, 64), np.arange(1, 65)
    (plain, plain_error), plain_seconds = timed(vectorised_subsets, samples, sizes, 32)
    curve = benchmark.pedantic(voting_curve, args=(samples,), kwargs={"n_values": sizes}, rounds=3, warmup_rounds=1)
    assert np.all(np.abs(plain - curve.weighted) < 5 * np.hypot(plain_error, curve.weighted_se) + 1e-6)
    seconds = min(timed(voting_curve, samples, n_values=sizes)[1] for _ in range(3))
    ratio = plain_seconds * plain_error.max() ** 2 / (seconds * curve.weighted_se.max() ** 2)
    benchmark.extra_info["times faster than vectorised resampling"] = round(ratio, 1)
    assert ratio > 1


def test_exact_majority_against_vectorised_resampling(benchmark):
    """The exact value costs less than resampling to a standard error of 0.001."""
    samples, sizes = make_samples(500, 64), np.arange(1, 65)
    ballots = Ballots.of(samples)
    arguments = (ballots.votes, ballots.winning, ballots.size, sizes)
    exact = benchmark.pedantic(majority_vote, args=arguments, rounds=3, warmup_rounds=1)
    unweighted = Samples.from_arrays(correct=samples.correct, answer=samples.answer, score=np.ones(samples.score.shape))
    (plain, error), seconds = timed(vectorised_subsets, unweighted, sizes, 32)
    assert np.all(np.abs(plain - exact.mean(axis=0)) < 5 * error + 1e-6)
    ours = min(timed(majority_vote, *arguments)[1] for _ in range(3))
    ratio = seconds * (error.max() / 0.001) ** 2 / ours
    benchmark.extra_info["times faster than resampling to 0.001"] = round(ratio, 1)
    assert ratio > 1


def test_memory_stays_small(benchmark):
    """Peak memory of every analysis of 512,000 solutions, in units of the table's numeric columns."""
    samples = make_samples(500, 1024)
    table = as_table(samples)
    numeric = sum(column.nbytes for column in table.table.columns if not pa.types.is_string(column.type))
    del samples

    def peak() -> int:
        tracemalloc.start()
        everything(Samples.from_rollouts(table), POWERS)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    used = benchmark.pedantic(peak, rounds=1)
    benchmark.extra_info["times the numeric columns"] = round(used / numeric, 2)
    assert used < 3 * numeric


def test_cost_as_n_grows(benchmark):
    """No estimator grows faster than docs/estimators.md states: the exact majority about n**1.5, the rest about n."""
    rows: list[dict] = []
    benchmark.pedantic(lambda: rows.extend(measure((16, 64, 256, 1024), repeats=1)), rounds=1)
    benchmark.extra_info["seconds"] = rows
    powers = {name: round(growth(rows, name), 2) for name in rows[0].keys() - {"n"}}
    benchmark.extra_info["grows as n to the power"] = powers
    for name, power in powers.items():
        assert power < (2.2 if "majority" in name else 1.6), (name, power)
