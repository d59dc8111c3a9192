"""LoRA: the adapter alone learns, the reference stays exact on the same weights, and its folder is a model."""

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from laser_core.cli import app
from laser_core.errors import InputError
from laser_core.generate import generate
from laser_core.models.lora import base_of, has_adapter, with_lora
from laser_core.models.notes import read_notes
from laser_core.policy import load_policy
from laser_core.runfolder.plan import plan
from laser_core.scoring import Solutions, score_solutions
from laser_core.start import learner_beside, load_start
from laser_core.supervised.fit import fit
from laser_core.train import train
from tests.factories import events, make_rollouts, tiny_run

RANK = 4
# 2 layers of width 32, 2 heads of 16, inner width 64: q, k, v and o are 32 x 32, gate, up and down 32 x 64.
PER_LAYER = RANK * (4 * (32 + 32) + 3 * (32 + 64))


def settings(model, **changes):
    fixed = {"lora_rank": RANK, "lr": 1e-2, "reasoning_warmup": 1, "c_ref": -9.0, "checkpoint_every": 0}
    return tiny_run(model, **(fixed | changes))


def solutions(policy):
    return Solutions.pack([[3, 4, 5], [6, 7]], [[8, 9, policy.eos_id], [10, policy.eos_id]], policy)


def pair(tiny_folder, **changes):
    """A reference, and a learner beside it whose adapter has learned something."""
    config = settings(tiny_folder, **changes)
    device, dtype = torch.device("cpu"), torch.float32
    reference = load_start(config, device, dtype)
    before = score_solutions(reference, solutions(reference)).logprob.clone()
    learner = learner_beside(reference, config, device, dtype)
    fresh = learner.model(torch.tensor([[3, 4, 5]])).logits.detach().clone()
    with torch.no_grad():
        for name, parameter in learner.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
    return reference, learner, before, fresh


def test_a_fresh_adapter_is_nothing_and_the_reference_never_hears_of_it(tiny_folder):
    reference, learner, before, fresh = pair(tiny_folder)
    assert torch.equal(fresh, reference.model(torch.tensor([[3, 4, 5]])).logits)
    assert torch.equal(score_solutions(reference, solutions(reference)).logprob, before)  # to the last bit
    assert (score_solutions(learner, solutions(learner)).logprob - before).abs().max() > 0.01
    assert has_adapter(learner.model)
    assert not has_adapter(reference.model)


def test_the_weights_exist_once_and_only_the_adapter_takes_gradients(tiny_folder):
    reference, learner, *_ = pair(tiny_folder)
    own = {p.data_ptr() for p in reference.model.parameters()}
    trained = {n: p for n, p in learner.model.named_parameters() if p.requires_grad}
    frozen = [p for p in learner.model.parameters() if not p.requires_grad]
    assert {p.data_ptr() for p in frozen} == own
    assert all("lora_" in name for name in trained)
    assert sum(p.numel() for p in trained.values()) == 2 * PER_LAYER
    score_solutions(learner, solutions(learner)).logprob.sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in trained.values())
    assert all(p.grad is None for p in frozen)


def test_sampling_with_the_adapter_fused_is_the_models_own_forward_pass(tiny_folder):
    _, learner, *_ = pair(tiny_folder)
    assert (learner.lean.sampling, learner.lean.training) == (True, False)
    sampled = generate(learner, [[3, 4, 5]], samples=4, max_new_tokens=6, generator=torch.Generator().manual_seed(0))
    for row in range(4):
        n = int(sampled.length[row])
        tokens = torch.cat([torch.tensor([3, 4, 5]), sampled.response[row, :n]])
        with torch.inference_mode():
            logprobs = learner.model(tokens[None]).logits[0].log_softmax(-1)
        expected = logprobs[2 : 2 + n].gather(1, sampled.response[row, :n, None]).squeeze(1)
        assert torch.allclose(sampled.logprob[row, :n], expected, atol=1e-4)


def test_a_run_keeps_the_base_as_its_reference_and_resumes_to_the_same_curve(tiny_folder, tmp_path):
    base = load_policy(str(tiny_folder))
    config = settings(tiny_folder, lr_decay=0.0, reference="exact", z_token=base.z_token)
    whole = train(config, tmp_path / "whole")
    train(config.replace(steps=2), tmp_path / "parts")
    parts = train(config, tmp_path / "parts", resume=True)
    assert events(tmp_path / "parts") == events(tmp_path / "whole")
    assert np.array_equal(parts.column("score"), whole.column("score"), equal_nan=True)

    saved = torch.load(tmp_path / "whole" / "checkpoints" / "step-000004.pt", weights_only=True)
    assert all("lora_" in name for name in saved["model"])  # not the weights that nobody changed
    for i in np.flatnonzero(whole.column("truncated") != 1)[:4]:
        row = whole.row(int(i))
        tokens = base.encode_prompt(row["problem"]) + base.tokenizer.convert_tokens_to_ids(list(row["tokens"]))
        with torch.inference_mode():
            plain = base.model(torch.tensor([tokens])).logits[0, -1].log_softmax(-1)[base.z_id].item()
        assert row["ref_z_logprob"] == pytest.approx(plain, abs=1e-4)


