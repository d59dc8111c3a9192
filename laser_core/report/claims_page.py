"""The table of claims as one self-contained HTML page."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plotly.graph_objects import Figure

from laser_core import __version__
from laser_core.figures.claims import claims_figure
from laser_core.figures.learning import drift_figure, learning_figure
from laser_core.reproduce.headline import counts, first_sentence
from laser_core.reproduce.learning import baseline_levels, drift_curves, ranking_curves, start_of
from laser_core.reproduce.plan import TITLES
from laser_core.reproduce.table import Claim, change_of_rule, interval, show, verdict

CSS = {"holds": "holds", "does not hold": "fails"}


def write_page(
    claims: Sequence[Claim],
    path: Path,
    *,
    facts: Mapping[str, Mapping[str, Any]] | None = None,
    history: str = "",
) -> None:
    """Write the table with a figure for each section and family. The page needs no network.

    Parameters
    ----------
    claims : sequence of Claim
    path : Path
        Of the page.
    facts : mapping, optional
        The runs' facts, for the curves over training.
    history : str
        When the rules and the runs were made, in words.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    sections = [
        {"title": str(section), "parts": [_part(family, rows) for family, rows in _by_family(list(group))]}
        for section, group in itertools.groupby(claims, lambda claim: claim.section)
    ]
    page = environment.get_template("claims_page.html.j2").render(
        sections=sections,
        training=_training(claims, facts or {}),
        first_sentence=first_sentence(claims),
        counts=counts(claims),
        history=history,
        plotly=get_plotlyjs().replace("</script", "<\\/script"),
        version=__version__,
    )
    path.write_text(page, encoding="utf-8")


def _by_family(rows: Sequence[Claim]) -> list[tuple[str, list[Claim]]]:
    """A section's rows by family, in the order in which the families first come."""
    found: dict[str, list[Claim]] = {}
    for claim in rows:
        found.setdefault(claim.family, []).append(claim)
    return list(found.items())


def _part(family: str, rows: Sequence[Claim]) -> dict[str, object]:
    title = f"{family}: {TITLES[family]}" if family in TITLES else family
    return {"title": title, "rows": [_row(claim) for claim in rows], "figure": _script_json(claims_figure(rows))}


def _training(claims: Sequence[Claim], facts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """The curves over training of each family that has them."""
    found = []
    for family in TITLES:
        ranking, drift = ranking_curves(facts, family), drift_curves(facts, family)
        if ranking:
            figure = learning_figure(ranking, baseline_levels(claims, family))
            found.append({"title": f"{family}: AUROC within a problem over training", "figure": _script_json(figure)})
        if drift:
            figure = drift_figure(drift, c_ref=start_of(facts, family))
            found.append({"title": f"{family}: what GRPO does to z_c", "figure": _script_json(figure)})
    return found


def _row(claim: Claim) -> dict[str, object]:
    return {
        "claim": claim,
        "value": show(claim.value, claim),
        "interval": interval(claim),
        "paper": "" if claim.paper is None else f"{claim.paper:g}",
        "verdict": "; ".join(part for part in (verdict(claim), change_of_rule(claim)) if part),
        "css": CSS.get(verdict(claim), ""),
        "words": "; ".join(part for part in (claim.rule and f"rule: {claim.rule}", claim.note) if part),
    }


def _script_json(figure: Figure) -> str:
    """A figure's JSON, escaped so that it cannot close the script element around it."""
    return figure.to_json().replace("<", "\\u003c")
