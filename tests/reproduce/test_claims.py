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
from laser_core.reproduce.evidence import FREE_BEST, Evidence, gain, within
from laser_core.reproduce.headline import counts, first_sentence
from laser_core.reproduce.history import History, history_of, load_history
from laser_core.reproduce.plan import ABLATIONS, LEARNING_RATE, QUICK, TITLES, UNPINNED, Scale, plan
from laser_core.reproduce.rules import RULES, Rule, load_rules
from laser_core.reproduce.table import Claim, ClaimSection, Measured, as_text, load, save, show, to_json, verdict
from laser_core.rollouts import Rollouts, RunMeta, read, write_parquet

PROBLEMS, SAMPLES = 40, 16
WORDS = "Ann has some pens. Ben has 3 times as many and 7 more. They have 43 in all. How many has Ann?"
TEXTS = {  # each family's problem, a correct solution and an incorrect one
    "linear": ("5*x+7=52?", "x=9;5*9=45;45+7=52#9", "x=8;5*8=40;40+7=47#8"),
    "chain": ("5*x+7=52!", "x=9;5*9=45;45+7=52#9", "x=8;5*8=40;40+7=52#8"),
    "words": (WORDS, "9;3*9=27;27+7=34;9+34=43#9", "8;3*8=24;24+7=31;8+31=39#8"),
}


def flat(correct, rng):
    return 0.0


def perfect(correct, rng):
    return float(correct)


def run(folder, name, *, right=6, score=perfect, seed=0, family="linear", file="rollouts"):
    """Every problem has ``right`` correct solutions of 16, all with answer 9, and wrong ones that agree on 8."""
    rng, rows = np.random.default_rng(seed), []
    problem, *responses = TEXTS[family]
    for p in range(PROBLEMS):
        for i in range(SAMPLES):
            correct = i < right
            value = score(correct, rng)
            rows.append(
                {
                    "run": name,
                    "problem_id": f"p{p}",
                    "sample": i,
                    "problem": problem,
                    "reference_answer": "9",
                    "response": responses[not correct],
                    "answer": "9" if correct else "8",
                    "correct": correct,
                    "truncated": False,
                    "n_tokens": 3 + i,
                    "z_logprob": value / 0.1 - 23.0,
                    "ref_z_logprob": -23.0 + (0.04 if i % 2 else -0.04),
                    "score": value,
                    # Half of the solutions have a grade; the last one's is wrong.
                    "signal.second_prompt": None if i % 2 == 0 else 0.9 if correct or i == SAMPLES - 1 else 0.1,
                    "signal.reward_model": float(correct),
                    "signal.probe_base": 0.5,
                    "signal.free_best": 0.6 if i == 0 else 0.4,
                }
            )
    path = folder / "runs" / name / f"{file}.judged.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_parquet(Rollouts.from_rows(rows, RunMeta(model="m", z_token="<z>", beta_v=0.1, c_ref=-23.0)), path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduction")
    for family in TITLES:
        run(folder, "base", right=2, score=flat, family=family, file="rollouts" if family == "linear" else family)
    for seed in range(2):
        run(folder, f"laser-{seed}", right=6, seed=seed)
        run(folder, f"laser-{seed}", right=6, seed=seed, family="words", file="words")
        run(folder, f"grpo-{seed}", right=7, score=flat)
        run(folder, f"chain-laser-{seed}", right=8, seed=seed, family="chain")
        run(folder, f"exact-{seed}", right=6, score=lambda c, rng: float(c) + rng.normal(0, 0.01), seed=seed)
    run(folder, "ablation-self-reward-0", right=1)
    (folder / "rules.toml").write_text(RULES.read_text())
    return folder


@pytest.fixture(scope="module")
def claims(folder):
    return {claim.id: claim for claim in all_claims(Evidence(folder))}


def test_accuracy_and_its_differences(claims):
    assert claims["linear.reasoning.laser"].value == pytest.approx(6 / 16)
    worse = claims["linear.reasoning.laser-grpo"]
    assert worse.value == pytest.approx(-1 / 16)
    assert verdict(worse) == "undecided"  # 40 alike problems allow for 9% of others, which may lie anywhere
    assert worse.margin == 0.02
    better = claims["linear.reasoning.laser-base"]
    assert better.value == pytest.approx(4 / 16)
    assert verdict(better) == "holds"
    assert claims["chain.reasoning.laser-base"].value == pytest.approx(6 / 16)


