"""What a reader must know first: the baselines that LaSeR's score does not beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from laser_core.reproduce.claims_score import BASELINES
from laser_core.reproduce.plan import TITLES
from laser_core.reproduce.rules import FAILS, HOLDS, UNDECIDED
from laser_core.reproduce.table import Claim, judged, verdict

METRICS = {"within": "AUROC within a problem", "verification": "balanced F1"}
#: How the list of the baselines begins to which the score loses, or may lose.
LISTS = {FAILS: f"Ahead of it, by {' or '.join(METRICS.values())}", UNDECIDED: "Undecided"}


def first_sentence(claims: Sequence[Claim]) -> str:
    """Whether the score beats every baseline and, where it does not, which ones in which families.

    Two or three short sentences without numbers: those are in the table.

    Parameters
    ----------
    claims : sequence of Claim
        A table.

    Returns
    -------
    str
        Empty for a table without the score beside its baselines.
    """
    compared = _compared(claims)
    if not compared:
        return ""
    lists = {kind: _listed(compared, kind) for kind in LISTS}
    told = [f"{LISTS[kind]}: {found}." for kind, found in lists.items() if found]
    if lists[FAILS]:
        return " ".join(["LaSeR's score does not beat every baseline.", *told])
    if lists[UNDECIDED]:
        return " ".join(["LaSeR's score is not ahead of every baseline for certain.", *told])
    return "In every family the score beats every baseline, by balanced F1 and by AUROC within a problem."


def _compared(claims: Sequence[Claim]) -> dict[str, dict[str, str]]:
    """The verdict on the score's lead over each baseline, by its title and family: the worse one of both metrics."""
    rows = {claim.id: verdict(claim) for claim in claims if claim.rule}
    found: dict[str, dict[str, str]] = {}
    for baseline in (baseline for baseline in BASELINES if baseline.opponent):
        for family in TITLES:
            ids = [f"{family}.{stem}.score-{baseline.key}" for stem in METRICS]
            verdicts = [rows[id] for id in ids if id in rows]
            if verdicts:
                worst = next(kind for kind in (FAILS, UNDECIDED, HOLDS) if kind in verdicts)
                found.setdefault(baseline.title, {})[family] = worst
    return found


def _listed(compared: Mapping[str, Mapping[str, str]], kind: str) -> str:
    """The baselines with this verdict in some family, each with those families."""
    parts = []
    for title, verdicts in compared.items():
        families = [family for family, found in verdicts.items() if found == kind]
        if families:
            everywhere = len(families) == len(verdicts) > 1
            parts.append(f"{title} ({'every family' if everywhere else ', '.join(families)})")
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""


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
