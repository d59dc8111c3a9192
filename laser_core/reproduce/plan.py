"""What ``laser reproduce`` trains: which runs, with which settings, in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from laser_core.config import LaserConfig
from laser_core.reproduce.rules import Rule, below

BASE = "bundled:base"
RESERVED = tuple(f"<|reserved_{i}|>" for i in range(4))
#: Length limit of a solution in each family, in tokens: its longest correct solution and some room.
MAX_NEW_TOKENS = {"linear": 40, "linear-long": 52, "pair": 56, "words": 32, "words-long": 56}
TRANSFER = ("linear-long", "pair", "words")
#: Further families are also trained with alpha = 0.5: with few correct solutions, 0.1 learns slowly.
HEAVIER = "alpha-0.5"


@dataclass(frozen=True)
class Ablation:
    """LaSeR with one part of the recipe changed.

    Attributes
    ----------
    name : str
        Of its runs' group, after "ablation-".
    title : str
        What the table calls it.
    changes : mapping
        Fields of :class:`LaserConfig` and their values.
    harm : Rule or None
        For what the paper says harms the reasoning: when the difference in accuracy confirms it.
    note : str
        What is different here, where ``harm`` is given.
    """

    name: str
    title: str
    changes: Mapping[str, Any]
    harm: Rule | None = None
    note: str = ""

    @property
    def group(self) -> str:
        """Of its runs."""
        return f"ablation-{self.name}"


ABLATIONS = (
    Ablation("no-reweighting", "no class re-weighting", {"class_weighting": False}),
    Ablation("no-warmup", "no warm-ups", {"reasoning_warmup": 0, "self_reward_warmup": 0}),
    Ablation("no-integration", "no integrated advantages", {"integrate_advantages": False}),
    Ablation("beta-0.05", "beta_v = 0.05", {"beta_v": 0.05}),
    Ablation("beta-0.2", "beta_v = 0.2", {"beta_v": 0.2}),
    Ablation("alpha-0.5", "alpha = 0.5", {"alpha": 0.5}),
    Ablation("alpha-2", "alpha = 2", {"alpha": 2.0}),
    Ablation("other-token", "another z token", {"z_token": RESERVED[1]}),
    Ablation("several-tokens", "four z tokens, averaged", {"z_tokens": RESERVED}),
    Ablation(
        "bce",
        "SFT / BCE form",
        {"score_form": "bce"},
        harm=below(0),
        note="this form has to move log-probs from near -23 nats to 0, and the reasoning suffers, as the paper argues",
    ),
    Ablation(
        "self-reward",
        "self-reward alone",
        {"reward_source": "score"},
        harm=below(-0.05),
        note="the paper's run collapses after about 60 steps; with two seeds this 95% CI is wide",
    ),
)


@dataclass(frozen=True)
class Scale:
    """How many seeds, steps and problems a reproduction takes.

    Attributes
    ----------
    seeds, ablation_seeds : int
        Training seeds of the main runs, and of ablations and further families.
    steps : int
        Training steps of every run.
    problems, samples : int
        Held-out problems of an evaluation, and solutions of each.
    transfer_problems : int
        Held-out problems of each family that a model was not trained on.
    """

    seeds: int = 5
    ablation_seeds: int = 2
    steps: int = 100
    problems: int = 500
    samples: int = 32
    transfer_problems: int = 200


QUICK = Scale(seeds=2, ablation_seeds=1, steps=40, problems=128, transfer_problems=64)


@dataclass(frozen=True)
class Run:
    """One training run and its evaluation.

    Attributes
    ----------
    group : str
        What it is evidence for: "grpo", "laser", "exact", "pair-laser", "ablation-bce", ...
    seed : int
    config : LaserConfig
    reward_model : bool
        Whether an external reward model is trained on its rollouts.
    transfer : bool
        Whether it is also evaluated on families that it was not trained on.
    """

    group: str
    seed: int
    config: LaserConfig
    reward_model: bool = False
    transfer: bool = False

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.group}-{self.seed}"


def plan(scale: Scale) -> list[Run]:
    """All runs, the main ones first, seed by seed, so that an interrupted reproduction has complete rows.

    Examples
    --------
    >>> [run.name for run in plan(Scale(seeds=1, ablation_seeds=0))]
    ['laser-0', 'grpo-0', 'exact-0']
    """
    base = LaserConfig(
        model=BASE,
        steps=scale.steps,
        # The paper warms up for 200 + 200 of its steps; here each takes a tenth of the run.
        reasoning_warmup=scale.steps // 10,
        self_reward_warmup=scale.steps // 10,
        eval_problems=scale.problems,
        eval_samples=scale.samples,
        checkpoint_every=50,
    )
    runs = []
    for seed in range(scale.seeds):
        seeded = replace(base, seed=seed)
        runs.append(Run("laser", seed, replace(seeded, keep_rollouts=True), reward_model=True, transfer=True))
        runs.append(Run("grpo", seed, replace(seeded, method="grpo")))
    runs += [Run("exact", seed, replace(base, seed=seed, reference="exact")) for seed in range(scale.seeds)]
    for seed in range(scale.ablation_seeds):
        for family in ("pair", "words"):
            moved = replace(base, seed=seed, task=family, max_new_tokens=MAX_NEW_TOKENS[family])
            runs += [Run(f"{family}-{m}", seed, replace(moved, method=m)) for m in ("laser", "grpo")]
            runs.append(Run(f"{family}-{HEAVIER}", seed, replace(moved, alpha=0.5)))
        runs += [Run(a.group, seed, replace(base, seed=seed, **a.changes)) for a in ABLATIONS]
    return runs
