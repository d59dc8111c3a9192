"""The real command, from another directory, in headless Chromium: no error box, no console error, nothing sideways."""

import csv
import json

import pytest

from tests.app.browser import ERROR_BOXES, PAGES, chromium, need_browser, open_page, serve, settle
from tests.factories import make_rollouts

pytestmark = pytest.mark.browser

QUESTIONS = {
    "start": "Does the last token know whether the solution is correct?",
    "traces": "When does the model know that it is wrong?",
    "pair": "Where do two solutions part?",
    "rollouts": "Which solutions are behind the numbers?",
    "groups": "What did a training step learn from?",
    "scores": "Do correct solutions have a higher last-token score than incorrect ones?",
    "thresholds": "Is 0.5 the right threshold of the last-token score?",
    "voting": "Does weighting by the last-token score make better votes?",
    "compare": "What does training the score change?",
    "claims": "Do the paper's claims hold on a laptop?",
    "train": "What does training do to the score?",
    "playground": "Does the model believe its own answer?",
    "theory": "When can Z be left out of the score?",
    "data": "What is loaded?",
}
CHARTS = {
    "start": 1,
    "traces": 3,
    "pair": 0,
    "rollouts": 0,
    "groups": 2,
    "scores": 1,
    "thresholds": 2,
    "voting": 3,
    "compare": 6,
    "claims": 3,
    "train": 1,  # the bundled runs, as what to expect
    "playground": 0,
    "theory": 3,
    "data": 0,
}
SIDEWAYS = (
    "() => { const m = document.querySelector('[data-testid=\"stMain\"]'); return m.scrollWidth - m.clientWidth; }"
)


@pytest.fixture(scope="module")
def app():
    """The app's address and a browser; skipped where there is no browser, but never in CI."""
    need_browser()
    with serve() as url, chromium() as browser:
        yield url, browser


@pytest.fixture(params=[(1440, 900, "light"), (390, 844, "dark")], ids=["desktop", "phone"])
def context(app, request):
    width, height, scheme = request.param
    context = app[1].new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    yield context
    context.close()


def check(page, complaints, name):
    assert page.inner_text("h1").strip() == QUESTIONS[name]
    assert page.locator(ERROR_BOXES).all_inner_texts() == []
    assert page.locator('[data-testid="stPlotlyChart"] .main-svg').count() >= CHARTS[name]
    assert page.locator('[data-testid="stPlotlyChart"]').count() == CHARTS[name]
    assert page.evaluate(SIDEWAYS) <= 0
    assert complaints == []


@pytest.mark.parametrize("name", PAGES)
def test_every_address_opens_without_an_error(app, context, name):
    page, complaints = open_page(context, f"{app[0]}/{PAGES[name]}")
    check(page, complaints, name)


def test_one_session_walks_through_all_pages(app):
    context = app[1].new_context(viewport={"width": 1440, "height": 900})
    page, complaints = open_page(context, app[0])
    for name, question in QUESTIONS.items():
        page.locator(f'[data-testid="stSidebarNavLink"][href$="/{PAGES[name]}"]').click()
        page.get_by_role("heading", level=1, name=question).wait_for()
        settle(page)
        check(page, complaints, name)
    context.close()


def test_an_address_reproduces_the_view_of_a_bundled_run_after_a_reload(app):
    context = app[1].new_context()
    page, complaints = open_page(context, f"{app[0]}/scores?run=GRPO")
    first = page.locator("h2").first.inner_text()
    page.reload()
    settle(page)
    assert page.locator("h2").first.inner_text() == first
    assert "run=GRPO" in page.url
    assert complaints == []
    context.close()


