"""When the rules were written and when the runs were made, so that a reader can see which came first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from laser_core.reproduce.evidence import Evidence
from laser_core.reproduce.rules import committed


@dataclass(frozen=True)
class History:
    """The rules behind a table, and the runs that they judge.

    Attributes
    ----------
    sha256 : str
        Of the rules that gave the verdicts.
    committed : str
        Date of the commit that last changed them, ISO 8601; empty where it is not known.
    sha256_at_start : str
        Of the rules when the first run began; empty where nobody kept them.
    runs : mapping of str to str
        When each run began, ISO 8601.
    """

    sha256: str = ""
    committed: str = ""
    sha256_at_start: str = ""
    runs: Mapping[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether the rules differ from those that the runs began with."""
        return bool(self.sha256_at_start) and self.sha256_at_start != self.sha256

    @property
    def younger(self) -> bool:
        """Whether the rules were committed after a run had begun."""
        dates = [datetime.fromisoformat(date) for date in self.runs.values() if date]
        return bool(self.committed and dates) and datetime.fromisoformat(self.committed) > min(dates)

    @property
    def words(self) -> str:
        """For a reader, in one or two sentences; empty where nothing is known.

        Examples
        --------
        >>> History("ab" * 32, "2026-11-26T04:40:00+00:00", "ab" * 32, {"laser-0": "2026-11-26T06:00:00Z"}).words
        'Rules abababababab, committed 2026-11-26 04:40; first run begun 2026-11-26 06:00.'
        """
        if not self.sha256:
            return ""
        dates = sorted(date for date in self.runs.values() if date)
        parts = [f"Rules {self.sha256[:12]}"]
        parts += [f", committed {_minute(self.committed)}"] if self.committed else [", not committed"]
        parts += [f"; first run begun {_minute(dates[0])}"] if dates else []
        sentence = "".join(parts) + "."
        if self.changed:
            sentence += (
                " They were changed after the runs had begun; where that changes a rule, both verdicts are shown."
            )
        elif self.younger:
            sentence += " They were committed after the first run had begun, as they stood then."
        return sentence

    def as_json(self) -> dict[str, Any]:
        """For ``claims.json``."""
        return asdict(self) | {"runs": dict(self.runs)}


def history_of(evidence: Evidence, before: History | None = None) -> History:
    """The history of the table that the evidence gives.

    Parameters
    ----------
    evidence : Evidence
    before : History, optional
        What was stored when the table was made; it keeps the commit's date where there is no git to ask.
    """
    rules, start = evidence.rules, evidence.rules_at_start
    date = committed()
    if not date and before is not None and before.sha256 == rules.sha256:
        date = before.committed
    runs = {name: str(facts.get("started", "")) for name, facts in evidence.facts.items()}
    return History(rules.sha256, date, start.sha256 if start else "", runs)


def load_history(path: Path) -> History:
    """The history in a ``claims.json``; an empty one where the file has none or cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8")).get("rules") or {}
        return History(**{name: found[name] for name in ("sha256", "committed", "sha256_at_start", "runs")})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return History()


def _minute(date: str) -> str:
    """A date to the minute, in the offset it was written with."""
    return datetime.fromisoformat(date).strftime("%Y-%m-%d %H:%M")
