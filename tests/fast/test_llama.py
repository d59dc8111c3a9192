"""The lean forward pass against the models' own: values, gradients, sampling, and both precisions."""

import pytest
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from laser_core import scoring
from laser_core.fast import architectures
from laser_core.fast.decoding import LlamaDecoder, ModelDecoder, open_decoder
from laser_core.generate import generate
from laser_core.policy import Policy
from laser_core.scoring import Solutions, score_in_micro_batches, score_solutions

SIZES = {
    "vocab_size": 61,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 128,
}
SHAPES = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SIZES)),
    "llama, tied, scaled rotation": lambda: LlamaForCausalLM(
        LlamaConfig(
            **SIZES,
            tie_word_embeddings=True,
            rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 5000.0},
        )
    ),
    "mistral": lambda: MistralForCausalLM(MistralConfig(**SIZES, sliding_window=None)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SIZES)),
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**SIZES, head_dim=16)),
}
PROMPTS = [[5, 6, 7], [8, 9, 10, 11, 12], [5, 6, 7], [13]]
RESPONSES = [[20, 21, 1], [22, 23, 24, 25, 26, 1], [30, 31, 32, 33], [1]]  # 1 is <eos>; the third is truncated


class Tokens:
    """The little of a tokenizer that scoring asks for."""

    eos_token_id, pad_token_id, chat_template = 1, 0, None


def policy_of(name, spread=3.0):
    torch.manual_seed(0)
    model = SHAPES[name]().eval()
    with torch.no_grad():
        for parameter in model.parameters():  # far from symmetric, norms and biases included, so that a mistake shows
            parameter.mul_(spread).add_(0.02 * torch.randn_like(parameter))
    return Policy(name, model, Tokens(), "z", 2)


@pytest.fixture(params=SHAPES)
def policy(request):
    return policy_of(request.param)


def loss_of(scored):
    weights = torch.linspace(0.5, 1.5, scored.logprob.shape[1])
    return (scored.logprob * weights).sum() + (scored.z_logprob**2).sum() / 10


def gradients(policy):
    return {name: p.grad.clone() for name, p in policy.model.named_parameters() if p.grad is not None}


def own_forward(policy, monkeypatch, solutions, **options):
    """What the model's own forward pass says."""
    with monkeypatch.context() as patch:
        patch.setattr(architectures, "supports", lambda model: False)
        return score_solutions(policy, solutions, **options)


def test_values_and_gradients_equal_the_models_own(policy, monkeypatch):
    assert architectures.supports(policy.model)
    solutions = Solutions.pack(PROMPTS, RESPONSES, policy)
    results = []
    for read in (lambda: own_forward(policy, monkeypatch, solutions, traces=True), None):
        policy.model.zero_grad()
        scored = read() if read else score_solutions(policy, solutions, traces=True)
        loss_of(scored).backward()
        results.append((scored, gradients(policy)))
    (own, own_grads), (lean, lean_grads) = results
    for name in ("logprob", "z_logprob", "z_trace", "entropy"):
        assert torch.allclose(getattr(own, name), getattr(lean, name), atol=1e-4), name
    assert own_grads.keys() == lean_grads.keys()
    for name, expected in own_grads.items():
        assert torch.allclose(lean_grads[name], expected, atol=1e-3 * float(expected.abs().max())), name


@pytest.mark.parametrize("max_tokens", [8, 26, 10_000])  # prompts with each micro-batch; prompts once; one batch
def test_micro_batches_add_up_to_the_whole_gradient(policy, max_tokens):
    solutions = Solutions.pack(PROMPTS, RESPONSES, policy)
    policy.model.zero_grad()
    weights = torch.linspace(0.5, 1.5, 6)
    whole = score_solutions(policy, solutions)
    loss_of(whole).backward()
    expected = gradients(policy)
    policy.model.zero_grad()
    seen = []
    for rows, now in score_in_micro_batches(policy, solutions, max_tokens=max_tokens):
        assert torch.allclose(now.z_logprob, whole.z_logprob[rows], atol=1e-4)
        ((now.logprob * weights[: now.logprob.shape[1]]).sum() + (now.z_logprob**2).sum() / 10).backward()
        seen += rows.tolist()
    assert sorted(seen) == [0, 1, 2, 3]
    for name, gradient in gradients(policy).items():
        assert torch.allclose(gradient, expected[name], atol=1e-3 * float(expected[name].abs().max())), name


def test_sampled_log_probs_equal_the_models_own(policy, monkeypatch):
    prompts = [PROMPTS[0], PROMPTS[1], PROMPTS[3]]
    sampled = generate(
        policy, prompts, samples=30, max_new_tokens=40, generator=torch.Generator().manual_seed(0)
    )  # 40 tokens: the cache grows twice; 90 solutions: rows branch and leave many times
    responses = [row[:n] for row, n in zip(sampled.response.tolist(), sampled.length.tolist(), strict=True)]
    assert 0 < int(sampled.truncated.sum()) < 90
    solutions = Solutions.pack([prompt for prompt in prompts for _ in range(30)], responses, policy)
    own = own_forward(policy, monkeypatch, solutions, traces=True)
    for name in ("logprob", "entropy"):
        assert torch.allclose(getattr(own, name), getattr(sampled, name), atol=1e-4), name
    assert torch.allclose(own.z_trace[own.mask], sampled.z_trace[own.mask], atol=1e-4)
    ended = ~sampled.truncated
    assert torch.allclose(own.z_logprob[ended], sampled.z_logprob[ended], atol=1e-4)


