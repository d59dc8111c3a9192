"""The CSV below each figure of each page, without the browser's part in the download."""

import csv
import io

import pytest

from app.widgets import parts
from laser_core.figures import Drawn, figure_csv
from tests.app.browser import PAGES
from tests.app.test_pages import start, visit
from tests.app.test_views import choose

BEHIND_A_CHOICE = [  # page, choice, the figure's name
    ("scores", {"score_picture": "ECDF"}, "score_ecdf"),
    ("scores", {"score_picture": "violin"}, "score_violin"),
    ("scores", {"scores_section": "Against length"}, "score_length"),
    ("scores", {"scores_section": "Against another signal"}, "score_signal"),
    ("scores", {"scores_section": "Beside free signals"}, "score_signals"),
    ("thresholds", {"threshold_picture": "ROC"}, "threshold_roc"),
    ("thresholds", {"threshold_picture": "precision and recall"}, "threshold_pr"),
    ("voting", {"voting_section": "One vote"}, "vote"),
    ("voting", {"voting_section": "Other β_v and c_ref"}, "voting_settings"),
    ("voting", {"voting_section": "Tokens spent"}, "voting_tokens"),
    ("traces", {"mean_by": "fraction"}, "traces_mean"),
    ("traces", {"ranking_by": "fraction"}, "traces_ranking"),
]


@pytest.fixture
def drawn(monkeypatch):
    """The tables of the figures drawn since the test began, by the name of their files."""
    tables = {}
    draw = parts.figure

    def figure(fig, **kwargs):
        draw(fig, **kwargs)
        assert isinstance(fig, Drawn)
        text = figure_csv(fig, settings=kwargs.get("settings"))
        tables[kwargs["key"]] = list(csv.DictReader(io.StringIO(text)))

    monkeypatch.setattr(parts, "figure", figure)
    return tables


@pytest.mark.parametrize("page", PAGES)
def test_every_figure_of_every_page_has_a_table(bundled_runs, drawn, page):
    app = visit(start(), page)
    assert not app.exception
    assert {chart.proto.id.split("-", 2)[2] for chart in app.get("plotly_chart")} <= set(drawn)
    assert all(drawn.values())


@pytest.mark.parametrize(("page", "choice", "name"), BEHIND_A_CHOICE, ids=[name for _, _, name in BEHIND_A_CHOICE])
def test_every_figure_behind_a_choice_has_a_table(bundled_runs, drawn, page, choice, name):
    app = choose(visit(start(), page), **choice)
    assert not app.exception
    assert drawn[name]


def test_settings_stay_beside_the_variables_of_the_same_name(bundled_runs, drawn):
    choose(visit(start(), "voting"), voting_section="Other β_v and c_ref")
    rows = drawn["voting_settings"]
    assert len({(row["beta_v"], row["c_ref"]) for row in rows}) == len(rows) > 1
    assert len({(row["setting_beta_v"], row["setting_c_ref"]) for row in rows}) == 1
    assert {row["run"] for row in rows} == {"LaSeR"}
