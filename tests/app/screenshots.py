"""Screenshots of every page and slide, in both themes: ``python -m tests.app.screenshots --out DIR``.

With ``--files`` the pages show uploads instead of the bundled run, one folder of pictures a file.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.app.browser import PAGES, ROOT, chromium, missing_browser, open_page, serve, settle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
STAGE = (1280, 720)
THEMES = ("light", "dark")
MOST_SLIDES = 60
PLACE = ".st-key-deck p >> nth=2"  # what the deck's bar says of the slide


def sample(page: Page) -> None:
    """The playground is empty until somebody samples."""
    page.get_by_test_id("stMain").get_by_role("button", name="Sample", exact=True).click()
    page.get_by_text(" of 8 correct").first.wait_for()


FIRST = {"playground": sample}


def photograph(page: Page, path: Path, size: tuple[int, int]) -> Path:
    """The whole page from top to bottom: it scrolls inside itself, so the window is made as tall as its content."""
    width, height = size
    tall = page.evaluate("() => document.querySelector('[data-testid=\"stMain\"]').scrollHeight")
    page.set_viewport_size({"width": width, "height": max(height, int(tall) + 20)})
    page.wait_for_timeout(600)
    page.screenshot(path=path)
    page.set_viewport_size({"width": width, "height": height})
    return path


def take_pages(
    browser: Browser, url: str, out: Path, theme: str, sizes: Sequence[str], pages: Sequence[str], query: str
) -> list[Path]:
    """``PAGE-SIZE-THEME.png``; ``query`` is appended to each address, such as ``?run=GRPO``."""
    written = []
    for size in sizes:
        context = browser.new_context(viewport=_viewport(SIZES[size]), color_scheme=theme)
        for name in pages:
            page, _ = open_page(context, f"{url}/{PAGES[name]}{query}")
            if name in FIRST:
                FIRST[name](page)
                settle(page)
            written.append(photograph(page, out / f"{name}-{size}-{theme}.png", SIZES[size]))
            page.close()
        context.close()
    return written


def take_slides(browser: Browser, url: str, out: Path, theme: str, query: str) -> list[Path]:
    """``slide-NN-THEME.png``: the whole deck at 1280 x 720, turned as a presenter turns it."""
    context = browser.new_context(viewport=_viewport(STAGE), color_scheme=theme)
    page, _ = open_page(context, f"{url}/{query or '?'}{'&' if query else ''}present=true")
    written: list[Path] = []
    while len(written) < MOST_SLIDES:
        written.append(out / f"slide-{len(written) + 1:02}-{theme}.png")
        page.screenshot(path=written[-1])
        before = page.locator(PLACE).inner_text()
        page.keyboard.press("PageDown")
        for _ in range(40):  # another page may take its time on a busy machine; the last slide stays
            page.wait_for_timeout(500)
            if page.locator(PLACE).inner_text() != before:
                break
        else:
            break
        settle(page)
    context.close()
    return written


def take_upload(
    browser: Browser, url: str, out: Path, theme: str, sizes: Sequence[str], pages: Sequence[str], file: Path
) -> list[Path]:
    """``FILE/PAGE-SIZE-THEME.png``: the pages after an upload, which a reload would forget."""
    folder, written = out / file.stem, []
    folder.mkdir(parents=True, exist_ok=True)
    for size in sizes:
        context = browser.new_context(viewport=_viewport(SIZES[size]), color_scheme=theme)
        page, _ = open_page(context, url)
        page.locator('input[type="file"]').first.set_input_files(file)
        page.wait_for_timeout(1500)
        settle(page)
        for name in pages:
            link = page.locator(f'[data-testid="stSidebarNav"] a[href$="/{PAGES[name]}"]').first
            link.dispatch_event("click")
            page.wait_for_timeout(700)
            settle(page)
            written.append(photograph(page, folder / f"{name}-{size}-{theme}.png", SIZES[size]))
        context.close()
    return written


def _viewport(size: tuple[int, int]) -> dict[str, int]:
    return {"width": size[0], "height": size[1]}


def main() -> None:
    """Take what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "test-artifacts" / "screenshots")
    parser.add_argument("--pages", nargs="*", default=list(PAGES))
    parser.add_argument("--sizes", nargs="*", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--themes", nargs="*", default=list(THEMES), choices=list(THEMES))
    parser.add_argument("--query", default="", help="appended to each address, such as ?run=GRPO")
    parser.add_argument("--main", type=Path, default=ROOT / "app" / "main.py")
    parser.add_argument("--slides", action="store_true", help="the deck instead of the pages")
    parser.add_argument("--files", nargs="*", type=Path, help="uploads instead of the bundled run")
    asked = parser.parse_args()
    if reason := missing_browser():
        raise SystemExit(reason)
    asked.out.mkdir(parents=True, exist_ok=True)
    with serve(asked.main) as url, chromium() as browser:
        for theme in asked.themes:
            if asked.slides:
                made = take_slides(browser, url, asked.out, theme, asked.query)
            elif asked.files:
                made = []
                for file in asked.files:
                    made += take_upload(browser, url, asked.out, theme, asked.sizes, asked.pages, file)
            else:
                made = take_pages(browser, url, asked.out, theme, asked.sizes, asked.pages, asked.query)
            print(*made, sep="\n")


if __name__ == "__main__":
    main()
