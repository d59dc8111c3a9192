"""What is shipped is what its README says: real runs, in the canonical format, that show what they are said to show."""

import importlib
import json
from dataclasses import asdict

import numpy as np
import pytest

from laser_core.analysis import Samples, accuracy, compare, separation, voting_curve
from laser_core.analysis.estimates import mean_statistic
from laser_core.analysis.seeds import over_seeds
from laser_core.bundled import ROOT, runs
from laser_core.errors import InputError
from laser_core.reproduce.claims import all_claims
from laser_core.reproduce.table import load
from laser_core.reproduce.text_rule import TEXT_RULE
from laser_core.rollouts import read, write_parquet
from laser_core.tasks import load_problems

RUNS = {run.name: run for run in runs()}


@pytest.fixture(scope="module")
def samples():
    return {name: Samples.from_rollouts(read(run.rollouts).rollouts) for name, run in RUNS.items()}


def test_three_runs_are_bundled_and_small():
    assert list(RUNS) == ["laser", "grpo", "base"]
    assert sum(path.stat().st_size for path in ROOT.rglob("*") if path.is_file()) < 40 * 2**20


@pytest.mark.parametrize("name", RUNS)
def test_rollouts_are_of_held_out_problems(name):
    rollouts = read(RUNS[name].rollouts).rollouts
    train = {problem.text for problem in load_problems("linear", "train")}
    test = {problem.text for problem in load_problems("linear", "test")}
    texts = set(rollouts.text("problem"))
    assert texts <= test
    assert not texts & train
    assert rollouts.meta.c_ref_std is None or rollouts.meta.c_ref_std <= 0.1
    assert rollouts.has("z_trace")
    assert rollouts.has("ref_z_logprob")


def test_training_lifted_accuracy_clearly_above_the_bases(samples):
    for name in ("laser", "grpo"):
        assert compare(samples["base"], samples[name]).accuracy.difference.ci_low > 0.1


def test_the_score_tells_solutions_of_one_problem_apart(samples):
    assert separation(samples["laser"]).within_problem_auroc.value >= 0.9
    assert (
        separation(samples["laser"]).within_problem_auroc.ci_low
        > separation(samples["grpo"]).within_problem_auroc.value
    )


def test_the_weighted_vote_beats_the_majority(samples):
    curve = voting_curve(samples["laser"], n_max=16)
    at = list(curve.n).index(16)
    assert curve.weighted_minus_majority_low[at] > 0


def test_events_cover_every_step():
    for name in ("laser", "grpo"):
        events = [json.loads(line) for line in RUNS[name].events.read_text().splitlines()]
        assert [event["step"] for event in events] == list(range(100))


def test_bundled_models_load_as_ordinary_hugging_face_folders():
    from transformers import AutoModelForCausalLM, AutoTokenizer

    for name in RUNS:
        model = AutoModelForCausalLM.from_pretrained(ROOT / "models" / name)
        assert 0.5e6 < sum(p.numel() for p in model.parameters()) < 2e6
        tokenizer = AutoTokenizer.from_pretrained(ROOT / "models" / name)
        assert tokenizer.decode(tokenizer.encode("5*x+7=52?")) == "5*x+7=52?"


def test_the_bundled_models_constant_is_nearly_constant():
    """c_ref of the bundled base, measured again: low, and within a tenth of a nat from solution to solution."""
    from laser_core.policy import load_policy
    from laser_core.reference import measure_c_ref

    problems = load_problems("linear", "validation")[:64]
    c_ref, std, n = measure_c_ref(load_policy("bundled:base"), problems, max_new_tokens=40, seed=5)
    assert n > 200
    assert c_ref < -20
    assert std < 0.1


def test_bundled_accuracy_is_not_a_matter_of_the_file(samples):
    """A fresh sample of the bundled model agrees with the bundled rollouts."""
    import torch

    from laser_core.evaluate import verify_solutions
    from laser_core.generate import generate
    from laser_core.policy import load_policy

    policy, problems = load_policy("bundled:laser"), load_problems("linear", "test")[:64]
    generator = torch.Generator().manual_seed(123)
    prompts = [policy.encode_prompt(problem.text) for problem in problems]
    sampled = generate(policy, prompts, samples=8, max_new_tokens=40, generator=generator)
    reward = verify_solutions(policy, sampled, problems).reward
    first = read(RUNS["laser"].rollouts).rollouts.take(list(range(64 * 32)))
    expected = accuracy(Samples.from_rollouts(first))
    assert abs(reward.mean().item() - expected.value) < 0.08  # four standard errors of 512 draws within problems


