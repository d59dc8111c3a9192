"""How quick the app feels, beside a bare Streamlit page (one slider, one line) in the same browser, turn by turn.

    pytest tests/benchmarks/test_app_speed.py --benchmark-only -s

The machine may be shared, so only ratios of medians count. A slider's answer lasts from the key press until nothing on
the page changes any more and the script rests; the app's slider is the threshold, which moves a figure, a table of
shares with intervals and the counts of the confusion table. First paint is the browser's own first contentful paint,
counted from the navigation; the page's title and its first chart are printed beside it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from laser_core.config import LaserConfig
from laser_core.jobs.jobs import HOME_VARIABLE
from laser_core.rollouts import Rollouts, RunMeta
from tests.app.browser import chromium, missing_browser, open_page, serve

ROUNDS = int(os.environ.get("LASER_SPEED_ROUNDS", "30"))
SOLUTIONS = 16
BARE = """
import numpy as np, plotly.graph_objects as go, streamlit as st
st.title("One slider, one line")
power = st.slider("Power", 0.0, 1.0, 0.5, 0.01)
x = np.linspace(0, 1, 400)
st.plotly_chart(go.Figure(go.Scatter(x=x, y=x ** (1 + power))))
"""
ANSWER = """() => new Promise((resolve) => {
  const page = document.querySelector('[data-testid="stMain"]');
  const app = document.querySelector('[data-testid="stApp"]');
  const start = performance.now();
  let last = start, ran = false;
  // A table draws on a canvas. The copy of its cells within the canvas, which a screen reader reads and nobody sees,
  // follows 0.2 s later on purpose.
  const watch = new MutationObserver((changes) => {
    const seen = ({ target }) => !(target.parentElement ?? target).closest("canvas");
    if (changes.some(seen)) last = performance.now();
  });
  const context = CanvasRenderingContext2D.prototype, draw = context.fillText;
  context.fillText = function (...text) { last = performance.now(); return draw.apply(this, text); };
  watch.observe(page, { subtree: true, childList: true, attributes: true, characterData: true });
  // The page moves at once, as a slider does; only once the script has begun can it have ended.
  const begin = new MutationObserver(() => { ran = true; });
  begin.observe(app, { attributes: true, attributeFilter: ["data-test-script-state"] });
  const look = setInterval(() => {
    const now = performance.now();
    const rests = ran && now - last > 500 && app.dataset.testScriptState === "notRunning";
    if (rests || now - start > 60000) {
      clearInterval(look); watch.disconnect(); begin.disconnect(); context.fillText = draw; resolve(last - start);
    }
  }, 20);
})"""
# Milliseconds from the navigation to the browser's own first contentful paint, the page's title and the first chart.
FIRST = """() => new Promise((done) => {
  const took = {};
  const look = () => {
    if (!took.title && document.querySelector('h1')) took.title = performance.now();
    if (!document.querySelector('.js-plotly-plot .main-svg')) return requestAnimationFrame(look);
    took.chart = performance.now();
    took.paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? took.chart;
    done(took);
  };
  look();
})"""
# The values of every trace of every figure on the page, as the browser holds them.
POINTS = """() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(p => p.data).reduce((n, t) => {
  const size = (v) => v == null ? 0 : v.length ?? (v.bdata ? atob(v.bdata).length / 8 : 0);
  const rows = t.z?._inputArray ?? t.z ?? [];
  const cells = [...rows].reduce((m, row) => m + row.length, 0);
  return n + Math.max(size(t.x), size(t.y), cells);
}, 0)"""


def big_table(n: int) -> pa.Table:
    """A run of ``n`` solutions whose score knows something, without texts and traces."""
    rng, problems = np.random.default_rng(0), n // SOLUTIONS
    problem = np.repeat(np.arange(problems), SOLUTIONS)
    right = rng.random(len(problem)) < np.repeat(rng.beta(1.2, 1.5, problems), SOLUTIONS)
    score = 0.25 + 0.45 * right + 0.2 * rng.standard_normal(len(problem))
    answer = np.where(right, 0, rng.integers(1, 4, len(problem))).astype(str)
    columns = {
        "run": ["big"] * len(problem),
        "problem_id": np.char.add("p", problem.astype(str)),
        "sample": np.tile(np.arange(SOLUTIONS, dtype=np.int32), problems),
        "response": answer,
        "answer": answer,
        "correct": right,
        "truncated": np.zeros(len(problem), bool),
        "n_tokens": rng.integers(20, 400, len(problem)).astype(np.int32),
        "z_logprob": score / 0.1 - 23,
        "score": score,
    }
    meta = RunMeta(beta_v=0.1, c_ref=-23.0, c_ref_std=0.05)
    return Rollouts(pa.table({name: pa.array(values) for name, values in columns.items()}), meta).to_arrow()


def numeric_bytes(table: pa.Table) -> int:
    """What the numeric columns take as arrays."""
    return sum(column.nbytes for column in table.columns if pa.types.is_integer(column.type) or column.type == "double")


def memory(pid: int) -> int:
    """Resident memory of a process, bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(status.split("VmRSS:")[1].split()[0])


