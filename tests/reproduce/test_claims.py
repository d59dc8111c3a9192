"""The table of claims, from rollouts whose truth is known."""

import json
import math

import numpy as np
import pytest

from laser_core import bundled
from laser_core.errors import InputError
from laser_core.reproduce import readme
from laser_core.reproduce.claims import all_claims
from laser_core.reproduce.evidence import Evidence, gain, within
from laser_core.reproduce.page import write_page
from laser_core.reproduce.plan import ABLATIONS, QUICK, Scale, plan
from laser_core.reproduce.table import as_text, load, save, to_json
from laser_core.rollouts import Rollouts, RunMeta, write_parquet

PROBLEMS, SAMPLES = 40, 16


def run(folder, name, *, right=6, score=lambda correct, rng: float(correct), seed=0):
    """Every problem has ``right`` correct solutions of 16, all with answer 1, and wrong ones that agree on 2."""
    rng, rows = np.random.default_rng(seed), []
    for p in range(PROBLEMS):
        for i in range(SAMPLES):
            correct = i < right
            value = score(correct, rng)
            rows.append(
                {
                    "run": name,
                    "problem_id": f"p{p}",
                    "sample": i,
                    "problem": "1?",
                    "reference_answer": "1",
                    "response": "#1" if correct else "#2",
                    "answer": "1" if correct else "2",
                    "correct": correct,
                    "truncated": False,
                    "n_tokens": 3 + i,
                    "z_logprob": value / 0.1 - 23.0,
                    "ref_z_logprob": -23.0 + (0.04 if i % 2 else -0.04),
                    "score": value,
                    "token_logprobs": [-0.1, -0.2, -0.1 if correct else -0.3],
                    "signal.self_verify": 0.9 if correct or i == SAMPLES - 1 else 0.1,
                    "signal.reward_model": float(correct),
                }
            )
    path = folder / "runs" / name / "rollouts.judged.parquet"
    path.parent.mkdir(parents=True)
    write_parquet(Rollouts.from_rows(rows, RunMeta(model="m", z_token="<z>", beta_v=0.1, c_ref=-23.0)), path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduction")
    flat = lambda correct, rng: 0.0  # noqa: E731
    run(folder, "base", right=2, score=flat)
    for seed in range(2):
        run(folder, f"laser-{seed}", right=6, seed=seed)
        run(folder, f"grpo-{seed}", right=7, score=flat)
        run(folder, f"exact-{seed}", right=6, score=lambda c, rng: float(c) + rng.normal(0, 0.01), seed=seed)
    run(folder, "ablation-self-reward-0", right=1)
    return folder


@pytest.fixture(scope="module")
def claims(folder):
    return {(claim.section[:2].strip("."), claim.claim): claim for claim in all_claims(Evidence(folder))}


def test_accuracy_and_its_differences(claims):
    assert claims["2", "accuracy after LaSeR"].value == pytest.approx(6 / 16)
    worse = claims["2", "LaSeR - GRPO, accuracy at the same number of steps"]
    assert worse.value == pytest.approx(-1 / 16)
    assert worse.holds is False
    better = claims["2", "LaSeR - base, accuracy"]
    assert better.value == pytest.approx(4 / 16)
    assert better.holds is True


def test_perfect_scores_are_perfect_and_flat_ones_are_chance(claims):
    assert claims["3", "LaSeR, last-token score"].value == 1.0
    assert claims["4", "LaSeR, last-token score"].value == 1.0
    assert claims["4", "LaSeR, last-token score"].holds is True
    assert claims["4", "GRPO, its z_c log-prob, never trained"].value == 0.5


def test_second_prompt_with_one_mistake_in_ten(claims):
    # TPR 1, TNR 9/10: balanced F1 = 2 * 0.9 / 1.9.
    assert claims["3", "LaSeR's model, asked a second time"].value == pytest.approx(1.8 / 1.9)
    assert claims["3", "score - second prompt"].value == pytest.approx(1 - 1.8 / 1.9)
    level = claims["3", "score - reward model"]
    assert (level.value, level.holds) == (0.0, True)


def test_weights_turn_every_vote_that_has_a_right_solution(folder, claims):
    # All 16: the wrong answer has ten votes of six, and no weight.
    found, seeds = Evidence(folder).over("laser", gain(16))
    assert (found.value, seeds) == (1.0, 2)
    assert claims["5", "weighted - majority, N = 16"].holds is True


def test_reference_log_prob_and_log_z(claims):
    # The base's scores are 0, so that its z_c log-probs are all -23: no spread, and log Z = e^-23 (e^10 - 1).
    assert claims["1", "standard deviation of log pi_ref(z_c) on the base's solutions, nats"].value == 0.0
    log_z = claims["1", "log Z on the base's solutions, nats"].value
    assert log_z == pytest.approx(math.exp(-23) * (math.exp(10) - 1), rel=1e-4)
    drift = claims["1", "log pi_ref(z_c) on the trained model's solutions - c_ref, nats"]
    assert drift.value == pytest.approx(0.0, abs=1e-6)
    assert drift.holds is True


def test_self_reward_alone_collapses(claims):
    row = claims["8", "self-reward alone - LaSeR, accuracy"]
    assert row.value == pytest.approx(-5 / 16)
    assert row.holds is True
    assert row.seeds == 1


def test_rows_without_evidence_are_absent(claims):
    assert not [key for key in claims if key[0] in ("6", "10", "11")]
    assert len([key for key in claims if key[0] == "8"]) == 3


def test_differences_pair_seeds(folder):
    run_pairs = Evidence(folder).paired("grpo", "laser")
    assert run_pairs == [("grpo-0", "laser-0"), ("grpo-1", "laser-1")]
    found, seeds = Evidence(folder).difference("laser", "ablation-self-reward", within)
    assert (found.value, seeds) == (0.0, 1)


def test_table_survives_a_round_trip(folder, claims, tmp_path):
    rows = list(claims.values())
    save(rows, tmp_path)
    back = load(tmp_path / "claims.json")
    assert [str(row) for row in back] == [str(row) for row in rows]
    shape = {"claim", "value", "ci_low", "ci_high", "paper", "seeds", "holds", "note"}
    assert shape <= set(to_json(rows)["claims"][0])
    assert "NaN" not in json.dumps(to_json(rows))
    assert "accuracy after LaSeR" in as_text(rows)


def test_page_holds_every_row_and_needs_no_network(claims, tmp_path):
    write_page(list(claims.values()), tmp_path / "claims.html")
    page = (tmp_path / "claims.html").read_text()
    assert all(claim.claim.replace("'", "&#39;").replace(">", "&gt;") in page for claim in claims.values())
    assert "<script src" not in page


def test_no_table_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match="laser reproduce"):
        load(tmp_path / "claims.json")