def test_the_same_seed_samples_the_same_solutions_either_way(policy, monkeypatch):
    def draw():
        return generate(policy, PROMPTS, samples=4, max_new_tokens=12, generator=torch.Generator().manual_seed(3))

    lean = draw()
    monkeypatch.setattr(architectures, "supports", lambda model: False)
    assert torch.equal(lean.response, draw().response)


def test_a_solution_does_not_depend_on_the_others_in_its_batch():
    policy = policy_of("llama")
    uniform = torch.rand(4, 12, generator=torch.Generator().manual_seed(0))
    alone = generate(policy, PROMPTS[:1], samples=1, max_new_tokens=12, generator=torch.Generator().manual_seed(0))
    together = generate(policy, PROMPTS, samples=1, max_new_tokens=12, generator=torch.Generator().manual_seed(0))
    assert torch.equal(torch.rand(1, 12, generator=torch.Generator().manual_seed(0))[0], uniform[0])
    n = int(alone.length[0])
    assert alone.response[0].tolist() == together.response[0, :n].tolist()


def test_bfloat16_stays_close_to_float32():
    policy = policy_of("llama", spread=2.0)
    solutions = Solutions.pack(PROMPTS, RESPONSES, policy)
    results = {}
    for dtype in (torch.float32, torch.bfloat16):
        policy.model.zero_grad()
        for _, now in score_in_micro_batches(policy, solutions, max_tokens=26, dtype=dtype):
            loss_of(now).backward()
        scored = score_solutions(policy, solutions, dtype=dtype)
        results[dtype] = scored, torch.cat([g.flatten() for g in gradients(policy).values()])
    (exact, exact_grad), (rounded, rounded_grad) = results.values()
    assert not torch.equal(exact.logprob, rounded.logprob)  # bfloat16 was used
    assert torch.allclose(exact.logprob, rounded.logprob, atol=0.05)
    assert torch.allclose(exact.z_logprob, rounded.z_logprob, atol=0.05)
    assert rounded_grad.dtype == torch.float32
    assert torch.cosine_similarity(exact_grad, rounded_grad, dim=0) > 0.999
    assert (exact_grad - rounded_grad).norm() < 0.03 * exact_grad.norm()


def test_what_the_lean_pass_does_not_compute_runs_the_models_own():
    windowed = MistralForCausalLM(MistralConfig(**SIZES, sliding_window=16))
    biased = LlamaForCausalLM(LlamaConfig(**SIZES, attention_bias=True))  # biases the output projection too
    gelu = LlamaForCausalLM(LlamaConfig(**SIZES, hidden_act="gelu"))
    other = GPT2LMHeadModel(GPT2Config(vocab_size=61, n_embd=32, n_layer=1, n_head=2, n_positions=64))
    for model in (windowed, biased, gelu, other):
        assert not architectures.supports(model)
        assert isinstance(open_decoder(model, torch.float32, 0), ModelDecoder)
    adapted = SHAPES["llama"]()
    adapted.base_model.layers[1].self_attn.q_proj = type("Adapter", (torch.nn.Linear,), {})(32, 32, bias=False)
    assert not architectures.supports(adapted)
    assert isinstance(open_decoder(SHAPES["llama"](), torch.float32, 0), LlamaDecoder)


def test_another_architecture_samples_scores_and_trains():
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=61, n_embd=32, n_layer=2, n_head=2, n_positions=64)).eval()
    policy = Policy("gpt2", model, Tokens(), "z", 2)
    sampled = generate(policy, PROMPTS, samples=3, max_new_tokens=6, generator=torch.Generator().manual_seed(0))
    responses = [row[:n] for row, n in zip(sampled.response.tolist(), sampled.length.tolist(), strict=True)]
    solutions = Solutions.pack([prompt for prompt in PROMPTS for _ in range(3)], responses, policy)
    scored = score_solutions(policy, solutions)
    assert torch.allclose(scored.logprob, sampled.logprob, atol=1e-4)
    for _, now in score_in_micro_batches(policy, solutions, max_tokens=20):
        now.logprob.sum().backward()
    assert float(model.transformer.wte.weight.grad.norm()) > 0


def test_logits_in_chunks_through_the_lean_pass(monkeypatch):
    policy = policy_of("qwen2")
    solutions = Solutions.pack(PROMPTS, RESPONSES, policy)
    whole = score_solutions(policy, solutions)
    monkeypatch.setattr(scoring, "CHUNK_LOGITS", 3 * 61)
    assert torch.allclose(score_solutions(policy, solutions).logprob, whole.logprob, atol=1e-5)
