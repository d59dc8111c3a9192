"""What is shipped is what its README says: real runs, in the canonical format, that show what they are said to show."""

import json

import numpy as np
import pytest

from laser_core.analysis import Samples, accuracy, compare, separation, voting_curve
from laser_core.bundled import ROOT, runs
from laser_core.rollouts import read
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
