"""A file too large for memory gives the numbers that memory gives."""

from __future__ import annotations

import json

import numpy as np
import pytest

from laser_core.analysis import (
    Samples,
    accuracy,
    calibration,
    is_big_parquet,
    separation,
    summarize,
    summarize_parquet,
    threshold_sweep,
    voting_curve,
    with_free_signals,
)
from laser_core.analysis.outofcore import parquet
from laser_core.errors import InputError
from laser_core.rollouts import Rollouts, write_parquet
from tests.factories import make_rollouts

pytest.importorskip("duckdb")


@pytest.fixture
def shuffled(tmp_path):
    """A file whose rows are in no order, read in chunks that cut through problems."""
    rollouts = make_rollouts(n_problems=150, n_samples=8, traces=False)
    rollouts = rollouts.take(np.random.default_rng(0).permutation(len(rollouts)))
    path = tmp_path / "big.parquet"
    write_parquet(rollouts, path)
    return rollouts, path


@pytest.mark.parametrize("chunk", [7, 100, 10**6])
def test_agrees_with_memory(shuffled, monkeypatch, chunk):
    rollouts, path = shuffled
    monkeypatch.setattr(parquet, "CHUNK", chunk)
    monkeypatch.setattr(parquet, "PART", 5 * chunk)
    found = summarize_parquet(path)
    samples = Samples.from_rollouts(rollouts)
    expected = separation(samples)
    assert (found.n_problems, found.n_rollouts) == (150, 1200)
    assert found.n_mixed_problems == expected.n_mixed_problems
    assert found.truncated_fraction == pytest.approx(samples.truncated.sum() / 1200)
    pairs = {"accuracy": accuracy(samples)} | {
        name: getattr(expected, name) for name in ("auroc", "within_problem_auroc", "balanced_f1", "tpr", "tnr")
    }
    for name, estimate in pairs.items():
        got = getattr(found, name)
        # The bins of the score make the AUROC an approximation; the rest is the same arithmetic.
        tolerance = 1e-3 if name == "auroc" else 1e-3 * (estimate.ci_high - estimate.ci_low) + 1e-12
        assert got.value == pytest.approx(estimate.value, abs=tolerance), name
        assert got.ci == pytest.approx(estimate.ci, abs=2e-3), name
    curve = voting_curve(samples, n_values=[1, 2, 4, 8])
    votes = found.voting
    assert votes is not None
    assert votes.n.tolist() == [1, 2, 4, 8]
    for name in ("pass_", "majority", "weighted", "best_of_n", "weighted_minus_majority"):
        got = getattr(votes, name)
        noise = 5 * np.hypot(votes.weighted.se, curve.weighted_se) if name.startswith("weighted") else 0
        band = name.removesuffix("_")
        assert np.all(np.abs(got.mean - getattr(curve, name)) <= noise + 1e-9), name
        assert np.all(np.abs(got.low - getattr(curve, f"{band}_low")) <= noise + 1e-3), name
        assert np.all(np.abs(got.high - getattr(curve, f"{band}_high")) <= noise + 1e-3), name


def test_calibration_and_threshold_agree_with_memory(shuffled, monkeypatch):
    rollouts, path = shuffled
    monkeypatch.setattr(parquet, "CHUNK", 100)
    found = summarize_parquet(path)
    samples = Samples.from_rollouts(rollouts)
    expected, judged = calibration(samples), separation(samples)
    assert found.brier.value == pytest.approx(expected.brier.value, abs=1e-12)
    assert found.brier.ci == pytest.approx(expected.brier.ci, abs=1e-3)
    # The bins are the same; which problems are in which half of the cross-fitted lower end is not.
    assert found.ece.value == pytest.approx(expected.ece.value, abs=2e-3)
    assert found.ece.ci_high == pytest.approx(expected.ece.ci_high, abs=2e-3)
    assert found.ece.ci_low == pytest.approx(expected.ece.ci_low, abs=0.02)
    at_best = separation(samples, threshold=found.best_threshold).balanced_f1.value
    assert at_best == pytest.approx(threshold_sweep(samples).balanced_f1.max(), abs=2e-3)
    assert (found.n_correct, found.n_incorrect) == (judged.n_correct, judged.n_incorrect)
    assert found.n_unscored == judged.n_unscored > 0


