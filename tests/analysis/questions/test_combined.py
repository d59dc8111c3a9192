"""The free signals combined: it finds what is there, invents nothing, and never sees the problem it predicts."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import Samples, combine_free_signals, compare_signals, separation
from laser_core.analysis.questions import combined
from laser_core.errors import InputError
from laser_core.rollouts import Rollouts


def table(correct: np.ndarray, **signals: np.ndarray) -> Rollouts:
    """One run with free signals of shape (n_problems, n_samples) as columns of the file."""
    return Rollouts.from_rows(
        [
            {"run": "r", "problem_id": f"p{p}", "sample": i, "response": "", "answer": str(i), "score": 0.5}
            | {"correct": None if np.isnan(correct[p, i]) else bool(correct[p, i])}
            | {f"signal.{name}": float(values[p, i]) for name, values in signals.items()}
            for p, i in np.ndindex(correct.shape)
        ]
    )


def combined_of(rollouts: Rollouts, **options) -> Samples:
    return combine_free_signals(Samples.from_rollouts(rollouts), rollouts, **options)


def coins(seed: int, shape=(60, 6)) -> np.ndarray:
    return (np.random.default_rng(seed).random(shape) < 0.5).astype(float)


def test_two_signals_that_decide_together_are_put_together():
    """Correct where min_logprob + neg_entropy is positive: neither says so alone, the sum always does."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(80, 6)), rng.normal(size=(80, 6))
    rollouts = table((a + b > 0).astype(float), min_logprob=a, neg_entropy=b)
    alone = separation(Samples.from_rollouts(rollouts, signal="signal.min_logprob")).auroc.value
    assert alone < 0.9
    assert separation(combined_of(rollouts)).auroc.value > 0.995


def test_the_scale_of_a_signal_does_not_matter():
    correct, rng = coins(1), np.random.default_rng(2)
    a, b = correct + rng.normal(size=correct.shape), correct + rng.normal(size=correct.shape)
    plain = combined_of(table(correct, min_logprob=a, shortness=b))
    stretched = combined_of(table(correct, min_logprob=a, shortness=5000 * b - 300))
    np.testing.assert_allclose(stretched.score, plain.score, atol=1e-4)


def test_noise_is_a_coin_out_of_fold():
    """In sample, seven useless signals would look better than chance; out of fold they must not."""
    found = []
    for seed in range(8):
        correct, rng = coins(seed), np.random.default_rng(100 + seed)
        names = [name.removeprefix("signal.") for name in combined.SIGNALS]
        rollouts = table(correct, **{name: rng.normal(size=correct.shape) for name in names})
        found.append(separation(combined_of(rollouts)).auroc.value)
    assert np.mean(found) == pytest.approx(0.5, abs=0.03)


def test_a_problem_is_predicted_without_its_own_verdicts():
    """One signal is the problem's number; flipping that problem's verdicts must change the others only."""
    correct, rng = coins(3), np.random.default_rng(3)
    signals = {"min_logprob": rng.normal(size=correct.shape), "shortness": np.indices(correct.shape)[0].astype(float)}
    flipped = correct.copy()
    flipped[7] = 1 - flipped[7]
    before, after = combined_of(table(correct, **signals)), combined_of(table(flipped, **signals))
    np.testing.assert_array_equal(after.score[7], before.score[7])
    assert not np.array_equal(after.score, before.score)


def test_it_is_a_probability_and_the_same_every_time():
    correct, rng = coins(4), np.random.default_rng(4)
    rollouts = table(correct, min_logprob=correct + rng.normal(size=correct.shape), shortness=rng.normal(size=(60, 6)))
    first, again = combined_of(rollouts), combined_of(rollouts)
    np.testing.assert_array_equal(first.score, again.score)
    assert 0 <= first.score.min() < first.score.max() <= 1
    # Among solutions that get about 0.7, about 0.7 are correct.
    near = np.abs(first.score - 0.7) < 0.1
    assert correct[near].mean() == pytest.approx(0.7, abs=0.12)


def test_constant_and_wild_signals_do_no_harm():
    correct, rng = coins(5), np.random.default_rng(5)
    useful = correct + 0.3 * rng.normal(size=correct.shape)
    wild = np.where(rng.random(correct.shape) < 0.1, 1e300, 0.0)
    found = combined_of(table(correct, min_logprob=useful, shortness=np.full(correct.shape, -7.0), neg_entropy=wild))
    assert np.isfinite(found.score).all()
    assert separation(found).auroc.value > 0.95


def test_what_lacks_a_signal_gets_no_prediction_and_what_lacks_a_verdict_does():
    correct, rng = coins(6), np.random.default_rng(6)
    correct[0, 0] = np.nan
    a, b = rng.normal(size=correct.shape), rng.normal(size=correct.shape)
    b[1, 1] = np.nan
    found = combined_of(table(correct, min_logprob=a, shortness=b))
    assert np.isfinite(found.score[0, 0])
    assert np.argwhere(np.isnan(found.score)).tolist() == [[1, 1]]


def test_it_says_what_is_missing():
    correct = coins(7)
    with pytest.raises(InputError, match="fewer than two free signals"):
        combined_of(table(correct, shortness=correct))
    with pytest.raises(InputError, match="20 problems with both.*there are 0"):
        combined_of(table(np.ones((60, 6)), shortness=correct, min_logprob=correct))
    few = correct[: combined.MIN_MIXED - 1]
    noise = np.random.default_rng(0).random(few.shape)
    with pytest.raises(InputError, match="20 problems with both"):
        combined_of(table(few, shortness=few + noise, min_logprob=few - noise))


def test_a_column_that_repeats_the_verdict_is_not_mixed_in():
    """A file may bring the verdict under a free signal's name: mixed in, it would look perfect."""
    correct, rng = coins(9), np.random.default_rng(9)
    noise = {"shortness": rng.normal(size=correct.shape), "neg_entropy": rng.normal(size=correct.shape)}
    with_verdict, without = (
        combined_of(table(correct, **noise, **more)).score for more in ({"mean_logprob": 2 * correct - 1}, {})
    )
    np.testing.assert_array_equal(with_verdict, without)


def test_the_table_of_signals_ends_with_it_or_says_why_not():
    correct, rng = coins(8), np.random.default_rng(8)
    noisy = {"min_logprob": correct + rng.normal(size=correct.shape), "shortness": rng.normal(size=correct.shape)}
    rollouts = table(correct, **noisy, reward_model=correct)
    found = compare_signals(Samples.from_rollouts(rollouts), rollouts)
    assert (found.rows[-1].signal, found.not_combined) == ("free signals combined", "")
    expected = separation(combined_of(rollouts))
    assert found.rows[-1].within_problem_auroc == expected.within_problem_auroc
    # The reward model knows everything; it is not free, so it must not have been mixed in.
    assert expected.within_problem_auroc.value < 0.9
    alone = table(correct, shortness=noisy["shortness"])
    without = compare_signals(Samples.from_rollouts(alone), alone)
    assert "fewer than two" in without.not_combined
    assert all(row.signal != "free signals combined" for row in without.rows)
