"""The rules: three verdicts by the interval, none of which a noisier run passes more easily."""

import math
import re
import subprocess

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from laser_core.errors import InputError
from laser_core.reproduce.rules import FAILS, HOLDS, KINDS, UNDECIDED, Rule, committed, load_rules

RULES = {
    "better": Rule("r", ("linear",), "better"),
    "worse": Rule("r", ("linear",), "worse"),
    "at-least": Rule("r", ("linear",), "at-least", limit=0.7),
    "at-most": Rule("r", ("linear",), "at-most", limit=0.15),
    "non-inferior": Rule("r", ("linear",), "non-inferior", margin=0.02),
    "equivalent": Rule("r", ("linear",), "equivalent", limit=0.5, margin=0.05),
}
ENDS = st.floats(-2, 2)


@pytest.mark.parametrize(
    ("kind", "low", "high", "verdict"),
    [
        ("better", 0.001, 0.2, HOLDS),
        ("better", 0.0, 0.2, UNDECIDED),
        ("better", -0.1, 0.2, UNDECIDED),
        ("better", -0.1, 0.0, FAILS),
        ("worse", -0.2, -0.1, HOLDS),
        ("worse", -0.2, 0.1, UNDECIDED),
        ("worse", 0.0, 0.1, FAILS),
        ("at-least", 0.7, 0.9, HOLDS),
        ("at-least", 0.69, 0.9, UNDECIDED),
        ("at-least", 0.5, 0.69, FAILS),
        ("at-most", 0.1, 0.15, HOLDS),
        ("at-most", 0.1, 0.16, UNDECIDED),
        ("at-most", 0.16, 0.2, FAILS),
        ("non-inferior", -0.019, 0.1, HOLDS),
        ("non-inferior", -0.02, 0.1, UNDECIDED),
        ("non-inferior", -0.05, 0.5, UNDECIDED),
        ("non-inferior", -0.1, -0.02, FAILS),
        ("equivalent", 0.46, 0.54, HOLDS),
        ("equivalent", 0.44, 0.54, UNDECIDED),
        ("equivalent", 0.4, 0.6, UNDECIDED),
        ("equivalent", 0.55, 0.6, FAILS),
        ("equivalent", 0.1, 0.45, FAILS),
    ],
)
def test_the_interval_decides(kind, low, high, verdict):
    assert RULES[kind].verdict(low, high) == verdict


@pytest.mark.parametrize("kind", KINDS)
@given(low=ENDS, high=ENDS, down=st.floats(0, 2), up=st.floats(0, 2))
def test_a_wider_interval_never_makes_a_claim_hold_or_fail(kind, low, high, down, up):
    assume(low <= high)
    narrow, wide = RULES[kind].verdict(low, high), RULES[kind].verdict(low - down, high + up)
    assert wide in (narrow, UNDECIDED)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_hold_fail_and_be_undecided(kind):
    grid = np.linspace(-1, 1, 81)
    found = {RULES[kind].verdict(low, high) for low in grid for high in grid if low < high}
    assert found == {HOLDS, FAILS, UNDECIDED}
    assert RULES[kind].verdict(-3, 3) == UNDECIDED  # a run that says nothing


def test_equivalence_is_two_one_sided_tests():
    assert {kind: rule.level for kind, rule in RULES.items() if rule.level != 0.95} == {"equivalent": 0.90}
    assert "90% CI within 0.05 of 0.5" in RULES["equivalent"].words


@pytest.mark.parametrize("ends", [(math.nan, math.nan), (math.nan, 1.0), (0.1, math.inf)])
def test_without_an_interval_nothing_is_decided(ends):
    assert {rule.verdict(*ends) for rule in RULES.values()} == {UNDECIDED}


def test_the_projects_rules_are_complete():
    book = load_rules()
    assert len(book.sha256) == 64
    assert {rule.kind for rule in book.rules} == set(KINDS)
    assert book.find("reasoning.laser-grpo", "chain").margin == 0.02
    assert book.find("verification.score-reward_model", "words").margin == 0.03
    assert book.find("exact.accuracy", "words") is None
    assert {n for n in (4, 8, 16, 32) if book.find(f"voting.gain.{n}", "linear")} == {4, 8, 16, 32}
    assert all(rule.why.endswith(".") for rule in book.rules)


GOOD = '[[rule]]\nid = "a"\nfamilies = ["linear"]\nkind = "at-least"\nlimit = 0.5\nwhy = "w"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rules"),
        ("rule = 3", "no rules"),
        ("[[rule]\n", "cannot be read"),
        (GOOD.replace("at-least", "roughly"), "line 1.*kind.*'roughly' is no kind"),
        (GOOD.replace("limit = 0.5\n", ""), "limit.*needs a number"),
        (GOOD.replace("0.5", "true"), "limit.*needs a number"),
        (GOOD.replace("0.5", "nan"), "limit.*needs a number"),
        (GOOD.replace('["linear"]', '"linear"'), "families"),
        (GOOD.replace('why = "w"\n', ""), "why"),
        (GOOD + "margin = 0.1\n", "margin.*does not use it"),
        (GOOD.replace("at-least", "non-inferior").replace("limit = 0.5", "margin = -0.1"), "margin"),
        (GOOD + GOOD, "line 7.*second rule for a in linear"),
    ],
)
def test_a_faulty_file_is_named_with_line_field_and_remedy(tmp_path, text, message):
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        load_rules(path)
    assert "rules.toml" in str(error.value)
    assert re.search(message, str(error.value)), str(error.value)


def test_the_hash_follows_the_file(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text(GOOD)
    before = load_rules(path)
    path.write_text(GOOD.replace("0.5", "0.6"))
    assert load_rules(path).sha256 != before.sha256


def test_the_date_is_that_of_the_last_commit_of_the_file(tmp_path):
    def git(*arguments):
        identity = ("-c", "user.name=n", "-c", "user.email=e@x")
        environment = {"GIT_COMMITTER_DATE": "2026-01-02T03:04:05+00:00", "PATH": "/usr/bin:/bin"}
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True, capture_output=True, env=environment)

    path = tmp_path / "rules.toml"
    path.write_text(GOOD)
    assert committed(path) == ""  # no repository
    git("init")
    assert committed(path) == ""  # not committed
    git("add", "rules.toml")
    git("commit", "-m", "rules")
    assert committed(path).startswith("2026-01-02T03:04:05")
    path.write_text(GOOD + "\n")
    assert committed(path) == ""  # changed since
