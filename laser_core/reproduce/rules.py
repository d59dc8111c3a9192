"""The rules that decide whether a row of the table holds, read from ``rules.toml``, which people read and write.

A rule is a set of values that count for the claim. The measured interval decides: inside the set, the claim holds;
outside, it does not; across an edge, it is undecided. A wider interval can therefore never turn "undecided" or "does
not hold" into "holds", whatever the kind of rule.
"""

from __future__ import annotations

import hashlib
import math
import subprocess
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from laser_core.errors import InputError

RULES = Path(__file__).with_name("rules.toml")
HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"
#: What a rule of each kind needs (True) or may have (False), beside id, families, kind and why.
KINDS: dict[str, dict[str, bool]] = {
    "better": {},
    "worse": {},
    "at-least": {"limit": True},
    "at-most": {"limit": True},
    "non-inferior": {"margin": True},
    "equivalent": {"margin": True, "limit": False},
}


@dataclass(frozen=True)
class Rule:
    """What decides a claim.

    Attributes
    ----------
    id : str
        Of the claim, without its family.
    families : tuple of str
        The problem families whose rows it judges.
    kind : str
        One of ``KINDS``.
    limit : float
        In units of the row's value.
    margin : float or None
        The difference that still counts as none, in the same units; None for a kind without one.
    why : str
        The reason for kind and number, in a sentence.

    Examples
    --------
    >>> as_good = Rule("reasoning.laser-grpo", ("linear",), "non-inferior", margin=0.02)
    >>> as_good.words
    'not worse by 0.02: 95% CI above -0.02'
    >>> as_good.verdict(-0.01, 0.03), as_good.verdict(-0.03, 0.01), as_good.verdict(-0.05, -0.02)
    ('holds', 'undecided', 'does not hold')
    """

    id: str
    families: tuple[str, ...]
    kind: str
    limit: float = 0.0
    margin: float | None = None
    why: str = ""

    @property
    def level(self) -> float:
        """Of the interval that decides. Two one-sided tests at 5% are a 90% interval."""
        return 0.90 if self.kind == "equivalent" else 0.95

    @property
    def region(self) -> tuple[float, float]:
        """The values that count for the claim, from lowest to highest; :attr:`includes_edge` says whether both do."""
        margin = self.margin or 0.0
        return {
            "better": (0.0, math.inf),
            "worse": (-math.inf, 0.0),
            "at-least": (self.limit, math.inf),
            "at-most": (-math.inf, self.limit),
            "non-inferior": (-margin, math.inf),
            "equivalent": (self.limit - margin, self.limit + margin),
        }[self.kind]

    @property
    def includes_edge(self) -> bool:
        """Whether a value at the edge counts for the claim: a limit does, no difference and a margin do not."""
        return self.kind in ("at-least", "at-most")

    @property
    def words(self) -> str:
        """The rule as the table states it."""
        return {
            "better": "better: 95% CI above 0",
            "worse": "worse: 95% CI below 0",
            "at-least": f"at least {self.limit:g}: whole 95% CI",
            "at-most": f"at most {self.limit:g}: whole 95% CI",
            "non-inferior": f"not worse by {self.margin or 0:g}: 95% CI above {-(self.margin or 0):g}",
            "equivalent": f"the same: 90% CI within {self.margin or 0:g} of {self.limit:g}",
        }[self.kind]

    def verdict(self, low: float, high: float) -> str:
        """Decide by an interval at :attr:`level`.

        Parameters
        ----------
        low, high : float
            Its ends; NaN where there is none.

        Returns
        -------
        str
            ``HOLDS``, ``FAILS`` or ``UNDECIDED``.
        """
        if not (math.isfinite(low) and math.isfinite(high)):
            return UNDECIDED
        bottom, top = self.region
        edges = self.includes_edge
        if (low >= bottom and high <= top) if edges else (low > bottom and high < top):
            return HOLDS
        outside = (high < bottom or low > top) if edges else (high <= bottom or low >= top)
        return FAILS if outside else UNDECIDED


