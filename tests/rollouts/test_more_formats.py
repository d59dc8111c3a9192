"""Inspect AI, lighteval's old details, verifiers, OpenAI's responses, logging boards; and what breaks any reader."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from laser_core.errors import InputError
from laser_core.rollouts import preview, read, read_files, read_requests
from laser_core.rollouts.reading import bounded, inspect_zip, records, source
from tests.rollouts import test_formats

FIXTURES = Path(__file__).parent / "fixtures"


def lines(*objects) -> bytes:
    return b"".join(json.dumps(o).encode() + b"\n" for o in objects)


def columns(result, *names) -> list[list]:
    return [result.rollouts.table[name].to_pylist() for name in names]


# ------------------------------------------------------------------------------------------------ Inspect AI


@pytest.mark.parametrize("kind", ["json", "eval"])
def test_inspect_logs(kind):
    result = read(FIXTURES / f"inspect_ai.{kind}")
    assert (result.format, result.n_rows, result.refused) == ("inspect-ai", 4, ())
    rows = sorted(result.rollouts.table.to_pylist(), key=lambda row: (row["problem_id"], row["sample"]))
    assert [(row["problem_id"], row["sample"]) for row in rows] == [("7", 0), ("7", 1), ("a", 0), ("a", 1)]
    assert [row["problem"] for row in rows] == ["What is 4 * 5?"] * 2 + ["What is 2 + 3?"] * 2
    assert [row["reference_answer"] for row in rows] == ["20", "20", "5", "5"]
    assert [row["response"] for row in rows] == ["it is 6", "20 or no 21", "2+3=5 so 5", "ANSWER: 20"]
    # The first scorer's verdict and answer; the second one's as a signal.
    assert [row["correct"] for row in rows] == [False, False, True, False]
    assert [row["answer"] for row in rows] == ["6", "21", "5", "20"]
    assert [row["signal.includes"] for row in rows] == [0.0, 1.0, 1.0, 0.0]
    assert [row["token_logprobs"] for row in rows] == [[0.0, -0.5]] * 4
    assert rows[2]["tokens"] == ["2+3=5 so", " 5"]
    assert (result.rollouts.meta.model, result.rollouts.meta.task) == ("mockllm/model", "task")


def sample(**changes) -> dict:
    choice = {"message": {"role": "assistant", "content": "5"}, "stop_reason": "stop"}
    whole = {"id": 1, "epoch": 1, "input": "2+3?", "target": "5", "output": {"choices": [choice]}}
    return whole | {"scores": {"match": {"value": "C", "answer": "5"}}} | changes


def test_inspect_scores_of_every_kind():
    values = ["C", "I", "N", "P", 1, 0.0, True, 0.5, "B", [1], None]
    samples = [sample(epoch=i + 1, scores={"s": {"value": value}}) for i, value in enumerate(values)]
    samples += [sample(epoch=20, scores=None), sample(epoch=21, scores={"a": {"value": 0.7}, "b": {"value": "C"}})]
    log = {"version": 2, "status": "success", "eval": {"model": "m"}, "samples": samples}
    result = read(json.dumps(log).encode(), fill=False)
    verdicts, other = columns(result, "correct", "signal.a")
    assert verdicts == [True, False, False, False, True, False, True, None, None, None, None, None, None]
    assert (other[-1], result.rollouts.row(12)["signal.b"]) == (0.7, 1.0)  # not the scorer of this log
    assert "partial credit ('P') counts as incorrect (1 row)" in result.notes


def test_an_answer_that_is_the_whole_response_is_none():
    """``includes`` and the model-graded scorers store the completion as the answer: one cannot vote on that."""
    choice = {"message": {"content": r"So 2+3 is \boxed{5}."}, "stop_reason": "stop"}
    scored = {"includes": {"value": "C", "answer": r"so 2+3 is \boxed{5}."}}
    log = {"version": 2, "eval": {}, "samples": [sample(output={"choices": [choice]}, scores=scored)]}
    assert columns(read(json.dumps(log).encode()), "answer", "correct") == [["5"], [True]]


def test_inspect_samples_that_failed_or_were_cut_off():
    failed = sample(epoch=2, output={"choices": []}, error={"message": "out of quota"})
    cut = sample(epoch=3, output={"choices": [{"message": {"content": "5"}, "stop_reason": "max_tokens"}]})
    parts = [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "so 5"}]
    chat = sample(epoch=4, input=[{"role": "system", "content": "s"}, {"role": "user", "content": "2+3?"}])
    chat["output"] = {"choices": [{"message": {"content": parts}, "stop_reason": "stop"}]}
    result = read(json.dumps({"version": 2, "eval": {}, "samples": [sample(), failed, cut, chat]}).encode(), fill=False)
    assert [(r.line, r.field) for r in result.refused] == [(2, "output")]
    assert "out of quota" in result.refused[0].reason
    assert columns(result, "truncated") == [[False, True, False]]
    assert columns(result, "response", "problem") == [["5", "5", "so 5"], ["2+3?"] * 3]
    with pytest.raises(InputError, match="holds no rollouts"):
        read(json.dumps({"version": 2, "status": "started", "eval": {"model": "m"}}, indent=1).encode())


def make_eval(files: dict[str, bytes], compression=zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return data.getvalue()


LOG = {"header.json": b'{"version": 2, "eval": {"model": "m"}}'}


def test_an_eval_archive_keeps_what_can_be_read():
    good = json.dumps(sample()).encode()
    files = LOG | {"samples/1_epoch_1.json": good, "samples/2_epoch_1.json": b"{oops", "summaries.json": b"[]"}
    result = read(make_eval(files), name="x.eval", fill=False)
    assert (len(result.rollouts), result.n_rows, result.refused[0].line) == (1, 2, 2)
    damaged = bytearray(make_eval(LOG | {"samples/a.json": good, "samples/b.json": good}, zipfile.ZIP_STORED))
    damaged[damaged.index(b'"stop"')] ^= 1  # in the first sample: its checksum no longer fits
    result = read(bytes(damaged), fill=False)
    assert (len(result.rollouts), "damaged" in result.refused[0].reason) == (1, True)
    unfinished = {"_journal/start.json": LOG["header.json"], "samples/a.json": good}
    assert read(make_eval(unfinished), fill=False).rollouts.meta.model == "m"
    headless = read(make_eval({"header.json": b"oops", "samples/a.json": good}), fill=False)
    assert (len(headless.rollouts), headless.rollouts.meta.model) == (1, None)


def test_a_zstandard_archive_whose_bytes_were_changed_is_refused_by_sample():
    data = bytearray((FIXTURES / "inspect_ai.eval").read_bytes())
    info = zipfile.ZipFile(io.BytesIO(data)).getinfo("samples/a_epoch_1.json")
    assert info.compress_type == 93
    start = info.header_offset + 30 + len(info.filename)
    for offset in (20, 200, 900):
        broken = bytearray(data)
        broken[start + offset] ^= 0xFF
        result = read(bytes(broken), name="x.eval", fill=False)
        assert len(result.rollouts) == 3
        assert "'samples/a_epoch_1.json' is damaged" in result.refused[0].reason


def test_an_eval_archive_cannot_be_a_bomb(monkeypatch):
    monkeypatch.setattr(bounded, "BOMB_FLOOR", 4 * 2**20)
    bomb = make_eval(LOG | {f"samples/{i}.json": b" " * 2**20 for i in range(64)})
    with pytest.raises(InputError, match="archive bomb"):
        read(bomb, name="x.eval")
    # Entries that overlap: one stretch of bytes, listed a thousand times, unpacks once.
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("header.json", LOG["header.json"])
        packed.writestr("samples/0.json", b" " * 2**18)
        for i in range(1, 1000):
            again = copy.copy(packed.getinfo("samples/0.json"))
            again.filename = f"samples/{i}.json"
            packed.filelist.append(again)
            packed.NameToInfo[again.filename] = again
    with pytest.raises(InputError, match="1,000 refused"):
        read(data.getvalue(), name="x.eval")


def test_a_sample_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(inspect_zip, "MAX_LINE_BYTES", 2**16)
    files = LOG | {"samples/a.json": json.dumps(sample()).encode(), "samples/b.json": b'"' + b"x" * 2**17 + b'"'}
    result = read(make_eval(files), fill=False)
    assert (len(result.rollouts), result.refused[0].line) == (1, 2)
    assert "longer than" in result.refused[0].reason


# ------------------------------------------------------------------------------------------------ lighteval


@pytest.mark.parametrize(("age", "ids"), [("new", ["0", "1"]), ("old", None)])
def test_lighteval_details_new_and_old(age, ids):
    result = read(FIXTURES / f"lighteval_{age}.parquet")
    assert (result.format, result.n_rows, len(result.rollouts)) == ("lighteval", 2, 4)
    assert columns(result, "problem", "response") == [
        ["What is 2 + 3?"] * 2 + ["What is 4 * 5?"] * 2,
        [r"So \boxed{5}", "it is 6", r"\boxed{20}", r"\boxed{20.0}"],
    ]
    # The stored metric is one number for both samples (0.5 and 1.0); each is verified by itself.
    assert columns(result, "reference_answer", "correct", "n_tokens") == [
        ["5", "5", "20", "20"],
        [True, False, True, True],
        [3, 2, 1, 2],
    ]
    if ids:
        assert result.rollouts.table["problem_id"].unique().to_pylist() == ids


def test_lighteval_details_that_spell_their_lists():
    row = {
        "example": "2+3?",
        "full_prompt": "2+3?",
        "predictions": "['so 5']",
        "gold": "['5']",
        "cont_tokens": "[[1, 2]]",
    }
    frame, data = pd.DataFrame([row | {"metrics": "{'em': 1.0}"}, row | {"predictions": "[-1.5, -2.0]"}]), io.BytesIO()
    frame.to_parquet(data)
    result = read(data.getvalue())
    assert columns(result, "response", "correct", "n_tokens") == [["so 5"], [True], [2]]
    assert (result.refused[0].line, result.refused[0].field) == (2, "predictions")


# ------------------------------------------------------------------------------------------------ verifiers


def test_verifiers_results():
    result = read(FIXTURES / "verifiers_results.jsonl")
    assert (result.format, len(result.rollouts)) == ("verifiers", 4)
    assert columns(result, "problem_id", "sample", "correct", "truncated", "n_tokens", "reference_answer") == [
        ["0", "0", "1", "1"],
        [0, 1, 0, 1],
        [True, False, True, False],
        [False, False, False, True],
        [4, 5, 6, 7],
        ["5", "5", "20", "20"],
    ]
    assert result.rollouts.row(0)["problem"] == "What is 2 + 3?"  # without the system's part
    assert columns(result, "signal.reward", "signal.format_reward") == [[1.0, 0.2, 1.2, 0.0], [0.2, 0.2, 0.2, 0.0]]
    assert not result.rollouts.has("score")


def test_verifiers_rewards_decide_where_no_metric_is_a_verdict():
    row = {"example_id": 3, "prompt": "2+3?", "completion": "5", "answer": "5", "task": "t"}
    data = lines(*({**row, "reward": reward, "judge": 0.9} for reward in (0.49, 0.5, 1.0)))
    failed = lines({**row, "reward": 0.0, "completion": None, "error": {"error": "TimeoutError"}})
    result = read(data + failed)
    assert columns(result, "correct", "signal.judge") == [[False, True, True], [0.9] * 3]
    assert "at least 0.5 (3 rows)" in result.notes[0]
    assert "TimeoutError" in result.refused[0].reason


# ------------------------------------------------------------------------------------------------ OpenAI and vLLM


def test_one_chat_completion():
    result = read(FIXTURES / "openai_single.json")
    assert (result.format, result.n_rows, result.rollouts.meta.model) == ("openai", 1, "m")
    assert columns(result, "problem_id", "sample", "response", "tokens") == [
        ["chatcmpl-sum-1"] * 2,
        [0, 1],
        ["So 5", "So 6"],
        [["So", " 5"], ["So", " 6"]],
    ]
    np.testing.assert_array_equal(columns(result, "token_logprobs")[0], [[-0.5, -0.5], [-0.5, np.nan]])
    assert any("-9999.0" in note for note in result.notes)


def test_a_list_of_chat_completions_and_a_text_completion():
    listed = read(FIXTURES / "openai_list.json")
    assert columns(listed, "response", "truncated") == [["So 5", "So 6", "20", "It is"], [False, False, False, True]]
    text = read(FIXTURES / "openai_completion.json")
    assert columns(text, "response", "tokens") == [["2+3=5"], [["2+3", "=5"]]]
    np.testing.assert_array_equal(columns(text, "token_logprobs")[0], [[np.nan, -0.125]])


def test_a_batch_is_joined_to_its_requests():
    output, requests = FIXTURES / "openai_batch_output.jsonl", FIXTURES / "openai_batch_requests.jsonl"
    alone = read(output)
    assert columns(alone, "problem_id") == [["sum-1", "sum-1", "sum-2", "sum-2"]]
    assert any("input file" in note for note in alone.notes)
    assert [(r.line, r.field) for r in alone.refused] == [(3, "response")]
    assert "batch expired" in alone.refused[0].reason
    for found in (read_files([requests, output]).results[0], read(output, requests=read_requests(requests))):
        assert columns(found, "problem", "sample") == [["What is 2 + 3?"] * 2 + ["What is 4 * 5?"] * 2, [0, 1, 0, 1]]
    assert read_files([output, requests]).notes == (
        f"{requests} holds requests: its 2 problems are joined to their answers",
    )
    assert preview(requests).format == "openai-requests"
    with pytest.raises(InputError, match="holds requests and no answers"):
        read(requests)
    with pytest.raises(InputError, match="no file of batch requests"):
        read_requests(output)


def test_many_requests_of_one_problem_are_its_samples():
    """Many batches ask for one sample per request: the prompt says which of them belong together."""
    body = {"choices": [{"index": 0, "message": {"content": "5"}, "finish_reason": "stop"}]}
    asked = [
        {"custom_id": f"{i}", "method": "POST", "url": "/v1/completions", "body": {"prompt": "2+3?"}} for i in range(3)
    ]
    given = [{"custom_id": f"{i}", "response": {"body": body}, "error": None} for i in range(3)]
    found = read_files([("q.jsonl", lines(*asked)), ("a.jsonl", lines(*given))]).rollouts
    assert len(set(found.text("problem_id"))) == 1
    assert found.table["sample"].to_pylist() == [0, 1, 2]


# ------------------------------------------------------------------------------------------------ logging boards

# Written by hand after RLLoggingBoard's README and its OpenRLHF example.
BOARD = {
    "prompt": "<PAD><PAD>What is 2 + 3?",
    "response": "so 5<EOD><PAD>",
    "response_tokens": ["so", " 5", "<EOD>", "<PAD>"],
    "logprobs": [-0.5, -0.25, -0.125],
    "ref_logprobs": [-1.5, -1.25, -1.125],
    "values": [0.1, 0.2, 0.3],
    "token_rewards": [0.0, 0.0, 1.0],
    "reward": 1.0,
    "step": 4,
}


def test_logging_boards():
    result = read(
        lines(BOARD, BOARD | {"reward": 0.0}, BOARD | {"reward": 0.3, "ref_reward": 0.1, "kl": 2.0}), fill=False
    )
    assert (result.format, result.refused) == ("logging-board", ())
    row = result.rollouts.row(0)
    assert (row["problem"], row["response"], row["step"], row["n_tokens"]) == ("What is 2 + 3?", "so 5<EOD>", 4, 3)
    assert row["tokens"] == ["so", " 5", "<EOD>"]
    assert (row["token_logprobs"], row["ref_token_logprobs"]) == ([-0.5, -0.25, -0.125], [-1.5, -1.25, -1.125])
    assert columns(result, "sample", "correct", "signal.reward", "signal.kl") == [
        [0, 1, 2],
        [True, False, False],
        [1.0, 0.0, 0.3],
        [None, None, 2.0],
    ]
    short = read(lines(BOARD, BOARD | {"logprobs": [-0.5]}, BOARD | {"ref_logprobs": [-0.5]}), fill=False)
    assert [r.field for r in short.refused] == ["logprobs", "ref_token_logprobs"]


# ------------------------------------------------------------------------------------------------ any type anywhere

NASTY = (
    None,
    True,
    -3,
    2.5,
    float("nan"),
    float("inf"),
    10**400,
    "",
    "text",
    "\ud800",
    [],
    [None],
    [[]],
    [{}],
    {},
    {"a": 1},
)


def records_of(path: Path) -> list[dict]:
    with source.open_source(path) as opened:
        return [record.value for record in opened.records() if isinstance(record, records.Record)]


def with_nasty(value, depth=3):
    """The value with one part of it replaced, every part and replacement in turn."""
    yield from NASTY
    items = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, item in items[:12] if depth else []:
        for changed in with_nasty(item, depth - 1):
            if isinstance(value, dict):
                yield value | {key: changed}
            else:
                yield [*value[:key], changed, *value[key + 1 :]]
    if isinstance(value, dict):
        for key in value:
            yield {k: v for k, v in value.items() if k != key}


OWN = {
    "run": "r",
    "step": 1,
    "problem_id": "p",
    "sample": 0,
    "response": "x",
    "tokens": ["x"],
    "entropy": [0.5],
    "score": 0.1,
}
HAND_MADE = {
    "logging-board": BOARD,
    "laser-official": test_formats.LASER,
    "nemo-skills": test_formats.NEMO,
    "skyrl": test_formats.SKYRL,
    "search-and-learn": test_formats.SEARCH,
    "jsonl": OWN,
    "inspect-ai": sample(),
}
FORMATS = sorted(
    p.name for p in FIXTURES.iterdir() if p.suffix in (".jsonl", ".parquet", ".json") and "requests" not in p.name
)


@pytest.mark.parametrize("name", [*FORMATS, *HAND_MADE])
def test_no_type_in_any_field_crashes_a_reader(name):
    """What a reader meets that it did not expect is a refusal with a field or a row, never an exception of its own."""
    good = HAND_MADE.get(name) or max(records_of(FIXTURES / name), key=lambda value: len(str(value)))
    format = name if name in HAND_MADE else read(FIXTURES / name, fill=False).format
    changed = [value for value in with_nasty(good) if isinstance(value, dict)]
    data = b"".join(json.dumps(value, default=str).encode("utf-8", "surrogatepass") + b"\n" for value in changed)
    result = read(lines(good) + data, format=format, fill=False)
    assert result.n_rows == len(changed) + 1
    assert result.n_refused > 0
