"""The score beside everything that could replace it: balanced F1, and AUROC within a problem."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from laser_core.analysis.estimates import Statistic
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.separation import Ranked, accuracy_statistic, cell_statistics
from laser_core.reproduce.evidence import (
    FREE_BEST,
    FREE_COMBINED,
    PROBE_BASE,
    PROBE_OWN,
    REWARD_MODEL,
    SECOND_PROMPT,
    THRESHOLD,
    Evidence,
    Metric,
    auroc,
    balanced_f1,
    base_family,
    gain,
    within,
)
from laser_core.reproduce.plan import LONGER, SLOWEST, TITLES, group_of, longer
from laser_core.reproduce.table import Claim, ClaimSection, Measured
from laser_core.reproduce.text_rule import ARITHMETIC, CALCULATOR, FIRST_ATTEMPT, TEXT_RULE

LATER = "added after the results, so no rule judges it"
EXPECTED = "made after the results; what it had to show was written down before (docs/world.md)"
FEW_VOTES = 4  # where a vote gains most
ALL_RIGHT = 0.999  # of a share of equations: above it, all of them


@dataclass(frozen=True)
class Baseline:
    """Something that judges a solution in the score's place.

    Attributes
    ----------
    key : str
        In ids and rules.
    title : str
        What the table calls it.
    signal : str
        Its column.
    threshold : float
        Above which a solution is predicted correct.
    opponent : bool
        Whether the score should beat it, rather than do as well.
    """

    key: str
    title: str
    signal: str
    threshold: float = THRESHOLD
    opponent: bool = True

    def balanced_f1(self, samples: Samples) -> Statistic:
        """Balanced F1 at its threshold."""
        return cell_statistics(Ranked.of(samples), self.threshold).balanced_f1


BASELINES = (
    Baseline("text_rule", "one-line rule on the text", TEXT_RULE),
    Baseline("arithmetic", "share of right equations", ARITHMETIC, ALL_RIGHT),
    Baseline("first_attempt", "whether the first attempt was accepted", FIRST_ATTEMPT, opponent=False),
    Baseline("probe_base", "linear probe of the base's state at <eos>", PROBE_BASE),
    Baseline("free_best", "best free confidence signal", FREE_BEST),
    Baseline("free_combined", "all free signals combined", FREE_COMBINED),
    Baseline("second_prompt", "second prompt, in which the model grades itself", SECOND_PROMPT),
    Baseline("reward_model", "reward model of the same size", REWARD_MODEL, opponent=False),
)
#: For orientation: what a calculator finds in the text, and a probe in the trained model. No rule judges these rows.
UPPER = (
    Baseline("calculator", "rule and arithmetic together, a calculator's upper reference", CALCULATOR, opponent=False),
    Baseline("probe_own", "linear probe of LaSeR's own state, an upper reference", PROBE_OWN, opponent=False),
)


def self_verification(e: Evidence) -> Iterator[Claim]:
    """Claim 3: the score verifies the model's own solutions at 0.5, beside every baseline."""
    section = ClaimSection(3, "Self-verification: balanced F1 at 0.5, untuned")
    for family in TITLES:
        group = group_of("laser", family)
        found = e.over(group, balanced_f1)
        title = "LaSeR, last-token score"
        yield e.row(section, "verification.score", title, found, family=family, paper=0.796, group=group)
        yield from _beside(e, section, "verification", family, balanced_f1)
        yield from _second_prompts(e, section, "verification", family, balanced_f1)


def within_problem(e: Evidence) -> Iterator[Claim]:
    """Claim 4: the score ranks solutions of the same problem; where it starts, where it ends, beside every baseline."""
    section = ClaimSection(4, "Correct against incorrect within a problem: AUROC")
    for family in TITLES:
        group, grpo, where = group_of("laser", family), group_of("grpo", family), base_family(family)
        rows = (
            ("within.start", "base: log-prob of z_c before training", e.over("base", within, family=where), "base"),
            ("within.probe_base.start", *_probe_at_start(e, where), "base"),
            ("within.untrained", "GRPO: log-prob of z_c, never trained", e.over(grpo, within), grpo),
            ("within.score", "LaSeR, last-token score", e.over(group, within), group),
            ("within.overall", "the same over all solutions of all problems", e.over(group, auroc), group),
        )
        for key, title, found, runs in rows:
            yield e.row(section, key, title, found, family=family, group=runs)
        learned = e.difference("base", group, within, family=where)
        title = "LaSeR - base: what training the score adds"
        yield e.row(section, "within.score-start", title, learned, family=family, group=group, signed=True)
        yield from _beside(e, section, "within", family, within)
        yield from _second_prompts(e, section, "within", family, within)


