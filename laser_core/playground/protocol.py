"""What the app and the sampling process say to each other: a request, then the events of one run of the sampler."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from laser_core.bundled import PREFIX
from laser_core.errors import InputError
from laser_core.models.names import PACKAGED, is_gguf

MODEL_FILES = ("config.json", "adapter_config.json")  # one of which lies in the folder of a model
MAX_SAMPLES, MAX_NEW_TOKENS, MAX_CHARACTERS = 32, 512, 4000


@dataclass(frozen=True)
class Request:
    """What to sample, from which model.

    Attributes
    ----------
    model : str
        ``bundled:NAME``, the folder of a local model or adapter, a ``.gguf`` file or a packaged model's name.
    problem : str
        The problem's text.
    answer : str or None
        Its reference answer; None if nobody knows it.
    samples : int
        Solutions to sample, 1 to 32.
    seed : int
        Seed of all random draws.
    beta_v : float
        Scale of the score, in reward units per nat.
    c_ref : float
        Reference constant, in nats.
    z_token : str
        The verdict token; if empty, an unused token of the model.
    prompt : str
        What the model is asked, with ``{problem}`` in the problem's place; empty: what it is asked in training.
    max_new_tokens : int
        Longest solution, in tokens, <eos> included.

    Raises
    ------
    InputError
        If a value is out of range, or the folder holds no model.
    """

    model: str
    problem: str
    answer: str | None
    samples: int
    seed: int
    beta_v: float
    c_ref: float
    z_token: str = ""
    max_new_tokens: int = 64
    prompt: str = ""

    def __post_init__(self) -> None:
        def need(ok: bool, name: str, rule: str) -> None:
            if not ok:
                raise InputError("this cannot be sampled", field=name, remedy=rule)

        need(0 < len(self.problem) <= MAX_CHARACTERS, "problem", f"give 1 to {MAX_CHARACTERS:,} characters")
        need(1 <= self.samples <= MAX_SAMPLES, "samples", f"ask for 1 to {MAX_SAMPLES}")
        need(1 <= self.max_new_tokens <= MAX_NEW_TOKENS, "max_new_tokens", f"ask for 1 to {MAX_NEW_TOKENS}")
        need(
            not self.prompt or self.prompt.count("{problem}") == 1,
            "prompt",
            "write {problem} once, where the problem goes",
        )
        need(len(self.prompt) <= MAX_CHARACTERS, "prompt", f"give at most {MAX_CHARACTERS:,} characters")
        need(self.beta_v > 0, "beta_v", "give a positive number")
        local = not self.model.startswith(PREFIX)
        need(
            not local or is_gguf(self.model) or any((Path(self.model) / name).is_file() for name in MODEL_FILES),
            "model",
            f"give the folder of a model, with {' or '.join(MODEL_FILES)}, a .gguf file, or {', '.join(PACKAGED)}",
        )


@dataclass(frozen=True)
class Ready:
    """The model is loaded; ``z_token`` is the verdict token in use."""

    z_token: str


@dataclass(frozen=True)
class Tokens:
    """One decode step.

    Attributes
    ----------
    rows : list of int
        The solutions that are still growing, counted from 0.
    tokens : list of str
        Their next tokens.
    z_logprob : list of float
        log pi(z_c) after these tokens, in nats.
    """

    rows: list[int]
    tokens: list[str]
    z_logprob: list[float]


@dataclass(frozen=True)
class Done:
    """All solutions, scored and verified, as rows of the rollout table. The last event."""

    rows: list[dict]


@dataclass(frozen=True)
class Failed:
    """Why there are no solutions. The last event, instead of :class:`Done`."""

    message: str


Event = Ready | Tokens | Done | Failed
_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in (Ready, Tokens, Done, Failed)}


def event_to_json(event: Event) -> dict:
    """The event as a JSON object.

    Examples
    --------
    >>> event_to_json(Ready(z_token="<z>"))
    {'event': 'Ready', 'z_token': '<z>'}
    >>> event_from_json(event_to_json(Ready(z_token="<z>")))
    Ready(z_token='<z>')
    """
    return {"event": type(event).__name__, **vars(event)}


def event_from_json(message: dict) -> Event:
    """The event that a JSON object spells; the inverse of :func:`event_to_json`."""
    fields = dict(message)
    return _KINDS[fields.pop("event")](**fields)
