"""The README's moving picture, made by driving the app: ``python -m tests.app.moving_picture --out docs/tour.webp``.

It shows the bundled run as it is today: the finding on Start, a solution token by token, a threshold that moves, and
votes. Make it again after the sample data or a page has changed, and look at it.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from tests.app.browser import ROOT, chromium, missing_browser, open_page, serve, settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

WIDTH, HEIGHT = 1200, 750
MOST_BYTES = 2_500_000
QUALITY = 80
READ, LOOK, STEP, MOVE = 1600, 800, 220, 50  # milliseconds that a frame is shown
POINTER = """([x, y]) => {
  let dot = document.getElementById('laser-pointer');
  if (!dot) {
    dot = Object.assign(document.createElement('div'), { id: 'laser-pointer' });
    dot.style.cssText = 'position:fixed;width:22px;height:22px;margin:-11px;border-radius:50%;z-index:9999999;' +
      'pointer-events:none;background:rgba(91,75,214,.35);border:2px solid #5B4BD6';
    document.body.append(dot);
  }
  dot.style.left = x + 'px'; dot.style.top = y + 'px';
}"""


@dataclass
class Film:
    """Frames of a page, each with the time it is shown.

    Attributes
    ----------
    page : Page
        The browser's page.
    frames : list of Image
        RGB.
    durations : list of int
        Milliseconds.
    """

    page: Page
    frames: list[Image.Image] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)
    _at: tuple[float, float] = (WIDTH / 2, HEIGHT / 2)

    def show(self, milliseconds: int) -> None:
        """Take the page as it is; a picture that has not changed is shown for longer instead."""
        picture = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        if self.frames and picture.tobytes() == self.frames[-1].tobytes():
            self.durations[-1] += milliseconds
            return
        self.frames.append(picture)
        self.durations.append(milliseconds)

    def point(self, target: Locator, *, along: float = 0.5, steps: int = 4) -> None:
        """Move the pointer onto something, in view of the audience; ``along`` is the share of its width."""
        box = target.bounding_box()
        if box is None:
            raise RuntimeError(f"nothing to point at: {target}")
        end = (box["x"] + along * box["width"], box["y"] + box["height"] / 2)
        start = self._at
        for step in range(1, steps + 1):
            share = step / steps
            self._at = (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
            self.page.evaluate(POINTER, list(self._at))
            if step < steps:
                self.show(MOVE)

    def open(self, title: str) -> None:
        """Go to a page by its entry in the sidebar, as a visitor does."""
        link = self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True)
        self.point(link)
        link.click()
        self.page.mouse.move(WIDTH - 4, HEIGHT - 4)  # or the browser would show what it hovers over
        settle(self.page)
        self.show(READ)

    def scroll(self, pixels: float) -> None:
        """Scroll the page down."""
        self.page.get_by_test_id("stMain").evaluate("(main, pixels) => { main.scrollTop += pixels; }", pixels)
        self.page.wait_for_timeout(400)
        self.show(STEP)

    def read_along(self, tokens: Locator, numbers: list[int]) -> None:
        """Hover over tokens of a text: the figure below marks each of them too."""
        for number in numbers:
            self.point(tokens.nth(number), steps=1)
            tokens.nth(number).hover()
            self.page.wait_for_timeout(150)
            self.show(STEP)
        self.durations[-1] += LOOK

    def press(self, slider: Locator, key: str, times: int, *, by: int) -> None:
        """Move a slider with the keyboard, one frame for every ``by`` presses, as soon as the page has followed."""
        self.point(slider, along=0)  # a slider's input is hidden, and begins where its thumb is
        slider.focus()
        for _ in range(times):
            for _ in range(by):
                self.page.keyboard.press(key)
            settle(self.page)
            self.point(slider, along=0, steps=1)
            self.show(STEP)
        self.durations[-1] += LOOK

    def save(self, out: Path) -> int:
        """Write an animated WebP that repeats; its size in bytes."""
        first, *rest = self.frames
        first.save(out, save_all=True, append_images=rest, duration=self.durations, loop=0, quality=QUALITY, method=6)
        return out.stat().st_size


def play(page: Page) -> Film:
    """Start, Traces, Thresholds, Voting."""
    film = Film(page)
    film.show(READ)
    film.open("Traces")
    text = page.locator(".st-key-strip_correct div[dir] > span")
    film.scroll(text.first.bounding_box()["y"] - 60)
    count = text.count()
    film.read_along(text, [round(share * (count - 1)) for share in (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)])
    film.open("Thresholds")
    film.press(page.locator('.st-key-threshold input[type="range"]'), "ArrowRight", 6, by=5)
    film.open("Voting")
    return film


def main() -> None:
    """Drive the app, write the picture, and say how large and how long it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "tour.webp")
    parser.add_argument("--frames", type=Path, help="also write each frame as a PNG here, to look at")
    arguments = parser.parse_args()
    if reason := missing_browser():
        raise SystemExit(reason)
    with serve() as url, chromium() as browser:
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page, complaints = open_page(context, str(url))
        film = play(page)
    if complaints:
        raise SystemExit(f"the browser complains: {complaints}")
    if arguments.frames:
        arguments.frames.mkdir(parents=True, exist_ok=True)
        for number, frame in enumerate(film.frames):
            frame.save(arguments.frames / f"{number:03}.png")
    size = film.save(arguments.out)
    print(f"{arguments.out}: {len(film.frames)} frames, {sum(film.durations) / 1000:.1f} s, {size / 1e6:.2f} MB")
    if size > MOST_BYTES:
        raise SystemExit(f"larger than {MOST_BYTES / 1e6} MB: take fewer frames")


if __name__ == "__main__":
    main()