def _beside(e: Evidence, section: ClaimSection, stem: str, family: str, metric: Metric) -> Iterator[Claim]:
    """Each baseline's own value on LaSeR's solutions, and the score minus it on the same ones."""
    group = group_of("laser", family)
    for baseline in (*BASELINES, *UPPER):
        of_baseline = baseline.balanced_f1 if metric is balanced_f1 else metric
        found, note = e.over(group, of_baseline, signal=baseline.signal), _note(e, baseline, group)
        key, gap = f"{stem}.{baseline.key}", e.against(group, baseline.signal, metric, of_baseline)
        paper = 0.789 if baseline.key == "reward_model" and metric is balanced_f1 else None
        yield e.row(section, key, baseline.title, found, family=family, note=note, group=group, paper=paper)
        title, key = f"score - {baseline.title}", f"{stem}.score-{baseline.key}"
        paper = -0.013 if paper else None
        yield e.row(section, key, title, gap, family=family, group=group, paper=paper, signed=True)


def _second_prompts(e: Evidence, section: ClaimSection, stem: str, family: str, metric: Metric) -> Iterator[Claim]:
    """The second prompt of the base and of GRPO, each on its own solutions."""
    papers = {"base": 0.329, "grpo": 0.492} if metric is balanced_f1 else {}
    for name, title, group, where in (
        ("base", "base", "base", base_family(family)),
        ("grpo", "GRPO", group_of("grpo", family), None),
    ):
        found = e.over(group, metric, signal=SECOND_PROMPT, family=where)
        key, words = f"{stem}.second_prompt.{name}", f"{title}: second prompt on its own solutions"
        yield e.row(section, key, words, found, family=family, group=group, paper=papers.get(name))


def _probe_at_start(e: Evidence, where: str | None) -> tuple[str, Measured]:
    title = "base: linear probe of its state at <eos>, its own solutions"
    return title, e.over("base", within, signal=PROBE_BASE, family=where)


def attempts(e: Evidence) -> Iterator[Claim]:
    """What the score knows beside the number of attempts: AUROC within a problem, between solutions of as many."""
    section = ClaimSection(12, "Between solutions with as many attempts: AUROC within a problem")
    for family in TITLES:
        for key, title, group in (
            ("score", "LaSeR, last-token score", group_of("laser", family)),
            ("untrained", "GRPO: log-prob of z_c, never trained", group_of("grpo", family)),
        ):
            for number, words, first in (("one", "one attempt", 1.0), ("two", "two attempts", 0.0)):
                found, id = e.among(group, FIRST_ATTEMPT, first, within), f"attempts.{key}.{number}"
                yield e.row(section, id, f"{title}; {words}", found, family=family, note=LATER, group=group)


def longer_runs(e: Evidence) -> Iterator[Claim]:
    """Whether the family that LaSeR is slowest in needs more steps: accuracy, the score, and second attempts."""
    section = ClaimSection(13, f"{LONGER} times as many steps, on {SLOWEST}")
    laser, grpo = longer("laser"), longer("grpo")
    values = (
        ("grpo", "accuracy, GRPO", e.over(grpo, accuracy_statistic), grpo),
        ("laser", "accuracy, LaSeR", e.over(laser, accuracy_statistic), laser),
        ("verification", "LaSeR, last-token score: balanced F1", e.over(laser, balanced_f1), laser),
        ("within", "LaSeR, last-token score: AUROC within", e.over(laser, within), laser),
        ("one", "AUROC within, one attempt", e.among(laser, FIRST_ATTEMPT, 1.0, within), laser),
        ("two", "AUROC within, two attempts", e.among(laser, FIRST_ATTEMPT, 0.0, within), laser),
    )
    rule = BASELINES[0]
    differences = (
        ("laser-grpo", "LaSeR - GRPO, accuracy", e.difference(grpo, laser, accuracy_statistic)),
        ("within-text_rule", f"score - {rule.title}, AUROC within", e.against(laser, rule.signal, within)),
        ("gain", f"weighted - majority, N = {FEW_VOTES}", e.over(laser, gain(FEW_VOTES))),
    )
    for key, title, found, group in values:
        yield e.row(section, f"longer.{key}", title, found, family=SLOWEST, note=EXPECTED, group=group)
    for key, title, found in differences:
        yield e.row(section, f"longer.{key}", title, found, family=SLOWEST, note=EXPECTED, group=laser, signed=True)


def _note(e: Evidence, baseline: Baseline, group: str) -> str:
    """What the runs' facts say of a baseline."""
    facts = [e.facts.get(name, {}) for name in e.names(group)]
    if baseline.key == "free_best":
        names = sorted({str(found["free_best"]).replace("_", " ") for found in facts if "free_best" in found})
        return f"chosen on these very solutions: {', '.join(names)}" if names else ""
    if baseline.signal == FIRST_ATTEMPT:
        return LATER
    shares = [found["graded"] for found in facts if "graded" in found]
    if baseline.key == "second_prompt" and shares:
        return f"it writes a grade for {min(shares):.1%} to {max(shares):.1%} of the solutions; without one it says no"
    return ""
