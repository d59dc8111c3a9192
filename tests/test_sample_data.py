"""What is shipped is what its README says: real runs, in the canonical format, that show what they are said to show."""

import doctest
import importlib
import json
from dataclasses import asdict

import numpy as np
import pytest

from laser_core.analysis import Samples, accuracy, compare, separation
from laser_core.analysis.estimates import Estimate
from laser_core.bundled import ROOT, runs
from laser_core.errors import InputError
from laser_core.reproduce.claims import all_claims
from laser_core.reproduce.history import load_history
from laser_core.reproduce.plan import MAX_NEW_TOKENS, Scale
from laser_core.reproduce.rules import Rule, load_rules
from laser_core.reproduce.table import SHIPPED, Claim, ClaimSection, Measured, load
from laser_core.rollouts import read, write_parquet
from laser_core.tasks import load_problems

RUNS = {run.name: run for run in runs()}


@pytest.fixture(scope="module")
def samples():
    return {name: Samples.from_rollouts(read(run.rollouts).rollouts) for name, run in RUNS.items()}


def test_three_runs_are_bundled_and_small():
    assert list(RUNS) == ["laser", "grpo", "base"]
    assert sum(path.stat().st_size for path in ROOT.rglob("*") if path.is_file()) < 60 * 2**20


@pytest.mark.parametrize("name", RUNS)
def test_rollouts_are_of_held_out_problems(name):
    rollouts = read(RUNS[name].rollouts).rollouts
    train = {problem.text for problem in load_problems("linear", "train")}
    test = {problem.text for problem in load_problems("linear", "test")}
    texts = set(rollouts.text("problem"))
    assert texts <= test
    assert not texts & train
    assert rollouts.meta.c_ref_std is None or rollouts.meta.c_ref_std < 1.18  # the paper's Llama
    assert rollouts.has("z_trace")
    assert rollouts.has("ref_z_logprob")


def test_training_lifted_accuracy_clearly_above_the_bases(samples):
    for name in ("laser", "grpo"):
        assert compare(samples["base"], samples[name]).accuracy.difference.ci_low > 0.1


def test_the_score_tells_solutions_of_one_problem_apart(samples):
    assert (
        separation(samples["laser"]).within_problem_auroc.ci_low
        > separation(samples["grpo"]).within_problem_auroc.value
    )


def test_events_cover_every_step():
    for name in ("laser", "grpo"):
        events = [json.loads(line) for line in RUNS[name].events.read_text().splitlines()]
        assert [event["step"] for event in events] == list(range(Scale().steps))


def test_bundled_models_load_as_ordinary_hugging_face_folders():
    from transformers import AutoModelForCausalLM, AutoTokenizer

    for name in RUNS:
        model = AutoModelForCausalLM.from_pretrained(ROOT / "models" / name)
        assert 0.5e6 < sum(p.numel() for p in model.parameters()) < 2e6
        tokenizer = AutoTokenizer.from_pretrained(ROOT / "models" / name)
        assert tokenizer.decode(tokenizer.encode("5*x+7=52?")) == "5*x+7=52?"


def test_the_bundled_models_constant_is_nearly_constant():
    """c_ref of the bundled base, measured again: low, and more constant than on the paper's Llama (1.18 nats)."""
    from laser_core.policy import load_policy
    from laser_core.reference import measure_c_ref

    problems = load_problems("linear", "validation")[:64]
    c_ref, std, n = measure_c_ref(
        load_policy("bundled:base"), problems, max_new_tokens=MAX_NEW_TOKENS["linear"], seed=5
    )
    assert n > 200
    assert c_ref < -20
    assert std < 1.18