def test_perfect_scores_are_perfect_and_flat_ones_are_chance(claims):
    assert claims["linear.verification.score"].value == 1.0
    assert claims["chain.within.score"].value == 1.0
    assert claims["linear.within.score"].holds is True
    assert claims["linear.within.untrained"].value == 0.5
    assert claims["linear.within.start"].value == 0.5
    assert claims["linear.within.score-start"].value == 0.5


def test_second_prompt_is_compared_on_the_solutions_that_it_grades(claims):
    # Graded: 3 correct ones, all as correct; 5 incorrect ones, one of them as correct. TPR 1, TNR 4/5.
    expected = 2 * 0.8 / 1.8
    assert claims["linear.verification.second_prompt"].value == pytest.approx(expected)
    assert claims["linear.verification.score-second_prompt"].value == pytest.approx(1 - expected)
    # Each correct one is above four incorrect ones and level with one: 9/10.
    assert claims["linear.within.score-second_prompt"].value == pytest.approx(1 - 0.9)


def test_every_baseline_is_beside_the_score(claims):
    # The rule of linear decides everything here, the one of chain nothing: the incorrect total is bent to fit.
    assert claims["linear.within.text_rule"].value == 1.0
    assert claims["linear.within.score-text_rule"].value == 0.0
    assert verdict(claims["linear.within.score-text_rule"]) == "undecided"
    assert claims["chain.within.text_rule"].value == 0.5
    assert verdict(claims["chain.within.score-text_rule"]) == "holds"
    assert claims["linear.within.arithmetic"].value == 0.5  # all of it is right
    assert claims["chain.within.arithmetic"].value == 1.0
    assert verdict(claims["chain.within.score-arithmetic"]) == "undecided"
    assert claims["chain.within.calculator"].value == 1.0
    assert claims["chain.within.score-calculator"].rule == ""  # an upper reference
    assert claims["linear.within.probe_base"].value == 0.5
    # The best free signal is right about one correct solution of six, and says nothing on the others: 1/6 + 5/6 / 2.
    assert claims["linear.within.free_best"].value == pytest.approx(1 / 6 + 5 / 12)
    level = claims["linear.within.score-reward_model"]
    assert (level.value, level.margin) == (0.0, 0.03)


def test_weights_decide_every_vote_that_has_a_correct_solution(folder, claims):
    # All 16: the wrong answer has ten votes of six, and no weight.
    found = Evidence(folder).over("laser", gain(16))
    assert (found.estimate.value, found.seeds) == (1.0, 2)
    assert claims["linear.voting.gain.16"].holds is True
    assert "linear.voting.gain.32" not in claims


def test_reference_log_prob_and_log_z(claims):
    # The base's scores are 0, so that its z_c log-probs are all -23: no spread, and log Z = e^-23 (e^10 - 1).
    pinned = claims["linear.reference.std.pinned"]
    assert (pinned.value, pinned.rule) == (0.0, "")
    assert claims["words.reference.mean.pinned"].value == -23.0
    log_z = claims["linear.reference.log_z.pinned"].value
    assert log_z == pytest.approx(math.exp(-23) * (math.exp(10) - 1), rel=1e-4)
    drift = claims["linear.reference.drift"]
    assert drift.value == pytest.approx(0.0, abs=1e-6)
    assert claims["linear.drift.grpo"].value == pytest.approx(0.0, abs=1e-6)


def test_the_log_prob_of_z_c_drifts_under_grpo_by_what_the_rows_say(tmp_path):
    for seed, gap in enumerate((0.2, 0.4)):  # incorrect solutions are higher by so much
        run(tmp_path, f"grpo-{seed}", score=lambda correct, rng, gap=gap: 0.0 if correct else 0.1 * gap)
    rows = {claim.id: claim for claim in all_claims(Evidence(tmp_path))}
    assert rows["linear.within.untrained"].value == 0.0
    assert verdict(rows["linear.within.untrained"]) == "does not hold"
    assert rows["linear.drift.grpo.gap"].value == pytest.approx(-0.3, abs=0.01)
    assert rows["linear.drift.grpo"].value == pytest.approx(0.3 * 10 / 16, abs=0.2)


def test_one_ablation_seed_takes_its_spread_over_seeds_from_the_others(claims):
    row = claims["linear.ablation.self-reward.accuracy"]
    assert row.value == pytest.approx(-5 / 16)
    assert (row.seeds, row.n_problems) == (1, PROBLEMS)
    assert "pooled" in row.note
    assert verdict(row) == "holds"
    later = claims["linear.ablation.self-reward.accuracy-grpo"]
    assert (verdict(later), later.note.split(";")[0]) == ("", "added after the results, decides nothing")


