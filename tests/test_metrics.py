"""The point values of separation: by hand, against scikit-learn, and as the training log shows them."""

from __future__ import annotations

import ast
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from laser_core import metrics
from laser_core.runfolder.step_metrics import score_summary
from tests.analysis import brute

ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([0.1, 0.4, 0.5, 0.9]), st.booleans()), min_size=1, max_size=30
)


def columns(rows) -> tuple[np.ndarray, ...]:
    problem, score, y_true = (np.array(column) for column in zip(*rows, strict=True))
    return problem, score, y_true


def test_rates_and_their_harmonic_mean_by_hand():
    # Two of three correct solutions are predicted correct, one of two incorrect ones is.
    y_true, predicted = np.array([1, 1, 1, 0, 0], bool), np.array([1, 1, 0, 1, 0], bool)
    tpr, tnr = metrics.true_rates(y_true, predicted)
    assert (tpr, tnr) == (pytest.approx(2 / 3), 0.5)
    assert metrics.balanced_f1(tpr, tnr) == pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5))


def test_a_missing_class_is_undefined_and_not_zero():
    one_class, score = np.array([True, True]), np.array([0.3, 0.8])
    tpr, tnr = metrics.true_rates(one_class, score > 0.5)
    assert tpr == 0.5
    assert math.isnan(tnr)
    assert np.isnan(metrics.balanced_f1(tpr, tnr))
    assert math.isnan(metrics.auroc(one_class, score))
    assert math.isnan(metrics.within_problem_auroc(one_class, score, np.array([0, 0])))
    nothing = np.zeros(0)
    assert math.isnan(metrics.auroc(nothing.astype(bool), nothing))
    assert math.isnan(metrics.within_problem_auroc(nothing.astype(bool), nothing, nothing.astype(int)))


@settings(max_examples=80, deadline=None)
@given(ROWS)
def test_aurocs_equal_their_definition_and_scikit_learn(rows):
    problem, score, y_true = columns(rows)
    assert metrics.auroc(y_true, score) == pytest.approx(brute.auroc(score, y_true), nan_ok=True)
    if 0 < y_true.sum() < len(y_true):
        assert metrics.auroc(y_true, score) == pytest.approx(sk.roc_auc_score(y_true, score))
    expected = [brute.auroc(score[problem == p], y_true[problem == p]) for p in range(4)]
    found = metrics.within_problem_aurocs(y_true, score, problem, n_problems=4)
    assert found == pytest.approx(expected, nan_ok=True)
    mean = np.mean([a for a in expected if a == a] or [np.nan])
    assert metrics.within_problem_auroc(y_true, score, problem) == pytest.approx(mean, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.data())
def test_the_training_log_leaves_out_what_has_no_score(rows, data):
    """Four solutions a problem, side by side; those not scored must not count, wherever they stand."""
    rows = (rows * 4)[: 4 * len(rows)]
    _, score, y_true = columns(rows)
    scored = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    problem = np.arange(len(rows)) // 4
    found = score_summary(
        torch.tensor(score, dtype=torch.float32),
        torch.tensor(y_true, dtype=torch.float32),
        torch.tensor(scored),
        4,
        loss=0.25,
    )
    kept = [problem[scored], score[scored], y_true[scored]]
    within = [brute.auroc(kept[1][kept[0] == p], kept[2][kept[0] == p]) for p in range(len(rows) // 4)]
    assert found["laser/score_loss"] == 0.25
    assert found["laser/auroc"] == pytest.approx(brute.auroc(kept[1], kept[2]), nan_ok=True)
    mean = np.mean([a for a in within if a == a] or [np.nan])
    assert found["laser/within_problem_auroc"] == pytest.approx(mean, nan_ok=True)
    if 0 < kept[2].sum() < len(kept[2]):
        tpr, tnr = sk.recall_score(kept[2], kept[1] > 0.5), sk.recall_score(~kept[2], kept[1] <= 0.5)
        expected = 2 * tpr * tnr / (tpr + tnr) if tpr + tnr else 0.0
        assert found["laser/balanced_f1"] == pytest.approx(expected)
    else:
        assert math.isnan(found["laser/balanced_f1"])


def test_the_definitions_depend_on_numpy_alone():
    """The training loop imports them, so they must not pull in pandas, torch or the analysis."""
    code = "import sys, laser_core.metrics; print(sorted(m for m in ('pandas', 'torch', 'scipy') if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
    tree = ast.parse(Path(metrics.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"__future__", "numpy.typing"}
