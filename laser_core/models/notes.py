"""What a trained model's folder says beside its weights: its prompt, its verdict token and the reference constant."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from laser_core.models.prompt import PLACE, Prompt

NOTES_FILE = "laser.json"


@dataclass(frozen=True)
class ModelNotes:
    """How a model was trained to be asked and read; None where nothing is noted.

    Attributes
    ----------
    prompt : Prompt, optional
    z_token : str, optional
        The verdict token.
    c_ref : float, optional
        Mean log pi_ref(z_c) of the model it was trained from, in nats.
    """

    prompt: Prompt | None = None
    z_token: str | None = None
    c_ref: float | None = None


def read_notes(folder: str | Path) -> ModelNotes:
    """The notes in a model's folder; what is missing or of another type counts as not noted."""
    try:
        values = json.loads((Path(folder) / NOTES_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ModelNotes()
    if not isinstance(values, dict):
        return ModelNotes()
    text, chat, z_token, c_ref = (values.get(name) for name in ("prompt", "prompt_chat", "z_token", "c_ref"))
    asked = None
    if isinstance(text, str) and text.count(PLACE) == 1 and isinstance(chat, bool):
        asked = Prompt(text, chat)
    return ModelNotes(
        asked,
        z_token if isinstance(z_token, str) and z_token else None,
        float(c_ref) if isinstance(c_ref, float) else None,
    )


def write_notes(notes: ModelNotes, folder: str | Path) -> None:
    """Write the notes into a model's folder."""
    prompt = notes.prompt
    values = {
        "prompt": prompt.text if prompt else None,
        "prompt_chat": prompt.chat if prompt else None,
        "z_token": notes.z_token,
        "c_ref": notes.c_ref,
    }
    (Path(folder) / NOTES_FILE).write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
