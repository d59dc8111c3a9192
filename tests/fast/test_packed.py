"""Several solutions behind one prompt: each token computes what it would compute with its solution alone."""

import pytest
import torch

from laser_core.fast.packed import PADDING, Packed
from laser_core.fast.top_layers import TopLayers

PROMPTS = [torch.tensor([7, 8, 9]), torch.tensor([10, 11])]
SOLUTIONS = [[torch.tensor([12, 13]), torch.tensor([14]), torch.tensor([15, 16, 17])], [torch.tensor([12, 18])]]
PACKED = Packed.of(PROMPTS, SOLUTIONS)


def test_the_layout_of_two_prompts_worked_by_hand():
    assert PACKED.tokens.tolist() == [[7, 8, 9, 12, 13, 14, 15, 16, 17], [10, 11, 12, 18, 0, 0, 0, 0, 0]]
    assert PACKED.position.tolist()[0] == [0, 1, 2, 3, 4, 3, 3, 4, 5]
    assert PACKED.part.tolist()[1] == [0, 0, 1, 1, *[PADDING] * 5]
    assert (PACKED.group.tolist(), PACKED.start.tolist()) == ([0, 0, 0, 1], [3, 5, 6, 2])
    seen = PACKED.mask(torch.device("cpu"), additive=False)[0, 0].int().tolist()
    assert seen[4] == [1, 1, 1, 1, 1, 0, 0, 0, 0]  # the prompt and its own solution
    assert seen[5] == [1, 1, 1, 0, 0, 1, 0, 0, 0]  # not the solution before it
    assert seen[7] == [1, 1, 1, 0, 0, 0, 1, 1, 0]  # nor what follows
    states = torch.arange(18.0).view(2, 9, 1)
    assert PACKED.last(states).flatten().tolist() == [4.0, 5.0, 8.0, 12.0]
    prompts, solutions = PACKED.split(states)
    again = PACKED.join(prompts, solutions)
    assert torch.equal(again[0], states[0])
    assert again[1].flatten().tolist() == [9.0, 10.0, 11.0, 12.0, *[0.0] * 5]


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("shape", ["llama", "qwen3"])
def test_each_solution_is_as_if_it_stood_alone(shape, attention):
    import transformers as hf

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2}
    sizes |= {"num_key_value_heads": 1, "vocab_size": 30, "attn_implementation": attention}
    kind = {"llama": (hf.LlamaForCausalLM, hf.LlamaConfig), "qwen3": (hf.Qwen3ForCausalLM, hf.Qwen3Config)}[shape]
    model = kind[0](kind[1](**sizes)).eval()
    top = TopLayers(model, 1, torch.float32)
    with torch.inference_mode():
        found = PACKED.last(top.above(PACKED, top.below(PACKED)))
        pairs = [(prompt, one) for prompt, behind in zip(PROMPTS, SOLUTIONS, strict=True) for one in behind]
        alone = torch.stack([model.base_model(torch.cat(pair)[None]).last_hidden_state[0, -1] for pair in pairs])
    assert torch.allclose(found, alone, rtol=0.03, atol=0.03)  # states below are kept in bfloat16