def in_steps(table: pa.Table, n_steps: int = 50) -> pa.Table:
    """The same run as a training of so many steps, each with its own problems."""
    step = np.arange(len(table)) * n_steps // len(table)
    return table.append_column("step", pa.array(step.astype(np.int32)))


def with_texts(table: pa.Table, n_words: int = 1000) -> pa.Table:
    """The same run with long responses, of which each ends on its own number."""
    rng = np.random.default_rng(0)
    words = ["so", "we", "have", "the", "sum", "of", "two", "even", "numbers", "because", "wait", "check", "again"]
    texts = [" ".join(rng.choice(words, n_words)) for _ in range(200)]
    responses = pa.array(f"{texts[i % 200]} number {i}." for i in range(len(table)))
    tokens = pa.array(np.full(len(table), n_words, np.int32))
    table = table.set_column(table.column_names.index("response"), "response", responses)
    return table.set_column(table.column_names.index("n_tokens"), "n_tokens", tokens)


@contextlib.contextmanager
def pages(folder: Path, n: int | None = None, *, steps: bool = False, texts: bool = False) -> Iterator[tuple]:
    """Both servers and a browser; with ``n`` the app also offers a run of that many solutions, named "big"."""
    if reason := missing_browser():
        pytest.skip(reason)
    bare, run = folder / "bare.py", folder / "home" / "runs" / "20260101-000000-big" / "run"
    bare.write_text(BARE)
    if n is not None:
        run.mkdir(parents=True)
        table = in_steps(big_table(n)) if steps else big_table(n)
        pq.write_table(with_texts(table) if texts else table, run / "rollouts.parquet")
        del table
        (run / "events.jsonl").write_text("")
        (run.parent / "job.json").write_text(json.dumps({"name": "big"}))
        (run.parent / "settings.toml").write_text(LaserConfig().to_toml())
        gc.collect()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME_VARIABLE, str(folder / "home"))
        with serve(bare) as bare_url, serve() as app_url, chromium() as browser:
            yield bare_url, app_url, browser


def answer(page: object) -> float:
    """Move the first slider one step and back again on the next call; milliseconds until the page rests."""
    slider = page.get_by_test_id("stMain").get_by_role("slider").first
    slider.focus()
    key = "ArrowRight" if getattr(page, "laser_turn", 0) % 2 == 0 else "ArrowLeft"
    if getattr(page, "laser_turn", 0) % 10 == 9:
        key = "ArrowRight"  # wander, so that not every value was seen before
    page.laser_turn = getattr(page, "laser_turn", 0) + 1
    handle = page.evaluate_handle(f"() => {{ window.laserAnswer = ({ANSWER})(); }}")
    page.keyboard.press(key)
    took = page.evaluate("() => window.laserAnswer")
    handle.dispose()
    return took


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("n", "limit"), [(100_000, 2.0), (1_000_000, 5.0)])
def test_a_slider_answers_nearly_as_quickly_as_on_a_bare_page(benchmark, tmp_path, n, limit):
    with pages(tmp_path, n) as (bare_url, app_url, browser):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        app, _ = open_page(context, f"{app_url}/thresholds", timeout=120)  # loads whatever the page needs
        before = memory(app_url.pid)
        app.goto(f"{app_url}/thresholds?run=big")
        app.get_by_text(f"n = {n:,} solutions").first.wait_for(timeout=120_000)
        app.wait_for_timeout(3000)
        bare, _ = open_page(context, bare_url)
        times = {"bare": [], "app": []}
        for _ in range(ROUNDS):
            for name, page in (("bare", bare), ("app", app)):
                page.bring_to_front()
                times[name].append(answer(page))
        median = {name: statistics.median(values) for name, values in times.items()}
        points = app.evaluate(POINTS)
        grown = memory(app_url.pid) - before
        numeric = numeric_bytes(big_table(n))
        result = {
            "bare_ms": median["bare"],
            "app_ms": median["app"],
            "ratio": median["app"] / median["bare"],
            "points": points,
            "memory_over_numeric": grown / numeric,
        }
        print(f"\n{n:,} rollouts:", json.dumps(result))
        benchmark.extra_info.update(result)
        benchmark.pedantic(answer, args=(app,), rounds=3)
        assert points <= 10_000
        assert result["ratio"] <= limit
        assert result["memory_over_numeric"] < 3