def test_bundled_accuracy_is_not_a_matter_of_the_file(samples):
    """A fresh sample of the bundled model agrees with the bundled rollouts."""
    import torch

    from laser_core.evaluate import verify_solutions
    from laser_core.generate import generate
    from laser_core.policy import load_policy

    policy, problems = load_policy("bundled:laser"), load_problems("linear", "test")[:64]
    generator = torch.Generator().manual_seed(123)
    prompts = [policy.encode_prompt(problem.text) for problem in problems]
    sampled = generate(policy, prompts, samples=8, max_new_tokens=MAX_NEW_TOKENS["linear"], generator=generator)
    reward = verify_solutions(policy, sampled, problems).reward
    first = read(RUNS["laser"].rollouts).rollouts.take(list(range(64 * 32)))
    expected = accuracy(Samples.from_rollouts(first))
    assert abs(reward.mean().item() - expected.value) < 0.08  # four standard errors of 512 draws within problems


@pytest.mark.parametrize("name", ["chain-laser-0", "words-laser-0"])
def test_a_model_at_half_size_gives_the_scores_that_were_reported(name):
    """Stored in bfloat16, a family's model still judges its own solutions as the table says."""
    from laser_core.policy import load_policy
    from laser_core.rescoring.table import score_rollouts

    reported = read(ROOT / "reproduce" / "rollouts" / f"{name}.parquet").rollouts.take(list(range(128)))
    scored = score_rollouts(load_policy(f"bundled:{name}"), reported, c_ref=reported.meta.c_ref)
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
    """The script that writes the table and the numbers into README and docs."""
    return scripts("readme_table")


@pytest.fixture(scope="module")
def in_text(scripts):
    """The script that knows the places of numbers in texts."""
    return scripts("in_text")


@pytest.fixture(scope="module")
def evidence(scripts, tmp_path_factory):
    """The shipped evaluations, as a reproduction leaves them."""
    return scripts("recompute").linked(ROOT / "reproduce", tmp_path_factory.mktemp("shipped"))


def test_the_table_of_claims_is_what_the_shipped_rollouts_give(scripts, evidence):
    """Every number, rule, verdict and note, computed again from what ships."""
    shipped = {claim.id: asdict(claim) for claim in load()}
    computed = {claim.id: asdict(claim) for claim in scripts("recompute").recomputed(evidence, load())}
    assert set(shipped) == {claim.id for claim in all_claims(evidence)}
    assert list(computed) == list(shipped)
    for id, row in computed.items():
        for field, value in row.items():
            expected = shipped[id][field]
            same = pytest.approx(expected, abs=1e-9, nan_ok=True) if isinstance(value, float) else expected
            assert value == same, (id, field)


def test_the_rules_were_committed_before_the_runs_and_have_not_changed_since(evidence):
    history = load_history(SHIPPED)
    assert history.sha256 == load_rules().sha256
    assert history.committed
    assert not history.changed
    assert not history.younger
    assert set(history.runs) == set(evidence.facts)
    assert all(history.runs.values())


def test_the_pages_say_how_many_seeds_are_in():
    """Of the plan's seeds, for the main rows of every family; what is missing is said, not hidden."""
    main = [claim for claim in load() if claim.rule and claim.section.number in (2, 3, 4, 5)]
    seeds = {claim.seeds for claim in main if not claim.id.endswith("within.start")}
    assert len(seeds) == 1
    said = f"**{seeds.pop()} of {Scale().seeds} seeds**"
    for page in ("claims", "limits", "faq"):
        assert said in (ROOT.parent / "docs" / f"{page}.md").read_text()


def test_every_rule_has_decided_rows():
    judged = {(claim.id, claim.family) for claim in load() if claim.rule}
    for rule in load_rules().rules:
        for family in rule.families:
            stem, _, metric = rule.id.rpartition(".")
            found = [
                id
                for id, where in judged
                if where == family
                and (id == f"{family}.{rule.id}" or (stem == "transfer" and id.startswith(f"{family}.transfer.")))
            ]
            assert any(id.endswith(metric) for id in found), (rule.id, family)


# What docs/limits.md says of these runs.


def test_no_test_problem_in_words_is_a_training_problem_with_other_names():
    from laser_core.tasks.words import skeleton

    train, test = ({skeleton(problem.text) for problem in load_problems("words", split)} for split in ("train", "test"))
    assert train
    assert test
    assert not train & test


