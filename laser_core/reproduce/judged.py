"""Everything that judges a run's solutions beside the score, as columns of its table, and the run's facts in a file.

Columns that need the model or its per-token columns are made here, once, so that the table of claims can be computed
again from files without either.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from laser_core.atomic import write_whole
from laser_core.policy import Policy
from laser_core.reproduce import verifiers
from laser_core.reproduce.evidence import FREE_BEST, FREE_COMBINED, PROBE_BASE, PROBE_OWN, SECOND_PROMPT
from laser_core.reproduce.probe import SELF_CERTAINTY, cross_fitted, end_states, free_signals, problem_numbers
from laser_core.rollouts import Rollouts
from laser_core.score import last_token_score

#: Digits that are kept of log-probs (nats) and scores, and of a probability's log-odds: files shrink to a third.
NATS, LOG_ODDS = 3, 2


@dataclass(frozen=True)
class Graded:
    """A table with its grades, and how they came about.

    Attributes
    ----------
    rollouts : Rollouts
    facts : dict
        ``graded``: the share of second prompts that ended in a grade; ``read`` and ``written``: their mean tokens.
    """

    rollouts: Rollouts
    facts: dict[str, Any]


def with_second_prompt(policy: Policy, rollouts: Rollouts, *, per_problem: int, dtype: torch.dtype) -> Graded:
    """Add the model's own grade of the first solutions of each problem; NaN for the others and for truncated ones."""
    asked = np.flatnonzero((rollouts.column("sample") < per_problem) & (rollouts.column("truncated") != 1))
    values = np.full(len(rollouts), np.nan)
    if not len(asked):
        return Graded(rollouts.with_column(SECOND_PROMPT, values), {})
    problems, responses = rollouts.text("problem"), rollouts.text("response")
    found = verifiers.second_prompt(
        policy, [problems[i] or "" for i in asked], [responses[i] or "" for i in asked], dtype=dtype
    )
    values[asked] = shortened_probability(found.probability)
    facts = {
        "graded": round(float(found.graded.mean()), 4),
        "read": round(float(found.read.mean()), 1),
        "written": round(float(found.written.mean()), 1),
    }
    return Graded(rollouts.with_column(SECOND_PROMPT, values), facts)


def with_probe(policy: Policy, reader: Policy, rollouts: Rollouts, column: str, *, dtype: torch.dtype) -> Rollouts:
    """Add what a linear probe finds in ``reader``'s hidden state at the end of the solutions that ``policy`` wrote."""
    states = end_states(reader, verifiers.solutions_of(policy, rollouts), dtype=dtype)
    states[rollouts.column("truncated") == 1] = np.nan
    probability = cross_fitted(states, rollouts.column("correct"), problem_numbers(rollouts))
    return rollouts.with_column(column, shortened_probability(probability))


def with_baselines(policy: Policy, base: Policy, rollouts: Rollouts, *, dtype: torch.dtype) -> Graded:
    """Add the linear probes of the base and of the model itself, and the free signals alone and combined."""
    rollouts = with_probe(policy, base, rollouts, PROBE_BASE, dtype=dtype)
    rollouts = with_probe(policy, policy, rollouts, PROBE_OWN, dtype=dtype)
    certain = rollouts.with_column(SELF_CERTAINTY, verifiers.self_certainty(policy, rollouts, dtype=dtype))
    name, best, combined = free_signals(certain)
    rollouts = rollouts.with_column(FREE_BEST, shortened_probability(best)).with_column(
        FREE_COMBINED, shortened_probability(combined)
    )
    return Graded(rollouts, {"free_best": name.removeprefix("signal.")})


def shortened(rollouts: Rollouts) -> Rollouts:
    """The table with log-probs of z_c and scores at a thousandth of a nat, so that what ships is what was judged."""
    z = np.round(rollouts.column("z_logprob"), NATS)
    meta, score = rollouts.meta, rollouts.column("score")
    by_constant = None
    if meta.beta_v is not None and meta.c_ref is not None:
        by_constant = np.asarray(last_token_score(z, beta_v=meta.beta_v, c_ref=meta.c_ref))
    # An ablation may score in another way; then its own scores are kept.
    plain = by_constant is not None and np.allclose(by_constant, score, atol=1e-3, equal_nan=True)
    rollouts = rollouts.with_column("z_logprob", z)
    if rollouts.has("ref_z_logprob"):
        rollouts = rollouts.with_column("ref_z_logprob", np.round(rollouts.column("ref_z_logprob"), NATS))
    return rollouts.with_column("score", by_constant if plain else np.round(score, NATS + 1))


def shortened_probability(probability: np.ndarray) -> np.ndarray:
    """Probabilities at a hundredth of their log-odds, which keeps the order near 0 and 1."""
    p = np.clip(probability, 1e-12, 1 - 1e-12)
    odds = np.round(np.log(p) - np.log1p(-p), LOG_ODDS)
    return np.where(probability == 0, 0.0, 1 / (1 + np.exp(-odds)))


def curves(events: Path, *, beta_v: float, c_ref: float) -> dict[str, list[float | None]]:
    """What the training batches say of each step, from a run's ``events.jsonl``.

    Parameters
    ----------
    events : Path
    beta_v : float
        Scale of the score, in reward units per nat.
    c_ref : float
        Reference constant, in nats.

    Returns
    -------
    dict of str to list
        ``step``; ``within``: AUROC within a problem; ``accuracy``; ``z_correct`` and ``z_incorrect``: mean
        log pi(z_c | x, y, <eos>) of correct and incorrect solutions, in nats. None where a step has no value.
    """
    found: dict[str, list[float | None]] = {
        name: [] for name in ("step", "within", "accuracy", "z_correct", "z_incorrect")
    }
    for line in events.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if "within_problem_auroc" not in event:
            continue
        found["step"].append(event["step"])
        found["within"].append(_rounded(event["within_problem_auroc"]))
        found["accuracy"].append(_rounded(event.get("reward")))
        for kind in ("correct", "incorrect"):
            score = event.get(f"laser/score_{kind}")
            found[f"z_{kind}"].append(None if score is None else _rounded(score / beta_v + c_ref))
    return found


def write_facts(folder: Path, **facts: Any) -> None:
    """Write ``facts.json``: when a run started and what its table cannot say."""
    write_whole(folder / "facts.json", json.dumps(facts) + "\n")


def started(folder: Path) -> str:
    """When a run began, as its ``run.json`` says, else now; ISO 8601, UTC."""
    try:
        return str(json.loads((folder / "run.json").read_text(encoding="utf-8"))["sessions"][0]["started"])
    except (OSError, ValueError, KeyError, IndexError):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 4)
