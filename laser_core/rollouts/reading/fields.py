"""Turn whatever a file holds in a field into the canonical type, or say in plain words why it does not fit."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from laser_core.rollouts.schema import COLUMNS, PER_TOKEN, REQUIRED, column_type

_TRUE = {"true", "t", "yes", "1", "1.0"}
_FALSE = {"false", "f", "no", "0", "0.0"}
_MISSING = {"", "null", "none", "nan", "n/a", "na"}
_INT32 = 2**31 - 1
_NUMBERS = {float, int, type(None), np.float32, np.float64}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)
_TEXT_CELLS = {"response", "output", "completion", "generation", "output_response", "text"}
_TEXT_CELLS |= {"input", "prompt", "input_prompt", "problem", "question", "query", "uid"}
_TEXT_CELLS |= {"answer", "predicted_answer", "expected_answer", "reference_answer", "gts", "pred", "target"}
_TEXT_CELLS |= {"solution", "ground_truth"}
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class FieldError(ValueError):
    """A value does not fit its field; ``str()`` is the reason, ``field`` the name."""

    def __init__(self, field: str | None, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def coerce(name: str, value: object, *, is_text: bool = False) -> object:
    """The value in the canonical type of column ``name``; None where it is missing (null, NaN).

    Parameters
    ----------
    name : str
        A column of the schema or ``signal.<name>``.
    value : object
        From JSON, Parquet or a CSV cell.
    is_text : bool
        The value is a CSV cell: numbers, booleans and lists are spelled out, and an empty cell is a missing value.

    Raises
    ------
    FieldError
        If the value does not fit, or no column has this name.

    Examples
    --------
    >>> coerce("correct", 1), coerce("sample", 3.0), coerce("score", float("nan")), coerce("reference_answer", 42)
    (True, 3, None, '42')
    >>> coerce("correct", "maybe")
    Traceback (most recent call last):
        ...
    laser_core.rollouts.reading.fields.FieldError: expected true or false, found 'maybe'
    """
    kind = column_type(name)
    if kind is None:
        raise FieldError(name, "no such field in the rollout table")
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if is_text and isinstance(value, str) and value.strip().lower() in _MISSING and name != "response":
        text_column = kind == pa.string()
        if not text_column or not value.strip():
            return None  # a text column may well hold the word "none"
    if kind == pa.string():
        return _text(name, value)
    if kind == pa.bool_():
        return _boolean(name, value)
    if kind == pa.float64():
        return _number(name, value, is_text)
    if kind == pa.int32():
        return _whole(name, value, is_text)
    return _items(name, value, is_text)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def clean_text(text: str) -> str:
    """The text with lone surrogates (half a character, from a cut-off tokenizer) replaced, so that it can be stored."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, (bool, dict, list)) or name == "response":
        raise FieldError(name, f"expected text, found {type(value).__name__}")
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)


def _boolean(name: str, value: object) -> bool:
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in _TRUE | _FALSE:
        return value.strip().lower() in _TRUE
    raise FieldError(name, f"expected true or false, found {_shown(value)}")


def _number(name: str, value: object, is_text: bool) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or (isinstance(value, str) and not is_text):
        raise FieldError(name, f"expected a number, found {_shown(value)}")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise FieldError(name, f"expected a number, found {_shown(value)}") from None
    if math.isinf(number):
        raise FieldError(name, "expected a finite number, found an infinite one")
    return None if math.isnan(number) else number


def _whole(name: str, value: object, is_text: bool) -> int | None:
    number = _number(name, value, is_text)
    if number is None:
        return None
    if not number.is_integer() or abs(number) > _INT32:
        raise FieldError(name, f"expected a whole number below {_INT32:,}, found {_shown(value)}")
    return int(number)


def _items(name: str, value: object, is_text: bool) -> list[str] | np.ndarray:
    if is_text and isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise FieldError(name, "expected a JSON list in this cell") from None
    if not isinstance(value, (list, tuple, np.ndarray)):
        raise FieldError(name, f"expected a list, found {_shown(value)}")
    if COLUMNS[name] == pa.list_(pa.string()):
        try:
            whole = "".join(value)
        except TypeError:
            raise FieldError(name, "expected a list of texts") from None
        return list(value) if whole.isascii() else [clean_text(item) for item in value]
    if not set(map(type, value)) <= _NUMBERS:
        raise FieldError(name, "expected a list of numbers")
    try:
        numbers = np.array(value, dtype=np.float64)  # None becomes NaN: a log-prob nobody knows
    except OverflowError:
        raise FieldError(name, "a number in the list is too large") from None
    return np.where(np.isfinite(numbers), numbers, np.nan).astype(np.float32)


def unspelled(cells: dict[str, str]) -> dict[str, object]:
    """The cells of a CSV row as the values that the format's own writer would have stored: numbers, lists, booleans.

    Columns that hold texts by their name stay texts, whatever they spell.

    Examples
    --------
    >>> unspelled({"output": "42", "score": "-1.0", "acc": "True", "gts": "5", "extra": "", "list": "[1, 2]"})
    {'output': '42', 'score': -1.0, 'acc': True, 'gts': '5', 'extra': None, 'list': [1, 2]}
    """
    return {name: cell if name in _TEXT_CELLS and cell else _unspelled(cell) for name, cell in cells.items()}


def _unspelled(cell: str) -> object:
    stripped = cell.strip()
    if stripped.lower() in _MISSING:
        return None
    if stripped.lower() in ("true", "false"):
        return stripped.lower() == "true"
    if _NUMBER.fullmatch(stripped):
        return float(stripped) if not stripped.lstrip("+-").isdigit() or len(stripped) > 18 else int(stripped)
    if stripped[0] + stripped[-1] in ("[]", "{}"):
        try:
            return json.loads(stripped)
        except (ValueError, RecursionError):
            return cell
    return cell


def check_row(row: Mapping[str, object]) -> None:
    """Check what only the whole row can show: required fields, and one value per token in every per-token list.

    Raises
    ------
    FieldError
        Naming the first field at fault.
    """
    for name in REQUIRED:
        if row.get(name) is None:
            raise FieldError(name, "missing value")
    values = {name: row.get(name) for name in PER_TOKEN}
    lengths = {name: len(value) for name, value in values.items() if isinstance(value, (list, np.ndarray))}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise FieldError(list(lengths)[-1], f"the per-token lists differ in length: {shown}")
