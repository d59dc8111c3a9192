"""The README's extract of the table of claims, so that the README says what was measured.

``python sample_data/readme_table.py`` rewrites it from the shipped table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from laser_core.bundled import ROOT
from laser_core.errors import InputError
from laser_core.reproduce.table import Claim, change_of_verdict, load, show, verdict

BEGIN, END = "<!-- table of claims -->\n", "<!-- end of the table -->\n"
#: Ids of the rows that the README shows.
HEADLINES = {
    "reference.std",
    "reasoning.base",
    "reasoning.grpo",
    "reasoning.laser",
    "reasoning.laser-grpo",
    "verification.score",
    "verification.text_rule",
    "verification.score-text_rule",
    "verification.second_prompt.laser",
    "verification.reward_model",
    "within.score",
    "within.text_rule",
    "within.score-text_rule",
    "within.untrained",
    "within.score-mean_logprob",
    "voting.majority.16",
    "voting.weighted.16",
    "voting.gain.16",
    "cost.score",
    "exact.balanced_f1",
    "ablation.bce.accuracy",
    "ablation.self-reward.accuracy",
    "calibration.ece",
    "calibration.ece_recalibrated",
    "family.pair-laser.within",
    "family.pair-laser.text_rule.within",
}
#: What the ids of further rows start with, so that no row of these sections is picked for its value.
SHOWN_WHOLE = ("transfer.", "diversity.")


def as_markdown(claims: Sequence[Claim]) -> str:
    """The headline rows as a Markdown table, and every row that does not hold."""
    lines = ["| | claim | measured [95% CI] | paper | seeds | |", "|---|---|---|---|---|---|"]
    for claim in claims:
        if claim.id in HEADLINES or claim.id.startswith(SHOWN_WHOLE):
            paper = "" if claim.paper is None else f"{claim.paper:g}"
            cells = (claim.section.number, claim.claim, _measured(claim), paper, claim.seeds, _result(claim))
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    tested = [claim for claim in claims if claim.holds is not None]
    failed = [claim for claim in tested if not claim.holds]
    lines = [f"{len(tested) - len(failed)} of {len(tested)} tested claims hold.", "", *lines]
    if failed:
        lines += ["", "What does not hold:", ""]
    for claim in failed:
        why = f" ({claim.note})" if claim.note else ""
        rule = "; ".join(filter(None, (f"rule: {claim.rule}", change_of_verdict(claim))))
        lines.append(f"- {claim.section.number}. {claim.claim}: {_measured(claim)}; {rule}{why}")
    return "\n".join(lines)


def _result(claim: Claim) -> str:
    """The last column: verdict and note; the note of a row that does not hold stands below the table."""
    parts = (verdict(claim), change_of_verdict(claim), claim.note if claim.holds is not False else "")
    return "; ".join(filter(None, parts))


def _measured(claim: Claim) -> str:
    bounded = math.isfinite(claim.ci_low)
    return show(claim.value, claim) + (
        f" [{show(claim.ci_low, claim)}, {show(claim.ci_high, claim)}]" if bounded else ""
    )


def write(claims: Sequence[Claim], path: Path) -> None:
    """Replace the extract between its two markers.

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
    path.write_text(f"{before}{BEGIN}{as_markdown(claims)}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    write(load(), ROOT.parent / "README.md")