def test_transfer_has_every_evaluated_pair_with_its_baseline(claims):
    rows = [claim for claim in claims.values() if claim.section.number == 10]
    assert {claim.id.split(".")[2] for claim in rows} == {"words"}
    assert claims["linear.transfer.words.balanced_f1"].value == 1.0
    assert "TPR 1.000, TNR 1.000" in claims["linear.transfer.words.balanced_f1"].note
    assert verdict(claims["linear.transfer.words.within"]) == "holds"
    assert "linear.transfer.words.score-text_rule.within" in claims


def test_the_score_is_asked_between_solutions_with_as_many_attempts(tmp_path):
    """Right about solutions of one attempt, and the wrong way round about those of two."""
    run(tmp_path, "laser-0")
    path = tmp_path / "runs" / "laser-0" / "rollouts.judged.parquet"
    table = read(path).rollouts
    correct, is_second = table.column("correct") == 1, table.column("sample") % 2 == 1
    table = table.with_column("response", ["1~2#2" if second else "1#1" for second in is_second])
    write_parquet(table.with_column("score", (correct != is_second).astype(float)), path)
    found = {claim.id: claim.value for claim in all_claims(Evidence(tmp_path))}
    assert found["linear.attempts.score.one"] == 1.0
    assert found["linear.attempts.score.two"] == 0.0
    assert found["linear.within.first_attempt"] == 0.5  # of the 6 correct and the 10 incorrect ones half are second


def test_longer_runs_are_compared_with_each_other_and_kept_out_of_the_main_rows(tmp_path):
    for seed in range(2):
        run(tmp_path, f"words-longer-laser-{seed}", family="words", seed=seed)
        run(tmp_path, f"words-longer-grpo-{seed}", family="words", right=8, score=flat)
    found = {claim.id: claim for claim in all_claims(Evidence(tmp_path))}
    assert found["words.longer.laser-grpo"].value == pytest.approx((6 - 8) / 16)
    assert found["words.longer.within"].value == 1.0
    assert not found["words.longer.within"].rule
    assert "words.within.score" not in found


def test_equal_texts_are_one_solution(claims):
    assert claims["linear.diversity.laser"].value == 2.0
    assert math.isnan(claims["linear.diversity.laser"].ci_low)  # the same for every problem, on no bounded scale


def test_rows_without_evidence_are_absent(claims):
    sections = [claim.section.number for claim in claims.values()]
    assert 6 not in sections
    # Self-reward minus LaSeR, and accuracy minus GRPO's of it and of the exact reference.
    assert sections.count(8) == 3 + 2
    assert not any(claim.group.startswith("words-") for claim in claims.values())


def test_ids_are_unique_and_start_with_the_family(folder, claims):
    rows = all_claims(Evidence(folder))
    assert len(rows) == len(claims)
    assert all(claim.id.startswith(f"{claim.family}.") for claim in rows)


def test_differences_pair_seeds(folder):
    assert Evidence(folder).paired("grpo", "laser") == [("grpo-0", "laser-0"), ("grpo-1", "laser-1")]
    found = Evidence(folder).difference("laser", "ablation-self-reward", within)
    assert (found.estimate.value, found.seeds) == (0.0, 1)


def test_a_signal_that_a_run_lacks_gives_no_row(tmp_path):
    run(tmp_path, "laser-0")
    path = tmp_path / "runs" / "laser-0" / "rollouts.judged.parquet"
    from laser_core.rollouts import read

    table = read(path).rollouts
    write_parquet(Rollouts(table.table.drop_columns([FREE_BEST]), table.meta), path)
    assert not [claim for claim in all_claims(Evidence(tmp_path)) if "free_best" in claim.id]


# What the reader sees first.


def test_the_first_sentence_names_every_baseline_that_is_not_beaten(claims):
    sentence = first_sentence(list(claims.values()))
    assert sentence.startswith("LaSeR's score is not ahead of every baseline for certain. Undecided: one-line rule on")
    assert "one-line rule on the text (linear)" in sentence
    assert "share of right equations (chain)" in sentence
    assert first_sentence([]) == ""


def lead(claims, family, baseline, holds, *, metric="within"):
    """A row of the score's lead over a baseline, with a verdict of one's choice."""
    row = claims["linear.within.score-text_rule"]
    return replace(row, id=f"{family}.{metric}.score-{baseline}", family=family, holds=holds)


