"""Each page's main path in headless Chromium: what is linked, typed, downloaded and shared by a link."""

import csv
import json

import pytest

from tests.app.browser import ERROR_BOXES, chromium, need_browser, open_page, serve, settle
from tests.factories import make_rollouts

pytestmark = pytest.mark.browser

POINTS = """() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(p => p.data).reduce((n, t) => {
  const size = (v) => v == null ? 0 : v.length ?? (v.bdata ? atob(v.bdata).length / 4 : 0);
  const rows = t.z?._inputArray ?? t.z ?? [];
  const cells = [...rows].reduce((m, row) => m + row.length, 0);
  return n + Math.max(size(t.x), size(t.y), cells);
}, 0)"""
TOKEN = '.st-key-token input[type="range"]'
PAGES = ("", "traces", "scores", "thresholds", "voting", "compare")


@pytest.fixture(scope="module")
def app():
    """The app's address and a browser; skipped where there is no browser, but never in CI."""
    need_browser()
    with serve() as url, chromium() as browser:
        yield url, browser


@pytest.fixture
def context(app):
    context = app[1].new_context(viewport={"width": 1440, "height": 900})
    yield context
    context.close()


def token(page):
    return int(page.locator(TOKEN).input_value())


def chosen(page, slot):
    return page.locator(f".st-key-{slot} input").first.input_value()


def test_texts_figure_and_slider_follow_one_token(app):
    context = app[1].new_context(viewport={"width": 1440, "height": 1700})  # the figure has to be under the mouse
    page, complaints = open_page(context, f"{app[0]}/traces")
    strip = page.locator(".st-key-strip_correct div[dir] > span")
    strip.nth(4).hover()
    page.wait_for_function(
        "() => document.querySelectorAll('.st-key-strip_incorrect div[dir] > span')[4].style.outline.includes('2px')"
    )
    line = "() => [...document.querySelectorAll('.st-key-traces_linked .js-plotly-plot > div')].some("
    page.wait_for_function(line + "d => d.style.position === 'absolute' && d.style.width === '2px')")
    strip.nth(4).click()
    page.get_by_text("Token 5, ").wait_for()
    settle(page)
    assert token(page) == 5
    before = chosen(page, "incorrect")
    box = page.locator(".st-key-traces_linked .js-plotly-plot .heatmaplayer").bounding_box()
    x, y = box["x"] + 0.5 * box["width"], box["y"] + 0.88 * box["height"]  # a token in one of the last rows
    page.mouse.move(x - 5, y)
    page.mouse.move(x, y)
    page.locator(".st-key-traces_linked .hoverlayer .hovertext").first.wait_for()
    page.mouse.click(x, y)
    page.wait_for_function("() => !document.body.innerText.includes('Token 5, ')")
    settle(page)
    assert token(page) > 5
    assert chosen(page, "incorrect") != before
    assert complaints == []
    context.close()


def test_the_keyboard_walks_through_problems_solutions_and_tokens(app, context):
    page, complaints = open_page(context, f"{app[0]}/traces")

    problem, solution = page.locator("h2").first.inner_text(), chosen(page, "incorrect")
    page.locator("h1").click()
    page.keyboard.press("u")
    page.wait_for_function("before => document.querySelector('.st-key-incorrect input').value !== before", arg=solution)
    settle(page)
    page.keyboard.press("n")
    page.wait_for_function("before => document.querySelector('h2').innerText !== before", arg=problem)
    settle(page)
    page.keyboard.press("p")
    page.wait_for_function("before => document.querySelector('h2').innerText === before", arg=problem)
    settle(page)
    page.locator(TOKEN).focus()
    before = token(page)
    page.keyboard.press("ArrowLeft")
    page.get_by_text(f"Token {before - 1}, ").wait_for()
    assert complaints == []


def test_long_solutions_stay_light(app, context, tmp_path):
    rows = make_rollouts(n_problems=2, n_samples=6).table.to_pylist()
    for row in rows:
        n = 4000
        row |= {"tokens": ["ab "] * n, "n_tokens": n, "response": "ab " * n}
        row |= {name: [-0.1 - (i % 97) / 97 for i in range(n)] for name in ("token_logprobs", "entropy")}
        row["z_trace"] = [-23.0 + 5 * (i > 2500) for i in range(n)]
    file = tmp_path / "long.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows))
    page, complaints = open_page(context, f"{app[0]}/traces")
    page.locator('input[type="file"]').set_input_files(file)
    page.get_by_text("12 solutions read").wait_for()
    settle(page)
    assert page.locator(ERROR_BOXES).all_inner_texts() == []
    assert page.evaluate(POINTS) <= 10_000
    page.get_by_text("sharpest change +5.00 at token 2502").first.wait_for()  # nats: the file states no beta_v
    page.locator(TOKEN).focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("Token 2503, ").wait_for()
    assert complaints == []


def test_a_link_opens_the_same_view_for_somebody_else(app, context):
    page, _ = open_page(context, f"{app[0]}/thresholds?run=GRPO")
    page.get_by_test_id("stMain").get_by_role("slider").first.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**threshold=0.49**")
    page.get_by_role("radio", name="ROC").click()
    page.wait_for_url("**threshold_picture=ROC**")
    other = app[1].new_context(viewport={"width": 1440, "height": 900})
    second, complaints = open_page(other, page.url)
    assert second.locator(".st-key-threshold_roc").count() == 1
    assert "GRPO" in second.url
    assert second.get_by_test_id("stMain").get_by_role("slider").first.input_value() == "0.49"
    assert complaints == []
    other.close()


