"""bfloat16 weights trained through float32 copies, logits of bfloat16 weights, and layers computed again."""

import copy

import pytest
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from laser_core.errors import InputError
from laser_core.fast.devices import pick_device, weights_dtype
from laser_core.fast.optimiser import MasterAdamW, adamw, load_states, trained_by
from laser_core.fast.precision import cast, output_logits, pick_dtype
from laser_core.fast.recompute import recomputing

CONFIG = LlamaConfig(vocab_size=61, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4)


def test_updates_too_small_for_bfloat16_add_up():
    """1,000 updates of 1e-5 move a weight of 1 by 0.01; rounded each time, it would stand still."""
    layer = nn.Linear(1, 1, bias=False).to(torch.bfloat16)
    nn.init.ones_(layer.weight)
    optimizer = adamw(layer, lr=1e-5, weight_decay=0.0)
    assert isinstance(optimizer, MasterAdamW)
    for _ in range(1000):
        optimizer.zero_grad()
        layer(torch.ones(1, 1, dtype=torch.bfloat16)).sum().backward()
        assert layer.weight.grad is None  # it moved into the float32 copy
        optimizer.step()
    assert trained_by(optimizer)[0].item() == pytest.approx(0.99, abs=1e-4)
    assert layer.weight.item() == pytest.approx(0.99, abs=0.004)


def test_micro_batches_add_up_in_float32():
    layer = nn.Linear(1, 1, bias=False).to(torch.bfloat16)
    optimizer = adamw(layer, lr=1.0, weight_decay=0.0)
    for x in (256.0, 1.0, 1.0):  # in bfloat16, 256 + 1 is 256
        layer(torch.tensor([[x]], dtype=torch.bfloat16)).sum().backward()
    assert trained_by(optimizer)[0].grad.item() == 258.0


def test_the_float32_copies_survive_saving():
    first, second = (nn.Linear(3, 2).to(torch.bfloat16) for _ in range(2))
    one, two = (adamw(layer, lr=1e-4, weight_decay=0.0) for layer in (first, second))
    first(torch.ones(1, 3, dtype=torch.bfloat16)).sum().backward()
    one.step()
    two.load_state_dict(copy.deepcopy(one.state_dict()))
    for saved, loaded in zip(trained_by(one), trained_by(two), strict=True):
        assert torch.equal(saved, loaded)
    assert torch.equal(first.weight, second.weight)
    with pytest.raises(ValueError, match="another model"):
        adamw(nn.Linear(4, 2).to(torch.bfloat16), lr=1.0, weight_decay=0.0).load_state_dict(one.state_dict())


def test_states_move_between_precisions_without_losing_bits():
    """A weight of 1 + 2**-20 is 1 in bfloat16; its float32 copy keeps it, there and back."""
    here, there = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False).to(torch.bfloat16)
    nn.init.constant_(here.weight, 1 + 2**-20)
    first, second = (adamw(layer, lr=0.0, weight_decay=0.0) for layer in (here, there))
    for layer, optimizer in ((here, first), (there, second)):
        layer(torch.ones(1, 1, dtype=layer.weight.dtype)).sum().backward()
        optimizer.step()  # makes their states alike
    load_states(there, second, here.state_dict(), first.state_dict())
    assert (there.weight.item(), trained_by(second)[0].item()) == (1.0, 1 + 2**-20)
    nn.init.zeros_(here.weight)
    load_states(here, first, there.state_dict(), second.state_dict())
    assert here.weight.item() == 1 + 2**-20


def test_float32_weights_are_trained_as_they_are():
    layer = nn.Linear(3, 2)
    layer.bias.requires_grad_(False)
    optimizer = adamw(layer, lr=1.0, weight_decay=0.0)
    assert type(optimizer) is torch.optim.AdamW
    assert trained_by(optimizer) == [layer.weight]  # what is frozen is left out


def test_logits_of_bfloat16_weights_are_float32():
    """Near -23 nats bfloat16 is exact to 1/8; these are exact to 1e-3, and so is their gradient."""
    torch.manual_seed(0)
    head, hidden = nn.Linear(64, 50, bias=False).to(torch.bfloat16), torch.randn(5, 64, requires_grad=True)
    with torch.no_grad():
        head.weight.mul_(30)
    exact = hidden.detach() @ head.weight.detach().float().T
    logits = output_logits(hidden, head)
    assert logits.dtype == torch.float32
    assert float(exact.abs().max()) > 20
    assert torch.allclose(logits, exact, atol=1e-3)
    logits.log_softmax(-1)[:, 0].sum().backward()
    plain = hidden.detach().requires_grad_()
    weight = head.weight.detach().float().requires_grad_()
    (plain @ weight.T).log_softmax(-1)[:, 0].sum().backward()
    assert (hidden.grad - plain.grad).norm() < 0.01 * plain.grad.norm()
    assert (head.weight.grad.float() - weight.grad).norm() < 0.01 * weight.grad.norm()


def test_a_cast_model_keeps_its_rotation_exact():
    """The 1,000th token turns by 1,000 x 0.5623 radians; with that frequency in bfloat16 it was off by one radian."""
    model = LlamaForCausalLM(CONFIG)
    rounded = cast(model, torch.bfloat16)
    assert rounded.lm_head.weight.dtype == torch.bfloat16
    assert torch.equal(rounded.model.rotary_emb.inv_freq, model.model.rotary_emb.inv_freq)
    assert model.lm_head.weight.dtype == torch.float32
    assert cast(rounded, torch.bfloat16) is rounded


def test_layers_computed_again_give_the_same_gradient_and_keep_less():
    torch.manual_seed(0)
    model, tokens = LlamaForCausalLM(CONFIG).eval(), torch.randint(0, 61, (2, 20))
    gradients, kept = [], []
    for on in (False, True):
        model.zero_grad()
        n = 0

        def count(tensor):
            nonlocal n
            n += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor), recomputing(model, on):
            hidden = model.model(tokens, use_cache=False).last_hidden_state
        hidden.square().sum().backward()  # outside, as in training
        gradients.append(torch.cat([p.grad.flatten() for p in model.model.parameters()]))
        kept.append(n)
    assert torch.allclose(*gradients, atol=1e-4)
    assert kept[1] < kept[0] / 3
    assert "forward" not in vars(model.model.layers[0])  # nothing is left behind


def test_devices_by_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto") == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(InputError, match="PyTorch finds 1 GPUs"):
        pick_device("cuda:1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert pick_device("auto") == torch.device("cpu")
    with pytest.raises(InputError, match="finds no GPU.*use cpu"):
        pick_device("cuda")
    with pytest.raises(InputError, match="there is no device 'gpu'"):
        pick_device("gpu")


def test_precision_by_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    assert pick_dtype("auto", torch.device("cuda", 7)) == torch.bfloat16
    assert pick_dtype("auto", torch.device("mps")) == torch.float32
    assert weights_dtype(torch.bfloat16, torch.device("cuda")) == torch.bfloat16
    assert weights_dtype(torch.bfloat16, torch.device("cpu")) == torch.float32  # the miniature's bits stay