def test_the_first_sentence_tells_who_is_ahead_and_where(claims):
    held = [lead(claims, family, "text_rule", True) for family in ("linear", "chain")]
    assert first_sentence(held).startswith("In every family the score beats every baseline")
    assert first_sentence(
        [
            lead(claims, "linear", "text_rule", False),
            lead(claims, "chain", "text_rule", False),
            lead(claims, "linear", "free_best", True),
            lead(claims, "linear", "free_best", False, metric="verification"),  # the worse one of both metrics counts
            lead(claims, "chain", "free_best", None),
            lead(claims, "chain", "arithmetic", True),
        ]
    ) == (
        "LaSeR's score does not beat every baseline. Ahead of it, by AUROC within a problem or balanced F1: one-line "
        "rule on the text (every family) and best free confidence signal (linear). Undecided: best free confidence "
        "signal (chain)."
    )


def test_the_verdicts_are_counted(claims):
    rows = list(claims.values())
    words = counts(rows)
    judged = [verdict(claim) for claim in rows if claim.rule]
    assert words == (
        f"Of {len(judged)} judged claims {judged.count('holds')} hold, {judged.count('does not hold')} do not hold and "
        f"{judged.count('undecided')} are undecided."
    )
    assert min(judged.count(kind) for kind in ("holds", "undecided")) > 0


# Rules that change after the runs.


def test_a_rule_changed_after_the_runs_shows_both_verdicts(folder, claims, tmp_path):
    old = RULES.read_text().replace("limit = 0.7\n", "limit = 1.5\n", 1)
    assert load_rules().find("verification.score", "linear").limit == 0.7
    started = tmp_path / "r"
    run(started, "laser-0")
    (started / "rules.toml").write_text(old)
    evidence = Evidence(started)
    row = {claim.id: claim for claim in all_claims(evidence)}["linear.verification.score"]
    assert (verdict(row), row.verdict_before) == ("holds", "does not hold")
    assert "1.5" in row.rule_before
    unchanged = {claim.id: claim for claim in all_claims(evidence)}["linear.within.score"]
    assert unchanged.verdict_before == ""
    assert history_of(evidence).changed
    assert not history_of(Evidence(folder)).changed
    write_page([row], tmp_path / "claims.html")
    assert "changed after the runs" in (tmp_path / "claims.html").read_text()
    assert "changed after the runs" in as_text([row])
    save([row], tmp_path)
    assert load(tmp_path / "claims.json") == (row,)


def test_a_rule_added_after_the_runs_is_marked():
    rule, found = Rule("r", ("linear",), "better"), Measured(Estimate(0.2, 0.1, 0.3, 9), 5)
    row = Claim.of(ClaimSection(1, "s"), "linear.r", "c", found, rule=rule, before=None, group="laser")
    assert (row.rule_before, row.verdict_before) == ("none", "not judged")
    same = Claim.of(ClaimSection(1, "s"), "linear.r", "c", found, rule=rule, before=rule, group="laser")
    assert same.verdict_before == ""


def test_equivalence_is_judged_by_its_90_percent_interval():
    rule = Rule("r", ("linear",), "equivalent", margin=0.02)
    wide, narrow = Estimate(0, -0.021, 0.021, 9), Estimate(0, -0.018, 0.018, 9)
    row = Claim.of(ClaimSection(1, "s"), "i", "c", Measured(wide, 3, narrow), rule=rule, before=rule, group="exact")
    assert (verdict(row), row.ci_low) == ("holds", -0.021)


def test_the_history_says_which_came_first():
    runs = {"laser-0": "2026-11-26T06:00:00Z", "grpo-0": "2026-11-26T07:00:00Z"}
    before = History("a" * 64, "2026-11-26T05:00:00+01:00", "a" * 64, runs)
    assert (before.younger, before.changed) == (False, False)
    after = replace(before, committed="2026-11-26T06:30:00+00:00")
    assert after.younger
    assert "after the first run" in after.words
    assert "both verdicts" in replace(before, sha256="b" * 64).words
    assert History().words == ""


def test_the_history_is_kept_with_the_table(claims, folder, tmp_path):
    history = replace(history_of(Evidence(folder)), runs={"laser-0": "2026-11-26T06:00:00Z"})
    save(list(claims.values()), tmp_path, history.as_json())
    assert load_history(tmp_path / "claims.json") == history
    assert json.loads((tmp_path / "claims.json").read_text())["rules"]["sha256"] == load_rules().sha256


# The files.


def test_table_survives_a_round_trip(claims, tmp_path):
    rows = list(claims.values())
    save(rows, tmp_path)
    assert [str(row) for row in load(tmp_path / "claims.json")] == [str(row) for row in rows]
    shape = "claim value ci_low ci_high paper seeds holds note id family rule verdict margin"
    assert set(shape.split()) <= set(to_json(rows)["claims"][0])
    assert "NaN" not in json.dumps(to_json(rows))
    assert "accuracy, LaSeR" in as_text(rows)


