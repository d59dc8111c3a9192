"""A class on one server: first paint, clicks, a slider and memory with 1, 10 and 40 students in the guided tour.

    python -m tests.benchmarks.classroom --students 1 10 40

The students are sessions of their own websocket (:mod:`tests.benchmarks.student`), which the server cannot tell from
browsers; beside them is one real Chromium, where paint and slider are measured. First everybody opens the link at
once, then the class clicks through the tour at its own pace, then it leaves. Prints the table of docs/deploy.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.app.browser import chromium, missing_browser, open_page, serve
from tests.benchmarks.student import Student
from tests.benchmarks.test_app_speed import FIRST, memory

VISITS, MOVES = 3, 10  # of the browser: first paints, and moves of the slider
GONE = 5.0  # seconds after which the class has left
# Milliseconds from now until the slider has moved and the counts beside it are those of its new place. It does not end
# when nothing moves any more: that is what a busy server's silence looks like.
MOVED = """() => new Promise((done) => {
  const slider = document.querySelector('.st-key-threshold input[type="range"]');
  const from = slider.value, start = performance.now();
  const look = () => {
    const counts = document.querySelector('.st-key-cell').textContent;
    const there = slider.value !== from && counts.includes(`Confusion at ${Number(slider.value).toFixed(2)}`);
    there ? done(performance.now() - start) : requestAnimationFrame(look);
  };
  look();
})"""


@dataclass(frozen=True)
class Measured:
    """One size of class.

    Attributes
    ----------
    students : int
    arrival : float
        Seconds until the slowest of all students, who open the link at the same moment, has the first page.
    paint, chart : float
        Median seconds to the browser's first contentful paint and to its first chart, the class clicking meanwhile.
    slider : float
        Median seconds from a key press on the threshold until its counts have followed, the class clicking meanwhile.
    click, slow_click : float
        Median and 95th percentile of the seconds that the students waited for an answer.
    n_clicks : int
        Answers behind them.
    before, during, after : float
        Resident memory of the server in MB: warm, at its highest, and when they have left.
    busy : float
        Share of one core that the server took while the class clicked.
    cost : float
        Seconds of the server's processor time for one answer, the browser's included; other programs do not change it.
    """

    students: int
    arrival: float
    paint: float
    chart: float
    slider: float
    click: float
    slow_click: float
    n_clicks: int
    before: float
    during: float
    after: float
    busy: float
    cost: float


class Class:
    """Students in a thread of their own, until they are told to leave."""

    def __init__(self, address: str, n: int, pause: float) -> None:
        self.students = [Student(address, number, pause) for number in range(n)]
        self.failed: list[BaseException] = []
        self._loop = asyncio.new_event_loop()
        self._visits: list[asyncio.Task] = []
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self._loop.run_until_complete(self._all())

    async def _all(self) -> None:
        self._visits = [asyncio.ensure_future(student.visit()) for student in self.students]
        found = await asyncio.gather(*self._visits, return_exceptions=True)
        self.failed = [one for one in found if not isinstance(one, asyncio.CancelledError)]

    def __enter__(self) -> Class:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(lambda: [visit.cancel() for visit in self._visits])
        self._thread.join(30)
        if self.failed:
            raise RuntimeError(f"{len(self.failed)} students gave up: {self.failed[0]}")

    def wait_until(self, done: Callable[[Student], bool], seconds: float = 300.0) -> None:
        """Wait until all students are so far."""
        end = time.monotonic() + seconds
        while not all(done(student) for student in self.students):
            if time.monotonic() > end or not self._thread.is_alive():
                raise RuntimeError(f"the class is stuck: {self.failed}")
            time.sleep(0.02)


def measure(n: int, seconds: float, pause: float) -> Measured:
    """A fresh server, one round of the tour to warm it, then a class of ``n`` for ``seconds``.

    Parameters
    ----------
    n : int
        Students; the browser comes on top.
    seconds : float
        At least so long the class clicks; the browser may need longer.
    pause : float
        Mean seconds between an answer and a student's next click.
    """
    with serve() as url, chromium() as browser:
        server = psutil.Process(url.pid)
        with Class(str(url), 1, 0.02) as first:  # whatever a page computes for the first time
            first.wait_until(lambda student: any(one.what == "Start over" for one in student.answers))
        visited(browser, str(url))
        before = during = memory(url.pid)
        with Class(str(url), n, pause) as others:
            others.wait_until(lambda student: bool(student.answers))
            arrival = max(student.answers[0].seconds for student in others.students)
            began, spent = time.monotonic(), sum(server.cpu_times()[:2])
            paints = [visited(browser, str(url)) for _ in range(VISITS)]
            page, _ = open_page(browser.new_context(viewport={"width": 1280, "height": 800}), f"{url}/thresholds")
            moves = []
            while len(moves) < MOVES or time.monotonic() - began < seconds:
                moves.append(moved(page, right=len(moves) % 4 < 3))  # wander, so that most places are new
                during = max(during, memory(url.pid))
                page.wait_for_timeout(1000 * min(pause, 2.0))
            took = sum(server.cpu_times()[:2]) - spent
            busy = took / (time.monotonic() - began)
            waited = [one.seconds for student in others.students for one in student.answers[1:]]
            cost = took / (len(waited) + len(moves) + len(paints) + 1)
        time.sleep(GONE)
        moved(page, right=True)  # what has ended is collected with the next answer
        after = memory(url.pid)
    paint, chart = (statistics.median(one[what] for one in paints) / 1000 for what in ("paint", "chart"))
    slow = statistics.quantiles(waited, n=20)[-1]
    return Measured(
        students=n,
        arrival=arrival,
        paint=paint,
        chart=chart,
        slider=statistics.median(moves),
        click=statistics.median(waited),
        slow_click=slow,
        n_clicks=len(waited),
        before=before / 1e6,
        during=during / 1e6,
        after=after / 1e6,
        busy=busy,
        cost=cost,
    )


def moved(page: object, *, right: bool) -> float:
    """Move the threshold one step; seconds until the page has followed."""
    page.locator('.st-key-threshold input[type="range"]').focus()
    handle = page.evaluate_handle(f"() => {{ window.laserMoved = ({MOVED})(); }}")
    page.keyboard.press("ArrowRight" if right else "ArrowLeft")
    took = page.evaluate("() => window.laserMoved")
    handle.dispose()
    return took / 1000


def visited(browser: object, url: str) -> dict[str, float]:
    """Milliseconds to first paint, title and chart of the first page, in a browser that has cached nothing."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(url)
    took = page.evaluate(FIRST)
    context.close()
    return took


