"""Numbers of the shipped table inside texts, so that no text says what the table does not.

A place in a Markdown file is marked by two comments, which neither a checkout's reader nor the site shows::

    the score's AUROC is <!-- value: within.score -->0.75 [0.73, 0.78] (linear)<!-- /value -->

``python sample_data/readme_table.py`` writes what stands between them, in every file; a test fails where it is stale.

========= ============================ =====================================================================
kind      after the colon              what is written
========= ============================ =====================================================================
value     a row's id                   its value with the 95% interval; without a family, those of all families
verdicts  an id without its family     where the rule holds, does not hold and is undecided, in words
rule      an id without its family     the rule that decides it, in words
seeds     nothing                      "**n of N seeds**" and what an interval over them covers
table     ids without family, commas   a row each, a family a column; on lines of its own
findings  nothing                      three findings with their intervals; on lines of its own
========= ============================ =====================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from laser_core.errors import InputError
from laser_core.reproduce.plan import TITLES, Scale
from laser_core.reproduce.rules import FAILS, HOLDS, UNDECIDED
from laser_core.reproduce.table import Claim, interval, judged, show, verdict

_PLACE = re.compile(r"<!-- (?P<kind>[a-z]+)(?:: (?P<ids>[^>]*?))? -->(?P<text>.*?)<!-- /(?P=kind) -->", re.DOTALL)
#: How a sentence says each verdict, in this order.
SAYS = {HOLDS: "holds", FAILS: "does not hold", UNDECIDED: "is undecided"}
#: The rows behind the three findings, and how their table names them.
LEARNED, COST, RIVAL, VOTE = "within.score-start", "reasoning.laser-grpo", "within.score-text_rule", "voting.gain.4"
SHOWN = {
    "within.start": "AUROC within a problem: log-prob of the verdict token before training",
    LEARNED: "AUROC within a problem: what training adds",
    COST: "accuracy: LaSeR minus GRPO",
    RIVAL: "AUROC within a problem: score minus one-line rule",
    VOTE: "accuracy: weighted minus majority vote of 4",
    "voting.gain.16": "the same, of 16",
}
#: Places that stand in a line; at its beginning Markdown would take the rest of the line for HTML.
IN_A_LINE = ("value", "verdicts", "rule", "seeds")


def refresh(text: str, claims: Sequence[Claim], *, file: Path | str = "") -> str:
    """A text with every marked place written anew.

    Parameters
    ----------
    text : str
        Markdown.
    claims : sequence of Claim
        The table.
    file : path or str
        Named in errors.

    Returns
    -------
    str

    Raises
    ------
    InputError
        Where a place asks for a row that the table does not have, or for an unknown kind; names the line.
    """

    def written(place: re.Match[str]) -> str:
        kind, ids = place["kind"], [id.strip() for id in (place["ids"] or "").split(",") if id.strip()]
        line = text.count("\n", 0, place.start()) + 1
        if kind not in KINDS:
            raise InputError(f"{kind!r} is no kind of place", file=file, line=line, remedy=f"use {', '.join(KINDS)}")
        if kind in IN_A_LINE and text[: place.start()].endswith("\n"):
            raise InputError("a place begins its line", file=file, line=line, remedy="put a word before it")
        try:
            new = KINDS[kind](claims, ids)
        except KeyError as missing:
            raise InputError(
                f"the table of claims has no row {missing}", file=file, line=line, remedy="name one of its rows"
            ) from None
        begin = place[0][: place[0].index("-->") + 3]
        return f"{begin}{new}<!-- /{kind} -->"

    return _PLACE.sub(written, text)


def rows_of(claims: Sequence[Claim], id: str) -> list[Claim]:
    """The rows with an id: one with its family, else those of all families, in the families' order.

    Raises
    ------
    KeyError
        If there is none.
    """
    families = [*TITLES]
    found = [claim for claim in claims if claim.id == id or claim.id == f"{claim.id.partition('.')[0]}.{id}"]
    if not found:
        raise KeyError(id)
    return sorted(found, key=lambda claim: families.index(claim.id.partition(".")[0]))


def measured(claim: Claim) -> str:
    """A row's value with its interval."""
    return f"{show(claim.value, claim)} {interval(claim)}".strip()


def listed(words: Iterable[str]) -> str:
    """
    >>> listed(["linear"]), listed(["linear", "chain", "words"])
    ('linear', 'linear, chain and words')
    """
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def value(claims: Sequence[Claim], ids: Sequence[str]) -> str:
    """One row's value, or the values of all families with their names behind them."""
    (id,) = ids
    rows = rows_of(claims, id)
    if rows[0].id == id:
        return measured(rows[0])
    return ", ".join(f"{measured(row)} ({row.family})" for row in rows)


def verdicts(claims: Sequence[Claim], ids: Sequence[str]) -> str:
    """Where the rule holds, does not hold and is undecided: "holds in linear and chain and is undecided in words"."""
    (id,) = ids
    found: dict[str, list[str]] = {}
    for row in rows_of(claims, id):
        found.setdefault(verdict(row), []).append(row.family)
    parts = [f"{said} in {listed(found[kind])}" for kind, said in SAYS.items() if kind in found]
    return listed(parts)


