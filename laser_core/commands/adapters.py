"""``laser merge``: a LoRA adapter and its model as one model."""

from __future__ import annotations

from typing import Annotated

import typer

from laser_core.commands import Out


def merge(
    model: Annotated[str, typer.Argument(help="A folder with a LoRA adapter, such as RUN/model.")],
    out: Out,
) -> None:
    """Write an adapter and its model as one model, which every tool can load without the adapter."""
    from laser_core.errors import InputError
    from laser_core.models.lora import base_of
    from laser_core.models.notes import read_notes, write_notes
    from laser_core.policy import load_policy

    base = base_of(model)
    if base is None:
        raise InputError(
            "there is no adapter", file=model, field="model", remedy="give the folder that holds adapter_config.json"
        )
    if out.exists() and any(out.iterdir()):
        raise InputError("the folder is not empty", file=out, field="--out", remedy="choose another one")
    merged = load_policy(model)
    merged.model.save_pretrained(out)
    merged.tokenizer.save_pretrained(out)
    write_notes(read_notes(model), out)
    typer.echo(f"Wrote {base} with its adapter, as one model, to {out}")
