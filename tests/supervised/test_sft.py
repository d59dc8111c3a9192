"""The supervised warm start: its loss, what it leaves out, what it leaves behind, and how it resumes."""

import json

import pytest
import torch

from laser_core.errors import InputError
from laser_core.models.notes import read_notes
from laser_core.policy import load_policy
from laser_core.runfolder.guards import Interrupted
from laser_core.supervised.sft import batch_rows, sft
from laser_core.tasks import load_problems
from tests.factories import events, tiny_run


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    """A file of 60 worked equations."""
    path = tmp_path_factory.mktemp("worked") / "equations.jsonl"
    rows = [
        {"problem": p.text, "answer": p.answer, "solution": f"x={p.answer};{p.text[:-1]}#{p.answer}"}
        for p in load_problems("linear", "train")[:60]
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def settings(model, worked, **changes):
    fixed = {"method": "sft", "task": str(worked), "answer_format": "none", "max_new_tokens": 40, "lr_warmup": 0}
    return tiny_run(model, **(fixed | {"prompts_per_step": 8, "eval_problems": 0, "checkpoint_every": 2} | changes))


def test_the_first_loss_is_the_models_own_and_training_lowers_it(tiny_folder, worked, tmp_path):
    config = settings(tiny_folder, worked, steps=12, lr=3e-3)
    assert sft(config, tmp_path / "run") is None  # nothing to evaluate
    seen = events(tmp_path / "run")
    policy = load_policy(str(tiny_folder))
    rows = [json.loads(line) for line in worked.read_text().splitlines()]
    train = [row for row in rows if row["problem"] in {p.text for p in load_problems(str(worked), "train")}]
    total, n = 0.0, 0
    for i in batch_rows(len(train), 8, 0, config.seed):
        prompt = policy.tokenizer.encode(train[i]["problem"])
        tokens = prompt + policy.tokenizer.encode(train[i]["solution"]) + [policy.eos_id]
        with torch.inference_mode():
            logprobs = policy.model(torch.tensor([tokens])).logits[0].log_softmax(-1)
        total -= sum(logprobs[place - 1, tokens[place]].item() for place in range(len(prompt), len(tokens)))
        n += len(tokens) - len(prompt)
    assert seen[0]["solution_loss"] == pytest.approx(total / n, abs=1e-4)
    assert seen[0]["n_tokens"] == n
    assert seen[-1]["solution_loss"] < 0.8 * seen[0]["solution_loss"]
    notes = read_notes(tmp_path / "run" / "model")
    assert (notes.prompt.text, notes.z_token) == ("{problem}", None)


def test_a_stopped_run_resumes_to_the_same_curve_and_model(tiny_folder, worked, tmp_path):
    config = settings(tiny_folder, worked, steps=6)
    sft(config, tmp_path / "whole")

    def stop_at_three(progress):
        if progress.done == 3:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        sft(config, tmp_path / "parts", on_progress=stop_at_three)
    sft(config, tmp_path / "parts", resume=True)
    assert events(tmp_path / "whole") == events(tmp_path / "parts")
    weights = [load_policy(str(tmp_path / name / "model")).model.state_dict() for name in ("whole", "parts")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_solutions_that_could_not_be_sampled_are_left_out(tiny_folder, worked, tmp_path):
    notes = []
    with pytest.raises(InputError, match="fewer than one step takes"):
        sft(settings(tiny_folder, worked, max_new_tokens=5), tmp_path / "short")
    lengths = sorted(len(json.loads(line)["solution"]) + 1 for line in worked.read_text().splitlines())
    middle = lengths[len(lengths) // 2]
    config = settings(tiny_folder, worked, max_new_tokens=middle, steps=1)
    sft(config, tmp_path / "some", on_progress=lambda p: notes.append(p.note))
    assert any(f"longer than {middle} tokens are left out" in note for note in notes)