def test_json_says_the_verdict_in_words(claims):
    rows = {row["id"]: row for row in to_json(list(claims.values()))["claims"]}
    assert (rows["linear.reasoning.laser-base"]["verdict"], rows["linear.reasoning.laser-base"]["holds"]) == (
        "holds",
        True,
    )
    undecided = rows["linear.reasoning.laser-grpo"]
    assert (undecided["verdict"], undecided["holds"], undecided["margin"]) == ("undecided", None, 0.02)
    assert rows["linear.reasoning.laser"]["verdict"] is None


def test_page_holds_every_row_and_needs_no_network(claims, tmp_path):
    facts = {"laser-0": {"curves": {"step": [0, 1], "within": [0.5, None]}}}
    write_page(list(claims.values()), tmp_path / "claims.html", facts=facts, history="Rules abc.")
    page = (tmp_path / "claims.html").read_text()
    escaped = {"&": "&amp;", "'": "&#39;", "<": "&lt;", ">": "&gt;"}
    for claim in claims.values():
        assert "".join(escaped.get(letter, letter) for letter in claim.claim) in page
    assert "<script src" not in page
    assert "Rules abc." in page
    assert "linear: AUROC within a problem over training" in page
    start = page.index("<body>")
    assert page.index("not ahead of every baseline", start) < page.index("judged claims", start)


def test_no_table_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match="laser reproduce"):
        load(tmp_path / "claims.json")


@pytest.mark.parametrize("content", ["", "[]", '{"claims": [{"claim": "x"}]}', '{"claims": [1]}'])
def test_a_file_that_is_no_table_is_named(tmp_path, content):
    (tmp_path / "claims.json").write_text(content)
    with pytest.raises(InputError, match=r"claims\.json.*not a table of claims"):
        load(tmp_path / "claims.json")
    assert load_history(tmp_path / "claims.json") == History()


def test_a_table_written_before_the_rules_were_a_file_can_be_read(claims, tmp_path):
    later = ("id", "signed", "family", "verdict", "margin", "rule_before", "verdict_before")
    rows = to_json(list(claims.values()))["claims"]
    old = [{name: value for name, value in row.items() if name not in later} | {"held_before": None} for row in rows]
    (tmp_path / "claims.json").write_text(json.dumps({"claims": old}))
    assert [claim.claim for claim in load(tmp_path / "claims.json")] == [claim.claim for claim in claims.values()]


def test_a_difference_shows_its_sign_whatever_its_title():
    def row(value, signed):
        measured = Measured(Estimate(value, value, value, 9), 1)
        return Claim.of(ClaimSection(1, "s"), "id", "a - b", measured, group="laser", signed=signed)

    assert [show(0.25, row(0.25, signed)) for signed in (True, False)] == ["+0.250", "0.250"]
    assert show(-0.0001, row(-0.0001, True)) == "0.000"


# The plan.


@pytest.mark.parametrize("scale", [Scale(), QUICK])
def test_plan_goes_through_all_families_seed_by_seed(scale):
    runs = plan(scale)
    names = [r.name for r in runs]
    assert len(names) == len(set(names))
    assert names[:6] == [
        f"{stem}-0" for stem in ("laser", "grpo", "chain-laser", "chain-grpo", "words-laser", "words-grpo")
    ]
    assert [r.seed for r in runs[: 6 * scale.seeds]] == sorted(s for s in range(scale.seeds) for _ in range(6))
    assert [r.config.task for r in runs[:6:2]] == list(TITLES)
    ablated = {f"{a.group}-{seed}" for a in ABLATIONS for seed in range(scale.ablation_seeds)}
    assert ablated == {name for name in names if name.startswith("ablation")}
    longer = {name for name in names if "-longer-" in name}
    assert longer == {f"words-longer-{m}-{s}" for m in ("laser", "grpo") for s in range(scale.ablation_seeds)}
    assert {r.config.model for r in runs if "unpinned" in r.name} == ({UNPINNED} if ablated else set())


def test_the_main_runs_follow_the_recipe():
    config = plan(Scale())[0].config
    assert (config.alpha, config.lr, config.steps) == (0.1, LEARNING_RATE, 80)
    assert (config.reasoning_warmup, config.self_reward_warmup) == (4, 41)
    assert config.prompts_per_step * config.rollouts_per_prompt == 512


def test_every_rule_judges_rows_of_planned_families():
    assert {family for rule in load_rules().rules for family in rule.families} == set(TITLES)
