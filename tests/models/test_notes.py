"""What a trained model's folder notes, and what a damaged note is worth."""

import json

from laser_core.models.notes import NOTES_FILE, ModelNotes, read_notes, write_notes
from laser_core.models.prompt import Prompt
from laser_core.policy import load_policy
from laser_core.train import train
from tests.factories import tiny_run


def test_notes_come_back(tmp_path):
    for notes in (
        ModelNotes(Prompt("Q: {problem}\nA:", chat=False), "<|reserved_0|>", -23.25),
        ModelNotes(Prompt("{problem}")),
    ):
        write_notes(notes, tmp_path)
        assert read_notes(tmp_path) == notes


def test_what_is_damaged_counts_as_not_noted(tmp_path):
    assert read_notes(tmp_path) == ModelNotes()
    for content in ("{", "[1]", json.dumps({"prompt": "no place", "prompt_chat": True, "z_token": 3, "c_ref": "low"})):
        (tmp_path / NOTES_FILE).write_text(content)
        assert read_notes(tmp_path) == ModelNotes()


def test_a_trained_model_is_asked_and_read_as_it_was_trained(tiny_folder, tmp_path):
    config = tiny_run(tiny_folder, steps=1, prompt_template="2+{problem}", max_new_tokens=30)
    rollouts = train(config, tmp_path / "run")
    policy = load_policy(str(tmp_path / "run" / "model"))
    assert policy.encode_prompt("1=?") == policy.tokenizer.encode("2+1=?")
    assert (rollouts.meta.prompt, rollouts.meta.prompt_chat) == ("2+{problem}", False)
    assert policy.z_token == rollouts.meta.z_token
    assert policy.c_ref == rollouts.meta.c_ref
