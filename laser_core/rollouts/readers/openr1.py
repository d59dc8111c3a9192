"""Tables in the shape of OpenR1-Math (the data set's card and open-r1's generation scripts).

One row a problem: ``problem, answer, uuid`` and parallel lists ``generations``, ``correctness_math_verify``,
``correctness_llama``, ``is_reasoning_complete``, ``finish_reasons``. The verdict is math-verify's; the language model
that judged the rest is a signal.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.parts import Row, a_list, beside, reference
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.json_values import zero_or_one

NAME = "openr1"
TITLE = "OpenR1 generations"

_BESIDE = {"correctness_math_verify", "correctness_llama", "is_reasoning_complete"}


def matches(keys: set[str], record: Row) -> bool:
    """Generations beside at least one list of what was found about them."""
    return "generations" in keys and bool(keys & _BESIDE)


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row per generation."""
    responses = a_list(record, "generations")
    n = len(responses)
    verified, judged, complete, stops = (
        beside(record, name, n)
        for name in ("correctness_math_verify", "correctness_llama", "is_reasoning_complete", "finish_reasons")
    )
    problem = as_text(record.get("problem"))
    for i, response in enumerate(responses):
        row: Row = {
            "problem_id": record.get("uuid"),
            "problem": problem,
            "reference_answer": reference(record.get("answer")),
            "response": response,
            "correct": verified[i],
            "truncated": _cut_off(stops[i], complete[i]),
        }
        judge = zero_or_one(judged[i])
        if judge is not None:
            row["signal.correctness_llama"] = float(judge)
        yield row


def _cut_off(stop: object, complete: object) -> bool | None:
    """Whether the length limit ended a generation: by its stop reason, else by its reasoning having no end."""
    if isinstance(stop, str):
        return stop == "length"
    return not complete if isinstance(complete, bool) else None
