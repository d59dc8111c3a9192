"""How much is computed at once: from memory, halved where it was too much, and what the estimates rest on."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from laser_core.fast import batches as batches_module
from laser_core.fast.batches import Batches, _left_in_container, free_memory, is_out_of_memory
from laser_core.fast.sizes import ModelSize

GIB = 2**30
SIZE = ModelSize(
    parameters=10**9,
    trained=10**9,
    layers=20,
    hidden=2000,
    heads=20,
    key_heads=5,
    head_width=100,
    intermediate=6000,
    vocabulary=10**5,
)


def batches(budget=100 * GIB, **options):
    said = []
    made = Batches(SIZE, torch.bfloat16, torch.device("cuda"), budget=budget, say=said.append, **options)
    return made, said


def test_the_numbers_of_a_model_by_hand():
    # keys and values: 2 x 20 layers x 5 heads x 100 numbers x 2 bytes
    assert SIZE.cache(2) == 40_000
    # a row of 1,000 tokens: a tenth more than its cache, and six float32 vectors of the vocabulary
    assert SIZE.sampled_row(1000, 2) == 44_000_000 + 2_400_000
    assert SIZE.training(2) == {
        "weights": 2 * 10**9,
        "float32 copies": 4 * 10**9,
        "gradients": 4 * 10**9,
        "optimiser": 8 * 10**9,
    }
    assert SIZE.training(4)["float32 copies"] == 0  # the weights are float32 themselves


def test_rows_follow_memory_and_length():
    made, _ = batches(budget=46_400_000 * 100)
    assert made.rows(400, 584) == 100  # 984 tokens and a block of 16
    assert made.rows(400, 584 + 1000) == 51  # 4.64e9 / (88e6 + 2.4e6)
    assert batches(budget=0)[0].rows(4000, 10**6) == 1  # one at least


def test_a_batch_that_does_not_fit_is_halved_and_the_smaller_size_stays():
    made, said = batches()
    asked = []

    def work(start, stop):
        asked.append((start, stop))
        if stop - start > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return list(range(start, stop))

    found = made.sampling(work, 16, 10, 10)
    assert [i for part in found for i in part] == list(range(16))  # each solution once, in order
    assert asked[:3] == [(0, 16), (0, 8), (0, 4)]
    assert said == [
        "Not enough memory for 16 solutions at once; going on with 8.",
        "Not enough memory for 8 solutions at once; going on with 4.",
    ]
    assert made.rows(10, 10) == 4


def test_a_forward_pass_that_does_not_fit_begins_again_with_half_the_tokens():
    made, said = batches()
    asked = []

    def work(tokens):
        asked.append(tokens)
        if tokens > 2000:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return tokens

    assert made.forward(work, longest=100, most=4096) == 1024
    assert asked == [4096, 2048, 1024]
    assert said[-1] == "Not enough memory for 2,048 tokens at once; going on with 1,024."


def test_what_cannot_be_halved_is_an_error():
    def never(*_):
        raise MemoryError

    with pytest.raises(MemoryError, match="not even one solution"):
        batches()[0].sampling(never, 4, 10, 10)
    with pytest.raises(MemoryError, match="256 tokens"):
        batches()[0].forward(never, longest=300, most=256)

    def broken(tokens):
        raise RuntimeError("shape mismatch")

    with pytest.raises(RuntimeError, match="shape"):  # another error is none of its business
        batches()[0].forward(broken, longest=10, most=256)


def test_errors_that_say_so():
    assert is_out_of_memory(RuntimeError("MPS backend out of memory"))
    assert not is_out_of_memory(RuntimeError("shapes differ"))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_a_containers_limit_counts(tmp_path):
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("400\n")
    assert _left_in_container(tmp_path) == [600]
    (tmp_path / "memory.max").write_text("max\n")
    assert _left_in_container(tmp_path) == []


def test_a_machine_that_limits_nothing_has_the_memory_that_is_free(monkeypatch):
    """It has no container's files: memory was then taken from an empty list, and nothing ran."""
    monkeypatch.setattr(batches_module, "_left_in_container", list)
    assert free_memory(torch.device("cpu")) > 2**20


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_estimate_of_kept_activations_holds_what_pytorch_keeps(dtype):
    """Neither less than a real forward pass saves for its backward pass, nor twice as much."""
    config = LlamaConfig(
        vocab_size=100,
        hidden_size=96,
        intermediate_size=256,
        num_hidden_layers=3,
        num_attention_heads=6,
        num_key_value_heads=2,
    )
    model = LlamaForCausalLM(config).to(dtype).eval()
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    saved, alive = {}, []

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        alive.append(tensor)  # so that no address is used twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model.model(torch.randint(0, 100, (2, 128)), use_cache=False)
    estimate = 256 * ModelSize.of(model).activations(128, dtype.itemsize, lean=False, recompute=False)
    assert 1 < estimate / sum(saved.values()) < 2
