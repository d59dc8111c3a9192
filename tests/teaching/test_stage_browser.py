"""The stage script as it is written: the address that it names, a clicker, the steps in the order of its headings."""

from __future__ import annotations

import re

import pytest

from tests.app.browser import ROOT, chromium, need_browser, open_page, serve, settle

pytestmark = pytest.mark.browser
SCRIPT = (ROOT / "docs" / "teaching" / "stage.md").read_text()
HEADINGS = re.findall(r"^### (\d+):(\d\d) (.+)$", SCRIPT, re.MULTILINE)


def test_a_clicker_leads_through_the_whole_script_in_large_type():
    need_browser()
    (opened,) = re.findall(r"`http://localhost:8501/(\?\S+)`", SCRIPT)
    steps = [title for _, _, title in HEADINGS][1:9]
    with serve() as url, chromium() as browser:
        page, complaints = open_page(browser.new_context(viewport={"width": 1280, "height": 720}), f"{url}/{opened}")
        for number, title in enumerate(steps, 1):
            page.get_by_text(f"{number} of {len(steps)} · {title}").wait_for()
            settle(page)
            assert "present=true" in page.url
            assert f"tour={number}" in page.url  # a reload keeps the place
            assert not page.get_by_test_id("stSidebar").is_visible()
            card = page.locator(".st-key-tour")
            card.get_by_role("button", name="Reveal").wait_for()
            page.keyboard.press("PageDown")
            card.get_by_text("The answer is").wait_for()
            card.get_by_role("button", name="Next" if number < len(steps) else "What have we learned?").wait_for()
            settle(page)
            page.keyboard.press("PageDown")
        page.get_by_text("What you have seen").wait_for()
        settle(page)
        claims, more = open_page(page.context, f"{url}/claims?present=true")
        claims.get_by_text("Claims: 1 of").wait_for()
    assert complaints == []
    assert more == []


def test_the_script_takes_15_minutes():
    minutes = [int(minute) * 60 + int(second) for minute, second, _ in HEADINGS]
    assert minutes == sorted(minutes)
    assert minutes[0] == 0
    assert minutes[-1] < 15 * 60
