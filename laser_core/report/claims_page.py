"""The table of claims as one self-contained HTML page."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

from plotly.graph_objects import Figure

from laser_core import __version__
from laser_core.figures.claims import claims_figure
from laser_core.reproduce.table import Claim, change_of_verdict, show, verdict


def write_page(claims: Sequence[Claim], path: Path) -> None:
    """Write the table with a figure for each section. The page needs no network."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    sections = [
        {"title": str(section), "rows": [_row(claim) for claim in rows], "figure": _script_json(claims_figure(rows))}
        for section, group in itertools.groupby(claims, lambda claim: claim.section)
        for rows in [list(group)]
    ]
    page = environment.get_template("claims_page.html.j2").render(
        sections=sections,
        held=sum(claim.holds is True for claim in claims),
        tested=sum(claim.holds is not None for claim in claims),
        plotly=get_plotlyjs().replace("</script", "<\\/script"),
        version=__version__,
    )
    path.write_text(page, encoding="utf-8")


def _row(claim: Claim) -> dict[str, object]:
    finite = math.isfinite(claim.ci_low)
    return {
        "claim": claim,
        "value": show(claim.value, claim),
        "interval": f"[{show(claim.ci_low, claim)}, {show(claim.ci_high, claim)}]" if finite else "",
        "paper": "" if claim.paper is None else f"{claim.paper:g}",
        "verdict": "; ".join(part for part in (verdict(claim), change_of_verdict(claim)) if part),
        "css": {True: "holds", False: "fails", None: ""}[claim.holds],
        "words": "; ".join(part for part in (claim.rule and f"rule: {claim.rule}", claim.note) if part),
    }


def _script_json(figure: Figure) -> str:
    """A figure's JSON, escaped so that it cannot close the script element around it."""
    return figure.to_json().replace("<", "\\u003c")