def test_the_saved_adapter_is_a_model_for_every_command_and_merges_into_one(tiny_folder, tmp_path):
    scored = train(settings(tiny_folder, eval_samples=8, steps=2), tmp_path / "run")
    folder = tmp_path / "run" / "model"
    assert sorted(p.name for p in folder.glob("*.safetensors")) == ["adapter_model.safetensors"]
    assert base_of(folder) == str(tiny_folder)
    loaded = load_policy(str(folder))
    assert not has_adapter(loaded.model)
    row = scored.row(int(np.flatnonzero(scored.column("truncated") != 1)[0]))
    tokens = loaded.encode_prompt(row["problem"]) + loaded.tokenizer.convert_tokens_to_ids(list(row["tokens"]))
    with torch.inference_mode():
        plain = loaded.model(torch.tensor([tokens])).logits[0, -1].log_softmax(-1)[loaded.z_id].item()
    assert row["z_logprob"] == pytest.approx(plain, abs=1e-3)

    result = CliRunner().invoke(app, ["merge", str(folder), "--out", str(tmp_path / "whole")])
    assert result.exit_code == 0, result.output
    assert "model.safetensors" in {p.name for p in (tmp_path / "whole").iterdir()}
    assert base_of(tmp_path / "whole") is None
    again = load_policy(str(tmp_path / "whole"))
    for (name, mine), other in zip(again.model.named_parameters(), loaded.model.parameters(), strict=True):
        assert torch.equal(mine, other), name
    assert read_notes(tmp_path / "whole") == read_notes(folder)


def test_an_adapter_can_learn_on_from_an_adapter(tiny_folder, tmp_path):
    train(settings(tiny_folder, steps=1, eval_problems=0), tmp_path / "first")
    train(settings(tmp_path / "first" / "model", steps=1, eval_problems=0), tmp_path / "second")
    assert base_of(tmp_path / "second" / "model") == str(tmp_path / "first" / "model")
    assert load_policy(str(tmp_path / "second" / "model")).model.num_parameters() > 0


@pytest.mark.parametrize(("weights", "layers"), [("top", 1), ("all", 2)])
def test_a_fit_can_train_an_adapter_in_the_layers_that_learn(weights, layers, tiny_folder, tmp_path):
    rollouts = make_rollouts(n_problems=40, n_samples=6, traces=False)
    config = settings(
        tiny_folder, method="fit", task="rollouts", fit_weights=weights, fit_layers=1, steps=30, prompts_per_step=8
    )
    fit(config, rollouts, tmp_path / "run")
    steps = events(tmp_path / "run")
    assert np.mean([e["score_loss"] for e in steps[-5:]]) < 0.8 * np.mean([e["score_loss"] for e in steps[:3]])
    saved = torch.load(tmp_path / "run" / "checkpoints" / "step-000030.pt", weights_only=True)["model"]
    assert sum(tensor.numel() for tensor in saved.values()) == layers * PER_LAYER
    before, after = load_policy(str(tiny_folder)), load_policy(str(tmp_path / "run" / "model"))
    moved = {
        name.split(".")[2]
        for (name, old), new in zip(before.model.named_parameters(), after.model.parameters(), strict=True)
        if not torch.equal(old, new)
    }
    assert moved == {str(number) for number in range(2 - layers, 2)}


def test_the_plan_counts_the_adapter_and_no_second_model(tiny_folder):
    full, small = plan(tiny_run(tiny_folder)), plan(settings(tiny_folder))
    assert small.size.trained == 2 * PER_LAYER
    assert small.size.parameters == full.size.parameters + 2 * PER_LAYER
    assert small.memory["optimiser"] == 8 * 2 * PER_LAYER
    assert small.memory["gradients"] == 4 * 2 * PER_LAYER
    assert small.memory["reference model"] == 0 < full.memory["reference model"]


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"base_model_name_or_path": None}, "does not name the model"),
        ({"base_model_name_or_path": "ITSELF"}, "belongs to itself"),
        ({"r": 7}, "not an adapter that can be merged"),
        ({"peft_type": "PROMPT_TUNING"}, "not an adapter that can be merged"),
    ],
)
def test_an_adapter_that_cannot_be_used_is_refused_in_one_line(broken, says, tiny_folder, tmp_path):
    train(settings(tiny_folder, steps=1, eval_problems=0), tmp_path / "run")
    folder = tmp_path / "run" / "model"
    path = folder / "adapter_config.json"
    values = {k: str(folder) if v == "ITSELF" else v for k, v in broken.items()}
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    with pytest.raises(InputError, match=says):
        load_policy(str(folder))


def test_weights_in_a_pickle_are_never_read(tiny_folder, tmp_path):
    train(settings(tiny_folder, steps=1, eval_problems=0), tmp_path / "run")
    folder = tmp_path / "run" / "model"
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(InputError, match="no weights in safetensors"):
        load_policy(str(folder))


def test_a_model_of_another_architecture_gets_its_adapter_in_its_blocks_alone():
    import transformers as hf

    torch.manual_seed(0)
    model = hf.GPT2LMHeadModel(hf.GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=50, n_positions=32)).eval()
    learner = with_lora(model, "a model", rank=2, alpha=4.0, seed=0, layers=[1])
    trained = [name for name, parameter in learner.named_parameters() if parameter.requires_grad]
    assert trained
    assert all(name.startswith("transformer.h.1.") for name in trained)
