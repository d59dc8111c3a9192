"""Scoring rollouts that are already there gives what sampling them gave."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from laser_core.errors import InputError
from laser_core.evaluate import Sampling, sample_rollouts
from laser_core.models.verdict_token import NAMED, RESERVED
from laser_core.rescoring.table import as_noted, score_rollouts, steady_z_token
from laser_core.rollouts import Rollouts
from laser_core.tasks import load_problems


@pytest.fixture(scope="module")
def sampled(biased):
    problems = load_problems("linear", "test")[:6]
    settings = Sampling(run="r", samples=8, max_new_tokens=30, seed=0, c_ref=-9.0)
    rollouts = sample_rollouts(biased, problems, settings, reference=biased)
    # An untrained model writes z_c now and then, which scoring refuses (tested below).
    return rollouts.take(np.array([biased.z_token not in tokens for tokens in rollouts.text("tokens")]))


@pytest.mark.parametrize("from_text", [False, True])
def test_scores_and_traces_equal_the_samplers(tiny, sampled, from_text):
    dropped = ["z_logprob", "score", "token_logprobs", "z_trace", "entropy"]
    if from_text:  # the text alone spells the tokens again where no special token stands inside it
        plain = [all(len(t) == 1 or t == "<eos>" for t in row) for row in sampled.text("tokens")]
        sampled, dropped = sampled.take(np.array(plain)), [*dropped, "tokens"]
    again = score_rollouts(tiny, Rollouts(sampled.table.drop_columns(dropped), sampled.meta), c_ref=-9.0, traces=True)
    for name in ("z_logprob", "score"):
        assert np.allclose(again.column(name), sampled.column(name), atol=1e-4, equal_nan=True)
    assert np.isfinite(again.column("score")).sum() > 0
    assert np.isnan(again.column("score")).sum() == sampled.column("truncated").sum()
    for i in range(len(sampled)):
        old, new = sampled.row(i), again.row(i)
        assert new["tokens"] == old["tokens"]
        for name in ("token_logprobs", "z_trace", "entropy"):
            assert new[name] == pytest.approx(old[name], abs=1e-3)


def test_c_ref_is_measured_on_the_reference(tiny, sampled):
    again = score_rollouts(tiny, sampled, reference=tiny)
    known = sampled.column("ref_z_logprob")
    assert again.meta.c_ref == pytest.approx(np.nanmean(known), abs=1e-4)
    assert again.meta.c_ref_std == pytest.approx(np.nanstd(known, ddof=1), abs=1e-4)
    assert np.nanmean(again.column("score")) == pytest.approx(0.0, abs=1e-6)


def test_what_cannot_be_scored_is_named(tiny, sampled):
    with pytest.raises(InputError) as caught:
        score_rollouts(tiny, sampled)
    assert caught.value.field == "c_ref"
    without = Rollouts(sampled.table.drop_columns(["problem"]), sampled.meta)
    with pytest.raises(InputError) as caught:
        score_rollouts(tiny, without, c_ref=-9.0)
    assert (caught.value.line, caught.value.field) == (1, "problem")
    holding = sampled.with_column("response", [tiny.z_token] + sampled.text("response")[1:])
    with pytest.raises(InputError, match="contains the verdict token"):
        score_rollouts(tiny, holding, c_ref=-9.0)


def test_the_prompt_that_a_file_notes_is_the_one_it_is_scored_with(tiny, sampled):
    """Another prompt is another x: the score is log pi(z_c | x, y, <eos>)."""
    noted = replace(sampled.meta, prompt="2+{problem}", prompt_chat=False)
    policy = as_noted(tiny, noted)
    assert policy.encode_prompt("1=?") == tiny.tokenizer.encode("2+1=?")
    again = score_rollouts(policy, Rollouts(sampled.table, noted), c_ref=-9.0)
    assert again.meta.prompt == "2+{problem}"
    row = int(np.flatnonzero(sampled.column("truncated") == 0)[0])
    tokens = tiny.tokenizer.encode(f"2+{sampled.row(row)['problem']}")
    tokens += tiny.tokenizer.convert_tokens_to_ids(sampled.row(row)["tokens"])
    with torch.inference_mode():
        plain = tiny.model(torch.tensor([tokens])).logits[0, -1].log_softmax(-1)[tiny.z_id].item()
    assert again.column("z_logprob")[row] == pytest.approx(plain, abs=1e-4)
    other = replace(sampled.meta, prompt="[INST] {problem} [/INST]", prompt_chat=True)
    assert as_noted(tiny, other) is tiny  # another model's chat


def test_a_steadier_verdict_token_is_taken_where_nobody_named_one(tiny, sampled):
    free = replace(tiny, z_kind=RESERVED)
    steady = steady_z_token(free, tiny, sampled, 1.0)
    ranked = {}
    for token in ("<|reserved_0|>", "<|reserved_1|>", "<|reserved_2|>", "<|reserved_3|>"):
        z_id = tiny.tokenizer.convert_tokens_to_ids(token)
        held = [token in row for row in sampled.text("tokens")]
        scored = score_rollouts(replace(tiny, z_token=token, z_id=z_id), sampled.take(~np.array(held)), c_ref=-9.0)
        ranked[token] = (any(held), np.nanstd(scored.column("z_logprob"), ddof=1))
    assert steady.z_token == min(ranked, key=lambda token: ranked[token])
    assert steady_z_token(replace(tiny, z_kind=NAMED), tiny, sampled, 1.0).z_token == tiny.z_token
