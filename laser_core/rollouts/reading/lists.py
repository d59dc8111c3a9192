"""Records with several solutions in parallel lists, and values nested inside records."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping

from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.schema import PER_TOKEN

MAX_SPELLED_CHARS = 2_000_000  # Python's parser keeps some hundred bytes a node
MAX_PATH_PARTS = 12
OF_THE_PROBLEM = ("run", "step", "problem_id", "problem", "reference_answer")  # may be given once for all solutions


def exploded(
    fields: Mapping[str, object], *, by: str = "response", file_names: Mapping[str, str] | None = None
) -> list[dict[str, object]]:
    """One row per solution if the response is a list; otherwise the record itself, as its only row.

    A field with a list of the same length gives each row its item; any other value is repeated on every row. A chat (a
    list of messages) is one value, not several. The per-token columns (``tokens``, ``token_logprobs``, ...) need a list
    of lists here.

    Parameters
    ----------
    fields : mapping of str to object
        Canonical field name -> the record's value.
    by : str
        The field whose list counts the solutions.
    file_names : mapping of str to str, optional
        What the file calls a field, for the error.

    Returns
    -------
    list of dict

    Raises
    ------
    FieldError
        If a list has another length than the responses.

    Examples
    --------
    >>> exploded({"problem": "1+1?", "response": ["2", "3"], "correct": [True, False]})
    [{'problem': '1+1?', 'response': '2', 'correct': True}, {'problem': '1+1?', 'response': '3', 'correct': False}]
    """
    responses = parallel(fields.get(by))
    if responses is None:
        return [dict(fields)]
    n = len(responses)
    called = file_names or {}
    columns: dict[str, list[object]] = {}
    for name, value in fields.items():
        values = parallel(value)
        if name in PER_TOKEN and value is not None and (values is None or len(values) != n):
            raise FieldError(called.get(name, name), f"expected {n} lists, one for each solution")
        if values is not None and len(values) != n and not (len(values) == 1 and name in OF_THE_PROBLEM):
            reason = f"a list of {len(values)} values beside {n} values of '{called.get(by, by)}'"
            raise FieldError(called.get(name, name), reason)
        columns[name] = [value] * n if values is None else values if len(values) == n else values * n
    return [{name: values[i] for name, values in columns.items()} for i in range(n)]


def parallel(value: object) -> list[object] | None:
    """The value, if it is a list with one item per solution rather than one chat."""
    return value if isinstance(value, list) and not is_chat(value) else None


def is_chat(value: object) -> bool:
    """Whether a value is a list of chat messages."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and "role" in item and "content" in item for item in value)
    )


def spelled(cell: object) -> object:
    """A list or dict from its spelling in JSON or in Python, as a CSV cell may hold it; anything else as it is.

    Examples
    --------
    >>> spelled("['a', None]"), spelled('["a", null]'), spelled("[1, 2"), spelled("a")
    (['a', None], ['a', None], '[1, 2', 'a')
    """
    if not isinstance(cell, str) or cell.strip()[:1] not in ("[", "{", "(") or len(cell) > MAX_SPELLED_CHARS:
        return cell
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        try:
            value = ast.literal_eval(cell.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return cell
    return list(value) if isinstance(value, tuple) else value if isinstance(value, (list, dict)) else cell


def look_up(record: Mapping[str, object], path: str) -> object:
    """The value under a name, or under a path into nested objects such as ``doc.question`` or ``choices.0.text``.

    A path through a list of objects without a number takes that part from each of them: parallel values.

    Raises
    ------
    KeyError
        If there is no such value.

    Examples
    --------
    >>> record = {"doc": {"question": "1+1?"}, "choices": [{"text": "2"}, {"text": "3"}], "a.b": 1}
    >>> look_up(record, "doc.question"), look_up(record, "choices.0.text"), look_up(record, "choices.text")
    ('1+1?', '2', ['2', '3'])
    >>> look_up(record, "a.b")
    1
    """
    if path in record:
        return record[path]
    parts = path.split(".")
    if len(parts) > MAX_PATH_PARTS:
        raise KeyError(path)
    value: object = record
    for i, part in enumerate(parts):
        if isinstance(value, Mapping):
            if part not in value:
                raise KeyError(path)
            value = value[part]
        elif isinstance(value, list) and part.lstrip("-").isdecimal() and len(part) < 10:
            try:
                value = value[int(part)]
            except IndexError:
                raise KeyError(path) from None
        elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            return [look_up(item, ".".join(parts[i:])) for item in value]
        else:
            raise KeyError(path)
    return value


def leaves(record: Mapping[str, object], *, most: int = 400) -> list[str]:
    """The names of a record's values, nested objects by their paths, in order; at most ``most`` of them.

    Examples
    --------
    >>> leaves({"id": 1, "doc": {"question": "q", "meta": {"level": 3}}, "choices": [{"text": "2"}]})
    ['id', 'doc.question', 'doc.meta.level', 'choices.text']
    """
    found: list[str] = []
    _add_leaves(record, "", 0, most, found)
    return found


def _add_leaves(value: Mapping[str, object], prefix: str, depth: int, most: int, found: list[str]) -> None:
    for key, item in value.items():
        if len(found) >= most:
            return
        name = f"{prefix}{key}"
        if isinstance(item, list) and item and all(isinstance(x, dict) for x in item) and not is_chat(item):
            item = item[0]
        if isinstance(item, dict) and item and depth < MAX_PATH_PARTS:
            _add_leaves(item, f"{name}.", depth + 1, most, found)
        else:
            found.append(name)