@pytest.mark.parametrize("seed", [1, 4])
def test_a_model_at_half_size_gives_the_scores_that_were_reported(seed):
    """Stored in bfloat16, a seed's model still judges its own solutions as the table says."""
    from laser_core.policy import load_policy
    from laser_core.rescoring.table import score_rollouts

    reported = read(ROOT / "reproduce" / "rollouts" / f"laser-{seed}.parquet").rollouts.take(list(range(128)))
    scored = score_rollouts(load_policy(f"bundled:laser-{seed}"), reported, c_ref=reported.meta.c_ref)
    assert np.nanmean(np.abs(scored.column("score") - reported.column("score"))) < 0.02


def test_no_shipped_file_names_the_machine_it_was_made_on():
    for path in (ROOT / "reproduce" / "rollouts").glob("*.parquet"):
        model = read(path).rollouts.meta.model
        assert "/" not in model.replace("://", ""), f"{path.name}: {model}"


@pytest.fixture(scope="module")
def scripts():
    """Imports a script beside the sample data by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        yield importlib.import_module


@pytest.fixture(scope="module")
def readme_table(scripts):
    """The script that writes the README's table."""
    return scripts("readme_table")


@pytest.fixture(scope="module")
def evidence(scripts, tmp_path_factory):
    """The shipped evaluations, as a reproduction leaves them."""
    reproduce = ROOT / "reproduce"
    return scripts("recompute").linked(
        reproduce / "rollouts", reproduce / "cost.json", tmp_path_factory.mktemp("shipped")
    )


def test_the_table_of_claims_is_what_the_shipped_rollouts_give(scripts, evidence):
    """Every number, rule and note, computed again; only what needs per-token columns of other seeds is carried over."""
    shipped = {claim.id: asdict(claim) for claim in load()}
    absent = set(shipped) - {claim.id for claim in all_claims(evidence)}
    assert len(absent) == 10
    assert all("logprob" in id or "entropy" in id for id in absent)
    computed = {claim.id: asdict(claim) for claim in scripts("recompute").recomputed(evidence, load())}
    assert list(computed) == list(shipped)
    for id, row in computed.items():
        for field, value in row.items():
            expected = shipped[id][field]
            assert value == (pytest.approx(expected, abs=1e-9) if isinstance(value, float) else expected), (id, field)


def test_rows_that_held_by_rounding_show_both_verdicts(readme_table):
    changed = {claim.id: claim for claim in load() if claim.held_before is not None}
    assert set(changed) == {
        f"{run}.laser-grpo" for run in ("reasoning", "family.words-laser", "family.words-alpha-0.5")
    }
    for claim in changed.values():
        assert (claim.held_before, claim.holds) == (True, False)
        assert -0.0005 < claim.value < 0
        assert "changed back" in claim.note
    assert readme_table.as_markdown(load()).count("before: holds") == 4  # one is a headline, too


def test_the_readme_shows_every_row_of_transfer_and_of_different_solutions(readme_table):
    text = readme_table.as_markdown(load())
    rows = [claim for claim in load() if claim.section.number in (10, 12)]
    assert len(rows) == 9 + 8 + 5
    assert all(f"| {claim.section.number} | {claim.claim} |" in text for claim in rows)
    assert (
        "| 10 | word problems: balanced F1 | 0.039 [0.000, 0.080] |  | 5 | no rule, but the threshold of 0.5 fails"
        in text
    )


# What README says of the limits of these runs.


def test_the_base_puts_its_grade_where_the_score_is_read():
    """P(y) + P(n) at the base's <eos>, from the traces' model: nothing else comes there."""
    import torch

    from laser_core.policy import load_policy
    from laser_core.reproduce.verifiers import solutions_of

    policy = load_policy("bundled:base")
    solutions = solutions_of(policy, read(RUNS["base"].rollouts).rollouts.take(list(range(0, 16000, 160))))
    rows, end = torch.arange(len(solutions.tokens)), solutions.prompt_length + solutions.length - 1
    ended = solutions.tokens[rows, end] == policy.tokenizer.eos_token_id
    with torch.inference_mode():
        hidden = policy.model.base_model(solutions.tokens, use_cache=False).last_hidden_state[rows, end]
        grades = policy.logits(hidden).softmax(-1)[:, policy.tokenizer.convert_tokens_to_ids(["n", "y"])].sum(1)
    assert ended.sum() >= 99
    assert grades[ended].min() > 0.999


