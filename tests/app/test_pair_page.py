"""Side by side: two solutions, of one run or of two, their differences and the reference model."""

import pytest

from laser_core.rollouts import Rollouts
from tests.app.test_pages import jsonl, rows_of, said, start, upload, visit
from tests.factories import make_rollouts


def html(app) -> str:
    return "".join(element.body for element in app.get("html"))


@pytest.fixture
def app(bundled_runs):
    return visit(start(), "pair")


def test_two_solutions_of_one_run(app):
    assert not app.exception
    assert app.title[0].value == "Where do two solutions part?"
    assert app.selectbox(key="pair_left").value != app.selectbox(key="pair_right").value
    assert "of their words and part after" in app.markdown[0].value
    for view in ("beside the reference model", "rendered", "raw", "differences"):
        app.button_group(key="pair_view").set_value(view).run()
        assert not app.exception, view


def test_the_same_solution_twice_is_said_to_be_the_same(app):
    app.selectbox(key="pair_right").set_value(app.selectbox(key="pair_left").value).run()
    assert "the same, word for word" in app.markdown[0].value


def test_two_runs_on_one_problem(app):
    app.selectbox(key="pair_run").select("grpo").run()
    assert not app.exception
    assert "of their words" in app.markdown[0].value or "word for word" in app.markdown[0].value


def test_a_run_without_the_problem_says_so(bundled_runs):
    rows = [row | {"problem_id": f"other{row['problem_id']}"} for row in rows_of(make_rollouts(n_problems=2))]
    for row in rows:
        row["problem"] += " again"
    app = visit(upload(start(), "other.jsonl", jsonl(rows)), "pair")
    app.selectbox(key="pair_run").select("laser").run()
    assert not app.exception
    assert "has no solutions of this problem" in said(app)


def test_a_marked_verdict_counts_in_the_sidebar_at_once(bundled_runs, tmp_path, monkeypatch):
    monkeypatch.setenv("LASER_EXPLORER_HOME", str(tmp_path))
    app = visit(start(), "pair")
    app.button(key="mark-left-wrong_verdict").click().run()
    assert not app.exception
    assert app.toggle(key="apply_marks").label == "Corrected verdicts (1)"


def test_tokens_beside_the_reference_model(bundled_runs):
    rollouts = make_rollouts(n_problems=3, n_samples=4)
    reference = [[value - 0.5 for value in row] for row in rollouts.table["token_logprobs"].to_pylist()]
    rollouts = Rollouts(rollouts.table, rollouts.meta).with_column("ref_token_logprobs", reference)
    app = visit(upload(start(), "reference.jsonl", jsonl(rows_of(rollouts))), "pair")
    app.button_group(key="pair_view").set_value("beside the reference model").run()
    assert not app.exception
    assert set(app.dataframe[0].value["difference, nats"].round(4)) == {0.5}
    assert "The policy finds this solution more likely than the reference" in said(app)
