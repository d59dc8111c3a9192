"""Scoring a file: equal to a plain forward pass, in bounded memory, and resumable after a kill."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, Qwen2Config, Qwen2ForCausalLM

from laser_core.errors import InputError
from laser_core.policy import Policy, load_policy
from laser_core.rescoring import file as score_file_module
from laser_core.rescoring import table as rescoring_table
from laser_core.rescoring.file import score_file
from laser_core.rescoring.table import Level, score_rollouts, unseen_z_token
from laser_core.rollouts import Rollouts, RunMeta, read, write_jsonl, write_parquet

C_REF = -9.0


def table(n: int = 40, **columns) -> Rollouts:
    """Solutions of very different lengths, every seventh cut off."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(n):
        a, x = (int(value) for value in rng.integers(2, 10, 2))
        steps = ";".join(f"{a}*{k}={a * k}" for k in range(int(rng.integers(1, 9))))
        row = {"run": "r", "problem_id": f"p{i // 4}", "sample": i % 4, "problem": f"{a}*x+1={a * x + 1}?"}
        rows.append(row | {"response": f"x={x};{steps}#{x}", "truncated": i % 7 == 3})
    rollouts = Rollouts.from_rows(rows, RunMeta(model="m"))
    for name, values in columns.items():
        rollouts = rollouts.with_column(name, values)
    return rollouts


def small(kind: str, tiny: Policy) -> Policy:
    """A random model of another shape behind the miniature's tokenizer."""
    torch.manual_seed(1)
    size = len(tiny.tokenizer)
    if kind == "gpt2":
        model = GPT2LMHeadModel(GPT2Config(vocab_size=size, n_embd=32, n_layer=2, n_head=2, n_positions=256))
    else:
        model = Qwen2ForCausalLM(
            Qwen2Config(vocab_size=size + 1000, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
                        num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=False)
        )  # fmt: skip
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3.0)
    return replace(tiny, model=model.eval())


@torch.inference_mode()
def plainly(policy: Policy, row: dict) -> dict:
    """What a row's new columns must be: one row, all logits, no padding, no tricks."""
    prompt = policy.encode_prompt(row["problem"])
    answer = policy.tokenizer.encode(row["response"], add_special_tokens=False)
    answer = answer if row["truncated"] else [*answer, policy.eos_id]
    logprobs = policy.model(torch.tensor([prompt + answer])).logits[0].double().log_softmax(-1)
    before, after = logprobs[len(prompt) - 1 : -1], logprobs[len(prompt) :]
    return {
        "token_logprobs": before[torch.arange(len(answer)), answer].tolist(),
        "entropy": (-(before.exp() * before).sum(1)).tolist(),
        "z_trace": after[:, policy.z_id].tolist(),
        "z_logprob": None if row["truncated"] else after[-1, policy.z_id].item(),
    }


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gpt2", "gpt2 with long texts"])
def test_scores_and_traces_equal_a_plain_forward_pass(tiny, tmp_path, monkeypatch, kind):
    policy = tiny if kind == "llama" else small(kind.split()[0], tiny)
    if "long" in kind:  # attention that holds no quadratic table
        monkeypatch.setattr(rescoring_table, "LONG", 1)
    rollouts = table()
    write_parquet(rollouts, tmp_path / "in.parquet")
    done = score_file(policy, tmp_path / "in.parquet", tmp_path / "out.parquet", c_ref=C_REF, traces=True, part_rows=16)
    scored = read(tmp_path / "out.parquet", fill=False).rollouts
    light = score_rollouts(policy, rollouts, c_ref=C_REF)  # without traces: another way through the output layer
    for i in range(len(rollouts)):
        want, row = plainly(policy, rollouts.row(i)), scored.row(i)
        for name in ("token_logprobs", "entropy", "z_trace"):
            assert row[name] == pytest.approx(want[name], abs=1e-4)
        if want["z_logprob"] is None:
            assert (row["z_logprob"], row["score"], light.row(i)["score"]) == (None, None, None)
        else:
            assert row["z_logprob"] == pytest.approx(want["z_logprob"], abs=1e-4)
            assert row["score"] == pytest.approx(0.1 * (want["z_logprob"] - C_REF), abs=1e-5)
            assert light.row(i)["z_logprob"] == pytest.approx(want["z_logprob"], abs=1e-4)
    assert (done.n_rollouts, done.n_scored, done.n_resumed) == (40, 34, 0)
    assert not (tmp_path / "out.parquet.parts").exists()


