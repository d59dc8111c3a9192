"""Marks in the app: made on Traces, kept with the run, listed, exported, and applied to every page on request."""

import json
from dataclasses import replace

import pytest

from app.data import downloads, marks
from app.data.sources import Loaded, Source
from laser_core import analysis
from laser_core.analysis import Samples
from laser_core.jobs import jobs
from laser_core.rollouts import read
from laser_core.rollouts.marks import Mark, key_of, marks_in
from tests.app.test_pages import jsonl, rows_of, said, start, upload, visit
from tests.factories import make_rollouts


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(jobs.HOME_VARIABLE, str(tmp_path))
    return tmp_path


def marked(app, *kinds, slot="incorrect"):
    """The app after marking the solution in a slot of the Traces page."""
    visit(app, "traces")
    for kind in kinds:
        app.button(key=f"mark-{slot}-{kind}").click().run()
    assert not app.exception
    return app


def test_a_bundled_runs_marks_are_kept_for_every_session(bundled_runs, home):
    marked(start(), "bookmark", "wrong_verdict")
    (path,) = home.glob("marks/laser-*.jsonl")
    (mark,) = [json.loads(line) for line in path.read_text().splitlines()]
    assert (mark["bookmark"], mark["wrong_verdict"]) == (True, True)
    again = visit(start(), "rollouts")
    assert "1 bookmark, 1 verdict marked as wrong, kept with the run in this server" in said(again)
    assert list(again.dataframe[0].value["marks"]).count("★ ⚑") == 1
    assert not visit(start(run="GRPO"), "traces").button(key="mark-incorrect-bookmark").label.endswith("ed")


def test_the_marks_button_shows_the_marked_rollouts(bundled_runs, home):
    app = marked(start(), "bookmark")
    app.run()
    app.button(key="marks").click().run()
    assert not app.exception
    assert len(app.dataframe[0].value) == 1
    assert "1 of 192 solutions match" in app.markdown[0].value


def test_corrected_verdicts_change_every_page_and_back(bundled_runs, home):
    rollouts = read(bundled_runs / "rollouts" / "laser.parquet").rollouts
    app = start()
    before = app.metric[0].value
    assert before == f"{100 * analysis.accuracy(Samples.from_rollouts(rollouts)).value:.1f}%"
    marked(app, "wrong_verdict")
    app.toggle(key="apply_marks").set_value(True).run()
    visit(app, "start")
    turned = rollouts.column("correct").sum() + 1
    assert app.metric[0].value == f"{100 * turned / len(rollouts):.1f}%"
    visit(app, "rollouts")
    assert "+0.5 [" in "".join(app.table[0].value["difference in points"])  # 1 of 192 solutions
    visit(app, "compare")
    assert not app.exception
    app.toggle(key="apply_marks").set_value(False).run()
    visit(app, "start")
    assert app.metric[0].value == before


def test_an_uploads_marks_stay_in_its_session(bundled_runs, home):
    rows = rows_of(make_rollouts(n_problems=6, n_samples=4))
    app = visit(marked(upload(start(), "mine.jsonl", jsonl(rows)), "wrong_verdict"), "rollouts")
    assert "kept with the run in this browser session" in said(app)
    assert not list(home.glob("marks/*"))


def test_a_download_carries_the_marks_and_the_verifiers_own_verdicts(bundled_runs, home):
    rollouts = make_rollouts(n_problems=6, n_samples=4)
    source = Source("k", "t", "d", lambda: Loaded("id", None, rollouts), private=True)
    marks.put(source, Mark(*key_of(rollouts.row(2)), wrong_verdict=True, note="see"))
    for turned in (source, replace(source, uncorrected=source)):
        written = downloads.as_file(turned, downloads.FORMATS[0])
        found = read(written, name="x.parquet").rollouts
        assert found.table["correct"].equals(rollouts.table["correct"])
        assert [mark.note for mark in marks_in(found).values()] == ["see"]
    app = visit(upload(start(), "again.parquet", written), "rollouts")
    assert "1 verdict marked as wrong, 1 note, kept" in said(app)


def test_a_note_is_written_and_shown_as_text(bundled_runs, home):
    app = visit(start(), "traces")
    (area,) = [area for area in app.text_area if area.key.startswith("mark-correct-note")]
    area.set_value("look <b>here</b> :red[x]").run()
    assert not app.exception
    visit(app, "rollouts")
    assert "1 note, kept" in said(app)
    assert "✎" in list(app.dataframe[0].value["marks"])


def test_a_selection_shows_the_marks_of_its_run(bundled_runs, home):
    app = marked(start(), "wrong_verdict")
    app.run()
    app.button(key="marks").click().run()
    visit(app, "rollouts").button(key="selection-run").click().run()
    visit(app, "rollouts")
    assert not app.exception
    assert "1 verdict marked as wrong" in said(app)
    app.toggle(key="apply_marks").set_value(True).run()
    visit(app, "rollouts")
    assert set(app.dataframe[0].value["verifier"]) == {"correct"}
