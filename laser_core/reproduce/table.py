"""The table of claims: one row a claim, with what was measured, the paper's number and whether the claim holds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from laser_core.analysis.estimates import LEVEL, Estimate
from laser_core.bundled import ROOT
from laser_core.errors import InputError
from laser_core.reproduce.rules import FAILS, HOLDS, UNDECIDED, Rule

SHIPPED = ROOT / "reproduce" / "claims.json"
_HOLDS = {HOLDS: True, FAILS: False, UNDECIDED: None}


class Measured(NamedTuple):
    """An estimate over training seeds.

    Attributes
    ----------
    estimate : Estimate
        Its interval covers seeds and problems.
    seeds : int
        Number of runs behind it.
    at_90 : Estimate or None
        The same with the 90% interval that a rule of equivalence asks for; None where there is none, and the 95%
        interval decides.
    """

    estimate: Estimate
    seeds: int
    at_90: Estimate | None = None


@dataclass(frozen=True)
class ClaimSection:
    """A group of rows that belong to one claim of the paper.

    Attributes
    ----------
    number : int
        Its place in the paper's argument.
    title : str

    Examples
    --------
    >>> str(ClaimSection(7, "Constant against exact reference"))
    '7. Constant against exact reference'
    """

    number: int
    title: str

    def __str__(self) -> str:
        return f"{self.number}. {self.title}"

    @classmethod
    def parse(cls, heading: str) -> ClaimSection:
        """Read a heading back.

        >>> ClaimSection.parse("10. Transfer").number
        10

        Raises
        ------
        ValueError
            If the heading does not start with a number.
        """
        number, _, title = heading.partition(". ")
        return cls(int(number), title)


@dataclass(frozen=True)
class Claim:
    """A row of the table.

    Attributes
    ----------
    section : ClaimSection
    claim : str
        What was measured, in words.
    value, ci_low, ci_high : float
        The measurement and its 95% interval over seeds and problems; NaN where undefined.
    paper : float or None
        The paper's number; None where it has none that compares.
    seeds, n_problems : int
        Training runs and held-out problems behind the value.
    holds : bool or None
        Whether the claim holds by ``rule``; None where it is undecided, and for a row without a rule, which informs.
    rule : str
        How ``holds`` was decided.
    note : str
        What to know when reading the row.
    group : str
        Name of the runs behind it, without their seeds.
    id : str
        Unique in the table and stable under rewording, as in "voting.gain.16". Empty in a file written without ids.
    signed : bool
        Whether the value is a difference, which is shown with its sign.
    family : str
        Of the problems that the value was measured on.
    margin : float or None
        The difference that counts as none, where the rule has one.
    rule_before, verdict_before : str
        The rule when the runs started and the verdict by it, where the rule was changed since; otherwise empty.
    """

    section: ClaimSection
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
    id: str = ""
    signed: bool = False
    family: str = "linear"
    margin: float | None = None
    rule_before: str = ""
    verdict_before: str = ""

    @classmethod
    def of(
        cls,
        section: ClaimSection,
        id: str,
        claim: str,
        measured: Measured,
        *,
        group: str,
        paper: float | None = None,
        rule: Rule | None = None,
        before: Rule | None = None,
        note: str = "",
        signed: bool = False,
        family: str = "linear",
    ) -> Claim:
        """A row from an estimate over seeds; without a rule it informs.

        ``before`` is the rule as it was when the runs started.
        """
        estimate, seeds = measured.estimate, measured.seeds
        changed = before != rule and (before is None or rule is None or before.words != rule.words)
        return cls(
            section=section,
            claim=claim,
            value=estimate.value,
            ci_low=estimate.ci_low,
            ci_high=estimate.ci_high,
            paper=paper,
            seeds=seeds,
            n_problems=estimate.n,
            holds=_HOLDS[_decide(rule, measured)] if rule else None,
            rule=rule.words if rule else "",
            note=note,
            group=group,
            id=id,
            signed=signed,
            family=family,
            margin=rule.margin if rule else None,
            rule_before=(before.words if before else "none") if changed else "",
            verdict_before=(_decide(before, measured) if before else "not judged") if changed else "",
        )


def _decide(rule: Rule, measured: Measured) -> str:
    interval = measured.at_90 if rule.level < LEVEL and measured.at_90 is not None else measured.estimate
    return rule.verdict(interval.ci_low, interval.ci_high)


def to_json(claims: Sequence[Claim], history: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """``{"claims": [...]}``, undefined numbers being null; with ``"rules"``, their history, where it is known."""

    def plain(value: object) -> object:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    rows = [{name: plain(value) for name, value in _record(claim).items()} for claim in claims]
    return {"claims": rows} | ({"rules": dict(history)} if history else {})


def save(claims: Sequence[Claim], folder: Path, history: Mapping[str, Any] | None = None) -> None:
    """Write ``claims.json``, with the history of the rules where it is given, and ``claims.parquet``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "claims.json").write_text(json.dumps(to_json(claims, history), indent=1) + "\n")
    pq.write_table(pa.Table.from_pylist([_record(claim) for claim in claims]), folder / "claims.parquet")


