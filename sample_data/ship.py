"""Copy from a finished reproduction what the project ships: ``python sample_data/ship.py RUNS_DIR``.

Seed 0 of LaSeR and GRPO with models, traces and training events, whatever its results; the base; seed 0's
models of LaSeR's other families at half size; the table; the rules as the runs began with them; what the runs
say of themselves; and every run's evaluation without the per-token columns, which make up most of a file.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import readme_table  # beside this script

from laser_core.bundled import ROOT
from laser_core.rollouts import Rollouts, read, write_parquet

PER_TOKEN = ("tokens", "token_logprobs", "ref_token_logprobs", "z_trace", "entropy")


def ship(out: Path, root: Path = ROOT) -> None:
    """Copy from the reproduction in ``out`` to the sample data in ``root``."""
    for old in (root / "reproduce" / "rollouts", *root.glob("models/*laser*"), root / "models" / "grpo"):
        shutil.rmtree(old, ignore_errors=True)
    (root / "reproduce" / "rollouts").mkdir(parents=True)
    for path in out.glob("claims.*"):
        if path.suffix != ".html":  # nine tenths of it is Plotly, and `laser reproduce` writes it again
            shutil.copy(path, root / "reproduce" / path.name)
    shutil.copy(out / "rules.toml", root / "reproduce" / "rules.toml")
    (root / "reproduce" / "cost.json").unlink(missing_ok=True)
    if (out / "cost.json").is_file():  # timed last, on a quiet machine
        shutil.copy(out / "cost.json", root / "reproduce" / "cost.json")
    facts = {path.parent.name: json.loads(path.read_text()) for path in sorted(out.glob("runs/*/facts.json"))}
    (root / "reproduce" / "runs.json").write_text(json.dumps(facts) + "\n")
    for run, name in (("base", "base"), ("laser-0", "laser"), ("grpo-0", "grpo")):
        folder = out / "runs" / run
        named = _named(read(folder / "rollouts.judged.parquet").rollouts, name)
        write_parquet(named, root / "rollouts" / f"{name}.parquet")
        if (folder / "model").is_dir():
            shutil.rmtree(root / "models" / name, ignore_errors=True)
            shutil.copytree(folder / "model", root / "models" / name)
            shutil.copy(folder / "events.jsonl", root / "events" / f"{name}.jsonl")
    for folder in sorted(out.glob("runs/*-laser-0/model")):
        _half_size(folder, root / "models" / folder.parent.name)
    for path in sorted(out.glob("runs/*/*.judged.parquet")):
        family = path.name.removesuffix(".judged.parquet")
        name = path.parent.name if family == "rollouts" else f"{family}-by-{path.parent.name}"
        table = _named(read(path).rollouts, name).table
        kept = table.drop_columns([column for column in PER_TOKEN if column in table.column_names])
        write_parquet(Rollouts(kept, read(path).rollouts.meta), root / "reproduce" / "rollouts" / f"{name}.parquet")


def _half_size(model: Path, target: Path) -> None:
    """Copy a model with its parameters in bfloat16, the precision of every matrix product in the reproduction."""
    import torch
    from safetensors.torch import load_file, save_file

    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(model, target)
    weights = target / "model.safetensors"
    halved = {name: tensor.to(torch.bfloat16) for name, tensor in load_file(weights).items()}
    save_file(halved, weights, metadata={"format": "pt"})


def _named(rollouts: Rollouts, name: str) -> Rollouts:
    return rollouts.with_column("run", [name] * len(rollouts))


if __name__ == "__main__":
    ship(Path(sys.argv[1]))
    readme_table.write_all()
