"""The score alone, trained on verified rollouts: by the top layers over cached states, or by all weights."""

import numpy as np
import pytest
import torch

from laser_core.errors import InputError
from laser_core.fast.packed import Packed
from laser_core.fast.top_layers import TopLayers
from laser_core.models.notes import read_notes
from laser_core.policy import load_policy
from laser_core.rescoring.graded import held_out_rows
from laser_core.rollouts import read
from laser_core.supervised.fit import PROBE, fit
from tests.factories import events, make_rollouts, tiny_run

ROLLOUTS = make_rollouts(n_problems=40, n_samples=6, traces=False)


def settings(model, **changes):
    fixed = {"method": "fit", "task": "rollouts", "fit_layers": 1, "lr_warmup": 0, "lr": 3e-3, "steps": 5}
    return tiny_run(model, **(fixed | {"prompts_per_step": 8, "checkpoint_every": 2} | changes))


@pytest.mark.parametrize("shape", ["tiny", "gpt_neox", "gemma2"])
def test_the_top_layers_over_cached_states_are_the_whole_model(shape, tiny):
    import transformers as hf

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2}
    grouped = {**sizes, "num_key_value_heads": 1, "head_dim": 16, "sliding_window": 3}
    model = {
        "tiny": lambda: tiny.model,
        "gpt_neox": lambda: hf.GPTNeoXForCausalLM(hf.GPTNeoXConfig(**sizes, vocab_size=90)).eval(),
        "gemma2": lambda: hf.Gemma2ForCausalLM(hf.Gemma2Config(**grouped, vocab_size=90)).eval(),
    }[shape]()
    tokens = torch.randint(6, 90, (3, 9))
    packed = Packed.of([row[:4] for row in tokens], [[row[4:]] for row in tokens])
    top = TopLayers(model, 1, torch.float32)
    with torch.inference_mode():
        whole = model.base_model(tokens).last_hidden_state
        below = top.below(packed)
        assert torch.allclose(top.above(packed, below), whole, rtol=0.05, atol=0.05)  # kept in bfloat16
        assert torch.equal(model.base_model(tokens).last_hidden_state, whole)  # nothing of it stays
    with pytest.raises(InputError, match="cannot be the top ones"):
        TopLayers(model, len(top.layers), torch.float32)


@pytest.mark.parametrize("weights", ["top", "all"])
def test_the_score_is_learnt_and_held_out_problems_are_scored(weights, tiny_folder, tmp_path):
    seen = {}

    def probe(states, correct, problem):
        seen.update(states=states, correct=correct, problem=problem)
        return np.full(len(correct), 0.25)

    config = settings(tiny_folder, fit_weights=weights, steps=30)
    scored = fit(config, ROLLOUTS, tmp_path / "run", probe=probe)
    steps = events(tmp_path / "run")
    assert np.mean([e["score_loss"] for e in steps[-5:]]) < 0.7 * np.mean([e["score_loss"] for e in steps[:3]])

    held = ROLLOUTS.take(held_out_rows(ROLLOUTS))
    assert 0 < len(held) < len(ROLLOUTS)
    assert scored.table["response"].to_pylist() == held.table["response"].to_pylist()
    truncated = held.column("truncated") == 1
    assert np.isnan(scored.column("score")).tolist() == truncated.tolist()
    assert scored.column(PROBE)[~truncated].tolist() == [0.25] * int((~truncated).sum())
    assert seen["states"].shape == (int((ROLLOUTS.column("truncated") != 1).sum()), 32)
    assert set(seen["correct"]) == {0.0, 1.0}
    assert read(tmp_path / "run" / "rollouts.parquet").rollouts.table.equals(scored.table)

    before, after = load_policy(str(tiny_folder)), load_policy(str(tmp_path / "run" / "model"))
    moved = {
        name.split(".")[2] if ".layers." in name else name
        for (name, old), new in zip(before.model.named_parameters(), after.model.parameters(), strict=True)
        if not torch.equal(old, new)
    }
    assert moved == {"1"} if weights == "top" else {"0", "1", "lm_head.weight"} <= moved
    notes = read_notes(tmp_path / "run" / "model")
    assert notes.c_ref == pytest.approx(scored.meta.c_ref)
    assert scored.meta.z_token == after.z_token == notes.z_token

    first = int(np.flatnonzero(~truncated)[0])
    row = scored.row(first)
    tokens = after.encode_prompt(row["problem"]) + after.tokenizer.encode(row["response"]) + [after.eos_id]
    with torch.inference_mode():
        plain = after.model(torch.tensor([tokens])).logits[0, -1].log_softmax(-1)[after.z_id].item()
    tolerance = 0.1 if weights == "top" else 1e-3  # states below are kept in bfloat16
    assert row["z_logprob"] == pytest.approx(plain, abs=tolerance)
    assert row["score"] == pytest.approx(0.1 * (row["z_logprob"] - scored.meta.c_ref))


def test_c_ref_comes_first_and_from_the_problems_to_learn_from(tiny_folder, tmp_path):
    policy, values = load_policy(str(tiny_folder)), []
    scored = fit(settings(tiny_folder, steps=1, z_token=policy.z_token), ROLLOUTS, tmp_path / "run")
    for i in np.flatnonzero(~held_out_rows(ROLLOUTS) & (ROLLOUTS.column("truncated") != 1)):
        row = ROLLOUTS.row(int(i))
        tokens = policy.encode_prompt(row["problem"]) + policy.tokenizer.encode(row["response"]) + [policy.eos_id]
        with torch.inference_mode():
            values.append(policy.model(torch.tensor([tokens])).logits[0, -1].log_softmax(-1)[policy.z_id].item())
    assert scored.meta.c_ref == pytest.approx(np.mean(values), abs=0.02)
    assert scored.meta.c_ref_std == pytest.approx(np.std(values, ddof=1), abs=0.02)


def test_an_interrupted_fit_resumes_to_the_same_scores(tiny_folder, tmp_path):
    config = settings(tiny_folder, lr_decay=0.0)  # a constant rate, so that the first steps do not depend on the last
    whole = fit(config, ROLLOUTS, tmp_path / "whole")
    fit(config.replace(steps=3), ROLLOUTS, tmp_path / "parts")
    parts = fit(config, ROLLOUTS, tmp_path / "parts", resume=True)
    assert events(tmp_path / "parts") == events(tmp_path / "whole")
    assert np.array_equal(parts.column("score"), whole.column("score"), equal_nan=True)


def test_rollouts_of_one_kind_are_refused(tiny_folder, tmp_path):
    wrong = ROLLOUTS.with_column("correct", [False] * len(ROLLOUTS))
    with pytest.raises(InputError, match="no correct solution"):
        fit(settings(tiny_folder), wrong, tmp_path / "run")


def test_a_fit_that_nothing_could_judge_is_refused_before_its_first_step(tiny_folder, tmp_path):
    texts = np.array(ROLLOUTS.text("problem"))
    alone = (ROLLOUTS.take(texts == text) for text in sorted(set(texts)))  # a single problem is on one side
    learnt = next(one for one in alone if not held_out_rows(one).any() and len(set(one.column("correct"))) == 2)
    with pytest.raises(InputError, match="none of .* problems is held out"):
        fit(settings(tiny_folder), learnt, tmp_path / "run")
    assert not (tmp_path / "run" / "events.jsonl").is_file()