def test_the_reference_gives_c_ref_and_its_own_log_probs(tiny, tmp_path):
    reference = small("qwen2", tiny)
    rollouts = table(ref_token_logprobs=[[0.0]] * 40)  # of another tokenizer: they do not survive
    write_parquet(rollouts, tmp_path / "in.parquet")
    done = score_file(tiny, tmp_path / "in.parquet", tmp_path / "out.parquet", reference=reference, traces=True)
    scored = read(tmp_path / "out.parquet", fill=False).rollouts
    want = [plainly(reference, rollouts.row(i)) for i in range(40)]
    known = np.array([w["z_logprob"] for w in want if w["z_logprob"] is not None])
    assert done.level.c_ref == pytest.approx(known.mean(), abs=1e-4)
    assert done.level.c_ref_std == pytest.approx(known.std(ddof=1), abs=1e-4)
    assert (done.level.n, scored.meta.c_ref) == (34, done.level.c_ref)
    assert scored.row(5)["ref_token_logprobs"] == pytest.approx(want[5]["token_logprobs"], abs=1e-4)
    without = score_file(tiny, tmp_path / "in.parquet", tmp_path / "out.parquet", c_ref=C_REF, traces=True)
    assert without.level.c_ref_std is None
    assert not read(tmp_path / "out.parquet", fill=False).rollouts.has("ref_token_logprobs")


def test_any_format_is_scored_in_place_or_beside(tiny, tmp_path):
    write_jsonl(table(8), tmp_path / "in.jsonl")
    score_file(tiny, tmp_path / "in.jsonl", tmp_path / "out.parquet", c_ref=C_REF)
    first = read(tmp_path / "out.parquet").rollouts
    score_file(tiny, tmp_path / "out.parquet", tmp_path / "out.parquet")  # its own c_ref, for the same z_c
    again = read(tmp_path / "out.parquet").rollouts
    assert again.table.equals(first.table)
    assert again.meta == first.meta
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.parquet"]


# ------------------------------------------------------------------------------------------------ killed and resumed

RUN = """
import sys, time
from pathlib import Path
from laser_core.rescoring import file as module
from laser_core.policy import load_policy
model, source, out, pause = sys.argv[1:]
inner = module.score_part
def slowly(*args, **kwargs):
    time.sleep(float(pause))
    return inner(*args, **kwargs)
module.score_part = slowly
done = module.score_file(load_policy(model), source, out, c_ref=-9.0, traces=True, part_rows=8)
print(done.n_rollouts, done.n_resumed)
"""


