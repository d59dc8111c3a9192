"""What several readers need: verdicts, signals, parallel lists and the turns of a chat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from laser_core.answers.verify import extract_answer
from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_number
from laser_core.rollouts.reading.rewards import RewardScale, decide

Row = dict[str, object]
Grade = tuple[str, object]

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
        "quasi_exact_match",
        "math_equiv",
        "math_equiv_chain_of_thought",
        "final_number_exact_match",
        "chain_of_thought_correctness",
    )
)
_TURNS = (  # how chat templates open and close a user's turn
    ("<|im_start|>user\n", "<|im_end|>"),
    ("<|start_header_id|>user<|end_header_id|>", "<|eot_id|>"),
    ("<start_of_turn>user\n", "<end_of_turn>"),
    ("<\uff5cUser\uff5c>", "<\uff5cAssistant\uff5c>"),
    ("[INST]", "[/INST]"),
)


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
    {'signal.format': 1.0, 'signal.length': 12}
    """
    left_out = set(leave_out)
    found: Row = {}
    for name, value in values.items() if isinstance(values, Mapping) else ():
        known = float(value) if isinstance(value, bool) else as_number(value)
        if known is not None and name not in left_out:
            found[f"signal.{name}"] = known
    return found


def a_list(record: Mapping[str, object], name: str) -> list[object]:
    """A non-empty list, such as a problem's solutions. An item that is not text only costs its own solution.

    Raises
    ------
    FieldError
        If the field holds anything else.
    """
    values = record.get(name)
    if not isinstance(values, list) or not values:
        raise FieldError(name, f"expected a list with one item for each solution, found {_kind(values)}")
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


def reference(value: object) -> str | None:
    """A reference answer as text; of a worked solution its final answer.

    Examples
    --------
    >>> reference(5), reference("2 + 3 = 5\\n#### 5"), reference(["5"]), reference(None)
    ('5', '5', '5', None)
    """
    text = as_text(value)
    return None if text is None else extract_answer(text, prose=False) or text


def user_turn(prompt: str) -> str:
    """The user's turn in a prompt that a chat template was applied to; any other prompt as it is.

    With several turns the prompt stays whole: of few-shot examples the first turn is the same for every problem, and
    after feedback the last one differs between solutions of one problem.

    Examples
    --------
    >>> user_turn("<|im_start|>system\\nBe brief.<|im_end|>\\n<|im_start|>user\\n1+1?<|im_end|>\\n")
    '1+1?'
    >>> user_turn("1+1?")
    '1+1?'
    """
    for opening, closing in _TURNS:
        before, marker, after = prompt.partition(opening)
        if marker and opening not in after:
            return after.partition(closing)[0].strip()
    return prompt


def survey_grades(grades: Iterable[Grade | None], context: Context) -> None:
    """Collect the values that the file's verdicts and rewards take, which :func:`graded` needs."""
    for name, value in (grade for grade in grades if grade is not None):
        context.rewards.setdefault(name, RewardScale()).add(value)


def graded(row: Row, grade: Grade | None, values: object, context: Context) -> Row:
    """The row with its verdict, and every other number as a signal.

    Parameters
    ----------
    row : dict
        The row so far, with its reference answer if there is one.
    grade : tuple of str and object, optional
        What the file calls the verdict or the reward that may be one, and its value.
    values : object
        Numbers by name. Where the grade itself is the verdict it is left out of the signals.
    context : Context
        Of a file that was surveyed.

    Returns
    -------
    dict
    """
    if grade is None:
        return row | signals(values)
    name, value = grade
    scale = context.rewards.get(name)
    decided = decide(row, name, value, scale, context.notes)
    return row | decided | signals(values, leave_out=[name] if scale is not None and scale.is_verdict else [])


def _kind(value: object) -> str:
    return "an empty list" if value == [] else "nothing" if value is None else type(value).__name__
