"""What a reader must know first: the baselines that LaSeR's score does not beat."""

from __future__ import annotations

from collections.abc import Sequence

from laser_core.reproduce.claims_score import BASELINES, Baseline
from laser_core.reproduce.plan import TITLES
from laser_core.reproduce.rules import FAILS, HOLDS, UNDECIDED
from laser_core.reproduce.table import Claim, interval, judged, show, verdict

METRICS = {"within": "AUROC within a problem", "verification": "balanced F1"}
#: How the sentence begins a list of baselines, by the verdict on the score's lead.
LISTS = {FAILS: "it does not beat", UNDECIDED: "it is not ahead for certain of"}


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
    rows = {claim.id: claim for claim in claims if claim.rule}
    compared = [
        (family, baseline, rows[id])
        for family in TITLES
        for baseline in BASELINES
        if baseline.opponent
        for stem in METRICS
        if (id := f"{family}.{stem}.score-{baseline.key}") in rows
    ]
    if not compared:
        return ""
    parts = []
    for family in TITLES:
        here = [(baseline, row) for where, baseline, row in compared if where == family]
        lists = [f"{words}: {found}" for kind, words in LISTS.items() if (found := _listed(here, kind))]
        parts += [f"on {family} {', and '.join(lists)}"] if lists else []
    if not parts:
        return "In every family the score beats every baseline, by balanced F1 and by AUROC within a problem."
    return f"LaSeR's score does not beat every baseline: {'; '.join(parts)}."


def _listed(compared: Sequence[tuple[Baseline, Claim]], kind: str) -> str:
    """The baselines with a row of this verdict, each with the score's lead in every such row."""
    found: dict[str, list[str]] = {}
    for baseline, row in compared:
        if verdict(row) == kind:
            metric = METRICS[row.id.split(".")[1]]
            found.setdefault(baseline.title, []).append(f"{metric} {show(row.value, row)} {interval(row)}".strip())
    return ", ".join(f"{title} ({', '.join(numbers)})" for title, numbers in found.items())


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