def test_the_page_of_claims_says_what_the_shipped_table_says(readme_table):
    text = (ROOT.parent / "docs" / "claims.md").read_text()
    assert readme_table.as_markdown(load(), history=load_history(SHIPPED).words) in text


def test_the_examples_of_the_script_are_right(in_text):
    result = doctest.testmod(in_text)
    assert result.attempted
    assert not result.failed


def test_every_number_in_a_text_is_the_tables(readme_table, in_text):
    """If this fails, ``python sample_data/readme_table.py`` writes them again; then read the sentences around them."""
    claims, places = load(), 0
    for page in readme_table.texts(ROOT.parent):
        text = page.read_text(encoding="utf-8")
        assert in_text.refresh(text, claims, file=page) == text, page
        places += text.count("<!-- /")
    assert places > 40


def claim(family, key, value, *, section=2, rule=None, **more):
    found = Measured(Estimate(value, value - 0.01, value + 0.01, 400), 5)
    title = ClaimSection(section, "s")
    return Claim.of(title, f"{family}.{key}", key, found, rule=rule, before=rule, group="g", family=family, **more)


def test_the_table_shows_a_claim_a_line_and_a_family_a_column(readme_table):
    better = Rule("k", ("linear", "words"), "better")
    rows = [
        claim("linear", "k", 0.2, rule=better, paper=0.5),
        claim("words", "k", -0.2, rule=better, note="why"),
        claim("linear", "only <eos>", 0.3, section=9),
    ]
    text = readme_table.as_markdown(rows, history="Rules abc.")
    assert "Of 2 judged claims 1 hold, 1 do not hold and 0 are undecided. Rules abc." in text
    assert "| | claim | paper | linear | words |" in text
    assert "| 2 | k | 0.5 | ✓ 0.200 [0.190, 0.210] | ✗ -0.200 [-0.210, -0.190] |" in text
    assert text.index("<details>") < text.index("| 9 | only &lt;eos> |  | 0.300 [0.290, 0.310] |  |")
    assert "- 2. words, k: -0.200 [-0.210, -0.190]; rule: better: 95% CI above 0; why" in text


def test_the_extract_is_written_between_its_markers(readme_table, tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n{readme_table.BEGIN}stale\n{readme_table.END}after\n")
    readme_table.write(load(), path)
    text = path.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "stale" not in text
    assert readme_table.as_markdown(load()) in text


def test_a_file_without_markers_is_left_alone(readme_table, tmp_path):
    path = tmp_path / "README.md"
    path.write_text("before\n")
    with pytest.raises(InputError, match="no place"):
        readme_table.write(load(), path)
    assert path.read_text() == "before\n"


def three_families(key, values, **more):
    """A row of each family, with an interval of 0.01 to either side."""
    return [
        claim(family, key, value, **more) for family, value in zip(("linear", "chain", "words"), values, strict=True)
    ]


BETTER = Rule("k", ("linear", "chain", "words"), "better")


def test_a_place_in_a_text_gets_its_numbers(in_text):
    rows = three_families("k", (0.2, 0.0, -0.2), rule=BETTER) + three_families("plain", (0.5, 0.5, 0.5), paper=0.6)
    for place, written in (
        ("value: linear.k", "0.200 [0.190, 0.210]"),
        ("value: k", "0.200 [0.190, 0.210] (linear), 0.000 [-0.010, 0.010] (chain), -0.200 [-0.210, -0.190] (words)"),
        ("verdicts: k", "holds in linear, does not hold in words and is undecided in chain"),
        ("rule: k", "better: 95% CI above 0"),
        ("seeds", "**5 of 5 seeds** of GRPO and of LaSeR in each family. An interval covers two sources of chance: "),
    ):
        kind = place.partition(":")[0]
        assert f"so <!-- {place} -->{written}" in in_text.refresh(f"so <!-- {place} -->stale<!-- /{kind} -->.", rows)
    table = in_text.refresh("<!-- table: k, plain --><!-- /table -->", rows)
    assert "| | paper | linear | chain | words |" in table
    assert "| k |  | ✓ 0.200 [0.190, 0.210] | ? 0.000 [-0.010, 0.010] | ✗ -0.200 [-0.210, -0.190] |" in table
    assert "| plain | 0.6 | 0.500" in table
    assert "paper" not in in_text.refresh("<!-- table: k --><!-- /table -->", rows)


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("x <!-- value: no.such.row --><!-- /value -->", "line 2.*no row 'no.such.row'"),
        ("x <!-- colour: k --><!-- /colour -->", "'colour' is no kind of place"),
        ("<!-- value: k --><!-- /value -->", "begins its line"),
    ],
)
def test_a_place_that_cannot_be_written_is_named(in_text, place, problem):
    with pytest.raises(InputError, match=problem):
        in_text.refresh(f"first\n{place}", three_families("k", (0.1, 0.1, 0.1)), file="page.md")