@pytest.mark.parametrize("scale", [Scale(), QUICK])
def test_plan_has_every_group_once_and_the_main_runs_first(scale):
    names = [r.name for r in plan(scale)]
    assert len(names) == len(set(names))
    assert names[:2] == ["laser-0", "grpo-0"]
    assert {f"ablation-{name}-0" for name, _, _ in ABLATIONS} <= set(names)
    assert len([n for n in names if n.startswith("laser-")]) == scale.seeds


def test_the_readme_says_what_the_shipped_table_says():
    text = (bundled.ROOT.parent / "README.md").read_text()
    assert readme.as_markdown(load()) in text


def test_the_extract_is_written_between_its_marks(claims, tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n{readme.BEGIN}stale\n{readme.END}after\n")
    readme.write(list(claims.values()), path)
    text = path.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "stale" not in text
    assert "| 2 | accuracy after LaSeR | 0.375 [0.375, 0.375] |  | 2 |  |" in text
    assert "- 2. LaSeR - GRPO, accuracy at the same number of steps: -0.062" in text


def test_a_file_without_marks_is_left_alone(claims, tmp_path):
    path = tmp_path / "README.md"
    path.write_text("before\n")
    with pytest.raises(InputError, match="no place"):
        readme.write(list(claims.values()), path)
    assert path.read_text() == "before\n"
