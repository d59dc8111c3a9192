"""Which verdict token a run takes: the first that serves, or the steadiest."""

from dataclasses import replace

import pytest
import torch

from laser_core.generate import generate
from laser_core.models.verdict_token import NAMED, RESERVED
from laser_core.tasks import load_problems
from laser_core.token_choice.pick_token import ended_solutions, rank_tokens, settle_token

PROBLEMS = load_problems("linear", "train")[:8]
BETA_V = 1.0  # every token reaches a score of 1, and none is steady enough to serve
SETTINGS = {"max_new_tokens": 20, "seed": 1, "samples": 4}


@pytest.fixture
def unsteady(biased):
    """The first reserved token varies by nats, the third hardly, and one of the others is likely."""
    head = biased.model.get_output_embeddings().weight
    before = head.detach().clone()
    with torch.no_grad():
        first, second, third, fourth = (biased.tokenizer.convert_tokens_to_ids(f"<|reserved_{i}|>") for i in range(4))
        head[first] *= 4
        head[[second, fourth]] *= 2
        head[third] = head[3:].mean(0)
    yield replace(biased, z_kind=RESERVED, end_ids=(biased.eos_id, *range(10, 20)))  # so that many solutions end
    with torch.no_grad():
        head.copy_(before)


def test_the_levels_are_those_of_a_plain_forward_pass(unsteady):
    prompts = [unsteady.encode_prompt(problem.text) for problem in PROBLEMS]
    sampled = generate(unsteady, prompts, samples=4, max_new_tokens=20, generator=torch.Generator().manual_seed(1))
    solutions = ended_solutions(unsteady, sampled)
    n = len(solutions.length)
    assert 2 < n < 32
    ranked = rank_tokens(unsteady, solutions, beta_v=BETA_V)
    assert len(ranked) == 4
    rows = []
    for i in range(n):
        tokens = solutions.tokens[i, : solutions.prompt_length[i] + solutions.length[i]]
        with torch.inference_mode():
            rows.append(unsteady.model(tokens[None]).logits[0, -1].log_softmax(-1))
    logprob = torch.stack(rows).double()
    for token in ranked:
        values = logprob[:, token.candidate.z_id]
        assert token.level.c_ref == pytest.approx(values.mean().item(), abs=1e-4)
        assert token.level.c_ref_std == pytest.approx(values.std().item(), abs=1e-4)
        assert token.level.n == n


def test_a_run_takes_the_steadiest_token_where_the_first_does_not_serve(unsteady):
    settled = settle_token(unsteady, PROBLEMS, beta_v=BETA_V, **SETTINGS)
    assert settled.policy.z_token == "<|reserved_2|>"
    assert (
        settled.level.c_ref_std
        < 0.5 * settle_token(unsteady, PROBLEMS, beta_v=BETA_V, fixed=True, **SETTINGS).level.c_ref_std
    )
    other = settled.apply(unsteady)
    assert (other.z_token, other.z_id) == (settled.policy.z_token, settled.policy.z_id)
    assert settled.sentence().startswith("Verdict token <|reserved_2|> (reserved, so no training text contains it)")


def test_a_token_that_somebody_named_stays(unsteady):
    for kept in (
        settle_token(unsteady, PROBLEMS, beta_v=BETA_V, fixed=True, **SETTINGS),
        settle_token(replace(unsteady, z_kind=NAMED), PROBLEMS, beta_v=BETA_V, **SETTINGS),
    ):
        assert kept.policy.z_token == "<|reserved_0|>"
        assert any("c_ref is not constant" in sentence for sentence in kept.level.warnings())
