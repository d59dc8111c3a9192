"""What ``laser reproduce`` trains: which runs, with which settings, in which order."""

from __future__ import annotations

from dataclasses import dataclass, replace

from laser_core.config import LaserConfig

BASE = "bundled:base"
RESERVED = tuple(f"<|reserved_{i}|>" for i in range(4))
#: Longest right solution of a family, and some room, in tokens.
MAX_NEW_TOKENS = {"linear": 40, "linear-long": 52, "pair": 56, "words": 32, "words-long": 56}
TRANSFER = ("linear-long", "pair", "words")
#: Further families are trained with a heavier score loss too: where few solutions are right, 0.1 learns slowly.
HEAVIER = "alpha-0.5"

#: Ablations of LaSeR: group, what is changed, what the table calls it.
ABLATIONS: tuple[tuple[str, dict, str], ...] = (
    ("no-reweighting", {"class_weighting": False}, "no class re-weighting"),
    ("no-warmup", {"reasoning_warmup": 0, "self_reward_warmup": 0}, "no warm-ups"),
    ("no-integration", {"integrate_advantages": False}, "no integrated advantages"),
    ("beta-0.05", {"beta_v": 0.05}, "beta_v = 0.05"),
    ("beta-0.2", {"beta_v": 0.2}, "beta_v = 0.2"),
    ("alpha-0.5", {"alpha": 0.5}, "alpha = 0.5"),
    ("alpha-2", {"alpha": 2.0}, "alpha = 2"),
    ("other-token", {"z_token": RESERVED[1]}, "another z token"),
    ("several-tokens", {"z_tokens": RESERVED}, "four z tokens, averaged"),
    ("bce", {"score_form": "bce"}, "SFT / BCE form"),
    ("self-reward", {"reward_source": "score"}, "self-reward alone"),
)


@dataclass(frozen=True)
class Scale:
    """How much of everything.

    Attributes
    ----------
    seeds, ablation_seeds : training seeds of the main runs, and of ablations and further families.
    steps : training steps of every run.
    problems, samples : held-out problems of an evaluation, and solutions of each.
    transfer_problems : the same for each family a model was not trained on.
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
    group : what it is evidence for: "grpo", "laser", "exact", "pair-laser", "ablation-bce", ...
    seed : of the run.
    config : its settings.
    reward_model, transfer : whether an external reward model is trained on its rollouts, and whether it is also
        evaluated on other families.
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
    """All runs, the most telling first, seed by seed, so that a stopped reproduction has whole rows.

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
        runs += [Run(f"ablation-{name}", seed, replace(base, seed=seed, **changes)) for name, changes, _ in ABLATIONS]
    return runs
