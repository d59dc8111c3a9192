"""What the score is compared with, and the work itself, on models small enough to run here."""

import json

import numpy as np
import pytest
import torch

from laser_core.errors import InputError
from laser_core.evaluate import Sampling, sample_rollouts
from laser_core.policy import load_policy
from laser_core.reproduce import evidence, execute, verifiers
from laser_core.reproduce.claims import all_claims
from laser_core.reproduce.evidence import Evidence
from laser_core.reproduce.plan import Scale
from laser_core.rollouts import read
from laser_core.tasks import load_problems


@pytest.fixture(scope="module")
def base():
    return load_policy("bundled:base")


@pytest.fixture(scope="module")
def rollouts(base):
    problems = load_problems("linear", "validation")[:24]
    return sample_rollouts(base, problems, Sampling(run="r", samples=8, max_new_tokens=40, seed=0, c_ref=-23.0))


def test_second_prompt_reads_the_marks_after_the_solution(base, rollouts):
    found = verifiers.self_verification(base, rollouts)
    row = next(i for i, t in enumerate(rollouts.table["truncated"].to_pylist()) if not t)
    text = rollouts.table["problem"][row].as_py() + rollouts.table["response"][row].as_py() + "<eos>"
    logits = base.model(torch.tensor([base.tokenizer(text)["input_ids"]])).logits[0, -1]
    wrong, right = base.tokenizer.convert_tokens_to_ids(["n", "y"])
    assert found[row] == pytest.approx(torch.softmax(logits[[wrong, right]], 0)[1].item(), abs=1e-4)


def test_self_certainty_is_the_divergence_from_uniform(base, rollouts):
    found = verifiers.self_certainty(base, rollouts)
    prompt = base.encode_prompt(rollouts.table["problem"][0].as_py())
    response = base.tokenizer.convert_tokens_to_ids(rollouts.table["tokens"][0].as_py())
    logits = base.model(torch.tensor([prompt + response])).logits[0, len(prompt) - 1 : -1]
    logprob = logits.log_softmax(-1)
    uniform = torch.full_like(logprob, 1 / logprob.shape[-1])
    kl = (uniform * (uniform.log() - logprob)).sum(-1).mean().item()
    assert found[0] == pytest.approx(kl, abs=1e-3)


def test_a_reward_model_learns_from_kept_rollouts(base, rollouts, tmp_path):
    # Marks are what the base was graded by: a few passes over its own solutions must separate them better than chance.
    from laser_core.rollouts import write_parquet

    path = tmp_path / "000000.parquet"
    write_parquet(rollouts, path)
    model = verifiers.train_reward_model("bundled:base", base, [path] * 12, seed=0, dtype=torch.float32, lr=1e-3)
    found = verifiers.reward_model_scores(model, base, rollouts, dtype=torch.float32)
    correct = np.array(rollouts.table["correct"].to_pylist(), bool)
    assert found[correct].mean() > found[~correct].mean() + 0.1


def test_a_small_reproduction_goes_on_where_it_stopped(tmp_path):
    scale = Scale(seeds=1, ablation_seeds=0, steps=2, problems=6, samples=4, transfer_problems=2)
    done = []
    execute.execute(tmp_path, scale, workers=1, on_done=lambda n, total, name: done.append(name))
    assert done == ["base", "laser-0", "grpo-0", "exact-0", "cost"]
    assert len(list((tmp_path / "runs" / "laser-0" / "training").glob("*.parquet"))) == 2
    signals = read(tmp_path / "runs" / "laser-0" / "rollouts.judged.parquet").rollouts.signals
    assert {"score", evidence.SELF_VERIFY, verifiers.SELF_CERTAINTY, evidence.REWARD_MODEL} <= set(signals)
    sections = {claim.section[:2] for claim in all_claims(Evidence(tmp_path))}
    assert {"1.", "2.", "3.", "4.", "5.", "6.", "7.", "9.", "10"} <= sections
    assert json.loads((tmp_path / "cost.json").read_text())["rows"][0]["value"] > 0

    before = (tmp_path / "runs" / "laser-0" / "rollouts.judged.parquet").stat().st_mtime_ns
    again = []
    execute.execute(tmp_path, scale, workers=1, on_done=lambda n, total, name: again.append(name))
    assert again == ["cost"]
    assert (tmp_path / "runs" / "laser-0" / "rollouts.judged.parquet").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="another scale"):
        execute.execute(tmp_path, Scale(seeds=1, steps=3))