def rule(claims: Sequence[Claim], ids: Sequence[str]) -> str:
    """The rule of a row, which is the same in all families."""
    (id,) = ids
    return rows_of(claims, id)[0].rule


def seeds(claims: Sequence[Claim], ids: Sequence[str] = ()) -> str:
    """How many of the planned seeds are in, and what an interval therefore covers."""
    low, high = seed_range(claims)
    number = f"{low}" if low == high else f"{low} to {high}"
    covers = (
        "With one seed an interval is over problems alone: it says nothing about how another training would end."
        if high == 1
        else "An interval covers two sources of chance: the seed of a training, and the problems it is judged on."
    )
    return f"**{number} of {Scale().seeds} seeds** of GRPO and of LaSeR in each family. {covers}"


def seed_range(claims: Sequence[Claim]) -> tuple[int, int]:
    """Fewest and most seeds behind the main judged rows of a family; the base has no seeds."""
    main = [claim for claim in judged(claims) if claim.section.number in (2, 3, 4, 5)]
    found = {claim.seeds for claim in main if not claim.id.endswith("within.start")}
    return min(found), max(found)


def table(claims: Sequence[Claim], ids: Sequence[str]) -> str:
    """A row for each id and a column for each family, with the verdict's mark."""
    marks = {HOLDS: "✓ ", FAILS: "✗ ", UNDECIDED: "? ", "": ""}
    by_id = {id: {row.family: row for row in rows_of(claims, id)} for id in ids}
    families = [family for family in TITLES if any(family in rows for rows in by_id.values())]
    compared = any(row.paper is not None for rows in by_id.values() for row in rows.values())
    heads = [*(["paper"] if compared else []), *families]
    lines = [f"| | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    for rows in by_id.values():
        first = next(iter(rows.values()))
        paper = [""] if first.paper is None else [f"{first.paper:g}"]
        name = first.claim.replace("|", "\\|").replace("<", "&lt;")
        cells = [f"{marks[verdict(rows[f])]}{measured(rows[f])}" if f in rows else "" for f in families]
        lines.append(f"| {' | '.join([name, *(paper if compared else []), *cells])} |")
    return "\n\n" + "\n".join(lines) + "\n\n"


def findings(claims: Sequence[Claim], ids: Sequence[str] = ()) -> str:
    """One that holds, what embarrasses us, and the votes: each is led by what the rules decided, and none is praise."""
    learned = _where(claims, LEARNED, "The score is learned", "The score is not learned")
    cost = _where(claims, COST, "It costs no more than 0.02 of accuracy", "It costs accuracy")
    rival = _where(
        claims, RIVAL, "It ranks better than a one-line rule on the text", "A one-line rule on the text ranks better"
    )
    votes = _where(claims, VOTE, "Weighting votes by the score helps", "Weighting votes by the score does not help")
    families = [row.family for row in rows_of(claims, LEARNED)]
    low, high = seed_range(claims)
    number = f"{high} seed{'s' if high > 1 else ''}" if low == high else f"{low} to {high} seeds"
    n = max(row.n_problems for row in rows_of(claims, COST))
    rows = "\n".join(
        f"| {name} | {' | '.join(measured(row) for row in rows_of(claims, id))} |" for id, name in SHOWN.items()
    )
    return f"""

- **{learned}.** By chance the AUROC would be 0.5; the first row is the base.
- **{cost}. {rival}.**
- **{votes}.**

| 95% CI; {number}, {n} held-out problems x 32 solutions | {" | ".join(families)} |
|---|{"---|" * len(families)}
{rows}

{"; ".join(f"{family}: {TITLES[family]}" for family in families)}.

"""


def _where(claims: Sequence[Claim], id: str, held: str, failed: str) -> str:
    """A finding's headline: what holds where it holds in every family, else where it holds and where it does not.

    A claim that is undecided somewhere is not said to hold there.
    """
    rows = rows_of(claims, id)
    holds = [row.family for row in rows if verdict(row) == HOLDS]
    fails = [row.family for row in rows if verdict(row) == FAILS]
    if len(holds) == len(rows):
        return held
    if len(fails) == len(rows):
        return failed
    open_ = [row.family for row in rows if verdict(row) == UNDECIDED]
    parts = [f"{held} in {listed(holds)}"] if holds else []
    parts += [f"{failed[0].lower() if parts else failed[0]}{failed[1:]} in {listed(fails)}"] if fails else []
    if not parts:
        return f"Whether {held[0].lower()}{held[1:]} is undecided in {listed(open_)}"
    return ", ".join(parts) + (f" (undecided in {listed(open_)})" if open_ else "")


KINDS: dict[str, Callable[[Sequence[Claim], Sequence[str]], str]] = {
    "value": value,
    "verdicts": verdicts,
    "rule": rule,
    "seeds": seeds,
    "table": table,
    "findings": findings,
}
