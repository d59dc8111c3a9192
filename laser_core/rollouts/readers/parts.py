"""What several readers need: numbers that are numbers, verdicts that are verdicts, parallel lists, turns of a chat."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from laser_core.rollouts.readers import Context
from laser_core.rollouts.reading.fields import FieldError

Row = dict[str, object]

# Names under which graders file "the final answer is right"; lower case, without underscores.
VERDICT_NAMES = frozenset(
    name.replace("_", "")
    for name in (
        "correct",
        "is_correct",
        "correctness",
        "correct_answer",
        "correct_answer_reward",
        "correct_answer_reward_func",
        "correctness_reward",
        "accuracy",
        "accuracy_reward",
        "acc",
        "math_accuracy",
        "math_verify",
        "math_reward",
        "exact_match",
    )
)
_TURNS = (  # how chat templates open and close a user's turn
    ("<|im_start|>user\n", "<|im_end|>"),
    ("<|start_header_id|>user<|end_header_id|>", "<|eot_id|>"),
    ("<start_of_turn>user\n", "<end_of_turn>"),
    ("<\uff5cUser\uff5c>", "<\uff5cAssistant\uff5c>"),
    ("[INST]", "[/INST]"),
)


def number(value: object) -> float | None:
    """The value, if it is a finite number; booleans are none.

    Examples
    --------
    >>> number(2), number(True), number(float("nan")), number("2")
    (2.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def zero_one(value: object) -> bool | None:
    """The value as a verdict, if it is a boolean, 0 or 1; partial credit is no verdict.

    Examples
    --------
    >>> zero_one(1.0), zero_one(False), zero_one(0.1), zero_one("yes")
    (True, False, None, None)
    """
    return bool(value) if isinstance(value, (bool, int, float)) and value in (0, 1) else None


def reward_verdict(reward: object) -> bool | None:
    """What a verifier's reward says about correctness: 1 is correct, 0 and -1 are incorrect, all else is partial.

    Examples
    --------
    >>> reward_verdict(1.0), reward_verdict(-1), reward_verdict(0.1), reward_verdict(None)
    (True, False, None, None)
    """
    return False if number(reward) == -1 else zero_one(reward)


def verdict_name(names: Iterable[str]) -> str | None:
    """The first of the names that plainly means "the final answer is right", whatever its spelling.

    Examples
    --------
    >>> verdict_name(["Format", "MathAccuracy"]), verdict_name(["format", "length"])
    ('MathAccuracy', None)
    """
    return next((name for name in names if name.replace("_", "").lower() in VERDICT_NAMES), None)


def signals(values: object, *, leave_out: Iterable[str] = ()) -> Row:
    """The numbers of an object as ``signal.<name>`` columns; booleans count as 0 and 1.

    Examples
    --------
    >>> signals({"format": True, "length": 12, "note": "x", "acc": 1.0}, leave_out=["acc"])
    {'signal.format': 1.0, 'signal.length': 12.0}
    """
    left_out = set(leave_out)
    found: Row = {}
    for name, value in values.items() if isinstance(values, Mapping) else ():
        known = float(value) if isinstance(value, bool) else number(value)
        if known is not None and name not in left_out:
            found[f"signal.{name}"] = known
    return found


def text_list(record: Mapping[str, object], name: str) -> list[str]:
    """A non-empty list of texts.

    Raises
    ------
    FieldError
        If the field holds anything else.
    """
    values = record.get(name)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise FieldError(name, f"expected a list of texts, found {_kind(values)}")
    return values


def beside(record: Mapping[str, object], name: str, n: int) -> list[object]:
    """A list with one item for each of ``n`` solutions; Nones where the field is missing or null.

    Raises
    ------
    FieldError
        If it has another length or is no list.
    """
    values = record.get(name)
    if values is None:
        return [None] * n
    if not isinstance(values, list) or len(values) != n:
        found = f"{len(values)} values" if isinstance(values, list) else _kind(values)
        raise FieldError(name, f"expected one value for each of the {n} solutions, found {found}")
    return values


def objects(value: object) -> list[dict[str, object]]:
    """The objects in a list; an empty list where it is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def an_object(value: object) -> dict[str, object]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def user_turn(prompt: str) -> str:
    """The user's turn in a prompt that a chat template was applied to; any other prompt as it is.

    With several turns the prompt stays whole: of few-shot examples the first turn is the same for every problem, and
    after feedback the last one differs between solutions of one problem.

    Examples
    --------
    >>> user_turn("<|im_start|>system\\nBe brief.<|im_end|>\\n<|im_start|>user\\n1+1?<|im_end|>\\n<|im_start|>assistant\\n")
    '1+1?'
    >>> user_turn("1+1?")
    '1+1?'
    """
    for opening, closing in _TURNS:
        before, marker, after = prompt.partition(opening)
        if marker and opening not in after:
            return after.partition(closing)[0].strip()
    return prompt


def note_verdict(context: Context, name: str) -> None:
    """Tell the user which of the file's fields decided on correctness."""
    context.notes[f"correct where '{name}' is 1, incorrect where it is 0"] += 1


def note_partial(context: Context, name: str) -> None:
    """Tell the user that a reward was not taken for a verdict."""
    context.notes[
        f"'{name}' is partial credit, which is no verdict: kept as a signal, verified against the reference answer"
    ] += 1


def _kind(value: object) -> str:
    return "an empty list" if value == [] else "nothing" if value is None else type(value).__name__
