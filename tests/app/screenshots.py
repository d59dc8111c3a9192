"""Screenshots of every page, wide and phone, light and dark: ``python -m tests.app.screenshots --out DIR``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tests.app.browser import PAGES, ROOT, chromium, missing_browser, open_page, serve, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
THEMES = ("light", "dark")


def sample(page: Page) -> None:
    """The playground is empty until somebody samples."""
    page.get_by_test_id("stMain").get_by_role("button", name="Sample", exact=True).click()
    page.get_by_text(" of 8 correct").first.wait_for()


FIRST = {"playground": sample}


def take(out: Path, *, pages: tuple[str, ...] = tuple(PAGES), main: Path | None = None, query: str = "") -> list[Path]:
    """Write ``PAGE-SIZE-THEME.png``, each the whole page from top to bottom.

    Parameters
    ----------
    out : folder, made if missing.
    pages : which pages.
    main : the app's main script, this project's when None.
    query : appended to each address, such as ``?run=grpo``.
    """
    out.mkdir(parents=True, exist_ok=True)
    written = []
    with serve(*([main] if main else [])) as url, chromium() as browser:
        for theme in THEMES:
            for size, (width, height) in SIZES.items():
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
                for name in pages:
                    page, _ = open_page(context, f"{url}/{PAGES[name]}{query}")
                    if name in FIRST:
                        FIRST[name](page)
                        settle(page)
                    # The app scrolls inside itself; a window as tall as the content shows all of it.
                    tall = page.evaluate("() => document.querySelector('[data-testid=\"stMain\"]').scrollHeight")
                    page.set_viewport_size({"width": width, "height": max(height, int(tall) + 20)})
                    page.wait_for_timeout(600)
                    written.append(out / f"{name}-{size}-{theme}.png")
                    page.screenshot(path=written[-1])
                    page.close()
                context.close()
    return written


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "test-artifacts" / "screenshots")
    parser.add_argument("--pages", nargs="*", default=list(PAGES))
    parser.add_argument("--query", default="")
    parser.add_argument("--main", type=Path, default=None)
    arguments = parser.parse_args()
    if reason := missing_browser():
        raise SystemExit(reason)
    for file in take(arguments.out, pages=tuple(arguments.pages), main=arguments.main, query=arguments.query):
        print(file)
