"""The table of claims, from rollouts whose truth is known."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from laser_core.analysis.estimates import Estimate
from laser_core.errors import InputError
from laser_core.report.claims_page import write_page
from laser_core.reproduce.claims import all_claims
from laser_core.reproduce.evidence import Evidence, gain, within
from laser_core.reproduce.plan import ABLATIONS, QUICK, Scale, plan
from laser_core.reproduce.rules import at_least, at_most
from laser_core.reproduce.table import Claim, ClaimSection, Measured, as_text, load, save, show, to_json
from laser_core.rollouts import Rollouts, RunMeta, write_parquet

PROBLEMS, SAMPLES = 40, 16
ADDED_LATER = ("id", "signed", "family", "held_before", "verdict")


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
    return {claim.id: claim for claim in all_claims(Evidence(folder))}


def test_accuracy_and_its_differences(claims):
    assert claims["reasoning.laser"].value == pytest.approx(6 / 16)
    worse = claims["reasoning.laser-grpo"]
    assert worse.value == pytest.approx(-1 / 16)
    assert worse.holds is False
    better = claims["reasoning.laser-base"]
    assert better.value == pytest.approx(4 / 16)
    assert better.holds is True


def test_perfect_scores_are_perfect_and_flat_ones_are_chance(claims):
    assert claims["verification.score"].value == 1.0
    assert claims["within.score"].value == 1.0
    assert claims["within.score"].holds is True
    assert claims["within.untrained"].value == 0.5


def test_second_prompt_with_one_mistake_in_ten(claims):
    # TPR 1, TNR 9/10: balanced F1 = 2 * 0.9 / 1.9.
    assert claims["verification.second_prompt.laser"].value == pytest.approx(1.8 / 1.9)
    assert claims["verification.score-second_prompt"].value == pytest.approx(1 - 1.8 / 1.9)
    level = claims["verification.score-reward_model"]
    assert (level.value, level.holds) == (0.0, True)


def test_weights_decide_every_vote_that_has_a_correct_solution(folder, claims):
    # All 16: the wrong answer has ten votes of six, and no weight.
    found, seeds = Evidence(folder).over("laser", gain(16))
    assert (found.value, seeds) == (1.0, 2)
    assert claims["voting.gain.16"].holds is True


def test_reference_log_prob_and_log_z(claims):
    # The base's scores are 0, so that its z_c log-probs are all -23: no spread, and log Z = e^-23 (e^10 - 1).
    assert claims["reference.std"].value == 0.0
    log_z = claims["reference.log_z"].value
    assert log_z == pytest.approx(math.exp(-23) * (math.exp(10) - 1), rel=1e-4)
    drift = claims["reference.drift"]
    assert drift.value == pytest.approx(0.0, abs=1e-6)
    assert drift.holds is True


def test_self_reward_alone_collapses(claims):
    row = claims["ablation.self-reward.accuracy"]
    assert row.value == pytest.approx(-5 / 16)
    assert row.holds is True
    assert row.seeds == 1


def test_rows_without_evidence_are_absent(claims):
    sections = [claim.section.number for claim in claims.values()]
    assert not {6, 10, 11} & set(sections)
    assert sections.count(8) == 3


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
    shape = {
        "claim",
        "value",
        "ci_low",
        "ci_high",
        "paper",
        "seeds",
        "holds",
        "note",
        "id",
        "family",
        "rule",
        "verdict",
    }
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


@pytest.mark.parametrize("content", ["", "[]", '{"claims": [{"claim": "x"}]}', '{"claims": [1]}'])
def test_a_file_that_is_no_table_is_named(tmp_path, content):
    (tmp_path / "claims.json").write_text(content)
    with pytest.raises(InputError, match=r"claims\.json.*not a table of claims"):
        load(tmp_path / "claims.json")


def test_a_table_written_without_ids_can_be_read(claims, tmp_path):
    rows = to_json(list(claims.values()))["claims"]
    old = [{name: value for name, value in row.items() if name not in ADDED_LATER} for row in rows]
    (tmp_path / "claims.json").write_text(json.dumps({"claims": old}))
    assert [claim.claim for claim in load(tmp_path / "claims.json")] == [claim.claim for claim in claims.values()]


def test_a_difference_shows_its_sign_whatever_its_title():
    def row(value, signed):
        measured = Measured(Estimate(value, value, value, 9), 1)
        return Claim.of(ClaimSection(1, "s"), "id", "a - b", measured, group="laser", signed=signed)

    assert [show(0.25, row(0.25, signed)) for signed in (True, False)] == ["+0.250", "0.250"]
    assert show(-0.0001, row(-0.0001, True)) == "0.000"


@pytest.mark.parametrize(
    ("rule", "value", "holds"),
    [
        (at_least(0), -1.25e-5, False),
        (at_least(0), 0.0, True),
        (at_least(0.85), 0.84999, False),
        (at_most(0.1), 0.10001, False),
        (at_most(0.1), 0.1, True),
    ],
)
def test_a_value_that_only_rounds_to_the_limit_does_not_reach_it(rule, value, holds):
    assert rule.holds(Estimate(value, -0.02, 0.02, 500)) is holds


def test_json_says_the_verdict_in_words(claims):
    rows = {row["id"]: row for row in to_json(list(claims.values()))["claims"]}
    assert rows["reasoning.laser-base"]["verdict"] == "holds"
    assert rows["reasoning.laser-grpo"]["verdict"] == "does not hold"
    assert rows["reasoning.laser"]["verdict"] is None
    assert {row["held_before"] for row in rows.values()} == {None}


def test_a_verdict_by_a_changed_rule_stays_beside_the_new_one(claims, tmp_path):
    changed = replace(claims["reasoning.laser-grpo"], held_before=True, note="why")
    save([changed], tmp_path)
    assert load(tmp_path / "claims.json") == (changed,)
    assert "before: holds; why" in as_text([changed])
    write_page([changed], tmp_path / "claims.html")
    assert "does not hold; before: holds" in (tmp_path / "claims.html").read_text()


def test_the_drift_behind_the_untrained_log_prob_is_stated_in_nats(tmp_path):
    for seed, gap in enumerate((0.2, 0.4)):  # incorrect solutions are higher by so much
        run(tmp_path, f"grpo-{seed}", score=lambda correct, rng, gap=gap: 0.0 if correct else 0.1 * gap)
    row = {claim.id: claim for claim in all_claims(Evidence(tmp_path))}["within.untrained"]
    assert row.value == 0.0
    assert "0.20 to 0.40 nats higher on incorrect solutions" in row.note


def test_ids_are_unique(claims):
    rows = load()
    assert len({claim.id for claim in rows}) == len(rows) == 145
    assert set(claims) <= {claim.id for claim in rows}


@pytest.mark.parametrize("scale", [Scale(), QUICK])
def test_plan_has_every_group_once_and_the_main_runs_first(scale):
    names = [r.name for r in plan(scale)]
    assert len(names) == len(set(names))
    assert names[:2] == ["laser-0", "grpo-0"]
    assert {f"{ablation.group}-0" for ablation in ABLATIONS} <= set(names)
    assert len([n for n in names if n.startswith("laser-")]) == scale.seeds