def test_a_figure_can_be_taken_away_as_a_picture_and_its_data_name_their_settings(app, context):
    page, complaints = open_page(context, f"{app[0]}/thresholds")
    page.locator(".st-key-threshold_sweep-files button").first.click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Data (CSV)").click()
    table = list(csv.DictReader(download.value.path().read_text(encoding="utf-8").splitlines()))
    assert {row["setting_threshold"] for row in table} == {"0.5"}
    assert len({row["threshold"] for row in table}) > 1
    assert {row["run"] for row in table} == {"LaSeR"}
    with page.expect_download() as download:
        page.get_by_role("button", name="Picture (PNG)").click()
    assert download.value.path().read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert complaints == []


@pytest.mark.parametrize("name", PAGES)
def test_every_chart_has_words_for_those_who_cannot_see_it(app, context, name):
    page, _ = open_page(context, f"{app[0]}/{name}")
    charts = page.get_by_test_id("stPlotlyChart")
    for i in range(charts.count()):
        label = charts.nth(i).evaluate(
            "c => (c.closest('[aria-label]') || c.querySelector('[aria-label]'))?.getAttribute('aria-label') || ''"
        )
        assert len(label) > 20, label


SMALL_TYPE = """() => {
  const slide = [...document.querySelectorAll('[class*="st-key-slide-"]')].find(
    (s) => getComputedStyle(s).position === "fixed"
  );
  const small = [];
  const texts = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || ["STYLE", "SCRIPT"].includes(element.tagName)) continue;
    if (element.getBoundingClientRect().height && parseFloat(getComputedStyle(element).fontSize) < 19.9)
      small.push(texts.currentNode.textContent.trim());
  }
  const below = (node) => Math.max(...[...node.querySelectorAll("h2, p")].map((e) => e.getBoundingClientRect().bottom));
  const title = below(slide.querySelector('[class*="st-key-deck-title-"]'));
  const overlap = title - slide.querySelector('[data-testid="stPlotlyChart"]').getBoundingClientRect().top;
  const chart = slide.querySelector(".main-svg").clientHeight;
  return { small, overlap, chart, cut: slide.scrollHeight - slide.clientHeight };
}"""


@pytest.mark.parametrize("address", ["voting?present=true", "scores?present=true", "claims?present=true"])
def test_a_slide_at_1280_by_720_has_large_type_and_nothing_cut_off(app, address):
    context = app[1].new_context(viewport={"width": 1280, "height": 720})
    page, complaints = open_page(context, f"{app[0]}/{address}")
    found = page.evaluate(SMALL_TYPE)
    assert found["small"] == []
    assert found["cut"] <= 0
    assert found["overlap"] <= 1
    assert found["chart"] > 280
    assert not page.get_by_test_id("stSidebar").is_visible()
    assert complaints == []
    context.close()


def test_slides_are_turned_by_a_clicker_and_kept_over_a_reload(app):
    context = app[1].new_context(viewport={"width": 1280, "height": 720})
    page, complaints = open_page(context, f"{app[0]}/voting?present=true")
    page.keyboard.press("PageDown")
    page.get_by_text("Voting: 2 of 3").wait_for()
    page.reload()
    settle(page)
    page.get_by_text("Voting: 2 of 3").wait_for()
    assert not page.get_by_test_id("stSidebar").is_visible()
    page.get_by_role("button", name="End").click()
    page.get_by_test_id("stSidebar").get_by_text("Presentation").wait_for()
    assert complaints == []
    context.close()


def test_a_presenter_needs_one_key_for_the_tour(app, context):
    page, complaints = open_page(context, app[0])
    page.get_by_role("button", name="Guided tour: predict").click()
    page.get_by_text("1 of 8").wait_for()
    assert page.locator("h1").all_inner_texts() == ["1 of 8 · One token after the end"]  # the page is hidden
    page.keyboard.press("PageDown")
    page.get_by_role("heading", level=1, name="Does the last token").wait_for()
    settle(page)
    page.keyboard.press("PageDown")
    page.get_by_text("2 of 8").wait_for()
    page.wait_for_url("**/traces**tour=2**")
    page.locator(".st-key-tour").get_by_role("button", name="Back", disabled=False).wait_for()  # it was off at step 1
    page.keyboard.press("PageUp")
    page.get_by_text("1 of 8").wait_for()
    assert complaints == []


def test_a_row_of_the_claims_opens_the_rollouts_behind_it(app, context):
    page, complaints = open_page(context, f"{app[0]}/claims?claim_section=5.+Inference-time+scaling")
    grid = page.get_by_test_id("stDataFrame").first
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    page.mouse.click(box["x"] + 15, box["y"] + 35 + 17)  # the box that selects the first row, below the header
    page.get_by_role("button", name="LaSeR, seed 1").click()
    page.wait_for_url("**/voting**")
    settle(page)
    assert chosen(page, "run") == "LaSeR, seed 1"
    address = page.url
    other, _ = open_page(context, address)  # the address alone opens the same run
    assert chosen(other, "run") == "LaSeR, seed 1"
    assert complaints == []


def test_look_at_this_run_on_the_start_page(app, context):
    page, complaints = open_page(context, app[0])
    page.get_by_role("button", name="Look at this run").first.click()
    page.get_by_text("shown on every page").wait_for()
    settle(page)
    assert "GRPO" in page.locator("h2").first.inner_text()
    assert complaints == []
