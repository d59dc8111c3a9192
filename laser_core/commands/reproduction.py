"""``laser reproduce``: the paper's claims in miniature."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def reproduce(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for runs and results; an interrupted reproduction resumes.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Training seeds of the main runs; 5, or 1 with --quick.")] = None,
    ablation_seeds: Annotated[
        int | None,
        typer.Option(help="Seeds of ablations, exact reference and longer runs; 3, or none with --quick."),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="The main claims from one seed, in a quarter of an hour on two cores; wider intervals."
        ),
    ] = False,
    workers: Annotated[int | None, typer.Option(help="Parallel processes; one per core by default.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the table of --out, or the shipped one.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="With --show: print one JSON object.")] = False,
) -> None:
    """Train base, GRPO, LaSeR and ablations in miniature, and test every claim of the paper."""
    from laser_core.reproduce.table import SHIPPED, as_text, load, save, to_json

    if show:
        from laser_core.reproduce.headline import counts, first_sentence
        from laser_core.reproduce.history import load_history

        path = out / "claims.json" if out else SHIPPED
        table, history = load(path), load_history(path)
        if json_:
            typer.echo(json.dumps(to_json(table, history.as_json() if history.sha256 else None)))
        else:
            typer.echo("\n".join(filter(None, (first_sentence(table), counts(table), history.words, as_text(table)))))
        return
    if out is None:
        raise typer.BadParameter("give --out DIR, or --show to print the shipped table", param_hint="--out")
    from dataclasses import replace

    from laser_core.commands.bars import plain_bar
    from laser_core.report.claims_page import write_page
    from laser_core.reproduce.claims import all_claims
    from laser_core.reproduce.evidence import Evidence
    from laser_core.reproduce.execute import execute
    from laser_core.reproduce.headline import counts, first_sentence
    from laser_core.reproduce.history import history_of
    from laser_core.reproduce.plan import QUICK, Scale

    scale = QUICK if quick else Scale()
    changes = {"seeds": seeds, "ablation_seeds": ablation_seeds}
    scale = replace(scale, **{name: value for name, value in changes.items() if value is not None})
    with plain_bar("reproduce", None) as advance:
        execute(out, scale, workers=workers, on_done=lambda done, total, name: advance(done, name, total))
    evidence = Evidence(out)
    claims, history = all_claims(evidence), history_of(evidence)
    save(claims, out, history.as_json())
    write_page(claims, out / "claims.html", facts=evidence.facts, history=history.words)
    typer.echo("\n".join(filter(None, (first_sentence(claims), counts(claims), history.words, as_text(claims)))))
    typer.echo(f"Wrote {out}/claims.json, claims.parquet and claims.html")
