"""Slides: their order, their place in the address, their titles and notes."""

import re

import pytest

from app.presentation import deck, notes
from app.presentation.deck import LAST, turn
from tests.app.browser import ROOT
from tests.app.test_pages import jsonl, rows_of, start, upload, visit
from tests.factories import make_rollouts


@pytest.mark.parametrize(
    ("page", "shown", "n_slides", "by", "then"),
    [
        ("voting", 1, 3, 1, ("voting", 2)),
        ("voting", 3, 3, 1, ("compare", 1)),
        ("voting", 1, 3, -1, ("thresholds", LAST)),
        ("voting", 0, 3, 1, ("voting", 1)),  # from the page with its controls to its first slide
        ("data", 0, 0, 1, ("traces", 1)),  # a page without slides is none of the deck's
        ("start", 1, 2, -1, ("start", 1)),
        ("theory", 3, 3, 1, ("theory", 3)),
    ],
)
def test_one_step_leads_through_all_slides_of_all_pages(page, shown, n_slides, by, then):
    assert turn(page, shown, n_slides, by) == then


def test_the_address_holds_mode_and_slide(bundled_runs):
    app = start(present="true", slide="2")
    assert not app.exception
    assert "Start: 2 of 2" in [element.value for element in app.markdown]
    assert app.query_params["slide"] == "2"
    app.button(key="deck_back").click().run()
    assert app.query_params["slide"] == "1"
    app.button(key="deck_end").click().run()
    assert "slide" not in app.query_params
    assert not app.toggle(key=deck.ON).value


@pytest.mark.parametrize("asked", ["99", "-1", "x", "", "1" * 500])
def test_a_slide_that_does_not_exist_becomes_one_that_does(bundled_runs, asked):
    app = start(present="true", slide=asked)
    assert not app.exception
    assert app.query_params["slide"] in ("1", "2")


def test_next_leads_to_the_following_page_and_back_to_the_last_slide_of_the_one_before(bundled_runs):
    app = start(present="true", slide="2")
    app.button(key="deck_next").click().run()
    assert app.title[0].value == "When does the model know that it is wrong?"
    app.button(key="deck_back").click().run()
    assert app.query_params["slide"] == "2"


def test_a_page_that_stops_early_has_its_bar_all_the_same(bundled_runs):
    app = visit(start(present="true"), "rollouts")
    assert "Rollouts: no slides" in [element.value for element in app.markdown]


def test_every_figure_of_the_deck_has_notes_of_its_own():
    """Keys that a page composes (one per model or run) are left to the general advice."""
    keys = set()
    for folder in ("app_pages", "sections"):
        for file in (ROOT / "app" / folder).glob("*.py"):
            text = file.read_text(encoding="utf-8")
            keys |= set(re.findall(r"parts\.figure\((?:(?!\bkey=)[\s\S])*?\bkey=\"(\w+)\",", text))
    without = {key for key in keys if key not in notes.NOTES and not key.startswith("unscored")}
    assert len(keys) > 20
    assert without == set()


def test_a_slides_title_shows_foreign_words_as_text(bundled_runs):
    """The name of a file's signal stood in it as Markdown: a picture there would have been fetched."""
    hostile = "signal.![x](http://a.b/c.png)"
    data = make_rollouts(n_problems=6, n_samples=4)
    data = data.with_column(hostile, [float(i % 7) for i in range(len(data))])
    app = upload(start(present="true"), "two.jsonl", jsonl(rows_of(data)))
    visit(app, "voting")
    app.selectbox(key="signal").select(hostile).run()
    titles = [element.value for element in app.markdown if element.value.startswith("## ")]
    assert not app.exception
    assert sum("http" in title for title in titles) == 3  # the page's two, and the slide of one vote
    assert not [title for title in titles if "![" in title]
