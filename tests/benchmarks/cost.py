"""What each estimator costs as the number of solutions per problem grows: measured, fitted, drawn.

    python -m tests.benchmarks.cost --out docs

writes ``estimator_cost.csv`` (seconds for 100 problems) and, where there is a Chromium, ``estimator_cost.png``.
``docs/estimators.md`` states the costs in words. Times are processor seconds, the least of several runs.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from laser_core.analysis import (
    Samples,
    calibration,
    filtered_majority,
    length_relation,
    roc_pr,
    separation,
    threshold_sweep,
    vote_weights,
)
from laser_core.analysis.voting.ballots import Ballots
from laser_core.analysis.voting.closed_forms import best_of, pass_at
from laser_core.analysis.voting.majority import majority_vote
from laser_core.analysis.voting.resample import resample_votes
from laser_core.figures.theme import PASS, WEIGHTED, Style, add_line, frame

PROBLEMS = 100
SIZES = (16, 32, 64, 128, 256, 512, 1024)
ORDERS = 64


def make_samples(n_problems: int, n_samples: int, seed: int = 0) -> Samples:
    """Problems of mixed difficulty with up to a dozen incorrect answers each, and a score that knows something."""
    rng = np.random.default_rng(seed)
    rate = rng.beta(1.2, 1.5, (n_problems, 1))
    correct = rng.random((n_problems, n_samples)) < rate
    answer = np.where(correct, 0, 1 + (12 * rng.random(correct.shape) ** 2).astype(int))
    answer[rng.random(correct.shape) < 0.05] = -1
    score = 0.2 + 0.5 * (answer == 0) + 0.1 * rate + 0.25 * rng.standard_normal(correct.shape)
    tokens = rng.integers(10, 999, correct.shape)
    return Samples.from_arrays(correct=answer == 0, score=score, answer=answer, n_tokens=tokens)


def powers(n: int) -> np.ndarray:
    """1, 2, 4, ... up to n."""
    return 2 ** np.arange(int(np.log2(n)) + 1)


#: Per estimator what is measured, given the samples and their ballots.
ESTIMATORS: dict[str, Callable[[Samples, Ballots], object]] = {
    "pass@N and best-of-N": lambda s, b: (pass_at(b, powers(s.n_samples)), best_of(b, powers(s.n_samples))),
    "exact majority, one N": lambda s, b: majority_vote(b.votes, b.winning, b.size, np.array([s.n_samples // 2])),
    "exact majority, N = powers of two": lambda s, b: majority_vote(b.votes, b.winning, b.size, powers(s.n_samples)),
    "filtered majority, one N": lambda s, b: filtered_majority(s, n_values=[s.n_samples // 2]),
    f"weighted vote, {ORDERS} orders": lambda s, b: resample_votes(
        b, vote_weights(b.score), powers(s.n_samples), target_se=1, max_orders=ORDERS
    ),
    "separation, all metrics": lambda s, b: separation(s),
    "threshold sweep with bands": lambda s, b: threshold_sweep(s),
    "ROC and PR with bands": lambda s, b: roc_pr(s),
    "calibration": lambda s, b: calibration(s),
    "length relation": lambda s, b: length_relation(s),
}
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "cross", "pentagon", "hexagon", "triangle-down")
_COLORS = ("#0072B2", "#D55E00", "#E69F00", "#CC79A7", WEIGHTED, PASS, "#7C6CF2", "#7F7F7F", "#8C510A", "#01665E")


def measure(sizes: tuple[int, ...] = SIZES, *, n_problems: int = PROBLEMS, repeats: int = 3) -> list[dict]:
    """Processor seconds of every estimator, one row for each number of solutions; the least of ``repeats`` runs."""
    rows = []
    for n in sizes:
        samples = make_samples(n_problems, n)
        ballots = Ballots.of(samples)
        row: dict = {"n": n}
        for name, run in ESTIMATORS.items():
            found = []
            for _ in range(repeats):
                start = time.process_time()
                run(samples, ballots)
                found.append(time.process_time() - start)
                if found[-1] > 2:  # long enough to be exact
                    break
            row[name] = min(found)
        rows.append(row)
    return rows


def growth(rows: list[dict], name: str) -> float:
    """The power of n that the time grows with over the upper half of the sizes: the slope on logarithmic axes."""
    upper = rows[len(rows) // 2 :]
    x, y = np.log([row["n"] for row in upper]), np.log([max(row[name], 1e-6) for row in upper])
    return float(np.polyfit(x, y, 1)[0])


def cost_figure(rows: list[dict]) -> go.Figure:
    """Seconds against solutions per problem, both logarithmic; the legend says with what power of n each grows."""
    figure = go.Figure()
    names = sorted((name for name in rows[0] if name != "n"), key=lambda name: -rows[-1][name])
    for i, name in enumerate(names):
        label = f"{name}: n<sup>{growth(rows, name):.1f}</sup>"
        style = Style(label, _COLORS[i % len(_COLORS)], _DASHES[i % len(_DASHES)], _SYMBOLS[i % len(_SYMBOLS)])
        add_line(figure, [row["n"] for row in rows], [row[name] for row in rows], style)
    frame(figure, x="solutions per problem, n", y=f"processor seconds for {PROBLEMS} problems", height=560)
    ticks = [row["n"] for row in rows]
    figure.update_xaxes(type="log", tickvals=ticks, ticktext=[str(tick) for tick in ticks])
    figure.update_yaxes(type="log", dtick=1, exponentformat="power")
    figure.update_layout(legend={"orientation": "v", "x": 1.02, "xanchor": "left", "y": 1, "yanchor": "top"})
    return figure


def write_csv(rows: list[dict], path: Path) -> None:
    """One row for each number of solutions, seconds to four digits."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: v if k == "n" else f"{v:.4g}" for k, v in row.items()} for row in rows)


def write_png(figure: go.Figure, path: Path) -> None:
    """A picture of the figure, taken in Chromium on white."""
    from tests.app.browser import chromium

    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        page = Path(folder) / "figure.html"
        figure.write_html(page, include_plotlyjs=True, config={"displayModeBar": False})
        opened = browser.new_page(viewport={"width": 1100, "height": 600}, device_scale_factor=1.5)
        opened.goto(page.as_uri())
        opened.wait_for_selector(".main-svg")
        opened.screenshot(path=path)


def main() -> None:
    """Measure, write, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs"))
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    rows = measure()
    write_csv(rows, folder / "estimator_cost.csv")
    for name in rows[0].keys() - {"n"}:
        print(f"{name:36} {rows[-1][name]:8.3f} s at n = {rows[-1]['n']}, grows as n^{growth(rows, name):.2f}")
    try:
        write_png(cost_figure(rows), folder / "estimator_cost.png")
    except Exception as error:  # no Chromium: the numbers are there all the same
        print(f"no picture: {error}")


if __name__ == "__main__":
    main()