def click(page: object, selector: str) -> float:
    """Click a button; milliseconds until the page rests."""
    page.bring_to_front()
    handle = page.evaluate_handle(f"() => {{ window.laserAnswer = ({ANSWER})(); }}")
    page.locator(selector).first.click()
    took = page.evaluate("() => window.laserAnswer")
    handle.dispose()
    return took


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("page_name", "button", "limit"),
    [
        ("groups", ".st-key-problem-Previous-step button", 3.0),  # a heatmap and a table; the goal is 2
        ("pair", ".st-key-mark-left-bookmark button", 2.0),
        ("pair", ".st-key-mark-left-wrong_verdict button", 2.0),
    ],
)
def test_groups_and_marks_answer_at_100_000_rollouts(benchmark, tmp_path, page_name, button, limit):
    with pages(tmp_path, 100_000, steps=True) as (bare_url, app_url, browser):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        app, _ = open_page(context, f"{app_url}/{page_name}?run=big", timeout=300)
        app.locator(button).first.wait_for(timeout=300_000)
        app.wait_for_timeout(5000)  # by then no earlier drawing of the button is left
        bare, _ = open_page(context, bare_url)
        times: dict[str, list[float]] = {"bare": [], "app": []}
        for _ in range(ROUNDS):
            bare.bring_to_front()
            times["bare"].append(answer(bare))
            times["app"].append(click(app, button))
        median = {name: statistics.median(values) for name, values in times.items()}
        result = {"bare_ms": median["bare"], "app_ms": median["app"], "ratio": median["app"] / median["bare"]}
        print(f"\n{page_name}, {button}:", json.dumps(result))
        benchmark.extra_info.update(result)
        benchmark.pedantic(click, args=(app, button), rounds=1)
        assert result["ratio"] <= limit


def search(page: object, text: str) -> float:
    """Search the responses; milliseconds until the page rests."""
    page.bring_to_front()
    page.locator(".st-key-rows_response input").fill(text)
    handle = page.evaluate_handle(f"() => {{ window.laserAnswer = ({ANSWER})(); }}")
    page.keyboard.press("Enter")
    took = page.evaluate("() => window.laserAnswer")
    handle.dispose()
    return took


@pytest.mark.timeout(1800)
def test_the_table_and_its_search_answer_at_100_000_rollouts_of_1_000_tokens(benchmark, tmp_path):
    with pages(tmp_path, 100_000, texts=True) as (bare_url, app_url, browser):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        app, _ = open_page(context, f"{app_url}/rollouts?run=big", timeout=300)
        app.locator(".st-key-rows_response input").wait_for(timeout=300_000)
        app.wait_for_timeout(5000)
        bare, _ = open_page(context, bare_url)
        search(app, "number 1.")  # the first one reads the texts from disk
        times: dict[str, list[float]] = {"bare": [], "search": [], "filter": []}
        for i in range(ROUNDS):
            bare.bring_to_front()
            times["bare"].append(answer(bare))
            times["search"].append(search(app, f"number {50 * i + 17}."))
            times["filter"].append(click(app, '.st-key-rows_verifier >> text="correct"'))
        median = {name: statistics.median(values) for name, values in times.items()}
        ratios = {name: median[name] / median["bare"] for name in ("search", "filter")}
        print("\n100,000 rollouts of 1,000 tokens, milliseconds and ratios:", json.dumps(median), json.dumps(ratios))
        benchmark.extra_info.update(ratios)
        benchmark.pedantic(search, args=(app, "number 99."), rounds=1)
        assert ratios["filter"] <= 2.0
        assert ratios["search"] <= 3.0  # 0.5 GB of text; the goal is 2


@pytest.mark.timeout(1800)
def test_the_first_paint_is_there_nearly_as_soon_as_on_a_bare_page(benchmark, tmp_path):
    with pages(tmp_path) as (bare_url, app_url, browser):
        times = {bare_url: [], app_url: []}

        def first(url: str) -> dict[str, float]:
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            page = context.new_page()
            page.goto(url)
            took = page.evaluate(FIRST)
            context.close()
            return took

        first(app_url), first(bare_url)  # the servers read and compile on the first visit
        for _ in range(ROUNDS):
            for url in (bare_url, app_url):
                times[url].append(first(url))
        ratios = {}
        for what in ("paint", "title", "chart"):
            bare, app = (statistics.median(took[what] for took in times[url]) for url in (bare_url, app_url))
            ratios[what] = app / bare
            print(f"\nfirst {what}: bare {bare:.0f} ms, app {app:.0f} ms, ratio {app / bare:.2f}")
        benchmark.extra_info.update(ratios)
        benchmark.pedantic(first, args=(app_url,), rounds=3)
        assert ratios["paint"] <= 1.5