def table(found: Sequence[Measured]) -> str:
    """The table of docs/deploy.md."""
    rows = {
        "everybody opens the link at once: the last has the first page after, s": lambda m: f"{m.arrival:.1f}",
        f"first contentful paint, s (median of {VISITS})": lambda m: f"{m.paint:.1f}",
        f"first chart, s (median of {VISITS})": lambda m: f"{m.chart:.1f}",
        f"slider, s (median of {MOVES} or more)": lambda m: f"{m.slider:.2f}",
        "a click in the tour, s: median, 95th percentile": lambda m: f"{m.click:.2f}, {m.slow_click:.2f}",
        "clicks": lambda m: f"{m.n_clicks:,}",
        "server memory, MB: warm, most, after the class": lambda m: f"{m.before:.0f}, {m.during:.0f}, {m.after:.0f}",
        "share of a core that the server took": lambda m: f"{m.busy:.2f}",
        "its processor time for one answer, s": lambda m: f"{m.cost:.3f}",
    }
    lines = ["| students | " + " | ".join(str(m.students) for m in found) + " |", "|---" * (len(found) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(map(shown, found)) + " |" for name, shown in rows.items()]
    return "\n".join(lines)


def main() -> None:
    """Measure every size of class, and print the table with the machine."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--students", type=int, nargs="+", default=[1, 10, 40])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pause", type=float, default=10.0, help="mean seconds between a student's clicks")
    arguments = parser.parse_args()
    if reason := missing_browser():
        raise SystemExit(reason)
    found = []
    for n in arguments.students:
        found.append(measure(n, arguments.seconds, arguments.pause))
        print(f"{n}: {found[-1]}", flush=True)
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "?: ?")
    print(f"\n{model.split(': ')[1]}, {os.cpu_count()} cores; load average {os.getloadavg()[1]:.1f}, this included")
    print(f"{arguments.pause:.0f} s between a student's clicks\n\n{table(found)}")


if __name__ == "__main__":
    main()
