"""Which signals may stand in the score's place: never one that the verdict was derived from."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import judged_signals, summarize, why_not_judged
from laser_core.rollouts import Rollouts, read
from tests.factories import make_rollouts
from tests.rollouts.readers.files import FIXTURES

RNG = np.random.default_rng(0)
VERDICTS = (RNG.random(60) < 0.5).astype(float)


@pytest.mark.parametrize("values", [VERDICTS, 2 * VERDICTS - 1, 1 - VERDICTS, VERDICTS + 0.2 * (np.arange(60) % 3)])
def test_a_function_of_the_verdict_cannot_be_judged(values):
    """The verdict itself, as +-1, turned round, and with a bonus for the format: six values, no error."""
    assert why_not_judged("signal.quality", values, VERDICTS)


@pytest.mark.parametrize(
    "values",
    [
        VERDICTS + RNG.normal(0, 1e-3, 60),  # perfect, but of many values: a score may be that good
        np.where(np.arange(60) == 0, 1 - VERDICTS, VERDICTS),  # another verifier that disagrees once
        RNG.random(60),
        np.full(60, 0.5),
    ],
)
def test_what_is_no_function_of_the_verdict_can_be_judged(values):
    assert why_not_judged("signal.quality", values, VERDICTS) == ""


def test_a_reward_is_known_by_its_name_where_its_values_hide_it():
    """A length penalty blurs the verdict, and an advantage is centred within its group."""
    noise = RNG.normal(size=60)
    for name in ("reward", "rewards/accuracy", "advantage", "advantages", "CosineReward", "is_correct", "exact_match"):
        assert "by its name" in why_not_judged(f"signal.{name}", noise, VERDICTS), name
    for name in ("reward_model", "skywork_rm_reward", "mean_logprob", "passage_length", "similarity"):
        assert why_not_judged(f"signal.{name}", noise, VERDICTS) == "", name


def test_the_score_is_always_judged():
    assert why_not_judged("score", VERDICTS, VERDICTS) == ""


def test_few_lengths_may_separate_a_small_file_by_chance():
    """Three solutions have three lengths: the longest being the wrong one makes the length no verdict."""
    few = np.array([1.0, 1.0, 0.0])
    assert why_not_judged("signal.shortness", np.array([-3.0, -4.0, -9.0]), few) == ""
    assert why_not_judged("signal.shortness", 2 * VERDICTS, VERDICTS)


def test_without_verdicts_only_names_tell():
    unknown = np.full(60, np.nan)
    assert why_not_judged("signal.quality", VERDICTS, unknown) == ""
    assert why_not_judged("signal.reward", VERDICTS, unknown)


@pytest.mark.parametrize(
    "name",
    ["verl_rollouts.jsonl", "verl_validation.jsonl", "verl.table.json", "trl_text.parquet", "verifiers_old.jsonl"],
)
def test_files_of_trainers_without_a_score_are_unscored(name):
    """Their rewards and advantages were once shown as a score that ranks solutions right 100% of the time."""
    rollouts = read(FIXTURES / name).rollouts
    found = judged_signals(rollouts)
    assert found.default is None
    assert any("reward" in signal for signal in found.reasons)
    assert set(found.judged) | set(found.reasons) == set(rollouts.signals)


def test_a_constant_is_no_default():
    rollouts = without_score().with_column("signal.format", np.ones(48)).with_column("signal.quality", np.arange(48.0))
    assert judged_signals(rollouts).default == "signal.quality"
    assert judged_signals(without_score().with_column("signal.format", np.ones(48))).default is None


def without_score() -> Rollouts:
    found = make_rollouts(n_problems=12, n_samples=4, traces=False)
    assert len(found) == 48
    return Rollouts(found.table.drop_columns(["score", "z_logprob", "ref_z_logprob"]), found.meta)


def test_the_numbers_of_a_verdict_come_with_a_warning():
    rollouts = without_score()
    rollouts = rollouts.with_column("signal.reward", rollouts.column("correct"))
    found = summarize(rollouts, signal="reward")
    assert found.within_problem_auroc.value == 1
    assert found.warnings[0].startswith("'reward' is derived from the verdict")
    assert not any("derived" in warning for warning in summarize(make_rollouts(n_problems=12)).warnings)


def test_the_default_of_a_summary_is_the_score_and_then_what_can_be_judged():
    scored = make_rollouts(n_problems=12, n_samples=4, traces=False)
    correct = scored.column("correct")
    assert summarize(scored.with_column("signal.a_signal", correct)).signal == "score"
    rewarded = without_score().with_column("signal.reward", correct)
    found = summarize(rewarded)
    assert found.signal == "score"
    assert any("'reward' cannot stand in its place" in warning for warning in found.warnings)
    assert np.isnan(found.auroc.value)
    assert summarize(rewarded.with_column("signal.similarity", np.arange(48.0))).signal == "signal.similarity"
