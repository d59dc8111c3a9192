"""axe-core finds nothing on any page, in either theme, nor in the states that a page is brought into."""

import pytest

from tests.app.browser import PAGES, chromium, need_browser, open_page, serve, settle

pytestmark = pytest.mark.browser

#: What Streamlit itself does: its uploader gives a name to an element that it calls decoration. The button inside,
#: which a visitor uses, has a name and a role. Its popovers lie beside the page, outside of all landmarks.
STREAMLIT = {("presentation-role-conflict", "stFileUploaderDropzone"), ("region", "data-floating-ui-portal")}


@pytest.fixture(scope="module")
def app():
    """The app's address and a browser; skipped where there is no browser, but never in CI."""
    need_browser()
    with serve() as url, chromium() as browser:
        yield url, browser


@pytest.fixture(params=["light", "dark"])
def context(app, request):
    context = app[1].new_context(viewport={"width": 1440, "height": 900}, color_scheme=request.param)
    yield context
    context.close()


def violations(page) -> list[str]:
    """Every fault that axe-core finds and Streamlit alone is not to blame for: the rule, the element, the reason."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} ({node.get('failureSummary', '')})"
        for rule in found
        for node in rule["nodes"]
        if not any(rule["id"] == known and part in node["html"] for known, part in STREAMLIT)
    ]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible(app, context, name):
    page, _ = open_page(context, f"{app[0]}/{PAGES[name]}")
    assert violations(page) == []


def test_the_tour_is_accessible_before_and_after_the_answer(app, context):
    page, _ = open_page(context, f"{app[0]}/?tour=1")
    page.get_by_text("1 of 8").wait_for()
    assert violations(page) == []
    page.keyboard.press("PageDown")
    page.get_by_role("heading", level=1, name="Does the last token").wait_for()
    settle(page)
    assert violations(page) == []


def test_slides_and_their_notes_are_accessible(app, context):
    page, _ = open_page(context, f"{app[0]}/voting?present=true")
    page.locator(".st-key-deck").get_by_text("Notes").click()
    page.locator(".st-key-deck-notes").wait_for()
    settle(page)
    assert violations(page) == []


def test_what_opens_is_accessible(app, context):
    page, _ = open_page(context, f"{app[0]}/scores")
    page.get_by_role("button", name="Download this figure").first.click()
    page.get_by_role("button", name="Data (CSV)").wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="In plain words").click()
    page.get_by_text("Take a correct and an incorrect solution at random").first.wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Glossary").click()
    page.get_by_role("dialog").wait_for()
    assert violations(page) == []


def test_a_figure_tells_its_finding_to_those_who_cannot_see_it(app, context):
    page, _ = open_page(context, f"{app[0]}/voting")
    label = page.get_by_test_id("stPlotlyChart").first.evaluate(
        "c => (c.closest('[aria-label]') || c.querySelector('[aria-label]')).getAttribute('aria-label')"
    )
    assert "the majority vote" in label
    assert "95% CI [" in label