def test_every_test_problem_in_words_is_a_training_problem_with_other_names():
    from laser_core.tasks.words import _parse

    splits = {split: load_problems("words", split) for split in ("train", "test")}
    different = {split: {str(_parse(problem.text)) for problem in problems} for split, problems in splits.items()}
    assert [len(problems) for problems in splits.values()] == [25_505, 2_937]
    assert len(different["train"]) == 1_863
    assert different["test"] <= different["train"]


def test_two_seeds_cover_less_than_their_interval_says():
    rng, n, hits = np.random.default_rng(0), 100, 0
    for _ in range(1000):
        problems = rng.normal(0, 1, n)
        seeds = [mean_statistic(problems + rng.normal(0, 4 / np.sqrt(n)), scale="real") for _ in range(2)]
        found = over_seeds(seeds)
        hits += found.ci_low <= 0 <= found.ci_high
    assert 840 < hits < 910  # 0.875 in 6,000 draws


def test_the_untrained_log_prob_drifts_by_tenths_of_a_nat(evidence):
    moved = {True: [], False: []}
    for name in evidence.names("grpo"):
        rollouts = evidence.rollouts(name)
        drift, correct = (
            rollouts.column("z_logprob") - rollouts.column("ref_z_logprob"),
            rollouts.column("correct") == 1,
        )
        for kind, values in moved.items():
            values.append(round(float(np.nanmean(drift[correct == kind])), 2))
    assert (min(moved[True]), max(moved[True])) == (0.12, 0.29)
    assert (min(moved[False]), max(moved[False])) == (0.46, 0.51)


def test_the_text_rule_decides_most_of_lasers_solutions(evidence):
    shares = []
    for name in evidence.names("laser"):
        samples = evidence.samples(name, TEXT_RULE)
        shares.append((samples.score == samples.correct)[samples.present].mean())
    assert (round(min(shares), 3), round(max(shares), 3)) == (0.937, 0.997)


def test_the_readme_says_what_the_shipped_table_says(readme_table):
    text = (ROOT.parent / "README.md").read_text()
    assert readme_table.as_markdown(load()) in text


def test_every_headline_of_the_readme_is_a_row_of_the_table(readme_table):
    assert {claim.id for claim in load()} >= readme_table.HEADLINES


def test_the_extract_is_written_between_its_markers(readme_table, tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n{readme_table.BEGIN}stale\n{readme_table.END}after\n")
    readme_table.write(load(), path)
    text = path.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "stale" not in text
    assert "| 2 | accuracy after LaSeR | 0.537 [0.513, 0.562] |  | 5 |  |" in text
    assert "- 3. score - reward model: -0.006 [-0.010, -0.001]; rule: not worse" in text


def test_a_file_without_markers_is_left_alone(readme_table, tmp_path):
    path = tmp_path / "README.md"
    path.write_text("before\n")
    with pytest.raises(InputError, match="no place"):
        readme_table.write(load(), path)
    assert path.read_text() == "before\n"


def test_what_ships_is_copied_without_the_per_token_columns(tmp_path, scripts):
    ship = scripts("ship")
    out, root = tmp_path / "out", tmp_path / "root"
    for run, name in (("base", "base"), ("laser-0", "laser"), ("grpo-0", "grpo")):
        (out / "runs" / run).mkdir(parents=True)
        few = read(RUNS[name].rollouts).rollouts.take(list(range(4)))
        write_parquet(few, out / "runs" / run / "rollouts.judged.parquet")
    write_parquet(few, out / "runs" / "laser-0" / "pair.judged.parquet")
    for name in ("claims.json", "claims.html", "cost.json"):
        (out / name).write_text("{}")
    (root / "rollouts").mkdir(parents=True)
    ship.ship(out, root)
    names = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    evaluations = {f"reproduce/rollouts/{name}.parquet" for name in ("base", "laser-0", "grpo-0", "pair-by-laser-0")}
    in_full = {f"rollouts/{name}.parquet" for name in ("base", "laser", "grpo")}
    assert names == {"reproduce/claims.json", "reproduce/cost.json"} | evaluations | in_full
    full, evaluation = read(root / "rollouts" / "laser.parquet"), read(root / "reproduce/rollouts/laser-0.parquet")
    assert (full.rollouts.runs(), evaluation.rollouts.runs()) == (["laser"], ["laser-0"])
    assert full.rollouts.has("z_trace")
    assert not evaluation.rollouts.has("z_trace")
    assert evaluation.rollouts.text("response") == full.rollouts.text("response")