def test_the_same_object_as_from_memory(shuffled):
    rollouts, path = shuffled
    big, small = summarize_parquet(path).to_json(), summarize(rollouts, n_max=8).to_json()
    json.dumps(big, allow_nan=False)
    assert big.keys() - small.keys() == {"out_of_core"}
    assert not small.keys() - big.keys()
    for part in ("score", "voting"):
        assert not big[part].keys() - small[part].keys()
    missing = small["score"].keys() - big["score"].keys()
    assert {name.removesuffix("_ci") for name in missing} == {
        *("average_precision", "mcc", "balanced_f1_all", "tpr_all", "tnr_all", "balanced_f1_cross_fitted")
    }
    assert "out of core" in big["warnings"][0]
    assert big["score"]["auroc"] == pytest.approx(small["score"]["auroc"], abs=1e-3)


def test_a_file_gives_the_same_numbers_every_time(shuffled):
    _, path = shuffled
    first = summarize_parquet(path).to_json()
    assert all(summarize_parquet(path).to_json() == first for _ in range(3))


def test_no_votes_are_no_curves_rather_than_zeros(tmp_path):
    rows = [{"run": "r", "problem_id": f"p{i // 2}", "sample": i % 2, "response": "", "score": 0.5} for i in range(6)]
    path = tmp_path / "unverified.parquet"
    write_parquet(Rollouts.from_rows([row | {"correct": None} for row in rows]), path)
    found = summarize_parquet(path)
    assert found.voting is None
    assert found.to_json()["voting"]["n"] == found.to_json()["voting"]["majority"] == []


def test_free_signals_are_made_where_the_columns_are(tmp_path):
    rollouts = make_rollouts(n_problems=40)
    path = tmp_path / "traces.parquet"
    write_parquet(rollouts, path)
    for name in parquet.FREE:
        found = summarize_parquet(path, signal=name.removeprefix("signal."))
        expected = separation(Samples.from_rollouts(with_free_signals(rollouts), signal=name))
        assert found.signal == name
        assert found.within_problem_auroc.value == pytest.approx(expected.within_problem_auroc.value, abs=1e-3)
        assert found.n_correct == expected.n_correct
    with pytest.raises(InputError, match=r"signal\.tail_logprob"):
        summarize_parquet(path, signal="tail_logprob")


def test_a_file_is_big_by_its_footer(shuffled, monkeypatch, tmp_path):
    _, path = shuffled
    assert not is_big_parquet(path)
    monkeypatch.setattr(parquet, "BIG", 1000)
    assert is_big_parquet(path)
    other = tmp_path / "other.jsonl"
    other.write_text("{}")
    assert not is_big_parquet(other)
    assert not is_big_parquet(tmp_path / "nowhere.parquet")


def test_a_run_must_be_chosen(tmp_path):
    rows = [
        {"run": run, "problem_id": "p", "sample": i, "response": "", "correct": True, "score": 0.5, "answer": "1"}
        for run in ("a", "b")
        for i in range(2)
    ]
    path = tmp_path / "two.parquet"
    write_parquet(Rollouts.from_rows(rows), path)
    with pytest.raises(InputError, match=r"several runs \(a, b\)"):
        summarize_parquet(path)
    assert summarize_parquet(path, run="b").n_rollouts == 2
    with pytest.raises(InputError, match="no rollouts of the run 'c'"):
        summarize_parquet(path, run="c")


def test_bad_files_are_named(tmp_path):
    path = tmp_path / "text.parquet"
    path.write_text("not Parquet")
    with pytest.raises(InputError, match="text.parquet: cannot be read as Parquet"):
        summarize_parquet(path)
    bare = tmp_path / "bare.parquet"
    write_parquet(Rollouts.from_rows([{"run": "r", "problem_id": "p", "sample": 0, "response": ""}]), bare)
    with pytest.raises(InputError, match="'correct': required column is missing"):
        summarize_parquet(bare)


def test_a_signal_derived_from_the_verdict_says_so(tmp_path):
    rollouts = make_rollouts(n_problems=30, traces=False)
    correct = rollouts.column("correct")
    noisy = correct + np.random.default_rng(0).normal(size=len(correct))
    rollouts = rollouts.with_column("signal.total", 1.2 * correct).with_column("signal.rm", noisy)
    write_parquet(rollouts, tmp_path / "big.parquet")
    first, *_ = summarize_parquet(tmp_path / "big.parquet", signal="total").warnings
    assert first == summarize(rollouts, signal="total").warnings[0]
    assert first.startswith("'total' is derived from the verdict")
    for signal in ("score", "rm"):
        warnings = summarize_parquet(tmp_path / "big.parquet", signal=signal).warnings
        assert not any("derived" in warning for warning in warnings)
