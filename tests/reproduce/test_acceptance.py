"""Whether a base is an honest start: which decisions count, and when a family is accepted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from laser_core.policy import load_policy
from laser_core.reproduce.acceptance import Acceptance, look, measure, table
from laser_core.tasks import LINEAR

HONEST = Acceptance(
    family="linear",
    n_problems=200,
    samples=32,
    accuracy=0.3,
    cut_off=0.0,
    different=20.0,
    decision_auroc=0.95,
    accepts_wrong=0.5,
    score_auroc=0.5,
    probe_auroc=0.6,
)


@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        ({}, True),
        ({"decision_auroc": 0.899}, False),
        ({"score_auroc": 0.65}, False),
        ({"probe_auroc": 0.65}, False),
        ({"accuracy": 0.19}, False),
        ({"accuracy": 0.51}, False),
        ({"different": 7.9}, False),
    ],
)
def test_a_family_is_accepted_when_every_condition_is_met(change, accepted):
    found = replace(HONEST, **change)
    assert found.accepted is accepted
    assert table([found]).splitlines()[-1].endswith("| yes |" if accepted else "| no |")


def test_the_last_attempts_acceptance_is_no_decision(tiny_folder):
    """The corpus accepts every second attempt, whatever was guessed: it says nothing about checking."""
    policy = load_policy(str(tiny_folder))
    texts = ["x=2;1*2=2#2", "x=1;1*1=1~x=3;1*3=3#3", "x=5;1*5=5"]
    responses = [policy.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    prompt = policy.encode_prompt("1*x+0=3?")
    seen = look(policy, [prompt] * 3, responses, texts, np.array([2, 3, 5]))
    assert seen.right.tolist() == [True, False]  # the second solution's second guess is right, and was no choice
    assert seen.decision.shape == (2,)
    assert np.isfinite(seen.decision).all()
    assert len(seen.hidden) == 3


def test_an_untrained_model_is_measured_and_not_accepted(tiny_folder):
    found = measure(load_policy(str(tiny_folder)), LINEAR, n_problems=4, samples=4)
    assert not found.accepted
    assert (found.n_problems, found.samples, found.accuracy) == (4, 4, 0.0)
