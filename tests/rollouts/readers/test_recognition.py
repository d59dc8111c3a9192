"""Every fixture is recognised by one reader, the intended one: no format takes another one's files."""

from __future__ import annotations

import pytest

from laser_core.rollouts import preview, read
from laser_core.rollouts.readers import readers
from tests.rollouts.readers.files import FIXTURES, records_of

OWNERS = {
    "anthropic_batch.jsonl": "anthropic",
    "areal.jsonl": "areal",
    "evalscope_0_predictions.jsonl": "evalscope-0",
    "evalscope_0_reviews.jsonl": "evalscope-0",
    "evalscope_predictions.jsonl": "evalscope",
    "evalscope_reviews.jsonl": "evalscope",
    "evalscope_reviews_1_0.jsonl": "evalscope",
    "helm_display_predictions.json": "helm",
    "helm_scenario_choices.json": "helm",
    "helm_scenario_state.json": "helm",
    "inspect_ai.eval": "inspect-ai",
    "inspect_ai.json": "inspect-ai",
    "lighteval_new.parquet": "lighteval",
    "lighteval_old.parquet": "lighteval",
    "lm_eval_four.jsonl": "lm-eval",
    "lm_eval_once.jsonl": "lm-eval",
    "ms_swift.jsonl": "ms-swift",
    "ms_swift_megatron.jsonl": "ms-swift",
    "openai_batch_output.jsonl": "openai",
    "openai_completion.json": "openai",
    "openai_list.json": "openai",
    "openai_responses.jsonl": "openai-responses",
    "openai_single.json": "openai",
    "opencompass_predictions.json": "opencompass",
    "opencompass_results.json": "opencompass",
    "opencompass_several.json": "opencompass",
    "openr1.jsonl": "openr1",
    "prime_rl_tokens.jsonl": "prime-rl-tokens",
    "prime_rl_traces.jsonl": "verifiers-traces",
    "qwen_math.jsonl": "qwen-math",
    "relax.jsonl": "slime",
    "simplerl.jsonl": "qwen-math",
    "slime.jsonl": "slime",
    "tinker_rollout_summaries.jsonl": "tinker",
    "tinker_trajectories.jsonl": "tinker",
    "tora.jsonl": "qwen-math",
    "trl_chat.parquet": "trl",
    "trl_text.parquet": "trl",
    "verifiers_old.jsonl": "verifiers",
    "verifiers_results.jsonl": "verifiers",
    "verifiers_traces.jsonl": "verifiers-traces",
    "verifiers_traces_0_2.jsonl": "verifiers-traces",
    "verl.table.json": "verl-table",
    "verl_rollouts.jsonl": "verl",
    "verl_validation.jsonl": "verl",
    "wandb.table.json": "trl",
}
NO_ROLLOUTS = {"anthropic_batch_requests.jsonl", "openai_batch_requests.jsonl", "openai_responses_requests.jsonl"}
FAILED = {("openai_responses.jsonl", 2)}  # the line of a failed request is alike in both of OpenAI's APIs


@pytest.mark.parametrize("name", OWNERS)
def test_one_reader_recognises_each_record(name):
    for i, record in enumerate(records_of(name)):
        if (name, i) not in FAILED:
            assert [reader.NAME for reader in readers() if reader.matches(set(record), record)] == [OWNERS[name]]
    assert preview(FIXTURES / name).format == OWNERS[name]


def test_requests_are_no_rollouts():
    for name in NO_ROLLOUTS:
        assert not any(reader.matches(set(record), record) for record in records_of(name) for reader in readers())


def test_every_fixture_is_listed_here():
    files = {path.name for path in FIXTURES.iterdir() if path.suffix not in (".py", ".md") and path.is_file()}
    assert files - NO_ROLLOUTS <= set(OWNERS)


def test_the_names_are_one_each():
    names = [reader.NAME for reader in readers()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", [name for name in OWNERS if name.endswith(".jsonl")])
def test_a_file_of_one_line_is_read_like_the_whole(name):
    """It is one JSON object, which might also be a document that wraps records."""
    data = (FIXTURES / name).read_bytes()
    alone, whole = read(data.splitlines(keepends=True)[0], fill=False), read(data, fill=False)
    assert (alone.format, alone.n_rows) == (OWNERS[name], 1)
    assert alone.rollouts.text("response") == whole.rollouts.text("response")[: len(alone.rollouts)]
