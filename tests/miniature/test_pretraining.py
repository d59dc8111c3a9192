"""The miniature base: what its corpus says and does not say, and that its training resumes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from laser_core.miniature.corpus import CORPUS, IGNORE, corpus_batch
from laser_core.miniature.model import RESERVED, BaseConfig, hidden_states, make_model, make_tokenizer
from laser_core.miniature.pretraining import train_base
from laser_core.tasks.guess_and_check import GRADES, PAGE, Habits

SMALL = BaseConfig(
    hidden_size=16,
    layers=1,
    heads=2,
    intermediate_size=32,
    batch_size=8,
    steps=4,
    first_steps=1,
    careful_steps=2,
    again_steps=0,
    settle_steps=3,
)


@pytest.fixture(scope="module")
def batch():
    tokenizer = make_tokenizer()
    config = replace(SMALL, batch_size=256, page_share=0.2)
    return tokenizer, corpus_batch(CORPUS, tokenizer, config, Habits(), np.random.default_rng(0))


def test_nothing_follows_the_end_of_a_text(batch):
    tokenizer, (tokens, labels, _) = batch
    for row, label in zip(tokens.tolist(), labels.tolist(), strict=True):
        end = row.index(tokenizer.eos_token_id)
        assert set(row[end + 1 :]) <= {tokenizer.pad_token_id}
        assert set(label[end:]) == {IGNORE}
        assert label[end - 1] == tokenizer.eos_token_id


def test_grades_stand_on_pages_of_their_own_and_nowhere_else(batch):
    tokenizer, (tokens, labels, _) = batch
    page, *grades = tokenizer.convert_tokens_to_ids([PAGE, *GRADES])
    is_page = tokens[:, 0] == page
    assert 30 < is_page.sum() < 75  # 256 x 0.2 = 51, standard deviation 6.4
    written = torch.where(labels == IGNORE, -1, labels)
    graded = torch.isin(written, torch.tensor(grades)).sum(1)
    assert graded.tolist() == is_page.long().tolist()


def test_decisions_weigh_more(batch):
    tokenizer, (_, labels, weight) = batch
    decisions = torch.isin(labels, torch.tensor(tokenizer.convert_tokens_to_ids(["#", "~"])))
    assert set(weight[decisions].tolist()) == {SMALL.decision_weight}
    assert set(weight[~decisions].tolist()) == {1.0}


def test_the_lean_forward_pass_is_the_models_own():
    torch.manual_seed(0)
    tokenizer = make_tokenizer()
    model = make_model(SMALL, tokenizer)
    tokens = torch.randint(0, len(tokenizer), (3, 11))
    expected = model.model(tokens).last_hidden_state
    assert torch.allclose(hidden_states(model, tokens, torch.float32), expected, atol=1e-5)


def test_a_stopped_training_ends_where_an_unbroken_one_does(tmp_path, monkeypatch):
    monkeypatch.setattr("laser_core.miniature.pretraining.CHECKPOINT_EVERY", 2)
    train_base(SMALL, tmp_path / "whole", dtype="float32")

    def stop(step, event):
        if step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_base(SMALL, tmp_path / "broken", dtype="float32", on_step=stop)
    steps = []
    train_base(SMALL, tmp_path / "broken", dtype="float32", on_step=lambda step, _: steps.append(step))
    assert steps == [4, 5, 6]
    whole, broken = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "broken"))
    assert all(torch.equal(whole[name], broken[name]) for name in whole)
    assert not (tmp_path / "broken" / "checkpoints").exists()


def test_the_last_stage_alone_pins_the_reserved_tokens(tmp_path):
    config = replace(SMALL, settle_steps=150, settle_lr_share=5.0)
    errors = []
    train_base(
        config,
        tmp_path / "pinned",
        unpinned=tmp_path / "unpinned",
        dtype="float32",
        on_step=lambda _, event: errors.append(event["reserved_error"]),
    )
    before, after = (load_file(tmp_path / name / "model.safetensors") for name in ("unpinned", "pinned"))
    assert errors[-1] < errors[config.steps] / 3
    rows = torch.tensor(make_tokenizer().convert_tokens_to_ids(list(RESERVED)))
    assert not torch.equal(before["lm_head.weight"][rows], after["lm_head.weight"][rows])
