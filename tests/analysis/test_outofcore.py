"""A file too large for memory gives the numbers that memory gives."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import Samples, accuracy, outofcore, separation, summarize_parquet, voting_curve
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
    monkeypatch.setattr(outofcore, "CHUNK", chunk)
    monkeypatch.setattr(outofcore, "PART", 5 * chunk)
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
    assert found.n.tolist() == [1, 2, 4, 8]
    for name, (mean, low, high) in found.curves.items():
        field = "pass_" if name == "pass" else name
        noise = 5 * np.hypot(found.weighted_se, curve.weighted_se) if name == "weighted" else 0
        assert np.all(np.abs(mean - getattr(curve, field)) <= noise + 1e-9), name
        assert np.all(np.abs(low - getattr(curve, f"{name}_low")) <= noise + 1e-3), name
        assert np.all(np.abs(high - getattr(curve, f"{name}_high")) <= noise + 1e-3), name


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