def test_a_killed_run_goes_on_where_it_stopped(tiny_folder, tmp_path):
    write_parquet(table(64), tmp_path / "in.parquet")
    command = [sys.executable, "-c", RUN, str(tiny_folder), str(tmp_path / "in.parquet")]
    killed, whole = tmp_path / "killed.parquet", tmp_path / "whole.parquet"
    process = subprocess.Popen([*command, str(killed), "0.5"], stdout=subprocess.DEVNULL)
    third = tmp_path / "killed.parquet.parts" / "000000000016.parquet"
    deadline = time.monotonic() + 90
    while not third.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert third.exists()
    assert not killed.exists()
    survived = len(list(third.parent.glob("[0-9]*.parquet")))
    assert survived < 8
    done = subprocess.run([*command, str(killed), "0"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["64", str(8 * survived)]
    score_file(load_policy(str(tiny_folder)), tmp_path / "in.parquet", whole, c_ref=-9.0, traces=True, part_rows=8)
    assert read(killed).rollouts.table.equals(read(whole).rollouts.table)
    assert not third.parent.exists()


def test_a_slow_model_saves_often(tiny, tmp_path, monkeypatch):
    """At ten seconds a row, and a save every 30: parts of three rows, whatever the most."""
    write_parquet(table(80), tmp_path / "in.parquet")
    clock = [0.0]
    inner = score_file_module.score_part

    def slowly(policy, part, **kwargs):
        clock[0] += 10.0 * len(part)
        return inner(policy, part, **kwargs)

    monkeypatch.setattr(score_file_module, "score_part", slowly)
    monkeypatch.setattr(score_file_module.time, "monotonic", lambda: clock[0])
    calls = []
    score_file(
        tiny, tmp_path / "in.parquet", tmp_path / "out.parquet", c_ref=C_REF,
        on_progress=lambda *call: calls.append(call),
    )  # fmt: skip
    assert [call[0] for call in calls] == [64, 67, 70, 73, 76, 79, 80]
    assert calls[0] == (64, 80, 160.0)
    scored = read(tmp_path / "out.parquet").rollouts
    assert scored.text("response") == table(80).text("response")
    assert np.isfinite(scored.column("score")).sum() == 80 - 11


def test_parts_of_other_settings_are_not_reused(tiny, tmp_path):
    write_parquet(table(32), tmp_path / "in.parquet")
    out, parts = tmp_path / "out.parquet", tmp_path / "out.parquet.parts"

    def interrupted(source=tmp_path / "in.parquet", **changes):
        def stop(done, total, left):
            if done == 16:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            score_file(tiny, source, out, c_ref=C_REF, part_rows=8, on_progress=stop, **changes)

    interrupted()
    assert len(list(parts.glob("[0-9]*.parquet"))) == 2
    assert score_file(tiny, tmp_path / "in.parquet", out, c_ref=-3.0, part_rows=8).n_resumed == 16  # c_ref comes last
    interrupted()
    assert score_file(tiny, tmp_path / "in.parquet", out, c_ref=C_REF, part_rows=8, traces=True).n_resumed == 0
    interrupted()
    assert score_file(small("qwen2", tiny), tmp_path / "in.parquet", out, c_ref=C_REF, part_rows=8).n_resumed == 0
    interrupted()
    write_parquet(table(32, answer=["1"] * 32), tmp_path / "in.parquet")
    assert score_file(tiny, tmp_path / "in.parquet", out, c_ref=C_REF, part_rows=8).n_resumed == 0
    interrupted()
    (parts / "settings.json").write_text("oops")
    assert score_file(tiny, tmp_path / "in.parquet", out, c_ref=C_REF, part_rows=8).n_resumed == 0


def test_progress_tells_how_long_it_will_take(tiny, tmp_path, monkeypatch):
    clock = itertools.count()  # a second passes whenever somebody looks: one for each part of eight rows
    monkeypatch.setattr(score_file_module, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    write_parquet(table(24), tmp_path / "in.parquet")
    calls = []
    score_file(
        tiny, tmp_path / "in.parquet", tmp_path / "out.parquet", c_ref=C_REF, part_rows=8,
        on_progress=lambda *call: calls.append(call),
    )  # fmt: skip
    assert [call[:2] for call in calls] == [(8, 24), (16, 24), (24, 24)]
    assert [call[2] for call in calls] == [2.0, 1.0, 0.0]


# ------------------------------------------------------------------------------------------------ the verdict token


def test_a_verdict_token_that_occurs_is_replaced_or_refused(tiny, tmp_path):
    from laser_core.policy import unused_tokens

    spare = [token for token, _ in unused_tokens(tiny.tokenizer)]
    assert spare[0] == tiny.z_token
    texts = ["x=2#2", f"so {tiny.z_token}", None]
    if len(spare) > 1:
        assert unseen_z_token(tiny, texts, chosen=False).z_token == spare[1]
    with pytest.raises(InputError, match="contains the verdict token"):
        unseen_z_token(tiny, texts, chosen=True)
    with pytest.raises(InputError, match="every token"):
        unseen_z_token(tiny, spare, chosen=False)
    assert unseen_z_token(tiny, ["x=2#2"], chosen=True) is not None
    held = table(8).with_column("response", [f"x={tiny.z_token}"] + ["x=2#2"] * 7)
    write_parquet(held, tmp_path / "in.parquet")
    with pytest.raises(InputError) as caught:
        score_file(tiny, tmp_path / "in.parquet", tmp_path / "out.parquet", c_ref=C_REF, z_chosen=True)
    assert caught.value.field == "z_token"
    # An ordinary token is looked for among the tokens, not the letters.
    digit = load_policy(tiny.name, z_token="7")
    write_parquet(table(8).with_column("response", ["x=2#2"] * 7 + ["x=7#7"]), tmp_path / "in.parquet")
    with pytest.raises(InputError, match="contains the verdict token 7") as caught:
        score_file(digit, tmp_path / "in.parquet", tmp_path / "out.parquet", c_ref=C_REF, z_chosen=True, part_rows=4)
    assert (caught.value.line, caught.value.field) == (8, "response")


def test_what_cannot_be_scored_is_said_before_the_work_begins(tiny, tmp_path):
    rollouts = table(8).with_column("problem", ["1+1=?"] * 5 + [None] * 3)
    write_parquet(rollouts, tmp_path / "in.parquet")
    with pytest.raises(InputError) as caught:
        score_file(tiny, tmp_path / "in.parquet", tmp_path / "out.parquet", c_ref=C_REF)
    assert (caught.value.line, caught.value.field) == (6, "problem")
    write_parquet(table(8), tmp_path / "in.parquet")
    with pytest.raises(InputError, match="c_ref is unknown"):
        score_file(tiny, tmp_path / "in.parquet", tmp_path / "out.parquet")
    with pytest.raises(InputError, match="no such file"):
        score_file(tiny, tmp_path / "none.parquet", tmp_path / "out.parquet", c_ref=C_REF)


def test_an_unsteady_or_too_likely_verdict_token_is_said_in_plain_words():
    assert Level(0.1, -23.0, 0.4, 300).warnings() == ()
    [noisy] = Level(0.1, -23.0, 0.6, 300).warnings()
    assert "standard deviation of 0.60 nats (300 solutions) adds noise of 0.06" in noisy
    [few] = Level(0.1, -23.0, 0.04, 99).warnings()
    assert "comes from 99 solutions only" in few
    [low] = Level(0.1, -4.0).warnings()
    assert "no score can exceed 0.40" in low
    assert "0.25 lets a score reach 1" in low
    assert len(Level(0.1, -4.0, 2.0, 30).warnings()) == 3


# ------------------------------------------------------------------------------------------------ memory

PEAK = """
import json, sys, torch
from dataclasses import replace
from transformers import Qwen2Config, Qwen2ForCausalLM
from laser_core.policy import load_policy
from laser_core.rescoring.file import score_file
def peak():
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))) / 1024
folder, source, out, vocabulary = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
torch.set_num_threads(1)
config = Qwen2Config(vocab_size=vocabulary, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                     num_attention_heads=1, num_key_value_heads=1)
policy = replace(load_policy(folder), model=Qwen2ForCausalLM(config).eval())
before = peak()
score_file(policy, source, out, c_ref=-11.0, traces=True)
print(json.dumps(peak() - before))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_memory_is_bounded_whatever_the_vocabulary(tiny_folder, tmp_path):
    """151,936 tokens, as Qwen2.5 has: all logits of one batch would be 1.2 GiB, and four such arrays side by side."""
    write_parquet(table(6).with_column("response", ["x=2;" * 90 + "#2"] * 6), tmp_path / "in.parquet")
    files = [str(tiny_folder), str(tmp_path / "in.parquet"), str(tmp_path / "out.parquet")]
    command = [sys.executable, "-c", PEAK, *files, "151936"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) < 600  # MiB


def test_a_file_without_rollouts_is_refused(tiny, tmp_path):
    write_parquet(table(8).take(np.zeros(8, dtype=bool)), tmp_path / "in.parquet")
    with pytest.raises(InputError, match="there are no rollouts in it"):
        score_file(tiny, tmp_path / "in.parquet", tmp_path / "out.parquet", c_ref=C_REF)
    assert not (tmp_path / "out.parquet").exists()
