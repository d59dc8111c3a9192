"""OpenAI's Responses and Anthropic's messages, alone, listed and in batches."""

from __future__ import annotations

import json

import pytest

from laser_core.rollouts import preview, read, read_files
from tests.rollouts.readers.files import FIXTURES, columns, fixture, records_of

BATCHES = [("openai_responses", "openai-responses"), ("anthropic_batch", "anthropic")]


@pytest.mark.parametrize(("name", "kind"), BATCHES)
def test_a_batch_and_its_requests(name, kind):
    alone = fixture(f"{name}.jsonl", fill=False)
    assert (alone.format, alone.rollouts.meta.model) == (kind, "m")
    assert columns(alone, "problem_id", "response", "truncated", "n_tokens") == [
        ["sum", "product"],
        ["\\boxed{5}", "It is \\boxed{2"],  # without the thinking
        [False, True],
        [6, 7],
    ]
    assert any("input file" in note for note in alone.notes)
    requests = FIXTURES / f"{name}_requests.jsonl"
    assert preview(requests).format == "openai-requests"
    joined = read_files([requests, FIXTURES / f"{name}.jsonl"]).rollouts
    assert joined.text("problem") == ["What is 2 + 3?", "What is 4 * 5?"]


def test_failed_requests_say_why():
    refused = fixture("openai_responses.jsonl").refused
    assert [(r.line, r.field) for r in refused] == [(3, "response")]
    assert "could not be executed in time" in refused[0].reason
    refused = fixture("anthropic_batch.jsonl").refused
    assert [(r.line, r.field) for r in refused] == [(3, "result"), (4, "result")]
    assert ["Overloaded" in refused[0].reason, "expired" in refused[1].reason] == [True, True]


def test_log_probs_of_responses():
    result = fixture("openai_responses.jsonl")
    assert columns(result, "tokens", "token_logprobs") == [[["\\boxed{5}"], ["It is \\boxed{2"]], [[-0.5], [-0.5]]]


def test_responses_and_messages_alone_or_listed():
    response = records_of("openai_responses.jsonl")[0]["response"]["body"]
    message = records_of("anthropic_batch.jsonl")[0]["result"]["message"]
    for body in (response, message):
        assert columns(read(json.dumps(body).encode(), fill=False), "response") == [["\\boxed{5}"]]
        assert columns(read(json.dumps([body, body | {"id": "b"}]).encode(), fill=False), "sample") == [[0, 0]]


def test_a_limit_that_went_into_thinking_is_a_solution_without_an_answer():
    response = records_of("openai_responses.jsonl")[1]["response"]["body"]
    message = records_of("anthropic_batch.jsonl")[1]["result"]["message"]
    thought = response | {"output": response["output"][:1]}, message | {"content": message["content"][:1]}
    for body in thought:
        assert columns(read(json.dumps(body).encode()), "response", "truncated", "answer") == [[""], [True], [None]]


def test_a_response_without_a_message_is_refused_and_a_refusal_is_none():
    good = records_of("openai_responses.jsonl")[0]["response"]["body"]
    declined = {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    bodies = [good | {"id": "b", "output": [declined]}, good | {"id": "c", "output": []}]
    bodies.append(good | {"id": "d", "error": {"message": "server error"}})
    result = read(json.dumps(bodies).encode(), fill=False)
    assert columns(result, "response") == [["No."]]
    assert [(r.line, r.field) for r in result.refused] == [(2, "output"), (3, "error")]
