"""The linked heatmap and lines, and the mean traces."""

import numpy as np

from laser_core.analysis import Estimate, RankingAlong, sharpest_change
from laser_core.analysis.tokens.traces import MeanTraces
from laser_core.figures import Trace, linked_figure, mean_trace_figure, ranking_along_figure
from laser_core.figures.theme import CORRECT, INCORRECT

SETTINGS = {"beta_v": 0.1, "c_ref": -23.0}


def traces(n_tokens, n=3):
    rng = np.random.default_rng(0)
    return [
        Trace(
            f"sample {i}",
            i == 0,
            tuple("t" * n_tokens),
            {"score": np.cumsum(rng.normal(0, 0.05, n_tokens)), "logprob": -rng.exponential(0.3, n_tokens)},
        )
        for i in range(n)
    ]


def points(fig):
    return sum(max(np.size(t.x), np.size(t.z) if t.type == "heatmap" else 0) for t in fig.data)


def test_heatmap_and_lines_share_the_token_axis():
    shown = traces(20)
    changes = [sharpest_change(shown[i].values["score"]) for i in (0, 2)]
    fig = linked_figure(shown, [0, 2], "logprob", "score", **SETTINGS, changes=changes, marked=7)
    heat, first, second = fig.data[:3]
    assert heat.type == "heatmap"
    assert np.asarray(heat.z).shape == (3, 20)
    assert {t.xaxis or "x" for t in fig.data} == {"x"}
    assert {t.yaxis for t in (first, second)} == {"y2"}
    assert (first.line.color, second.line.color) == (CORRECT, INCORRECT)
    stars = [t for t in fig.data if t.name == "sharpest change"]
    assert [t.x[0] for t in stars] == [change.token for change in changes]
    mark = [s for s in fig.layout.shapes if s.yref == "paper"]
    assert [(s.x0 + s.x1) / 2 for s in mark] == [7]


def test_four_thousand_tokens_of_sixteen_solutions_stay_below_ten_thousand_points():
    shown = traces(4000, n=16)
    fig = linked_figure(shown, [0, 1], "score", "score", **SETTINGS, marked=2000)
    assert points(fig) <= 10_000
    line = fig.data[1]
    assert min(line.y) == shown[0].values["score"].min()  # thinning keeps what is extreme
    assert max(line.y) == shown[0].values["score"].max()


def test_a_window_shows_its_tokens_one_by_one():
    shown = traces(1000)
    fig = linked_figure(shown, [0], "score", "logprob", **SETTINGS, window=(301, 400))
    assert np.asarray(fig.data[0].z).shape == (3, 100)
    assert list(fig.data[0].x)[:2] == [301, 302]
    assert np.allclose(fig.data[1].y, shown[0].values["logprob"][300:400])


def test_mean_traces_have_bands_and_the_decision():
    band = np.array([[0.1, 0.8], [0.0, 0.7], [0.2, 0.9]])
    n = np.array([40, 40])
    means = MeanTraces(np.array([1.0, 2.0]), "token", band, band - 0.1, n, n, 20, "score")
    fig = mean_trace_figure(means, **SETTINGS)
    lines = [t for t in fig.data if t.fill is None]
    assert [list(t.y) for t in lines] == [[0.1, 0.8], [0.0, 0.7000000000000001]]
    assert [s.y0 for s in fig.layout.shapes] == [0.5]
    nothing = np.full((3, 2), np.nan)
    empty = mean_trace_figure(MeanTraces(means.position, "token", nothing, nothing, n, n, 20, "score"))
    assert not empty.data
    assert "Too few" in empty.layout.annotations[0].text


def test_ranking_along_runs_from_left_to_right_and_says_when_there_is_nothing():
    auroc = (Estimate(0.5, 0.4, 0.6, 20), Estimate(0.9, 0.8, 0.95, 20))
    fig = ranking_along_figure({"LaSeR": RankingAlong(np.array([4, 0]), "to_end", auroc, "score")})
    line = next(t for t in fig.data if t.mode and "lines" in t.mode and t.customdata is not None)
    assert list(line.x) == [-4, 0]
    assert list(line.y) == [0.5, 0.9]
    assert list(fig.rows())[1] == ("LaSeR", "score so far", 0, 0.9, 0.8, 0.95, 20)
    nothing = RankingAlong(np.array([0]), "to_end", (Estimate(np.nan, np.nan, np.nan, 0),), "score")
    assert "No problem has both" in str(ranking_along_figure({"LaSeR": nothing}).layout.annotations)
