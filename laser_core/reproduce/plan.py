"""What ``laser reproduce`` trains: which runs, with which settings, in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from laser_core.config import LaserConfig
from laser_core.tasks import FAMILIES

BASE = "bundled:base"
#: The same base without the loss term that pins its reserved tokens.
UNPINNED = "bundled:base-unpinned"
#: Name of each family and what it teaches; the first one carries the ablations.
TITLES = {family.name: family.title for family in FAMILIES}
FIRST = FAMILIES[0].name
#: Length limit of a solution in each family, in tokens.
MAX_NEW_TOKENS = {family.name: family.max_new_tokens for family in FAMILIES}
#: Shares of a run for the policy loss alone, and for training the score without using it: 4 and 41 of 80 steps.
REASONING_SHARE, SELF_REWARD_SHARE = 4 / 80, 41 / 80
#: Of every run. Chosen on training batches: at 1e-4 a run of seed 0 had not left chance by step 56; at 3e-4 and 6e-4
#: runs of seed 100, which is not among those that are judged, ranked a problem's solutions by step 55.
LEARNING_RATE = 5e-4
#: Weight of the score loss: the paper's. A run of seed 100 on ``linear``, at 0.1 and at 0.5, ended at an accuracy of
#: 0.665 and 0.557 (GRPO: 0.678) and at an AUROC within a problem of 0.974 and 0.979 (200 x 16; docs/world.md).
ALPHA = 0.1
#: Times as many steps in the longer runs, and the family that they are made on: its second attempts are learned late.
LONGER, SLOWEST = 3, FAMILIES[-1].name


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
    note : str
        What to know when reading its rows.
    """

    name: str
    title: str
    changes: Mapping[str, Any]
    note: str = ""

    @property
    def group(self) -> str:
        """Of its runs."""
        return f"ablation-{self.name}"


ABLATIONS = (
    Ablation("no-integration", "no integrated advantages", {"integrate_advantages": False}),
    Ablation("no-reweighting", "no class re-weighting", {"class_weighting": False}),
    Ablation("alpha-0.5", "alpha = 0.5", {"alpha": 0.5}),
    Ablation("alpha-2", "alpha = 2", {"alpha": 2.0}),
    Ablation("bce", "SFT / BCE form", {"score_form": "bce"}, "log-probs have to move from near -23 nats to 0"),
    Ablation("self-reward", "self-reward alone", {"reward_source": "score"}, "the paper's run collapses"),
    Ablation("unpinned", "a base without pinned tokens", {"model": UNPINNED}, "the two bases differ in training, too"),
)


@dataclass(frozen=True)
class Scale:
    """How many seeds, steps and problems a reproduction takes.

    Attributes
    ----------
    seeds, ablation_seeds : int
        Training seeds of the main runs, and of the exact reference, the ablations and the longer runs.
    steps : int
        Training steps of every run.
    problems, samples : int
        Held-out problems of an evaluation, and solutions of each.
    ablation_samples : int
        Solutions of each problem for the exact reference and the ablations.
    transfer_problems, transfer_samples : int
        Held-out problems of each family that a model was not trained on, and solutions of each.
    second_prompts : int
        Solutions of each problem that the second prompt grades.
    """

    seeds: int = 5
    ablation_seeds: int = 3
    steps: int = 80
    problems: int = 400
    samples: int = 32
    ablation_samples: int = 8
    transfer_problems: int = 150
    transfer_samples: int = 8
    second_prompts: int = 8


#: One seed of the main runs, a little shorter; ablations are asked for with ``--ablation-seeds``.
QUICK = Scale(seeds=1, ablation_seeds=0, steps=64, problems=96, transfer_problems=48, second_prompts=4)


@dataclass(frozen=True)
class Run:
    """One training run and its evaluation.

    Attributes
    ----------
    group : str
        What it is evidence for: "laser", "chain-grpo", "exact", "ablation-bce", ...
    seed : int
    config : LaserConfig
    reward_model : bool
        Whether an external reward model is trained on its rollouts.
    baselines : bool
        Whether its solutions are also judged by everything the score is compared with.
    transfer : bool
        Whether it is also evaluated on families that it was not trained on.
    """

    group: str
    seed: int
    config: LaserConfig
    reward_model: bool = False
    baselines: bool = False
    transfer: bool = False

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.group}-{self.seed}"


def group_of(method: str, family: str) -> str:
    """The main runs of a method on a family.

    >>> group_of("laser", "linear"), group_of("grpo", "words")
    ('laser', 'words-grpo')
    """
    return method if family == FIRST else f"{family}-{method}"


def longer(method: str) -> str:
    """The runs of a method with :data:`LONGER` times as many steps.

    >>> longer("laser")
    'words-longer-laser'
    """
    return f"{SLOWEST}-longer-{method}"


def plan(scale: Scale) -> list[Run]:
    """All runs. Seed by seed through all families, so that an interrupted reproduction has complete rows.

    Examples
    --------
    >>> [run.name for run in plan(Scale(seeds=1, ablation_seeds=0))]
    ['laser-0', 'grpo-0', 'chain-laser-0', 'chain-grpo-0', 'words-laser-0', 'words-grpo-0']
    """
    base = LaserConfig(
        model=BASE,
        alpha=ALPHA,
        lr=LEARNING_RATE,
        steps=scale.steps,
        reasoning_warmup=round(REASONING_SHARE * scale.steps),
        self_reward_warmup=round(SELF_REWARD_SHARE * scale.steps),
        eval_problems=scale.problems,
        eval_samples=scale.samples,
        checkpoint_every=50,
    )
    runs = []
    for seed in range(scale.seeds):
        for family, limit in MAX_NEW_TOKENS.items():
            here = replace(base, seed=seed, task=family, max_new_tokens=limit)
            laser, grpo = replace(here, keep_rollouts=True), replace(here, method="grpo")
            laser_run = Run(group_of("laser", family), seed, laser, reward_model=True, baselines=True, transfer=True)
            runs += [laser_run, Run(group_of("grpo", family), seed, grpo)]
    few = replace(base, task=FIRST, max_new_tokens=MAX_NEW_TOKENS[FIRST], eval_samples=scale.ablation_samples)
    for seed in range(scale.ablation_seeds):
        runs.append(Run("exact", seed, replace(few, seed=seed, reference="exact")))
        runs += [Run(a.group, seed, replace(few, seed=seed, **a.changes)) for a in ABLATIONS]
    long = replace(
        base,
        task=SLOWEST,
        max_new_tokens=MAX_NEW_TOKENS[SLOWEST],
        steps=LONGER * scale.steps,
        reasoning_warmup=LONGER * base.reasoning_warmup,
        self_reward_warmup=LONGER * base.self_reward_warmup,
    )
    for seed in range(scale.ablation_seeds):
        runs += [Run(longer(method), seed, replace(long, seed=seed, method=method)) for method in ("laser", "grpo")]
    return runs
