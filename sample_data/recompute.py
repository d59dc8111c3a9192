"""Compute the shipped table again from the shipped rollouts: ``python sample_data/recompute.py``.

A row that these do not give would be carried over. The texts that quote it follow.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import readme_table  # beside this script

from laser_core.bundled import ROOT
from laser_core.reproduce.claims import all_claims
from laser_core.reproduce.evidence import Evidence
from laser_core.reproduce.history import history_of, load_history
from laser_core.reproduce.table import SHIPPED, Claim, load, save

SAME = 1e-12  # numbers this close differ by a machine's rounding alone


def linked(reproduce: Path, folder: Path) -> Evidence:
    """The shipped evaluations laid out as a reproduction leaves them, as links in an empty ``folder``."""
    for name in ("cost.json", "runs.json", "rules.toml"):
        if (reproduce / name).is_file():
            (folder / name).symlink_to(reproduce / name)
    for path in sorted((reproduce / "rollouts").glob("*.parquet")):
        family, by, run = path.stem.partition("-by-")
        target = folder / "runs" / (run if by else path.stem)
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{family if by else 'rollouts'}.judged.parquet").symlink_to(path)
    return Evidence(folder)


def recomputed(evidence: Evidence, shipped: Sequence[Claim]) -> list[Claim]:
    """Every row that the evidence gives, and in its old place what only the shipped table knows."""
    rows = {claim.id: claim for claim in all_claims(evidence)}
    carried = {claim.id: claim for claim in shipped if claim.id not in rows}
    order, following = list(rows), len(rows)
    for claim in reversed(shipped):
        if claim.id in carried:
            order.insert(following, claim.id)
        else:
            following = order.index(claim.id)
    old = {claim.id: claim for claim in shipped}
    return [_as_shipped((rows | carried)[id], old.get(id)) for id in order]


def _as_shipped(claim: Claim, shipped: Claim | None) -> Claim:
    """The row with the shipped numbers where they agree, so that another machine's last digit changes no file."""
    if shipped is None:
        return claim
    new, old = ((row.value, row.ci_low, row.ci_high) for row in (claim, shipped))
    value, low, high = (b if abs(a - b) <= SAME else a for a, b in zip(new, old, strict=True))
    return replace(claim, value=value, ci_low=low, ci_high=high)


if __name__ == "__main__":
    reproduce = ROOT / "reproduce"
    with tempfile.TemporaryDirectory() as scratch:
        evidence = linked(reproduce, Path(scratch))
        history = history_of(evidence, load_history(SHIPPED))
        save(recomputed(evidence, load()), reproduce, history.as_json())
    readme_table.write_all()
