"""What the solutions' texts say without the score: the text rule beside it, and how many solutions are different.

These rows were added after the results were known, so no rule judges them.
"""

from __future__ import annotations

import numpy as np

from laser_core.analysis.estimates import Statistic, mean_statistic
from laser_core.analysis.samples import Samples
from laser_core.analysis.seeds import over_seeds
from laser_core.reproduce.evidence import Evidence, Metric
from laser_core.reproduce.table import Claim, ClaimSection, Measured
from laser_core.reproduce.text_rule import CHECKED, TEXT_RULE
from laser_core.rollouts import Rollouts

TITLE = 'text rule, "last total = right side"'
DIVERSITY = (  # group of runs, what it is called, the family it was sampled on
    ("base", "base", "linear"),
    ("grpo", "GRPO", "linear"),
    ("laser", "LaSeR", "linear"),
    ("pair-laser", "LaSeR on pairs of equations", "pair"),
    ("words-laser", "LaSeR on word problems", "words"),
)


def text_rule_rows(
    e: Evidence,
    section: ClaimSection,
    group: str,
    metric: Metric,
    *,
    ids: tuple[str, str],
    titles: tuple[str, str] = (TITLE, "score - text rule"),
    family: str = "linear",
    transfer: bool = False,
) -> list[Claim]:
    """The text rule by ``metric``, and the score minus it on the same solutions, over the seeds of a group.

    Parameters
    ----------
    e : Evidence
    section : ClaimSection
    group : str
        The runs whose solutions are judged.
    metric : callable
    ids, titles : tuple of two str
        Of the rule's own row and of the difference.
    family : str
        Of the problems. Without a written check there are no rows.
    transfer : bool
        Whether the runs were trained on another family.
    """
    if family not in CHECKED:
        return []
    elsewhere = family if transfer else None
    names = e.evaluated(group, elsewhere)
    by_rule = [metric(e.samples(name, TEXT_RULE, elsewhere)) for name in names]
    by_score = [metric(e.samples(name, "score", elsewhere)) for name in names]
    gaps = [score.minus(rule) for score, rule in zip(by_score, by_rule, strict=True)]
    ahead = sum(gap.value < 0 for gap in gaps)
    note = f"the text rule is ahead in {ahead} of {len(names)} seeds; added after the results, so no rule judges it"
    rule, gap = (Measured(over_seeds(found), len(names)) for found in (by_rule, gaps))
    return [
        Claim.of(section, ids[0], titles[0], rule, group=group, family=family),
        Claim.of(section, ids[1], titles[1], gap, note=note, group=group, family=family, signed=True),
    ]


def diversity(e: Evidence) -> list[Claim]:
    """How many of a problem's solutions are different texts: what the 32 solutions are worth as evidence."""
    section, rows = ClaimSection(12, "How different a problem's solutions are"), []
    for group, title, family in DIVERSITY:
        names = e.names(group)
        if not names:
            continue
        n = e.samples(names[0]).n_samples
        found = Measured(
            over_seeds([distinct_responses(e.rollouts(name), e.samples(name)) for name in names]), len(names)
        )
        words, id = f"{title}: different solutions of a problem's {n}", f"diversity.{group}"
        rows.append(Claim.of(section, id, words, found, group=group, family=family))
    return rows


def distinct_responses(rollouts: Rollouts, samples: Samples) -> Statistic:
    """The number of different responses to a problem, averaged over problems."""
    responses = np.array(rollouts.text("response"), object)
    counts = [len(set(responses[rows[present]])) for rows, present in zip(samples.row, samples.present, strict=True)]
    return mean_statistic(np.array(counts, float), scale="real")
