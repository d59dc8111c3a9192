"""Slides as a hall sees them: nothing small, cut off or drawn into something else, in both themes."""

from __future__ import annotations

import pytest

from tests.app.browser import chromium, need_browser, open_page, serve

pytestmark = pytest.mark.browser

#: Of the slide on screen: the smallest type (pixels), how much is cut off at its end, and how far a legend reaches into
#: the plot below it.
LOOK = """() => {
  const slide = [...document.querySelectorAll('[class*="st-key-slide-"]')].find(
    (s) => getComputedStyle(s).position === "fixed"
  );
  const texts = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
  let smallest = Infinity;
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || ["STYLE", "SCRIPT"].includes(element.tagName)) continue;
    const box = element.getBoundingClientRect();
    if (box.height > 2) smallest = Math.min(smallest, parseFloat(getComputedStyle(element).fontSize));
  }
  const legend = slide.querySelector(".legend")?.getBoundingClientRect();
  const plot = slide.querySelector(".nsewdrag")?.getBoundingClientRect();
  return {
    smallest,
    cut: slide.scrollHeight - slide.clientHeight,
    into: legend && plot ? legend.bottom - plot.top : 0,
    top: slide.querySelector("h2").textContent,
  };
}"""


@pytest.fixture(scope="module")
def app():
    """The app's address and a browser; skipped where there is no browser, but never in CI."""
    need_browser()
    with serve() as url, chromium() as browser:
        yield url, browser


@pytest.mark.parametrize(
    ("address", "title"),
    [
        ("pair?present=true", "Where do two solutions part?"),
        ("groups?present=true", "What did a training step learn from?"),
        ("thresholds?present=true&slide=2", "Accuracy against the mean clipped score"),  # its legend once lay on points
        ("compare?present=true&slide=3", "Difference of the two runs"),
    ],
)
def test_a_slide_is_large_whole_and_keeps_its_legend_above_the_plot(app, address, title):
    context = app[1].new_context(viewport={"width": 1280, "height": 720}, color_scheme="dark")
    page, complaints = open_page(context, f"{app[0]}/{address}")
    found = page.evaluate(LOOK)
    assert found["top"].startswith(title)
    assert found["smallest"] >= 19.9
    assert found["cut"] <= 0
    assert found["into"] <= 2
    assert complaints == []
    context.close()
