"""The Claims page: what it says is what the table says, and its rows lead to the rollouts behind them."""

import shutil

import pytest

from laser_core.reproduce.table import load
from tests.app.test_pages import finding, said, start, visit


@pytest.fixture
def with_claim_runs(bundled_runs):
    """One run of a seed behind the table, beside the synthetic runs."""
    folder = bundled_runs / "reproduce" / "rollouts"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(bundled_runs / "rollouts" / "laser.parquet", folder / "laser-3.parquet")
    yield bundled_runs
    shutil.rmtree(bundled_runs / "reproduce")


def test_the_finding_counts_the_claims_that_hold(bundled_runs):
    tested = [claim for claim in load() if claim.holds is not None]
    app = visit(start(), "claims")
    assert not app.exception
    assert f"{sum(claim.holds for claim in tested)} of {len(tested)} tested claims hold" in finding(app)


def test_every_row_that_does_not_hold_is_named_with_its_interval(bundled_runs):
    text = said(visit(start(), "claims"))
    for claim in load():
        if claim.holds is False:
            assert f"**{claim.claim}**" in text
            assert claim.rule in text


def test_every_section_shows_its_rows(bundled_runs):
    app = visit(start(), "claims")
    claims = load()
    for section in app.selectbox(key="claim_section").options:
        app.selectbox(key="claim_section").select(section).run()
        assert not app.exception
        rows = [claim.claim for claim in claims if str(claim.section) == section]
        assert list(app.dataframe[0].value["claim"]) == rows


def test_an_address_names_a_run_behind_the_table(with_claim_runs):
    app = start(run="LaSeR, seed 3")
    assert not app.exception
    assert app.selectbox(key="run").value == "laser-3"


def test_look_at_this_run_changes_the_run_of_every_page(bundled_runs):
    app = start()
    assert app.selectbox(key="run").value == "laser"
    app.button(key="look-base").click().run()
    assert app.selectbox(key="run").value == "base"
    visit(app, "scores")
    assert app.selectbox(key="run").value == "base"