@dataclass(frozen=True)
class Rulebook:
    """All rules of one file.

    Attributes
    ----------
    rules : tuple of Rule
        In the file's order.
    sha256 : str
        Of the file's bytes, in hexadecimal.
    """

    rules: tuple[Rule, ...] = ()
    sha256: str = ""
    _by_row: dict[tuple[str, str], Rule] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "_by_row", {(rule.id, family): rule for rule in self.rules for family in rule.families}
        )

    def find(self, id: str, family: str) -> Rule | None:
        """The rule for a claim in a family; None where a row only informs."""
        return self._by_row.get((id, family))


def load_rules(path: Path = RULES) -> Rulebook:
    """Read and check a file of rules.

    Parameters
    ----------
    path : Path
        The project's own by default.

    Returns
    -------
    Rulebook

    Raises
    ------
    InputError
        If the file is not TOML, or a rule lacks something, has something it cannot use, or judges a row twice. Names
        the line at which the rule starts.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
        entries = tomllib.loads(text).get("rule")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"the rules cannot be read ({error})", file=path, remedy="restore rules.toml") from None
    if not isinstance(entries, list) or not entries:
        raise InputError("there are no rules in it", file=path, field="rule", remedy="write each under [[rule]]")
    starts = [number for number, line in enumerate(text.splitlines(), 1) if line.strip() == "[[rule]]"]
    rules: list[Rule] = []
    judged: set[tuple[str, str]] = set()
    for position, entry in enumerate(entries):
        line = starts[position] if len(starts) == len(entries) else None
        rule = _parse(entry, file=path, line=line)
        twice = judged & {(rule.id, family) for family in rule.families}
        if twice:
            problem = f"a second rule for {rule.id} in {sorted(twice)[0][1]}"
            raise InputError(problem, file=path, line=line, field="families", remedy="keep one of the two")
        judged |= {(rule.id, family) for family in rule.families}
        rules.append(rule)
    return Rulebook(tuple(rules), hashlib.sha256(content).hexdigest())


def _parse(entry: object, *, file: Path, line: int | None) -> Rule:
    """One ``[[rule]]``, checked."""

    def need(ok: bool, problem: str, name: str, remedy: str) -> None:
        if not ok:
            raise InputError(problem, file=file, line=line, field=name, remedy=remedy)

    need(isinstance(entry, dict), "a rule is not a table", "rule", "write it under [[rule]]")
    assert isinstance(entry, dict)
    values: dict[str, Any] = dict(entry)
    kind = values.get("kind")
    need(kind in KINDS, f"{kind!r} is no kind of rule", "kind", f"choose one of {', '.join(KINDS)}")
    numbers = KINDS[str(kind)]
    for name in ("id", "why"):
        given = values.get(name)
        need(isinstance(given, str) and bool(given), f"a rule needs its {name}", name, "write it in quotes")
    families = values.get("families")
    need(
        isinstance(families, list) and bool(families) and all(isinstance(family, str) for family in families),
        "a rule needs the families it judges",
        "families",
        'write them as a list: ["linear"]',
    )
    for name, required in numbers.items():
        number = values.get(name)
        real = isinstance(number, (int, float)) and not isinstance(number, bool) and math.isfinite(number)
        need(real or (number is None and not required), f"a rule of kind {kind} needs a number", name, "write one")
    need(values.get("margin", 1) > 0, "a margin is above 0", "margin", "write the difference that counts as none")
    unknown = sorted(set(values) - {"id", "families", "kind", "why", *numbers})
    need(
        not unknown, f"a rule of kind {kind} does not use it", "".join(unknown[:1]), "remove it, or choose another kind"
    )
    return Rule(**(values | {"families": tuple(values["families"])}))


def committed(path: Path = RULES) -> str:
    """The date of the commit that last changed the file, ISO 8601 with its offset.

    Returns
    -------
    str
        Empty outside a checkout, without git, and where the file has changes that are not committed.
    """

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(path.parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", path.name)
        return "" if changed else git("log", "-1", "--format=%cI", "--", path.name)
    except (OSError, subprocess.SubprocessError):
        return ""
