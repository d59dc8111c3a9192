"""The Claims page: what it says is what the table says, and its rows lead to the rollouts behind them."""

import json
import shutil

import pytest

from laser_core.analysis.estimates import Estimate
from laser_core.figures import symbols
from laser_core.reproduce import table
from laser_core.reproduce.history import History
from laser_core.reproduce.rules import Rule
from laser_core.reproduce.table import Claim, ClaimSection, Measured, load, save
from tests.app.test_pages import finding, said, start, visit


@pytest.fixture
def with_claim_runs(bundled_runs):
    """One run of a seed behind the table, beside the synthetic runs."""
    folder = bundled_runs / "reproduce" / "rollouts"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(bundled_runs / "rollouts" / "laser.parquet", folder / "laser-3.parquet")
    yield bundled_runs
    shutil.rmtree(bundled_runs / "reproduce")


def row(family, key, value, low, high, *, section=4, kind="better", before=None, **more):
    rule, found = Rule(key, (family,), kind, limit=0.7, margin=0.02), Measured(Estimate(value, low, high, 400), 5)
    title = ClaimSection(section, "AUROC within a problem" if section == 4 else "Self-verification")
    before = before or rule
    return Claim.of(
        title, f"{family}.{key}", key, found, rule=rule, before=before, group="laser", family=family, **more
    )


ROWS = (
    row("linear", "verification.score", 0.8, 0.75, 0.85, section=3, kind="at-least"),
    row("linear", "within.score-text_rule", -0.02, -0.03, -0.01, signed=True),
    row("linear", "within.score-probe_base", 0.3, 0.2, 0.4, before=Rule("x", ("linear",), "worse")),
    row("chain", "within.score-text_rule", 0.01, -0.01, 0.03, note="as <b>hard</b> as before"),
)


@pytest.fixture
def made_table(bundled_runs, monkeypatch, tmp_path):
    """A table whose verdicts are known, with its history and a run's curves."""
    history = History("a" * 64, "2026-11-26T05:00:00+00:00", "a" * 64, {"laser-0": "2026-11-26T06:00:00Z"})
    save(ROWS, tmp_path, history.as_json())
    curves = {"step": [0, 1, 2], "within": [0.5, None, 0.6], "z_correct": [-23, -22, -21], "z_incorrect": [-23] * 3}
    facts = {"laser-0": {"curves": curves}, "grpo-0": {"curves": curves, "c_ref": -23.0}}
    (tmp_path / "runs.json").write_text(json.dumps(facts))
    monkeypatch.setattr(table, "SHIPPED", tmp_path / "claims.json")


def test_the_first_sentence_says_what_the_score_does_not_beat(made_table):
    app = visit(start(), "claims")
    assert not app.exception
    text = finding(app).replace("\\", "")
    assert text.startswith("## LaSeR's score does not beat every baseline. Ahead of it, by AUROC within a problem or")
    assert "one-line rule on the text (linear). Undecided: one-line rule on the text (chain). Of 4 judged" in text
    assert "Of 4 judged claims 2 hold, 1 do not hold and 1 are undecided." in text
    assert any("first run begun 2026-11-26 06:00" in caption.value for caption in app.caption)


def test_what_does_not_hold_or_is_undecided_is_named_with_rule_and_interval(made_table):
    app = visit(start(), "claims")
    assert "What does not hold or is undecided (2)" in [expander.label for expander in app.expander]
    text = said(app).replace("\\", "")
    assert "linear, **within.score-text_rule**: -0.020, 95% CI [-0.030, -0.010]: does not hold." in text
    undecided = "chain, **within.score-text_rule**: 0.010, 95% CI [-0.010, 0.030]: undecided."
    assert f"{undecided} Rule: better: 95% CI above 0." in text
    assert "As <b>hard</b> as before" in text


def test_a_family_is_chosen_for_its_rows_and_its_curves(made_table):
    app = visit(start(), "claims")
    app.selectbox(key="claim_section").select("4. AUROC within a problem").run()
    assert list(app.dataframe[0].value["claim"]) == ["within.score-text_rule", "within.score-probe_base"]
    assert "changed after the runs: by the rule before (worse: 95% CI below 0) does not hold" in "".join(
        app.dataframe[0].value["result"]
    )
    assert "untrained score would rank by" in said(app)
    app.segmented_control(key="claim_family_2").set_value("chain").run()
    assert not app.exception
    assert list(app.dataframe[0].value["claim"]) == ["within.score-text_rule"]
    assert "untrained score would rank by" not in said(app)  # no curves on this family


def test_every_section_of_the_shipped_table_shows_its_rows(bundled_runs):
    app, claims = visit(start(), "claims"), load()
    for section in app.selectbox(key="claim_section").options:
        app.selectbox(key="claim_section").select(section).run()
        assert not app.exception
        rows = [claim for claim in claims if str(claim.section) == section]
        assert list(app.dataframe[0].value["claim"]) == [symbols(c.claim) for c in rows if c.family == rows[0].family]


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