def load(path: Path = SHIPPED) -> tuple[Claim, ...]:
    """The rows of a ``claims.json``: by default the one that ships with the project.

    Raises
    ------
    InputError
        If there is none, or it is not a table of claims.
    """
    remedy = "make one: `laser reproduce --out DIR`"
    if not path.is_file():
        raise InputError("there is no table of claims", file=path, remedy=remedy)
    try:
        return tuple(_claim(row) for row in json.loads(path.read_text(encoding="utf-8"))["claims"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"this is not a table of claims ({error})", file=path, remedy=remedy) from error


def _record(claim: Claim) -> dict[str, object]:
    """A row as the files hold it: the section as its heading, and the verdict in words beside ``holds``."""
    return asdict(claim) | {"section": str(claim.section), "verdict": verdict(claim) or None}


def _claim(row: dict[str, Any]) -> Claim:
    numbers = {name: math.nan if row[name] is None else row[name] for name in ("value", "ci_low", "ci_high")}
    # The verdict says what ``holds`` and ``rule`` say; held_before is of a file written before rules.toml.
    fields = {name: value for name, value in row.items() if name not in ("verdict", "held_before")}
    return Claim(**(fields | numbers | {"section": ClaimSection.parse(row["section"])}))


def verdict(claim: Claim) -> str:
    """Whether the claim holds, in words; empty for a row that only informs.

    >>> row = Claim(ClaimSection(4, ""), "", 0.9, 0.8, 1.0, None, 5, 100, None, rule="at least 0.85: whole 95% CI")
    >>> verdict(row)
    'undecided'
    """
    if not claim.rule:
        return ""
    return UNDECIDED if claim.holds is None else HOLDS if claim.holds else FAILS


def judged(claims: Sequence[Claim]) -> list[Claim]:
    """The rows that a rule decides."""
    return [claim for claim in claims if claim.rule]


def change_of_rule(claim: Claim) -> str:
    """The rule and the verdict of before, where the rule was changed after the runs; otherwise empty.

    >>> row = Claim(ClaimSection(2, ""), "", 0, -0.1, 0.1, None, 5, 100, None, rule="better: 95% CI above 0",
    ...             rule_before="at least 0", verdict_before="holds")
    >>> change_of_rule(row)
    'changed after the runs: by the rule before (at least 0) holds'
    """
    if not claim.verdict_before:
        return ""
    return f"changed after the runs: by the rule before ({claim.rule_before}) {claim.verdict_before}"


def show(value: float, claim: Claim) -> str:
    """A value in the table's format, with a sign where the row is a difference."""
    if not math.isfinite(value):
        return "-"
    digits = 1 if abs(value) >= 10 else 2 if abs(value) >= 2 else 3
    sign = "+" if claim.signed and round(value, digits) else ""
    return f"{round(value, digits) + 0.0:{sign}.{digits}f}"  # + 0.0: a zero has no sign, not even -0.0


def interval(claim: Claim) -> str:
    """The row's interval in the table's format; empty where it has none."""
    if not math.isfinite(claim.ci_low):
        return ""
    return f"[{show(claim.ci_low, claim)}, {show(claim.ci_high, claim)}]"


def as_text(claims: Sequence[Claim]) -> str:
    """The table for a terminal, section by section."""
    lines: list[str] = []
    section: ClaimSection | None = None
    for claim in claims:
        if claim.section != section:
            section = claim.section
            lines += ["", str(section)]
        paper = "" if claim.paper is None else f"paper {claim.paper:g}"
        seeds = f"{claim.seeds} seed{'s' if claim.seeds != 1 else ''}, {claim.n_problems} problems"
        lines.append(
            f"  {claim.family:<7} {claim.claim:<66.66} {show(claim.value, claim):>7} {interval(claim):<17} {paper:<11} "
            f"{verdict(claim):<13} {seeds}"
        )
        if change := change_of_rule(claim):
            lines.append(f"    {change}; now: {claim.rule or 'no rule'}")
    return "\n".join(lines[1:])
