"""Scoring rollouts that are already there gives what sampling them gave."""

import numpy as np
import pytest
import torch

from laser_core.errors import InputError
from laser_core.evaluate import Sampling, sample_rollouts
from laser_core.rescoring.table import score_rollouts
from laser_core.rollouts import Rollouts
from laser_core.tasks import load_problems


@pytest.fixture(scope="module")
def sampled(tiny):
    head = tiny.model.get_output_embeddings()
    before = head.weight.detach().clone()
    with torch.no_grad():
        head.weight[tiny.eos_id] = head.weight.mean(0) * 4
    problems = load_problems("linear", "test")[:6]
    settings = Sampling(run="r", samples=8, max_new_tokens=30, seed=0, c_ref=-9.0)
    rollouts = sample_rollouts(tiny, problems, settings, reference=tiny)
    # An untrained model writes z_c now and then, which scoring refuses (tested below).
    yield rollouts.take(np.array([tiny.z_token not in tokens for tokens in rollouts.text("tokens")]))
    with torch.no_grad():
        head.weight.copy_(before)


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
