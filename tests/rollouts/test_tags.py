"""Other columns of a file as tags, and chat prompts by role: what is kept, and what is not."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from laser_core.rollouts import convert, read, write_csv, write_jsonl, write_parquet
from laser_core.rollouts.prompts import turns
from laser_core.rollouts.reading.tags import MAX_TAGS
from tests.factories import make_rollouts

VERL = {"input": "1+1?", "output": "so 2", "gts": "2", "score": 1.0, "step": 3}


def lines(*records: dict) -> bytes:
    return "\n".join(json.dumps(record) for record in records).encode()


def test_what_a_reader_does_not_use_is_kept_as_text():
    more = {
        "data_source": "gsm8k",
        "seed": 7,
        "hard": True,
        "extra_info": {"split": "test", "answer": "the worked one"},
    }
    found = read(lines(VERL | more, VERL | {"output": "3", "score": 0.0})).rollouts
    assert found.tags == ["tag.data_source", "tag.hard", "tag.split"]
    assert found.text("tag.data_source") == ["gsm8k", None]
    assert found.text("tag.hard") == ["true", None]
    assert found.column("signal.seed").tolist()[0] == 7  # verl's numbers can be analysed


def test_a_value_that_a_column_holds_already_is_no_tag():
    found = read(lines(VERL | {"uid": "a", "prompt_text": "1+1?", "long": "x" * 2000, "list": [1, 2]}))
    assert found.rollouts.tags == []


def test_a_list_with_a_value_for_each_solution_gives_each_its_own():
    record = {"idx": 0, "question": "1+1?", "gt": "2", "code": ["2", "3"], "pred": ["2", "3"], "score": [True, False]}
    found = read(lines(record | {"report": [None, None], "level": "easy", "judge": ["a", "b"]})).rollouts
    assert found.text("tag.level") == ["easy", "easy"]
    assert found.text("tag.judge") == ["a", "b"]


def test_thousands_of_columns_are_not_all_kept():
    result = read(lines(VERL | {f"c{i}": f"v{i}" for i in range(3000)}))
    assert len(result.rollouts.tags) == MAX_TAGS
    assert any("other columns" in note for note in result.notes)


@pytest.mark.parametrize("write", [write_parquet, write_jsonl, write_csv])
def test_tags_and_prompts_come_back_from_our_own_files(tmp_path, write):
    rollouts = make_rollouts(n_problems=2, n_samples=2)
    rollouts = rollouts.with_column("tag.level", ["1", None, "true", "<b>"]).with_column(
        "prompt", ["[]", "b", None, "c"]
    )
    write(rollouts, tmp_path / "file")
    found = read(tmp_path / "file").rollouts
    assert found.text("tag.level") == ["1", None, "true", "<b>"]
    assert found.text("prompt") == ["[]", "b", None, "c"]


def test_columns_that_somebody_added_to_our_parquet_are_tags_however_it_is_read(tmp_path, monkeypatch):
    table = make_rollouts(n_problems=2, n_samples=2).table
    table = table.append_column("level", pa.array([1, 2, None, 4]))
    table = table.append_column("source", pa.array(["a", "b", "a", "x" * 9000]).dictionary_encode())
    table = table.append_column("prompt", pa.array([[{"role": "user", "content": "q"}]] * 4))
    file = io.BytesIO()
    pq.write_table(table, file)
    whole = read(file.getvalue()).rollouts
    monkeypatch.setattr("laser_core.rollouts.canonical_parquet.SPILL_ABOVE", 1)
    mapped = read(file.getvalue(), to_disk=True).rollouts
    convert(file.getvalue(), tmp_path / "converted.parquet")
    for found in (whole, mapped, read(tmp_path / "converted.parquet").rollouts):
        assert found.text("tag.level") == ["1", "2", None, "4"]
        assert found.text("tag.source") == ["a", "b", "a", None]
        assert not found.has("prompt")


def test_a_chat_is_kept_where_it_says_more_than_the_problem():
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "1+1?"}]}]
    record = {"example_id": 0, "prompt": chat, "completion": [{"role": "assistant", "content": "2"}], "answer": "2"}
    found = read(lines(record | {"reward": 1.0}, record | {"reward": 0.0, "prompt": chat[1:]})).rollouts
    assert found.text("problem") == ["1+1?", "1+1?"]
    stored, same = found.text("prompt")
    assert [(turn.role, turn.text) for turn in turns(stored)] == [("system", "Be brief."), ("user", "1+1?")]
    assert same is None


def test_a_prompt_of_messages_in_our_own_lines_or_a_mapped_column_costs_no_row():
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+1?"}]
    ours = {"problem_id": "p", "sample": 0, "problem": "1+1?", "response": "2", "prompt": chat}
    theirs = {"q": "1+1?", "a": "2", "prompt": chat}
    mapping = {"q": "problem", "a": "response", "prompt": "prompt"}
    for found in (read(lines(ours)), read(lines(theirs), mapping=mapping)):
        assert [turn.text for turn in turns(found.rollouts.text("prompt")[0])] == ["Be brief.", "1+1?"]


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n", "su"),
        ("<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n1+1?<|eot_id|>", "u"),
        (
            "<start_of_turn>user\n1+1?<end_of_turn>\n<start_of_turn>model\n2<end_of_turn>\n<start_of_turn>user\nno",
            "uau",
        ),
        ("You solve problems with care.<\uff5cUser\uff5c>1+1?<\uff5cAssistant\uff5c>", "su"),
        ("system\nBe brief.\nuser\n1+1?\nassistant\n", "su"),
        ("system\nBe brief.\nuser\n1+1?", ""),  # no turn is opened for the response: prose may begin like this
        ("user\n", ""),
        ("[1, 2]", ""),
        ('[{"role": "user"}]', ""),
        ("", ""),
    ],
)
def test_the_roles_of_a_templates_text(text, roles):
    assert "".join(turn.role[0] for turn in turns(text)) == roles
