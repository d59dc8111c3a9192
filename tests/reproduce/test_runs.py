"""What the score is compared with, and the work itself, on models small enough to run here."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from laser_core.errors import InputError
from laser_core.evaluate import Sampling, sample_rollouts
from laser_core.policy import load_policy
from laser_core.reproduce import evidence, execute, judged, probe, verifiers
from laser_core.reproduce.claims import all_claims
from laser_core.reproduce.evidence import Evidence
from laser_core.reproduce.history import history_of
from laser_core.reproduce.plan import Scale, plan
from laser_core.reproduce.rules import RULES
from laser_core.rollouts import read
from laser_core.tasks import load_problems


@pytest.fixture(scope="module")
def base():
    return load_policy("bundled:base")


@pytest.fixture(scope="module")
def rollouts(base):
    problems = load_problems("linear", "validation")[:24]
    return sample_rollouts(base, problems, Sampling(run="r", samples=8, max_new_tokens=104, seed=0, c_ref=-23.0))


PAGES = ("5*9=45;45+7=52;y<eos>", "5*8=40;n;y", "5*8=40;40+7=47")


def test_the_second_prompt_reads_the_last_grade_where_it_is_written(base, monkeypatch):
    ids = [base.tokenizer(page)["input_ids"] for page in PAGES]
    monkeypatch.setattr(verifiers, "generate", lambda *_, **__: None)
    monkeypatch.setattr(verifiers, "responses_of", lambda _: ids)
    problems, responses = ["5*x+7=52?"] * 3, ["x=9;5*9=45;45+7=52#9", "x=8;5*8=40;40+7=47#8", "#8"]
    found = verifiers.second_prompt(base, problems, responses)
    assert found.graded.tolist() == [True, True, False]
    assert found.probability[2] == 0.0
    assert found.written.tolist() == list(map(len, ids))
    assert found.read[2] == len("@5*x+7=52?#8@")
    wrong, right = base.tokenizer.convert_tokens_to_ids(["n", "y"])
    for row, until in ((0, "5*9=45;45+7=52;"), (1, "5*8=40;n;")):
        text = f"@{problems[row]}{responses[row]}@{until}"
        logits = base.model(torch.tensor([base.tokenizer(text)["input_ids"]])).logits[0, -1]
        expected = torch.softmax(logits[[wrong, right]], 0)[1].item()
        assert found.probability[row] == pytest.approx(expected, abs=1e-4)


def test_only_the_first_solutions_that_ended_are_asked_about(base, rollouts):
    graded = judged.with_second_prompt(base, rollouts, per_problem=2, dtype=torch.float32)
    values, sample = graded.rollouts.column(evidence.SECOND_PROMPT), rollouts.column("sample")
    asked = (sample < 2) & (rollouts.column("truncated") != 1)
    assert np.isfinite(values[asked]).all()
    assert np.isnan(values[~asked]).all()
    assert set(graded.facts) == {"graded", "read", "written"}


def test_a_probe_reads_the_state_at_the_end_of_a_solution(base, rollouts):
    states = probe.end_states(base, verifiers.solutions_of(base, rollouts), dtype=torch.float32)
    prompt = base.encode_prompt(rollouts.table["problem"][0].as_py())
    response = base.tokenizer.convert_tokens_to_ids(rollouts.table["tokens"][0].as_py())
    hidden = base.model.base_model(torch.tensor([prompt + response])).last_hidden_state[0, -1]
    assert states[0] == pytest.approx(hidden.detach().numpy(), abs=1e-4)


def test_a_cross_fitted_probe_learns_from_other_problems_alone():
    rng, problem = np.random.default_rng(0), np.repeat(np.arange(50), 8)
    correct = (rng.random(400) < 0.5).astype(float)
    leak = np.eye(50)[problem] * correct.mean()  # says which problem it is, and nothing that carries over
    found = probe.cross_fitted(np.c_[leak, rng.normal(size=400)], correct, problem)
    assert abs(np.corrcoef(found, correct)[0, 1]) < 0.2
    signal = probe.cross_fitted(correct[:, None] + rng.normal(0, 0.5, (400, 1)), correct, problem)
    assert ((signal > 0.5) == (correct == 1)).mean() > 0.75
    assert np.isnan(probe.cross_fitted(signal[:, None], np.ones(400), problem)).all()


def test_the_best_free_signal_is_named(base, rollouts):
    name, best, combined = probe.free_signals(rollouts)
    assert name.startswith("signal.")
    ended = rollouts.column("truncated") != 1
    assert np.isfinite(best[ended]).all()
    assert np.isfinite(combined[ended]).all()


def test_what_is_stored_is_what_is_judged(rollouts):
    short = judged.shortened(rollouts)
    z, score = short.column("z_logprob"), short.column("score")
    known = np.isfinite(z)
    assert z[known] == pytest.approx(np.round(rollouts.column("z_logprob"), 3)[known])
    assert score[known] == pytest.approx(0.1 * (z[known] + 23.0))
    other = rollouts.with_column("score", rollouts.column("score") + 0.3)  # an ablation's own
    kept = judged.shortened(other).column("score")
    assert kept[known] == pytest.approx(other.column("score")[known], abs=1e-4)


def test_probabilities_near_0_and_1_keep_their_order():
    found = judged.shortened_probability(np.array([0.0, 1e-6, 2e-6, 0.5, 1 - 2e-6, 1 - 1e-6, np.nan]))
    assert (np.diff(found[:-1]) > 0).all()
    assert (found[0], found[3]) == (0.0, 0.5)
    assert np.isnan(found[-1])


def test_curves_come_from_the_events(tmp_path):
    events = tmp_path / "events.jsonl"
    line = {"step": 3, "within_problem_auroc": 0.6, "reward": 0.25, "laser/score_correct": 0.5}
    events.write_text(json.dumps(line) + "\n" + json.dumps({"evaluation": 1}) + "\n")
    found = judged.curves(events, beta_v=0.1, c_ref=-23.0)
    assert found == {"step": [3], "within": [0.6], "accuracy": [0.25], "z_correct": [-18.0], "z_incorrect": [None]}


def test_self_certainty_is_the_divergence_from_uniform(base, rollouts):
    found = verifiers.self_certainty(base, rollouts, dtype=torch.float32)
    prompt = base.encode_prompt(rollouts.table["problem"][0].as_py())
    response = base.tokenizer.convert_tokens_to_ids(rollouts.table["tokens"][0].as_py())
    logits = base.model(torch.tensor([prompt + response])).logits[0, len(prompt) - 1 : -1]
    logprob = logits.log_softmax(-1)
    uniform = torch.full_like(logprob, 1 / logprob.shape[-1])
    kl = (uniform * (uniform.log() - logprob)).sum(-1).mean().item()
    assert found[0] == pytest.approx(kl, abs=1e-3)


def test_a_reward_model_learns_from_kept_rollouts(base, rollouts, tmp_path):
    # A few passes over the base's own solutions must separate them, these very ones, better than chance.
    from laser_core.rollouts import write_parquet

    path = tmp_path / "000000.parquet"
    write_parquet(rollouts, path)
    model = verifiers.train_reward_model("bundled:base", base, [path] * 30, seed=0, dtype=torch.float32, lr=2e-3)
    found = verifiers.reward_model_scores(model, base, rollouts, dtype=torch.float32)
    correct = np.array(rollouts.table["correct"].to_pylist(), bool)
    assert np.nanmean(found[correct]) > np.nanmean(found[~correct]) + 0.05


def test_a_small_reproduction_goes_on_where_it_stopped(tmp_path):
    scale = Scale(seeds=1, ablation_seeds=1, steps=2, problems=6, samples=4, ablation_samples=4, transfer_problems=2)
    scale = replace(scale, transfer_samples=2)
    small = {"prompts_per_step": 8, "rollouts_per_prompt": 4}
    few = [run for run in plan(scale) if run.name in ("laser-0", "grpo-0", "exact-0")]
    runs = [replace(run, config=replace(run.config, **small)) for run in few]
    done = []
    execute.execute(tmp_path, scale, runs=runs, workers=2, on_done=lambda n, total, name: done.append(name))
    assert sorted(done[:-1]) == ["base", "exact-0", "grpo-0", "laser-0"]
    assert done[-1] == "cost"
    assert len(list((tmp_path / "runs" / "laser-0" / "training").glob("*.parquet"))) == 2
    columns = read(tmp_path / "runs" / "laser-0" / "rollouts.judged.parquet").rollouts.table.column_names
    signals = {evidence.SECOND_PROMPT, evidence.REWARD_MODEL, evidence.PROBE_BASE, evidence.PROBE_OWN}
    assert signals | {evidence.FREE_BEST, evidence.FREE_COMBINED} <= set(columns)
    found = Evidence(tmp_path)
    assert {1, 2, 3, 4, 6, 7, 10, 11} <= {claim.section.number for claim in all_claims(found)}
    assert json.loads((tmp_path / "cost.json").read_text())["rows"][0]["value"] > 0
    assert (tmp_path / "rules.toml").read_bytes() == RULES.read_bytes()
    assert found.facts["laser-0"]["curves"]["step"] == [0, 1]
    history = history_of(found)
    assert set(history.runs) == {"base", "laser-0", "grpo-0", "exact-0"}
    assert not history.changed

    before = (tmp_path / "runs" / "laser-0" / "rollouts.judged.parquet").stat().st_mtime_ns
    (tmp_path / "rules.toml").write_text("# the rules of before")
    again = []
    execute.execute(tmp_path, scale, runs=runs, workers=1, on_done=lambda n, total, name: again.append(name))
    assert again == ["cost"]
    assert (tmp_path / "runs" / "laser-0" / "rollouts.judged.parquet").stat().st_mtime_ns == before
    assert (tmp_path / "rules.toml").read_text() == "# the rules of before"
    with pytest.raises(InputError, match="another scale"):
        execute.execute(tmp_path, Scale(seeds=1, steps=3))
