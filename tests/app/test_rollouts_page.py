"""The Rollouts page: what a filter keeps, the order over all of it, its files, and the selection as a run."""

import io

import numpy as np
import pyarrow.parquet as pq
import pytest

from app.data import downloads, sources
from laser_core import analysis
from laser_core.analysis import RolloutFilter
from laser_core.rollouts import read
from tests.app.browser import PAGES
from tests.app.test_pages import finding, jsonl, rows_of, said, start, upload, visit
from tests.factories import make_rollouts


@pytest.fixture
def rollouts(bundled_runs):
    return read(bundled_runs / "rollouts" / "laser.parquet").rollouts


@pytest.fixture
def app(bundled_runs):
    return visit(start(), "rollouts")


def test_without_a_filter_all_solutions_are_counted(app, rollouts):
    accuracy = analysis.accuracy(analysis.Samples.from_rollouts(rollouts))
    assert f"all {len(rollouts)} solutions; accuracy {accuracy.value:.2f} (95% CI [" in finding(app)
    assert len(app.dataframe[0].value) == len(rollouts)


def test_each_filter_keeps_what_it_says(app, rollouts):
    app.button_group(key="rows_verifier").set_value(["incorrect"]).run()
    table = app.dataframe[0].value
    assert set(table["verifier"]) == {"incorrect"}
    assert len(table) == int((rollouts.column("correct") == 0).sum())
    assert "the verifier filter sets their accuracy" in finding(app)
    app.button_group(key="rows_verifier").set_value([])
    app.selectbox(key="rows_truncated").select("cut off").run()
    assert len(app.dataframe[0].value) == int(rollouts.column("truncated").sum())
    app.selectbox(key="rows_truncated").select("not cut off")
    app.number_input(key="rows_low").set_value(0.5)
    app.number_input(key="rows_tokens_high").set_value(30)
    app.text_input(key="rows_response").set_value("X=").run()
    table = app.dataframe[0].value
    assert not app.exception
    assert 0 < len(table) < len(rollouts)
    assert table["score"].min() >= 0.5
    assert table["tokens"].max() <= 30
    assert f"{len(table)} of {len(rollouts)} solutions match" in finding(app)


def test_an_order_is_over_the_whole_selection(app, rollouts):
    app.selectbox(key="rows_order").select("score").run()
    app.button_group(key="rows_descending").set_value(True).run()
    assert app.dataframe[0].value["score"][0] == np.nanmax(rollouts.column("score"))


def test_a_search_without_a_match_says_so_and_can_be_cleared(app, rollouts):
    app.text_input(key="rows_response").set_value("nowhere to be found").run()
    assert not app.exception
    assert "matches these filters" in finding(app)
    assert not app.dataframe
    app.button(key="rows_clear").click().run()
    assert len(app.dataframe[0].value) == len(rollouts)


def test_filters_survive_a_walk_to_another_page(app):
    app.text_input(key="rows_answer").set_value("3").run()
    kept = finding(app)
    visit(visit(app, "voting"), "rollouts")
    assert finding(app) == kept


def test_a_filter_that_another_run_does_not_have_is_forgotten(bundled_runs):
    rows = rows_of(make_rollouts(n_problems=6, n_samples=4))
    for number, row in enumerate(rows):
        row["step"] = number % 2
        row["signal.length"] = float(number)
    app = visit(upload(start(), "two.jsonl", jsonl(rows)), "rollouts")
    app.selectbox(key="rows_step").select("1")
    app.selectbox(key="rows_signal").select("signal.length").run()
    assert len(app.dataframe[0].value) == len(rows) // 2
    app.selectbox(key="run").select("laser").run()
    assert not app.exception
    assert app.selectbox(key="rows_signal").value == "score"
    assert "all 192 solutions" in finding(app)


def test_the_selection_is_written_in_the_order_of_the_table(rollouts):
    source = sources.Source("k", "t", "d", lambda: sources.Loaded("id", None, rollouts))
    rows = np.array([5, 2, 9])
    parquet, lines, csv = (downloads.rows_as_file(source, rows, kind) for kind in downloads.FORMATS)
    assert pq.read_table(io.BytesIO(parquet))["sample"].to_pylist() == rollouts.table["sample"].take(rows).to_pylist()
    assert len(lines.splitlines()) == 4  # the metadata, and three rows
    assert csv.decode().count("\n") >= 4


def test_a_filter_after_a_search_reads_no_response_again(app, rollouts, monkeypatch):
    """And it finds what both together find; a new text is searched in all responses again."""
    asked, search = [], analysis.matching_rows

    def watched(rollouts, wanted, **kwargs):
        asked.append(wanted.response)
        return search(rollouts, wanted, **kwargs)

    monkeypatch.setattr(analysis, "matching_rows", watched)
    for text in ("1", "2"):
        app.text_input(key="rows_response").set_value(text).run()
        app.button_group(key="rows_verifier").set_value(["incorrect"]).run()
        both = RolloutFilter(response=text, verdicts=(analysis.VerifierSays.INCORRECT,))
        assert f"{len(search(rollouts, both)):,} of {len(rollouts):,}" in finding(app)
        app.button_group(key="rows_verifier").set_value([]).run()
    assert asked == ["1", "", "2", ""]


