"""Choosers name what the page shows, also after the run, the kind of problems or a preset has changed it."""

import pytest

from tests.app.browser import chromium, need_browser, open_page, serve, settle

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def page():
    need_browser()
    with serve() as url, chromium() as browser:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        yield open_page(context, f"{url}/traces")


def chosen(page, name):
    """What a chooser shows; AppTest knows only what the server believes that it shows."""
    return page.get_by_role("combobox", name=name).first.input_value()


def choose(page, name, option):
    page.get_by_role("combobox", name=name).click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


def agrees(page):
    """The chosen problem is the one in the headline, the chosen score the one on the card."""
    headline = page.locator("h2").first.inner_text()
    problem, solution = chosen(page, "Problem, "), chosen(page, "A correct solution")
    score = solution.rsplit(" ", 1)[1]
    card = page.get_by_text("Verifier:").first.inner_text()
    return headline.startswith(f"“{problem}”") and f"score {score}" in card


def test_choosers_name_what_is_shown(page):
    page, complaints = page
    assert agrees(page)
    page.get_by_role("button", name="tie decided by weighting").click()
    settle(page)
    assert chosen(page, "Problems") == "ties decided correctly"
    assert agrees(page)
    choose(page, "Order", "easiest first")
    choose(page, "Problems", "correct and incorrect")
    assert agrees(page)
    page.get_by_role("button", name="Next problem").first.click()
    settle(page)
    assert agrees(page)
    choose(page, "Rollouts", "Base")
    assert agrees(page)
    page.get_by_role("button", name="sharp turn in the trace").click()
    settle(page)
    assert chosen(page, "Order") == "most informative first"
    assert complaints == []
