"""Train, Playground and Theory in headless Chromium, with a real training run and real models."""

import re

import pytest

from laser_core.jobs import jobs
from tests.app.browser import ERROR_BOXES, chromium, need_browser, open_page, serve, settle

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The app's address and a browser, with a home of its own; skipped where there is no browser, but never in CI."""
    need_browser()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(jobs.HOME_VARIABLE, str(tmp_path_factory.mktemp("home")))
        with serve() as url, chromium() as browser:
            yield url, browser
        for job in jobs.all_jobs():
            if job.live:
                jobs.stop(job, at_once=True)


@pytest.fixture
def context(app):
    context = app[1].new_context(viewport={"width": 1440, "height": 900})
    yield context
    context.close()


def main_button(page, name):
    return page.get_by_test_id("stMain").get_by_role("button", name=name, exact=True)


def test_a_real_run_is_started_watched_reloaded_stopped_resumed_and_looked_at(app, context):
    page, complaints = open_page(context, f"{app[0]}/train")

    def fill(label, value):
        page.get_by_role("spinbutton", name=label, exact=True).fill(value)
        page.keyboard.press("Tab")

    def begin(steps):
        fill("Steps", steps)
        page.get_by_text("More settings").click()
        for label, value in (("Problems per step", "8"), ("Held-out problems", "16"), ("Solutions of each", "4")):
            fill(label, value)
        main_button(page, "Start").click()

    def steps_in(pattern):
        said = page.get_by_text(re.compile(pattern))
        said.wait_for(timeout=240_000)
        return int(re.search(pattern, said.inner_text())[1].replace(",", ""))

    def stop():
        main_button(page, "Stop").click()
        done = steps_in(r"Stopped after ([\d,]+) step")
        settle(page)
        return done

    begin("2000")  # it is stopped long before, however slow or fast the machine
    live = r"Step ([\d,]+) of 2,000"
    assert steps_in(live) >= 1
    page.reload()
    settle(page)
    seen = steps_in(live)
    done = stop()
    assert done >= seen
    main_button(page, "Resume").click()
    assert steps_in(live) >= done
    stop()

    begin("3")
    page.get_by_text("Finished. 16 held-out problems × 4 solutions").wait_for(timeout=240_000)
    settle(page)
    assert page.locator(ERROR_BOXES).all_inner_texts() == []
    main_button(page, "Scores").click()
    page.get_by_role("heading", level=1, name="Do correct solutions have a higher").wait_for()
    settle(page)
    assert "run=LaSeR+run+2" in page.url
    assert page.get_by_text("16 problems, 64 solutions").is_visible()
    assert complaints == []


def test_solutions_arrive_and_vote_in_the_playground(app, context):
    page, complaints = open_page(context, f"{app[0]}/playground")
    main_button(page, "Sample").click()
    page.locator('[data-testid="stHtml"] span[title]').first.wait_for(timeout=120_000)
    page.get_by_text("One draw of 8 solutions from 3 models").wait_for(timeout=120_000)
    page.get_by_text(" of 8 correct").first.wait_for(timeout=60_000)  # counted one by one
    settle(page)
    for words in ("Majority vote", "Weighted vote"):
        assert page.get_by_text(words).count() >= 3
    assert page.locator('[data-testid="stPlotlyChart"] .main-svg').count() >= 6
    page.get_by_label("Problem", exact=True).fill("<img src=x onerror=alert(1)>")
    page.keyboard.press("Enter")
    page.get_by_text(re.compile("an equation such as|equations like")).wait_for()
    assert page.locator('[data-testid="stMain"] img[src="x"]').count() == 0
    assert complaints == []


def test_moving_a_slider_moves_the_theory(app, context):
    page, complaints = open_page(context, f"{app[0]}/theory")
    assert "Z = 1 holds." in page.locator("h2").first.inner_text()
    main_button(page, "An ordinary word, 10%").click()
    page.get_by_text("Z = 1 breaks.").first.wait_for()
    settle(page)
    beta = page.get_by_role("slider", name="β_v, reward per nat")
    before = page.locator("h2").first.inner_text()
    beta.press("ArrowRight")
    page.get_by_text("At β_v = 0.11").first.wait_for()
    settle(page)
    assert page.locator("h2").first.inner_text() != before
    page.get_by_text("About 2,000").click()
    page.get_by_text("22,026").wait_for()
    assert page.locator(ERROR_BOXES).all_inner_texts() == []
    assert complaints == []
