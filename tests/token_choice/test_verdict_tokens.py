"""Several verdict tokens, a token for wrong solutions, an exact reference: read as a plain forward reads them."""

import pytest
import torch

from laser_core.ablations import with_verdict_tokens
from laser_core.errors import InputError
from laser_core.generate import generate
from laser_core.scoring import Solutions, score_solutions

PROMPTS = ["5*x+7=52?", "12*x+1=1000?"]
NAMES = ("<|reserved_2|>", "<|reserved_0|>", "<|reserved_3|>")


@pytest.fixture(scope="module")
def several(tiny):
    return with_verdict_tokens(tiny, z_tokens=NAMES, z_wrong_token="")


def plain(policy, tokens):
    with torch.inference_mode():
        return policy.model(torch.tensor([tokens])).logits[0].float().log_softmax(-1)


def test_the_tokens_asked_for_and_the_first_free_one_for_wrong_solutions(tiny, several):
    vocabulary = tiny.tokenizer.get_vocab()
    assert [several.z_id, *several.more_z_ids] == [vocabulary[name] for name in NAMES]
    assert several.z_wrong_id == vocabulary["<|reserved_1|>"]  # 0, 2 and 3 are taken
    assert several.z_token == "<|reserved_2|>, <|reserved_0|>, <|reserved_3|>"
    assert with_verdict_tokens(tiny, z_wrong_token=None) is tiny


def test_sampler_and_scorer_read_the_mean_and_the_wrong_token(several):
    prompts = [several.encode_prompt(p) for p in PROMPTS]
    sampled = generate(several, prompts, samples=40, max_new_tokens=40, generator=torch.Generator().manual_seed(1))
    ended = (~sampled.truncated).nonzero().squeeze(1).tolist()
    assert len(ended) > 5
    assert sampled.z_wrong_logprob.isnan().tolist() == sampled.truncated.tolist()
    responses = [sampled.response[i, : sampled.length[i]].tolist() for i in range(80)]
    repeated = [prompts[i // 40] for i in range(80)]
    scored = score_solutions(several, Solutions.pack(repeated, responses, several), traces=True)
    ids = [several.z_id, *several.more_z_ids]
    for i in ended:
        last = plain(several, repeated[i] + responses[i])[-1]
        expected = sum(last[z].item() for z in ids) / 3
        wrong = last[several.z_wrong_id].item()
        assert sampled.z_logprob[i].item() == pytest.approx(expected, abs=1e-4)
        assert scored.z_logprob[i].item() == pytest.approx(expected, abs=1e-4)
        assert scored.z_trace[i, len(responses[i]) - 1].item() == pytest.approx(expected, abs=1e-4)
        assert sampled.z_wrong_logprob[i].item() == pytest.approx(wrong, abs=1e-4)
        assert scored.z_wrong_logprob[i].item() == pytest.approx(wrong, abs=1e-4)
    cut = sampled.truncated.nonzero().squeeze(1)
    assert scored.z_logprob[cut].abs().sum() == scored.z_wrong_logprob[cut].abs().sum() == 0


def test_the_mean_passes_its_gradient_to_every_token(several):
    solutions = Solutions.pack([several.encode_prompt(PROMPTS[0])], [[20, several.eos_id]], several)
    head = several.model.get_output_embeddings().weight
    several.model.zero_grad()
    score_solutions(several, solutions).z_logprob.sum().backward()
    norms = head.grad[[several.z_id, *several.more_z_ids]].norm(dim=1)
    several.model.zero_grad()
    assert torch.allclose(norms, norms[0].expand(3), rtol=0.2)
    assert norms.min() > 0


def test_tokens_that_cannot_serve_are_refused(tiny):
    with pytest.raises(InputError, match="ends or pads"):
        with_verdict_tokens(tiny, z_tokens=("<|reserved_0|>", "<eos>"))
    every = tuple(f"<|reserved_{i}|>" for i in range(4))
    with pytest.raises(InputError, match="no second unused token"):
        with_verdict_tokens(tiny, z_tokens=every, z_wrong_token="")
