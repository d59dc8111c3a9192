"""Writes what the shipped table says into the README and the pages of ``docs``, so that they say what was measured.

``python sample_data/readme_table.py`` rewrites the whole table in ``docs/claims.md`` and every number that a text marks
(:mod:`in_text`). In the table all rows are shown, one line a claim and one column a family, so that no row is picked
for its value.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from in_text import refresh

from laser_core.bundled import ROOT
from laser_core.errors import InputError
from laser_core.reproduce.headline import counts, first_sentence
from laser_core.reproduce.history import load_history
from laser_core.reproduce.plan import TITLES
from laser_core.reproduce.table import SHIPPED, Claim, change_of_rule, interval, judged, load, show, verdict

BEGIN, END = "<!-- table of claims -->\n", "<!-- end of the table -->\n"
OPEN = (2, 3, 4, 5)  # sections in sight; the others are folded, in full
MARKS = {"holds": "✓", "does not hold": "✗", "undecided": "?", "": ""}


def as_markdown(claims: Sequence[Claim], *, history: str = "") -> str:
    """What a reader must know first, then every row of every section, and the rules of what does not hold."""
    families = [family for family in TITLES if any(claim.family == family for claim in claims)]
    lines = ["\n\n".join(filter(None, (_literal(first_sentence(claims)), f"{counts(claims)} {history}".strip()))), ""]
    lines += [f"Families: {'; '.join(f'{family} ({TITLES[family]})' for family in families)}."] if families else []
    lines += ["✓ holds, ✗ does not hold, ? undecided; no mark: no rule, for comparison. Brackets: 95% CI.", ""]
    lines += _table([claim for claim in claims if claim.section.number in OPEN], families)
    lines += ["", "<details><summary>All other sections</summary>", ""]
    lines += [*_table([claim for claim in claims if claim.section.number not in OPEN], families), "", "</details>"]
    missed = [claim for claim in judged(claims) if verdict(claim) == "does not hold"]
    lines += ["", "What does not hold:", ""] if missed else []
    for claim in missed:
        words = "; ".join(filter(None, (f"rule: {claim.rule}", change_of_rule(claim), claim.note)))
        lines.append(f"- {claim.section.number}. {claim.family}, {_literal(claim.claim)}: {_measured(claim)}; {words}")
    return "\n".join(lines)


def _table(claims: Sequence[Claim], families: Sequence[str]) -> list[str]:
    """Every row of these claims, a claim a line and a family a column."""
    lines = [f"| | claim | paper | {' | '.join(families)} |", f"|---|---|---|{'---|' * len(families)}"]
    for key, cells in _pivoted(claims).items():
        first = next(iter(cells.values()))
        paper = "" if first.paper is None else f"{first.paper:g}"
        values = [_cell(cells[family]) if family in cells else "" for family in families]
        lines.append("| " + " | ".join([str(key[0]), _literal(first.claim), paper, *values]) + " |")
    return lines


def _pivoted(claims: Sequence[Claim]) -> dict[tuple[int, str], dict[str, Claim]]:
    """The rows by section and id without family, in the table's order, each with its families."""
    found: dict[tuple[int, str], dict[str, Claim]] = {}
    for claim in claims:
        key = claim.section.number, claim.id.removeprefix(f"{claim.family}.")
        found.setdefault(key, {})[claim.family] = claim
    return dict(sorted(found.items(), key=lambda item: item[0][0]))


def _cell(claim: Claim) -> str:
    changed = " (rule changed)" if change_of_rule(claim) else ""
    return f"{MARKS[verdict(claim)]} {_measured(claim)}{changed}".strip()


def _measured(claim: Claim) -> str:
    return f"{show(claim.value, claim)} {interval(claim)}".strip()


def _literal(text: str) -> str:
    """A claim's words in a Markdown table."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def write(claims: Sequence[Claim], path: Path, *, history: str = "") -> None:
    """Replace the table between its two markers.

    Raises
    ------
    InputError
        If the file does not hold the markers.
    """
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise InputError("it has no place for the table of claims", file=path, remedy=f"add {BEGIN!r} and {END!r}")
    path.write_text(f"{before}{BEGIN}{as_markdown(claims, history=history)}\n{END}{after}", encoding="utf-8")


def texts(checkout: Path) -> list[Path]:
    """The Markdown files that may quote the table: the README and the pages of the site."""
    return [checkout / "README.md", *sorted((checkout / "docs").rglob("*.md"))]


def write_all(checkout: Path = ROOT.parent) -> None:
    """Write the shipped table and every number of it that a text quotes."""
    shipped = load()
    write(shipped, checkout / "docs" / "claims.md", history=load_history(SHIPPED).words)
    for path in texts(checkout):
        path.write_text(refresh(path.read_text(encoding="utf-8"), shipped, file=path), encoding="utf-8")


if __name__ == "__main__":
    write_all()