def test_a_selection_becomes_the_run_of_every_page_and_back(app, rollouts):
    app.number_input(key="rows_low").set_value(0.4).run()
    n = len(analysis.matching_rows(rollouts, RolloutFilter(signal_low=0.4)))
    app.button(key="selection-run").click().run()
    for page in PAGES:
        visit(app, page)
        assert not app.exception, page
        assert not app.error, page
        filtered = f"Filtered: {n} of {len(rollouts)} solutions of “LaSeR”" in said(app).replace("\\", "")
        assert filtered or page in ("train", "playground", "theory"), page
    visit(app, "data")
    assert f"{n} solutions" in app.markdown[1].value
    app.button(key="whole_run").click().run()
    assert app.selectbox(key="run").value == "laser"
    assert f"{len(rollouts)} solutions" in finding(app)


def test_without_scores_and_verdicts_the_other_filters_remain(bundled_runs):
    rows = [{"run": "r", "problem_id": f"p{i // 2}", "sample": i % 2, "response": f"text {i}"} for i in range(8)]
    app = visit(upload(start(), "bare.jsonl", jsonl(rows)), "rollouts")
    assert not app.exception
    assert "all 8 solutions; without verdicts they have no accuracy" in finding(app)
    app.text_input(key="rows_response").set_value("TEXT 7").run()
    assert list(app.dataframe[0].value["response"]) == ["text 7"]


def test_a_cell_begins_shortly_before_the_match(bundled_runs):
    rows = rows_of(make_rollouts(n_problems=2, n_samples=2))
    rows[1]["response"] = "a" * 5000 + "<b>Needle</b>"
    app = visit(upload(start(), "long.jsonl", jsonl(rows)), "rollouts")
    app.text_input(key="rows_response").set_value("needle").run()
    assert list(app.dataframe[0].value["response"]) == ["…" + "a" * 57 + "<b>Needle</b>"]


def test_tags_are_columns_and_filters(bundled_runs):
    rows = rows_of(make_rollouts(n_problems=4, n_samples=3))
    for number, row in enumerate(rows):
        row |= {"tag.level": "hard" if number < 3 else "easy", "tag.request": f"<b>{number}</b>", "tag.score": "x"}
    app = visit(upload(start(), "tagged.jsonl", jsonl(rows)), "rollouts")
    assert set(app.dataframe[0].value["level"]) == {"hard", "easy"}
    assert {"request", "score (tag)"} <= set(app.dataframe[0].value)
    app.selectbox(key="rows_tag").select("level").run()
    app.multiselect(key="rows_tag_values").select("hard").run()
    assert set(app.dataframe[0].value["level"]) == {"hard"}
    assert "3 of 12 solutions match" in app.markdown[0].value
    app.selectbox(key="rows_tag").select("request").run()
    assert not app.exception
    assert len(app.dataframe[0].value) == len(rows)
    app.button(key="rows_clear").click().run()
    assert app.selectbox(key="rows_tag").value == "none"
    visit(app, "traces")
    assert "level **" in said(app)
    visit(app, "data")
    assert not app.exception


def test_a_prompt_is_shown_by_role(bundled_runs):
    prompt = "system\nBe <b>brief</b>.\nuser\nWhat is 1+1?\nassistant\n"
    rows = [{"input": prompt, "output": f"{i}", "gts": "2", "score": float(i == 2), "step": 1} for i in (2, 3)]
    app = visit(upload(start(), "verl.jsonl", jsonl(rows)), "traces")
    assert not app.exception
    assert "“What is 1\\+1\\?”" in app.markdown[0].value
    assert ":material/settings: **system**" in said(app)
    assert "Be \\<b>brief\\</b>." in said(app)
    assert [code.value for code in app.code][:2] == ["Be <b>brief</b>.", "What is 1+1?"]


def test_steps_of_a_problem_are_pooled_only_when_asked(bundled_runs):
    rows = rows_of(make_rollouts(n_problems=3, n_samples=4))
    both = [row | {"step": step} for step in (1, 2) for row in rows]
    app = visit(upload(start(), "steps.jsonl", jsonl(both)), "traces")
    names = [str(option) for option in app.selectbox(key="problem").options]
    assert any("(step 2)" in name for name in names)
    assert "of 4 solutions correct" in app.markdown[0].value
    app.toggle(key="pool_steps").set_value(True).run()
    assert not app.exception
    assert "of 8 solutions correct" in app.markdown[0].value
