"""The per-token quantities that figures can show, and their colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laser_core.figures.theme import ENTROPY_SCALE, LOGPROB_SCALE, SCORE_SCALE, Scale
from laser_core.score import z_logprob_from_score


@dataclass(frozen=True)
class Quantity:
    """A per-token quantity: its column, name, unit, and colour scale with the values at its two ends."""

    key: str
    column: str
    name: str
    unit: str
    scale: Scale
    low: float
    high: float


QUANTITIES = {
    "score": Quantity("score", "z_trace", "score so far", "score", SCORE_SCALE, 0.0, 1.0),
    "z_logprob": Quantity("z_logprob", "z_trace", "log-prob of z_c", "nats", SCORE_SCALE, np.nan, np.nan),
    "logprob": Quantity("logprob", "token_logprobs", "log-prob of the token", "nats", LOGPROB_SCALE, -3.0, 0.0),
    "log_ratio": Quantity(
        "log_ratio", "ref_token_logprobs", "log-prob minus the reference's", "nats", SCORE_SCALE, -2.0, 2.0
    ),
    "entropy": Quantity("entropy", "entropy", "entropy before the token", "nats", ENTROPY_SCALE, 0.0, 2.0),
}


def colour_scale(what: Quantity, beta_v: float | None, c_ref: float | None) -> Scale:
    """The colour scale; the log-prob of z_c diverges only where the settings tell which value is the decision."""
    undecided = what.key == "z_logprob" and not (beta_v and c_ref is not None)
    return LOGPROB_SCALE if undecided else what.scale


def scale_ends(what: Quantity, values: np.ndarray, beta_v: float | None, c_ref: float | None) -> tuple[float, float]:
    """The values at the two ends of the colour scale: fixed, so that a colour means the same everywhere."""
    if what.key != "z_logprob":
        return what.low, what.high
    if beta_v and c_ref is not None:
        return c_ref, z_logprob_from_score(1.0, beta_v=beta_v, c_ref=c_ref)  # score 0 to score 1
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (-1.0, 0.0)


def colours_at(scale: Scale, values: np.ndarray, low: float, high: float) -> list[str]:
    """The colour of each value on a scale between two ends, as "#aabbcc"; empty where the value is undefined.

    Examples
    --------
    >>> colours_at(((0.0, "#000000"), (1.0, "#0080ff")), np.array([-3.0, 0.0, 1.0, np.nan]), -1.0, 1.0)
    ['#000000', '#004080', '#0080ff', '']
    """
    known = np.isfinite(values)
    position = np.full(len(values), 0.5)
    if high > low:
        position[known] = np.clip((values[known] - low) / (high - low), 0, 1)
    stops = [stop for stop, _ in scale]
    channels = [[int(color[i : i + 2], 16) for _, color in scale] for i in (1, 3, 5)]
    red, green, blue = (np.interp(position, stops, channel).round().astype(int).tolist() for channel in channels)
    return [f"#{r:02x}{g:02x}{b:02x}" if k else "" for r, g, b, k in zip(red, green, blue, known, strict=True)]
