"""Every fixture is recognised by one reader, the intended one: no format takes another one's files."""

from __future__ import annotations

import pytest

from laser_core.rollouts import preview, read
from laser_core.rollouts.readers import READERS
from tests.rollouts.readers.files import FIXTURES, records_of
from tests.rollouts.test_more_formats import HAND_MADE

OWNERS = {  # how a fixture's name begins -> its reader; the longest beginning counts
    "anthropic_batch": "anthropic",
    "areal": "areal",
    "evalscope": "evalscope",
    "evalscope_0": "evalscope-0",
    "helm": "helm",
    "inspect_ai": "inspect-ai",
    "lighteval": "lighteval",
    "lm_eval": "lm-eval",
    "ms_swift": "ms-swift",
    "openai": "openai",
    "openai_responses": "openai-responses",
    "opencompass": "opencompass",
    "openr1": "openr1",
    "prime_rl_tokens": "prime-rl-tokens",
    "prime_rl_traces": "verifiers-traces",
    "qwen_math": "qwen-math",
    "relax": "slime",
    "simplerl": "qwen-math",
    "slime": "slime",
    "tinker": "tinker",
    "tora": "qwen-math",
    "trl": "trl",
    "verifiers": "verifiers",
    "verifiers_traces": "verifiers-traces",
    "verl": "verl",
    "verl.table": "verl-table",
    "wandb": "trl",
}
FILES = sorted(path.name for path in FIXTURES.iterdir() if path.is_file() and path.suffix not in (".py", ".md"))
REQUESTS = [name for name in FILES if "requests" in name]
ROLLOUTS = [name for name in FILES if name not in REQUESTS]
FAILED = {("openai_responses.jsonl", 2)}  # the line of a failed request is alike in both of OpenAI's APIs


def owner(name: str) -> str:
    """The reader that is to recognise a fixture."""
    return OWNERS[max((start for start in OWNERS if name.startswith(start)), key=len)]


@pytest.mark.parametrize("name", ROLLOUTS)
def test_one_reader_recognises_each_record(name):
    for i, record in enumerate(records_of(name)):
        if (name, i) not in FAILED:
            assert [reader.NAME for reader in READERS if reader.matches(set(record), record)] == [owner(name)]
    assert preview(FIXTURES / name).format == owner(name)


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_are_no_rollouts(name):
    assert not any(reader.matches(set(record), record) for record in records_of(name) for reader in READERS)


@pytest.mark.parametrize("name", HAND_MADE)
def test_one_reader_recognises_each_hand_made_record(name):
    record = HAND_MADE[name]
    assert [reader.NAME for reader in READERS if reader.matches(set(record), record)] == [name]


def test_the_names_are_one_each():
    names = [reader.NAME for reader in READERS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", [name for name in ROLLOUTS if name.endswith(".jsonl")])
def test_a_file_of_one_line_is_read_like_the_whole(name):
    """It is one JSON object, which might also be a document that wraps records."""
    data = (FIXTURES / name).read_bytes()
    alone, whole = read(data.splitlines(keepends=True)[0], fill=False), read(data, fill=False)
    assert (alone.format, alone.n_rows) == (owner(name), 1)
    assert alone.rollouts.text("response") == whole.rollouts.text("response")[: len(alone.rollouts)]
