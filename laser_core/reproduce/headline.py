"""What a reader must know first: the baselines that LaSeR's score does not beat."""

from __future__ import annotations

from collections.abc import Sequence

from laser_core.reproduce.claims_score import BASELINES
from laser_core.reproduce.plan import TITLES
from laser_core.reproduce.rules import HOLDS, UNDECIDED
from laser_core.reproduce.table import Claim, interval, judged, show, verdict

METRIC_WORDS = {"within": "AUROC within a problem", "verification": "balanced F1"}


def first_sentence(claims: Sequence[Claim]) -> str:
    """Where the score does not beat a baseline, or not for certain, with the numbers; where it beats all, that it does.

    Parameters
    ----------
    claims : sequence of Claim
        A table.

    Returns
    -------
    str
        Empty for a table without the score beside its baselines.
    """
    opponents = [baseline for baseline in BASELINES if baseline.opponent]
    rows = {claim.id: claim for claim in claims}
    compared, behind = 0, []
    for family in TITLES:
        for stem, metric in METRIC_WORDS.items():
            for baseline in opponents:
                row = rows.get(f"{family}.{stem}.score-{baseline.key}")
                if row is None or not row.rule:
                    continue
                compared += 1
                if verdict(row) != HOLDS:
                    sure = " for certain" if verdict(row) == UNDECIDED else ""
                    numbers = f"{show(row.value, row)} {interval(row)}".strip()
                    behind.append((family, f"{baseline.title}{sure} ({metric} {numbers})"))
    if not compared:
        return ""
    if not behind:
        return "In every family the score beats every baseline, by balanced F1 and by AUROC within a problem."
    by_family = [
        f"on {family}, {'; '.join(words for where, words in behind if where == family)}"
        for family in TITLES
        if any(where == family for where, _ in behind)
    ]
    return f"LaSeR's score does not beat every baseline: not, {'. Nor, '.join(by_family)}."


def counts(claims: Sequence[Claim]) -> str:
    """How many of the judged rows hold, do not hold and are undecided.

    Examples
    --------
    >>> counts([])
    'Of 0 judged claims 0 hold, 0 do not hold and 0 are undecided.'
    """
    verdicts = [verdict(claim) for claim in judged(claims)]
    held, open_ = verdicts.count(HOLDS), verdicts.count(UNDECIDED)
    failed = len(verdicts) - held - open_
    return f"Of {len(verdicts)} judged claims {held} hold, {failed} do not hold and {open_} are undecided."
