"""Sampling and scoring against the plainest reference: one unpadded sequence, full logits, no cache."""

import math
from collections import Counter
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from laser_core import scoring
from laser_core.generate import _branch, generate
from laser_core.scoring import Solutions, score_solutions

PROMPTS = ["5*x+7=52?", "2*x+13=31?", "12*x+1=1000?"]


def plain_logprobs(policy, tokens):
    """(L, V) log-probs of one sequence."""
    with torch.inference_mode():
        return policy.model(torch.tensor([tokens])).logits[0].float().log_softmax(-1)


def sample(policy, *, samples=6, seed=0, max_new_tokens=12, prompts=PROMPTS):
    encoded = [policy.encode_prompt(p) for p in prompts]
    generator = torch.Generator().manual_seed(seed)
    return encoded, generate(policy, encoded, samples=samples, max_new_tokens=max_new_tokens, generator=generator)


def test_sampler_reports_what_a_plain_forward_says(biased):
    prompts, sampled = sample(biased, samples=16, max_new_tokens=30)
    ended = ~sampled.truncated
    assert ended.any()
    assert sampled.truncated.any()  # both kinds are checked below
    for row in range(len(sampled.length)):
        prompt, n = prompts[row // 16], int(sampled.length[row])
        response = sampled.response[row, :n].tolist()
        reference = plain_logprobs(biased, prompt + response)  # position i predicts token i + 1
        predicting = reference[len(prompt) - 1 : -1]  # (n, V)
        expected = predicting[range(n), response]
        assert torch.allclose(sampled.logprob[row, :n], expected, atol=1e-4)
        entropy = -(predicting.exp() * predicting).sum(-1)
        assert torch.allclose(sampled.entropy[row, :n], entropy, atol=1e-4)
        trace = reference[len(prompt) :, biased.z_id]
        assert torch.allclose(sampled.z_trace[row, :n], trace, atol=1e-4)
        if ended[row]:
            assert response[-1] == biased.eos_id
            assert biased.eos_id not in response[:-1]
            assert sampled.z_logprob[row].item() == pytest.approx(trace[-1].item(), abs=1e-4)
        else:
            assert n == 30
            assert math.isnan(sampled.z_logprob[row])


def test_every_end_token_ends_a_solution_and_is_scored_after(biased):
    ends = (biased.eos_id, 15, 16, 17)
    policy = replace(biased, end_ids=ends)
    prompts, sampled = sample(policy, samples=16, max_new_tokens=30)
    closing = set()
    for row in (~sampled.truncated).nonzero().squeeze(1).tolist():
        response = sampled.response[row, : sampled.length[row]].tolist()
        assert response[-1] in ends
        assert not set(response[:-1]) & set(ends)
        closing.add(response[-1])
        after = plain_logprobs(biased, prompts[row // 16] + response)[-1, biased.z_id].item()
        assert sampled.z_logprob[row].item() == pytest.approx(after, abs=1e-4)
        assert Solutions.pack([prompts[row // 16]], [response], policy).ended.item()
    assert len(closing) > 1


def test_same_generator_same_solutions(tiny):
    first, second, other = sample(tiny)[1], sample(tiny)[1], sample(tiny, seed=1)[1]
    assert torch.equal(first.response, second.response)
    assert torch.equal(first.logprob, second.logprob)
    assert not torch.equal(first.response, other.response)


def test_first_tokens_follow_the_policys_distribution(tiny):
    prompt = tiny.encode_prompt(PROMPTS[0])
    generator = torch.Generator().manual_seed(0)
    sampled = generate(tiny, [prompt], samples=4000, max_new_tokens=1, generator=generator)
    probability = plain_logprobs(tiny, prompt)[-1].exp()
    seen = Counter(sampled.response[:, 0].tolist())
    common = [t for t in range(len(probability)) if 4000 * probability[t] >= 5]
    observed = [seen[t] for t in common]
    expected = [4000 * float(probability[t]) for t in common]
    observed.append(4000 - sum(observed))
    expected.append(4000 - sum(expected))
    assert stats.chisquare(observed, expected).pvalue > 1e-4


def test_temperature_zero_takes_the_likeliest_and_reports_untempered_log_probs(tiny):
    prompt = tiny.encode_prompt(PROMPTS[0])
    sampled = generate(tiny, [prompt], samples=2, max_new_tokens=1, generator=torch.Generator(), temperature=0.0)
    reference = plain_logprobs(tiny, prompt)[-1]
    assert sampled.response[:, 0].tolist() == [int(reference.argmax())] * 2
    assert sampled.logprob[0, 0].item() == pytest.approx(reference.max().item(), abs=1e-5)


def test_scoring_equals_a_plain_forward_and_ignores_padding(biased):
    prompts = [biased.encode_prompt(p) for p in PROMPTS]
    responses = [[20, 30, 40, biased.eos_id], [21, biased.eos_id], [22, 31, 41]]  # the last one is truncated
    scored = score_solutions(biased, Solutions.pack(prompts, responses, biased), traces=True)
    for row, (prompt, response) in enumerate(zip(prompts, responses, strict=True)):
        reference = plain_logprobs(biased, prompt + response)
        n = len(response)
        expected = reference[len(prompt) - 1 : -1][range(n), response]
        assert torch.allclose(scored.logprob[row, :n], expected, atol=1e-4)
        assert torch.allclose(scored.z_trace[row, :n], reference[len(prompt) :, biased.z_id], atol=1e-4)
        assert scored.mask[row].tolist() == [True] * n + [False] * (4 - n)
        assert scored.logprob[row, n:].abs().sum() == 0
    last = plain_logprobs(biased, prompts[0] + responses[0])[-1, biased.z_id]
    assert scored.z_logprob[0].item() == pytest.approx(last.item(), abs=1e-4)
    assert scored.z_logprob[2].item() == 0.0  # no <eos>, no verdict


def test_a_solution_that_holds_the_verdict_token_is_scored_by_its_own_tokens(biased):
    # z_c is the target after the last token only: inside a response its log-prob is an ordinary token's.
    prompt, response = biased.encode_prompt(PROMPTS[0]), [20, biased.z_id, 21, biased.eos_id]
    scored = score_solutions(biased, Solutions.pack([prompt], [response], biased))
    reference = plain_logprobs(biased, prompt + response)
    expected = reference[len(prompt) - 1 : -1][range(4), response]
    assert torch.allclose(scored.logprob[0], expected, atol=1e-4)
    assert scored.z_logprob[0].item() == pytest.approx(reference[-1, biased.z_id].item(), abs=1e-4)


def test_chunked_logits_give_the_same_values_and_gradients(biased, monkeypatch):
    prompts = [biased.encode_prompt(p) for p in PROMPTS]
    responses = [[20, 30, 40, biased.eos_id]] * 3
    results = []
    for chunk in (2**26, 300):  # 300 logits: three positions of a vocabulary of about 100 at a time
        monkeypatch.setattr(scoring, "CHUNK_LOGITS", chunk)
        biased.model.zero_grad()
        scored = score_solutions(biased, Solutions.pack(prompts, responses, biased))
        (scored.logprob.sum() + scored.z_logprob.sum()).backward()
        gradient = biased.model.get_input_embeddings().weight.grad.clone()
        results.append((scored.logprob.detach(), scored.z_logprob.detach(), gradient))
    for whole, chunked in zip(*results, strict=True):
        assert torch.allclose(whole, chunked, atol=1e-5)


def test_micro_batches_hold_every_row_once_within_the_limit(tiny):
    prompts = [[1] * n for n in (3, 9, 5, 7, 4)]
    responses = [[2] * n for n in (8, 2, 6, 1, 30)]
    solutions = Solutions.pack(prompts, responses, tiny)
    batches = list(solutions.micro_batches(24))
    assert sorted(int(i) for batch in batches for i in batch) == [0, 1, 2, 3, 4]
    for batch in batches:
        rows = solutions.rows(batch)
        assert rows.tokens.numel() <= 24 or len(batch) == 1
        assert rows.tokens.shape[1] == int((rows.prompt_length + rows.length).max())


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), min_size=1, max_size=30))
def test_branching_gives_every_distinct_pair_one_row_and_moves_as_few_as_it_can(pairs):
    row, token = torch.tensor(pairs).unbind(1)
    parent, next_token, now = _branch(row, token)
    assert sorted(zip(parent.tolist(), next_token.tolist(), strict=True)) == sorted(set(pairs))
    assert list(zip(parent[now].tolist(), next_token[now].tolist(), strict=True)) == pairs
    stayed = sum(int(parent[i] == i) for i in range(len(parent)))
    assert stayed == sum(r < len(parent) for r in {r for r, _ in pairs})


def test_equal_solutions_are_run_once_and_count_as_often_as_they_occur(biased, monkeypatch):
    prompts = [biased.encode_prompt(p) for p in (PROMPTS[0], PROMPTS[1], PROMPTS[0], PROMPTS[0], PROMPTS[1])]
    same, other = [20, 30, biased.eos_id], [21, biased.eos_id]
    solutions = Solutions.pack(prompts, [same, same, other, same, same], biased)
    first, number = solutions.distinct()
    assert first.tolist() == [0, 1, 2]  # the same response to another prompt is another solution
    assert number.tolist() == [0, 1, 2, 0, 1]
    weight = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0])
    biased.model.zero_grad()
    (score_solutions(biased, solutions).z_logprob * weight).sum().backward()
    expected = biased.model.get_input_embeddings().weight.grad.clone()
    biased.model.zero_grad()
    rows_run = []
    read = scoring._read
    monkeypatch.setattr(scoring, "_read", lambda p, s, *rest: rows_run.append(len(s.length)) or read(p, s, *rest))
    for rows, now in scoring.score_in_micro_batches(biased, solutions, max_tokens=1000):
        (now.z_logprob * weight[rows]).sum().backward()
    assert rows_run == [3]
    found = biased.model.get_input_embeddings().weight.grad.clone()
    biased.model.zero_grad()
    assert torch.allclose(found, expected, atol=1e-4 * float(expected.abs().max()))
