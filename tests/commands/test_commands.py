"""The laser command: exit codes, one-line errors, and the shapes scripts rely on."""

import json
import subprocess
import sys

import pytest

from laser_core.rollouts import read, write_parquet
from tests.factories import make_rollouts


def laser(*arguments, **options):
    command = [sys.executable, "-m", "laser_core", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "demo.parquet"
    write_parquet(make_rollouts(n_problems=40, n_samples=6, seed=3), path)
    return path


def test_analyze_prints_the_agreed_object(table):
    done = laser("analyze", table, "--json", "--n-max", 4)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["n_problems"] == 40
    assert found["n_rollouts"] == 240
    score = found["score"]
    for name in ("auroc", "within_problem_auroc", "balanced_f1", "tpr", "tnr", "ece", "brier"):
        low, high = score[f"{name}_ci"]
        assert low <= score[name] <= high
    assert {"n_mixed_problems", "best_threshold"} <= score.keys()
    voting = found["voting"]
    assert voting["n"] == [1, 2, 3, 4]
    for name in ("pass", "majority", "weighted", "best_of_n"):
        assert len(voting[name]) == len(voting[f"{name}_se"]) == 4
    # One solution: every way to choose is the same, up to the Monte-Carlo error of the weighted vote's unscored ones.
    assert voting["pass"][0] == pytest.approx(found["accuracy"], abs=1e-9)
    assert voting["majority"][0] == pytest.approx(found["accuracy"], abs=1e-9)
    assert {"truncated_fraction", "accuracy_ci", "warnings"} <= found.keys()


def test_analyze_prints_every_number_with_its_interval(table):
    done = laser("analyze", table)
    assert done.returncode == 0, done.stderr
    assert "40 problems, 240 solutions" in done.stdout
    assert "AUROC within a problem" in done.stdout
    assert "weighted - majority" in done.stdout


def test_analyze_through_duckdb_says_so_and_agrees(table):
    small, big = (laser("analyze", table, "--json", *how) for how in ((), ("--out-of-core",)))
    assert big.returncode == 0, big.stderr
    found, expected = json.loads(big.stdout), json.loads(small.stdout)
    assert found["out_of_core"]
    assert found["score"]["balanced_f1"] == pytest.approx(expected["score"]["balanced_f1"])
    assert found["voting"]["majority"][-1] == pytest.approx(expected["voting"]["majority"][3])  # N = 4
    text = laser("analyze", table, "--out-of-core")
    assert "Summarised out of core" in text.stdout
    assert "AUROC within a problem" in text.stdout


def test_analyze_by_a_free_signal(table):
    done = laser("analyze", table, "--signal", "mean_logprob")
    assert done.returncode == 0, done.stderr
    assert "Does 'signal.mean_logprob' tell right from wrong?" in done.stdout
    wrong = laser("analyze", table, "--signal", "nonsense")
    assert wrong.returncode == 1
    assert "choose from: score, signal.mean_logprob" in wrong.stderr


def test_report_is_one_page(table, tmp_path):
    out = tmp_path / "report.html"
    done = laser("report", table, "--out", out, "--n-max", 4)
    assert done.returncode == 0, done.stderr
    assert f"Wrote {out}" in done.stdout
    assert "--n-max 4" in out.read_text(encoding="utf-8")


def test_convert_round_trips(table, tmp_path):
    there, back = tmp_path / "there.jsonl", tmp_path / "back.parquet"
    first, second = laser("convert", table, "--out", there), laser("convert", there, "--out", back)
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert "Detected jsonl: 240 rollouts from 240 rows, 0 refused" in second.stdout
    assert read(back).rollouts.table.equals(read(table).rollouts.table)


def test_convert_reports_refused_rows_and_strict_refuses_the_file(tmp_path):
    path = tmp_path / "mine.jsonl"
    good = '{"run": "a", "problem_id": "p", "sample": 0, "response": "x#1", "correct": true}'
    path.write_text(good + "\n" + good.replace("0", '"zero"') + "\n")
    done = laser("convert", path, "--out", tmp_path / "out.parquet")
    assert done.returncode == 0, done.stderr
    assert "1 rollouts from 2 rows, 1 refused" in done.stdout
    assert "refused line 2, field 'sample'" in done.stdout
    strict = laser("convert", path, "--out", tmp_path / "strict.parquet", "--strict")
    assert strict.returncode == 1
    assert "line 2" in strict.stderr
    assert not (tmp_path / "strict.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        (["analyze", "nowhere.parquet"], "nowhere.parquet"),
        (["train", "--out", "run", "--set", "aplha=1"], "did you mean 'alpha'"),
        (["train", "--out", "run", "--set", "steps=many"], "'steps'"),
        (["train", "--out", "run", "--set", "model=./nothing"], "nothing"),
        (["sample", "./nothing", "--out", "r.parquet"], "nothing"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_1(arguments, mentions, tmp_path):
    done = laser(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    *progress, last = done.stderr.splitlines()
    assert last.startswith("laser: ")
    assert all(line.startswith((f"{arguments[0]} ", "sampling ")) for line in progress)
    assert mentions in last


@pytest.mark.parametrize("arguments", [["frobnicate"], ["train"], ["train", "--out", "x", "--preset", "huge"]])
def test_wrong_usage_is_exit_code_2(arguments, tmp_path):
    assert laser(*arguments, cwd=tmp_path).returncode == 2
