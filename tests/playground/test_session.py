"""What is sampled, and a worker that dies, dawdles, or is left in the middle."""

import sys

import pytest

from laser_core.errors import InputError
from laser_core.playground import session
from laser_core.playground.protocol import Done, Ready, Request, Tokens


def request(model: str, **changes) -> Request:
    values = {"problem": "5*x+7=52?", "answer": "9", "samples": 4, "seed": 3, "beta_v": 0.1, "c_ref": -23.0}
    return Request(model=model, **(values | {"max_new_tokens": 30} | changes))


@pytest.mark.parametrize(
    "changes",
    [{"model": "/nowhere"}, {"model": "gpt2"}, {"model": "\x00"}, {"samples": 0}, {"samples": 33}, {"problem": ""}],
)
def test_what_cannot_be_sampled_is_refused_before_a_process_is_asked(changes):
    with pytest.raises(InputError, match="cannot be sampled"):
        request(**({"model": "bundled:base"} | changes))


@pytest.fixture(scope="module")
def model(tiny_folder):
    """An untrained model of two layers; the worker that has it in memory ends with this file's tests."""
    yield str(tiny_folder)
    session.close()


def test_tokens_arrive_one_by_one_and_add_up_to_the_rollouts(model):
    asked = request(model)
    events = list(session.sample(asked))
    assert [type(event) for event in events[:2]] == [Ready, Tokens]
    assert isinstance(events[-1], Done)
    rows = events[-1].rows
    tokens, trace = [[] for _ in rows], [[] for _ in rows]
    for event in events[1:-1]:
        for i, token, z in zip(event.rows, event.tokens, event.z_logprob, strict=True):
            tokens[i].append(token)
            trace[i].append(z)
    assert tokens == [row["tokens"] for row in rows]
    assert trace == [pytest.approx(row["z_trace"]) for row in rows]
    again = list(session.sample(asked))
    assert again[-1].rows == rows  # the seed decides
    assert list(session.sample(request(model, seed=4)))[-1].rows != rows


def test_a_problem_nobody_knows_the_answer_of_stays_unverified(model):
    rows = list(session.sample(request(model, answer=None)))[-1].rows
    assert {row["correct"] for row in rows} == {None}


def test_who_leaves_in_the_middle_does_not_disturb_the_next(model):
    left = session.sample(request(model, seed=7, max_new_tokens=500, samples=32))
    assert isinstance(next(left), Ready)
    left.close()
    rows = list(session.sample(request(model)))[-1].rows
    assert len(rows) == 4


def test_a_model_that_cannot_be_loaded_is_reported_and_the_worker_lives_on(model, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="not a model that can be loaded"):
        list(session.sample(request(str(tmp_path))))
    assert isinstance(list(session.sample(request(model)))[-1], Done)


def test_sampling_ends_when_its_time_is_over(model, monkeypatch):
    monkeypatch.setattr(session, "SAMPLE_SECONDS", 0.0)
    with pytest.raises(InputError, match="took longer than 0 seconds"):
        list(session.sample(request(model)))


def test_a_worker_that_died_is_replaced(model):
    list(session.sample(request(model)))
    session._current[0].process.kill()
    session._current[0].process.wait()
    assert isinstance(list(session.sample(request(model)))[-1], Done)


def test_a_worker_that_cannot_start_is_said_in_words(model, monkeypatch):
    session.close()
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with pytest.raises(InputError, match="crashed"):
        list(session.sample(request(model)))
    session.close()


def test_a_worker_nobody_asks_is_closed(model, monkeypatch):
    session.close()
    monkeypatch.setattr(session, "IDLE_SECONDS", 0.2)
    list(session.sample(request(model)))
    process = session._current[0].process
    assert process.wait(timeout=30) != 0


def test_a_request_names_a_model_that_is_there(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    for name in (str(tmp_path), "smollm2-135m", "some/model.gguf", "bundled:base"):
        assert request(name).model == name  # whether it can be loaded is the worker's to find out
    with pytest.raises(InputError, match="smollm2-135m"):
        request(str(tmp_path / "empty"))
