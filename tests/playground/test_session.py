"""What is typed, what is sampled, and a worker that dies, dawdles, or is left in the middle."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laser_core.errors import InputError
from laser_core.playground import session
from laser_core.playground.session import Request, read_problem
from laser_core.tasks import load_problems

FORMS = ["{}*x+{}={}?", "{} x + {} = {}"]


@settings(deadline=None)  # the first call makes the list of problems
@given(st.integers(1, 9999), st.integers(0, 9999), st.integers(0, 99), st.sampled_from(FORMS))
def test_an_equation_is_solved_however_it_is_typed(a, b, x, form):
    typed = read_problem(form.format(a, b, a * x + b))
    assert typed.problem.text == f"{a}*x+{b}={a * x + b}?"
    assert typed.problem.answer == str(x)


@pytest.mark.parametrize("text", ["5×x+7=52", "5·x + 7 = 52 ?", "５*x+7=52?", " 5X+7=52"])
def test_typographic_signs_are_forgiven(text):
    assert read_problem(text).problem.text == "5*x+7=52?"


HOSTILE = ["<script>alert(1)</script>", "5*x+7=52?; rm -rf /", "1e9*x+1=2", "\x00", "٥*x+7=52?x", "x" * 100_000]


@pytest.mark.parametrize("text", ["", " ", "What is love?", *HOSTILE])
def test_what_is_no_problem_is_told_what_is_one(text):
    with pytest.raises(InputError, match=r"type an equation such as \d+\*x\+\d+=\d+\?"):
        read_problem(text)


@pytest.mark.parametrize("text", ["5*x+7=53", "0*x+1=1", "5*x+7=2"])
def test_an_equation_without_a_whole_solution_gets_a_neighbour_that_has_one(text):
    with pytest.raises(InputError, match="no whole number") as error:
        read_problem(text)
    near = str(error.value).rsplit("try ", 1)[1].rstrip(".")
    assert read_problem(near).problem.text == near


def test_the_note_says_what_the_models_have_seen():
    train, test = load_problems("linear", "train")[0], load_problems("linear", "test")[0]
    assert "training problem" in read_problem(train.text).note
    assert "Held out" in read_problem(test.text).note
    assert "Out of the range" in read_problem("150*x+7=157").note
    assert session.random_problem("linear", 12345) in load_problems("linear", "test")


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
    assert [event["event"] for event in events[:2]] == ["ready", "tokens"]
    assert events[-1]["event"] == "done"
    rows = events[-1]["rows"]
    tokens, trace = [[] for _ in rows], [[] for _ in rows]
    for event in events[1:-1]:
        for i, token, z in zip(event["rows"], event["tokens"], event["z"], strict=True):
            tokens[i].append(token)
            trace[i].append(z)
    assert tokens == [row["tokens"] for row in rows]
    assert trace == [pytest.approx(row["z_trace"]) for row in rows]
    again = list(session.sample(asked))
    assert again[-1]["rows"] == rows  # the seed decides
    assert list(session.sample(request(model, seed=4)))[-1]["rows"] != rows


def test_a_problem_nobody_knows_the_answer_of_stays_unverified(model):
    rows = list(session.sample(request(model, answer=None)))[-1]["rows"]
    assert {row["correct"] for row in rows} == {None}


def test_who_leaves_in_the_middle_does_not_disturb_the_next(model):
    left = session.sample(request(model, seed=7, max_new_tokens=500, samples=32))
    assert next(left)["event"] == "ready"
    left.close()
    rows = list(session.sample(request(model)))[-1]["rows"]
    assert len(rows) == 4


def test_a_model_that_cannot_be_loaded_is_reported_and_the_worker_lives_on(model, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="not a model that can be loaded"):
        list(session.sample(request(str(tmp_path))))
    assert list(session.sample(request(model)))[-1]["event"] == "done"


def test_sampling_ends_when_its_time_is_over(model, monkeypatch):
    monkeypatch.setattr(session, "SAMPLE_SECONDS", 0.0)
    with pytest.raises(InputError, match="took longer than 0 seconds"):
        list(session.sample(request(model)))


def test_a_worker_that_died_is_replaced(model):
    list(session.sample(request(model)))
    session._current[0].process.kill()
    session._current[0].process.wait()
    assert list(session.sample(request(model)))[-1]["event"] == "done"


def test_a_worker_that_cannot_start_is_said_in_words(model, monkeypatch):
    session.close()
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with pytest.raises(InputError, match="ended by itself"):
        list(session.sample(request(model)))
    session.close()


def test_a_worker_nobody_asks_is_closed(model, monkeypatch):
    session.close()
    monkeypatch.setattr(session, "IDLE_SECONDS", 0.2)
    list(session.sample(request(model)))
    process = session._current[0].process
    assert process.wait(timeout=30) != 0


def test_a_vote_is_counted_by_hand():
    base = {"run": "m", "problem_id": "p", "problem": "5*x+7=52?", "reference_answer": "9", "response": ""}
    told = [("8", 0.2), ("9", 0.9), ("8", 0.1), (None, None)]
    rows = [
        base | {"sample": i, "answer": answer, "correct": answer == "9", "truncated": answer is None, "score": score}
        for i, (answer, score) in enumerate(told)
    ]
    rollouts = session.as_rollouts(rows, request("bundled:base"), "<z>")
    vote, answers = session.vote(rollouts, 4)
    assert answers == ["8", "9"]
    assert vote.count.tolist() == [2, 1]
    assert vote.weight.tolist() == pytest.approx([0.3, 0.9])
    assert vote.majority_winners.tolist() == [True, False]
    assert vote.weighted_winners.tolist() == [False, True]
    assert session.vote(rollouts, 1)[1] == ["8"]  # the first one alone
