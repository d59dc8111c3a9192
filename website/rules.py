"""The rules of the table of claims: each rule, why it is as it is, and what it decided."""

from __future__ import annotations

from collections.abc import Sequence

from laser_core.reproduce.rules import Rulebook
from laser_core.reproduce.table import Claim, change_of_rule, interval, show, verdict


def decided(claims: Sequence[Claim], rules: Rulebook, *, history: str = "") -> str:
    """All rules by section of the table, each with its reason and a row for every number that it decided.

    Parameters
    ----------
    claims : sequence of Claim
        The table.
    rules : Rulebook
    history : str
        When rules and runs were made.

    Returns
    -------
    str
        Markdown.
    """
    lines = [history, ""]
    without_rows = []
    section = ""
    for rule in rules.rules:
        rows = [claim for claim in claims if claim.rule and decides(rule.id, claim)]
        if not rows:
            without_rows.append(f"- `{rule.id}` ({', '.join(rule.families)}): {rule.words}. {rule.why}")
            continue
        if str(rows[0].section) != section:
            section = str(rows[0].section)
            lines += [f"## {section}", ""]
        lines += [f"### {rows[0].claim.replace('<', '&lt;')} {{ #{rule.id} }}", ""]
        lines += [f"**Rule:** {rule.words}. **Why:** {rule.why}", ""]
        lines += ["| problems | measured | 95% CI | paper | verdict | seeds x problems |", "|---|---|---|---|---|---|"]
        lines += [_row(claim) for claim in rows] + [""]
    if without_rows:
        lines += ["## Rules that wait for their runs", "", *without_rows, ""]
    return "\n".join(lines)


def decides(id: str, claim: Claim) -> bool:
    """Whether a rule decides a row: ``voting.gain.4`` the row ``words.voting.gain.4``, a transfer rule all targets.

    Examples
    --------
    >>> from laser_core.reproduce.table import ClaimSection
    >>> row = Claim(ClaimSection(10, ""), "", 0.8, 0.7, 0.9, None, 1, 150, True, id="words.transfer.chain.within")
    >>> decides("transfer.within", row), decides("within", row)
    (True, False)
    """
    own = claim.id.partition(".")[2]
    stem, _, metric = id.rpartition(".")
    return own == id or (
        stem == "transfer" and own.startswith("transfer.") and own.count(".") == 2 and own.endswith(f".{metric}")
    )


def _row(claim: Claim) -> str:
    trained = claim.id.partition(".")[0]
    where = f"{trained}, {claim.claim.partition(':')[0]}" if ".transfer." in claim.id else trained
    paper = "" if claim.paper is None else f"{claim.paper:g}"
    decided = "; ".join(filter(None, (verdict(claim), change_of_rule(claim))))
    sizes = f"{claim.seeds} x {claim.n_problems}"
    return f"| {where} | {show(claim.value, claim)} | {interval(claim)} | {paper} | {decided} | {sizes} |"