def test_a_figure_can_be_taken_away_as_data_and_as_a_page(app, tmp_path):
    context = app[1].new_context(viewport={"width": 1440, "height": 900})
    page, complaints = open_page(context, f"{app[0]}/voting")
    page.locator('[data-testid="stPopover"] button').filter(has_text="download").first.click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Data (CSV)").click()
    table = list(csv.DictReader(download.value.path().read_text(encoding="utf-8").splitlines()))
    curve = [row for row in table if row["method"] == "weighted vote"]
    assert [int(row["n_solutions"]) for row in curve] == list(range(1, len(curve) + 1))
    assert all(float(row["ci_low"]) <= float(row["accuracy"]) <= float(row["ci_high"]) for row in curve)
    with page.expect_download() as download:
        page.get_by_role("button", name="Interactive (HTML)").click()
    download.value.save_as(tmp_path / "figure.html")
    saved, saved_complaints = context.new_page(), []
    saved.on("console", lambda message: saved_complaints.append(message.text) if message.type == "error" else None)
    saved.goto((tmp_path / "figure.html").as_uri())
    saved.wait_for_selector(".main-svg")
    assert complaints == saved_complaints == []
    context.close()


HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> **bold** $x^2$ :red[red] \u202e"


def test_hostile_uploads_show_as_text_and_run_nothing(app, tmp_path):
    rows = make_rollouts(n_problems=6, n_samples=4).table.to_pylist()
    for row in rows:
        row |= {"problem": HOSTILE, "response": HOSTILE, "answer": HOSTILE, "reference_answer": HOSTILE}
        row["tokens"][0] = HOSTILE
    file = tmp_path / "hostile.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows))
    context = app[1].new_context(viewport={"width": 1440, "height": 900})
    page, complaints = open_page(context, f"{app[0]}/traces")
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    page.locator('input[type="file"]').set_input_files(file)
    page.get_by_text("24 solutions read").wait_for()
    settle(page)
    assert "<script>alert(2)</script> **bold** $x^2$ :red[red]" in page.locator("h2").first.inner_text()
    assert page.locator('[data-testid="stMain"] img[src="x"]').count() == 0
    for name in ("rollouts", "scores", "voting", "data"):
        page.locator(f'[data-testid="stSidebarNavLink"][href$="/{PAGES[name]}"]').click()
        page.get_by_role("heading", level=1, name=QUESTIONS[name]).wait_for()
        settle(page)
        assert page.locator(ERROR_BOXES).all_inner_texts() == []
    assert complaints == []
    context.close()


def test_a_bad_upload_shows_the_fault_and_keeps_the_page(app, tmp_path):
    file = tmp_path / "bad.jsonl"
    file.write_bytes(b"\x00\x01 nothing that holds rows")
    context = app[1].new_context(viewport={"width": 1440, "height": 900})
    page, complaints = open_page(context, f"{app[0]}/scores")
    finding = page.locator("h2").first.inner_text()
    page.locator('input[type="file"]').set_input_files(file)
    page.get_by_text("still shows the previous rollouts").wait_for()
    settle(page)
    assert "bad.jsonl" in page.locator('[data-testid="stAlertContentError"]').inner_text()
    assert page.locator("h2").first.inner_text() == finding
    assert complaints == []
    context.close()


def test_a_selection_of_rollouts_is_in_the_address_and_in_its_files(app):
    context = app[1].new_context(viewport={"width": 1440, "height": 900})
    page, complaints = open_page(context, f"{app[0]}/rollouts")
    everything = page.locator("h2").first.inner_text()
    page.get_by_label("Response contains").fill("#42")
    page.get_by_label("Response contains").press("Enter")
    page.get_by_role("heading", name="solutions match").wait_for()
    page.get_by_role("button", name="incorrect").click()
    page.get_by_role("heading", name="the verifier filter").wait_for()
    settle(page)
    finding = page.locator("h2").first.inner_text()
    assert finding != everything
    page.reload()
    settle(page)
    assert page.locator("h2").first.inner_text() == finding
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON lines").click()
    _, *rows = map(json.loads, download.value.path().read_text(encoding="utf-8").splitlines())
    assert rows
    assert all(not row["correct"] and "#42" in row["response"] for row in rows)
    page.get_by_role("button", name="Show these on every page").click()
    page.get_by_text(f"Filtered: {len(rows)} of").first.wait_for()
    settle(page)
    page.get_by_role("button", name="Show all").click()
    page.get_by_role("heading", name=finding).wait_for()
    assert complaints == []
    context.close()