@pytest.mark.parametrize(
    ("values", "headline"),
    [
        ((0.2, 0.2, 0.2), "**Weighting votes by the score helps.**"),
        ((-0.2, -0.2, -0.2), "**Weighting votes by the score does not help.**"),
        (
            (0.2, -0.2, 0.0),
            "**Weighting votes by the score helps in linear, weighting votes by the score does not help in chain "
            "(undecided in words).**",
        ),
        ((0.0, 0.0, 0.0), "**Whether weighting votes by the score helps is undecided in linear, chain and words.**"),
    ],
)
def test_a_findings_headline_says_what_the_rules_decided(in_text, values, headline):
    rows = three_families("voting.gain.4", values, rule=BETTER, section=5)
    for key in (in_text.LEARNED, in_text.COST, in_text.RIVAL):
        rows += three_families(key, (0.3, 0.3, 0.3), rule=BETTER, section=4)
    rows += three_families("within.start", (0.5, 0.51, 0.52), rule=BETTER, section=4)
    rows += three_families("voting.gain.16", (0.0, 0.0, 0.0), rule=BETTER, section=5)
    text = in_text.findings(rows)
    assert headline in text
    assert "log-prob of the verdict token before training | 0.500 [0.490, 0.510] | 0.510" in text
    assert "| AUROC within a problem: what training adds | 0.300 [0.290, 0.310] | 0.300" in text


def test_what_ships_is_copied_without_the_per_token_columns(tmp_path, scripts):
    ship = scripts("ship")
    out, root = tmp_path / "out", tmp_path / "root"
    for run, name in (("base", "base"), ("laser-0", "laser"), ("grpo-0", "grpo")):
        (out / "runs" / run).mkdir(parents=True)
        few = read(RUNS[name].rollouts).rollouts.take(list(range(4)))
        write_parquet(few, out / "runs" / run / "rollouts.judged.parquet")
    write_parquet(few, out / "runs" / "laser-0" / "words.judged.parquet")
    for name in ("claims.json", "claims.html", "cost.json", "rules.toml", "runs/laser-0/facts.json"):
        (out / name).write_text("{}")
    (root / "rollouts").mkdir(parents=True)
    ship.ship(out, root)
    names = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    evaluations = {f"reproduce/rollouts/{name}.parquet" for name in ("base", "laser-0", "grpo-0", "words-by-laser-0")}
    in_full = {f"rollouts/{name}.parquet" for name in ("base", "laser", "grpo")}
    others = {f"reproduce/{name}" for name in ("claims.json", "cost.json", "rules.toml", "runs.json")}
    assert names == others | evaluations | in_full
    assert json.loads((root / "reproduce" / "runs.json").read_text()) == {"laser-0": {}}
    full, evaluation = read(root / "rollouts" / "laser.parquet"), read(root / "reproduce/rollouts/laser-0.parquet")
    assert (full.rollouts.runs(), evaluation.rollouts.runs()) == (["laser"], ["laser-0"])
    assert full.rollouts.has("z_trace")
    assert not evaluation.rollouts.has("z_trace")
    assert evaluation.rollouts.text("response") == full.rollouts.text("response")
