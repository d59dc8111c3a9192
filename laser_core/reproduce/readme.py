"""The README's extract of the table of claims, so that what it says is what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from laser_core.errors import InputError
from laser_core.reproduce.table import Claim, show, verdict

BEGIN, END = "<!-- table of claims -->\n", "<!-- end of the table -->\n"
#: Rows of the README's extract: start of the section's title, start of the claim.
EXTRACT = (
    ("1.", "standard deviation"),
    ("2.", "accuracy "),
    ("2.", "LaSeR - GRPO"),
    ("3.", "LaSeR, last"),
    ("3.", "LaSeR's model, asked"),
    ("3.", "reward model"),
    ("4.", "LaSeR, last"),
    ("4.", "score - mean"),
    ("4.", "GRPO, its"),
    ("5.", "LaSeR, majority vote, N = 16"),
    ("5.", "LaSeR, weighted vote, N = 16"),
    ("5.", "weighted - majority, N = 16"),
    ("6.", "score: its"),
    ("7.", "exact - constant, balanced"),
    ("8.", "SFT / BCE form - LaSeR, accuracy"),
    ("8.", "self-reward alone - LaSeR, accuracy"),
    ("9.", "ECE "),
    ("10.", "pairs of equations: AUROC"),
    ("11.", "pairs of equations: AUROC"),
)


def as_markdown(claims: Sequence[Claim]) -> str:
    """An extract of the table for the README, and every row that does not hold."""
    lines = ["| | claim | measured, 95% interval | paper | seeds | |", "|---|---|---|---|---|---|"]
    for claim in claims:
        if any(claim.section.startswith(section) and claim.claim.startswith(start) for section, start in EXTRACT):
            paper = "" if claim.paper is None else f"{claim.paper:g}"
            cells = (claim.section.partition(".")[0], claim.claim, _measured(claim), paper, claim.seeds, verdict(claim))
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    judged = [claim for claim in claims if claim.holds is not None]
    failed = [claim for claim in judged if not claim.holds]
    lines = [f"{len(judged) - len(failed)} of {len(judged)} judged rows hold.", "", *lines]
    if failed:
        lines += ["", "What does not hold:", ""]
    for claim in failed:
        why = f" ({claim.note})" if claim.note else ""
        lines.append(f"- {claim.section.partition('.')[0]}. {claim.claim}: {_measured(claim)}; rule: {claim.rule}{why}")
    return "\n".join(lines)


def _measured(claim: Claim) -> str:
    bounded = math.isfinite(claim.ci_low)
    return show(claim.value, claim) + (
        f" [{show(claim.ci_low, claim)}, {show(claim.ci_high, claim)}]" if bounded else ""
    )


def write(claims: Sequence[Claim], path: Path) -> None:
    """Replace the extract between its two marks.

    Raises
    ------
    InputError
        If the file does not hold the marks.
    """
    text = path.read_text(encoding="utf-8")
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise InputError("it has no place for the table of claims", file=path, remedy=f"put {BEGIN!r} and {END!r} in")
    path.write_text(f"{before}{BEGIN}{as_markdown(claims)}\n{END}{after}", encoding="utf-8")
