"""What ships with the project: models, rollouts and training events, all made with its own commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(folder: str) -> Path:
    """A top-level folder of the project: beside the package in a checkout, inside the package in an installed wheel."""
    inside = _PACKAGE / "_share" / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder


ROOT = shipped("sample_data")
PREFIX = "bundled:"


@dataclass(frozen=True)
class BundledRun:
    """One bundled run.

    Attributes
    ----------
    name : str
        Also the value of the rollouts' ``run`` column.
    title, description : str
        What the app shows.
    rollouts : Path
        Parquet file in the canonical schema.
    events : Path, optional
        JSON Lines of the training run; a model not trained by reinforcement learning has none.
    """

    name: str
    title: str
    description: str
    rollouts: Path
    events: Path | None


_RUNS = (
    (
        "laser",
        "LaSeR",
        "The base model after 80 LaSeR steps on linear equations, the family whose solutions are easiest to check; "
        "Claims has all three.",
    ),
    ("grpo", "GRPO", "The base model after 80 GRPO steps on the same equations, with the same seed."),
    ("base", "Base", "The miniature base model, before reinforcement learning."),
)


_REAL_RUNS = (
    (
        "real-fitted-0",
        "SmolLM2-135M, score fitted",
        "A real model on SVAMP: the score alone, learned from its verified solutions by laser fit, seed 0.",
    ),
    ("real-fitted-1", "SmolLM2-135M, score fitted, seed 1", "The same with another seed."),
    (
        "real-base",
        "SmolLM2-135M, warm start",
        "A real model on SVAMP, warm-started on worked solutions and equations; its last-token score is untrained.",
    ),
)


def runs() -> tuple[BundledRun, ...]:
    """The bundled runs that are present, the one to show first in front.

    Returns
    -------
    tuple of BundledRun
    """
    return _present(_RUNS, ROOT)


def real_runs() -> tuple[BundledRun, ...]:
    """The runs of a real language model that are present, laid out like the miniature's in the folder ``real``."""
    return _present(_REAL_RUNS, ROOT / "real")


def _present(listed: tuple[tuple[str, str, str], ...], root: Path) -> tuple[BundledRun, ...]:
    found = []
    for name, title, description in listed:
        rollouts, events = root / "rollouts" / f"{name}.parquet", root / "events" / f"{name}.jsonl"
        if rollouts.is_file():
            found.append(BundledRun(name, title, description, rollouts, events if events.is_file() else None))
    return tuple(found)


def claim_runs() -> tuple[BundledRun, ...]:
    """The evaluations behind the table of claims, one for each run and seed, ordered by name."""
    found = []
    for path in sorted((ROOT / "reproduce" / "rollouts").glob("*.parquet")):
        group, _, seed = path.stem.rpartition("-")
        words = (group or path.stem).replace("laser", "LaSeR").replace("grpo", "GRPO")
        title = f"{words}, seed {seed}" if group else words
        found.append(BundledRun(path.stem, title, "From the reproduction of the paper's claims.", path, None))
    return tuple(found)


def model_path(name: str) -> str:
    """Turn ``bundled:base`` into the path of the bundled model; any other name is returned unchanged."""
    return str(ROOT / "models" / name.removeprefix(PREFIX)) if name.startswith(PREFIX) else name
