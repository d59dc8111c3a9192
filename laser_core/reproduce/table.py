"""One claim, one row: what was measured, what the paper says, and whether it holds."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from laser_core.analysis.estimates import Estimate
from laser_core.bundled import ROOT
from laser_core.errors import InputError
from laser_core.reproduce.rules import Rule

SHIPPED = ROOT / "reproduce" / "claims.json"


@dataclass(frozen=True)
class Claim:
    """A row of the table.

    Attributes
    ----------
    section : number and title of the group of claims it belongs to.
    claim : what is claimed, in words.
    value, ci_low, ci_high : what was measured, with its 95% interval over seeds and problems; NaN where undefined.
    paper : the paper's number; None where it has none that compares.
    seeds, n_problems : what the value rests on.
    holds : whether it holds by ``rule``; None for a row that only informs.
    rule : how ``holds`` was decided.
    note : what to know about it.
    group : name of the runs behind it, without their seeds.
    """

    section: str
    claim: str
    value: float
    ci_low: float
    ci_high: float
    paper: float | None
    seeds: int
    n_problems: int
    holds: bool | None
    rule: str = ""
    note: str = ""
    group: str = ""

    @classmethod
    def of(
        cls,
        section: str,
        claim: str,
        found: Estimate,
        seeds: int,
        *,
        paper: float | None = None,
        rule: Rule | None = None,
        note: str = "",
        group: str = "",
    ) -> Claim:
        """A row from an estimate over ``seeds`` runs; without a rule it informs."""
        holds, words = (None, "") if rule is None else (bool(rule.holds(found)), rule.words)
        value, low, high = found.value, found.ci_low, found.ci_high
        return cls(section, claim, value, low, high, paper, seeds, found.n, holds, words, note, group)


def to_json(claims: Sequence[Claim]) -> dict:
    """``{"claims": [...]}``; numbers that are undefined are null."""

    def plain(value: object) -> object:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return {"claims": [{name: plain(value) for name, value in asdict(claim).items()} for claim in claims]}


def save(claims: Sequence[Claim], folder: Path) -> None:
    """Write ``claims.json`` and ``claims.parquet``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "claims.json").write_text(json.dumps(to_json(claims), indent=1) + "\n")
    pq.write_table(pa.Table.from_pylist([asdict(claim) for claim in claims]), folder / "claims.parquet")


def load(path: Path = SHIPPED) -> tuple[Claim, ...]:
    """The rows of a ``claims.json``: by default the one that ships with the project.

    Raises
    ------
    InputError
        If there is none.
    """
    if not path.is_file():
        raise InputError("there is no table of claims", file=path, remedy="make one: `laser reproduce --out DIR`")
    rows = json.loads(path.read_text(encoding="utf-8"))["claims"]
    numbers = ("value", "ci_low", "ci_high")
    return tuple(Claim(**{k: math.nan if v is None and k in numbers else v for k, v in row.items()}) for row in rows)


def verdict(claim: Claim) -> str:
    """In words.

    >>> row = Claim("", "", 0.9, 0.8, 1.0, None, 5, 100, True)
    >>> verdict(row)
    'holds'
    """
    return {True: "holds", False: "does not hold", None: ""}[claim.holds]


def show(value: float, claim: Claim) -> str:
    """A value in the table's format, with a sign where it is a difference."""
    if not math.isfinite(value):
        return "-"
    digits = 1 if abs(value) >= 10 else 2 if abs(value) >= 2 else 3
    sign = "+" if " - " in claim.claim and round(value, digits) else ""
    return f"{round(value, digits) + 0.0:{sign}.{digits}f}"  # a zero has no sign, also not that of -0.0


def as_text(claims: Sequence[Claim]) -> str:
    """The table for a terminal, section by section."""
    lines, section = [], None
    for claim in claims:
        if claim.section != section:
            section = claim.section
            lines += ["", section]
        interval = f"[{show(claim.ci_low, claim)}, {show(claim.ci_high, claim)}]"
        interval = "" if not math.isfinite(claim.ci_low) else interval
        paper = "" if claim.paper is None else f"paper {claim.paper:g}"
        seeds = f"{claim.seeds} seed{'s' if claim.seeds != 1 else ''}, {claim.n_problems} problems"
        value = show(claim.value, claim)
        lines.append(f"  {claim.claim:<74.74} {value:>7} {interval:<17} {paper:<11} {verdict(claim):<13} {seeds}")
    return "\n".join(lines[1:])
