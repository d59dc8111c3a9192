"""What a file holds beside the rollout table's columns: kept as ``tag.<name>`` texts, to filter by and to take away.

A reader says which fields it used by looking them up. Whatever it did not look at and is one short value (a subject, a
level, a data source, a request's id) describes the solution or its problem, and is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from laser_core.rollouts.reading.json_values import as_number
from laser_core.rollouts.schema import SIGNAL_PREFIX, TAG_PREFIX, column_type

MAX_CHARS = 1000  # of one tag; longer texts are solutions, prompts or worked answers
MAX_TAGS = 40  # of a file; more are a table of their own
CONTAINERS = ("metadata", "meta", "extra_info", "extra_fields", "extra", "info", "tags", "doc", "sample_metadata")
# In a container these repeat the problem or its answer, which the table has columns for.
_KNOWN_INSIDE = {"question", "problem", "prompt", "query", "answer", "solution", "target", "gold", "messages", "id"}

Row = dict[str, object]


class Looked(dict[str, object]):
    """A record that remembers which of its fields were looked up; walking over all of them is no look-up.

    Examples
    --------
    >>> record = Looked({"input": "1+1?", "level": "easy"})
    >>> record.get("input"), "level" in record, sorted(record.looked)
    ('1+1?', True, ['input'])
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        super().__init__(values)
        self.looked: set[str] = set()

    def __getitem__(self, name: str) -> object:
        self.looked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: object = None) -> object:
        """As ``dict.get``."""
        self.looked.add(name)
        return super().get(name, default)


class Tags:
    """The tags of one file, named once for all its rows.

    Parameters
    ----------
    notes : Counter of str
        Where to say what was left out.
    """

    def __init__(self, notes: Counter[str]) -> None:
        self._notes = notes
        self._names: set[str] = set()

    def add(self, record: Looked, rows: Sequence[Row]) -> None:
        """Give the rows that were made of a record the tags that it holds.

        Parameters
        ----------
        record : Looked
            After the reader has made the rows.
        rows : sequence of dict
            Changed in place. A list with one value for each of several rows gives each its own.
        """
        for name, value in self._described(record, rows).items():
            values = value if isinstance(value, list) else [value] * len(rows)
            texts = [_as_tag(item) for item in values]
            if all(text is None for text in texts) or not self._has_room(name):
                continue
            for row, text in zip(rows, texts, strict=True):
                if text is not None:
                    row.setdefault(TAG_PREFIX + name, text)

    def _described(self, record: Looked, rows: Sequence[Row]) -> dict[str, object]:
        """The record's fields that no column holds, with those of its containers."""
        inside = [name for name, value in record.items() if name in CONTAINERS and isinstance(value, Mapping)]
        others = [*inside, *(name for name in record if name not in record.looked and name not in inside)]
        if not others:
            return {}
        texts = {value for row in rows for value in row.values() if isinstance(value, str)}
        found: dict[str, object] = {}
        for name in others:
            value = dict.get(record, name)
            if isinstance(value, Mapping) and name in inside:
                own = {n: v for n, v in value.items() if isinstance(n, str) and n.lower() not in _KNOWN_INSIDE}
                found |= {n: v for n, v in own.items() if _is_new(n, v, rows, texts) and n not in record}
            elif name not in record.looked:
                bare = name.removeprefix(TAG_PREFIX)
                if _is_new(bare, value, rows, texts):
                    found[bare] = value
        return found

    def _has_room(self, name: str) -> bool:
        if name in self._names:
            return True
        if len(self._names) >= MAX_TAGS:
            self._notes[f"more than {MAX_TAGS} other columns: '{name}' was left out"] += 1
            return False
        self._names.add(name)
        return True


def _is_new(name: str, value: object, rows: Sequence[Row], texts: set[str]) -> bool:
    """Whether a field is a short value, or one for each row, that no column of the rows holds already."""
    taken = (SIGNAL_PREFIX + name, TAG_PREFIX + name)
    if (
        not name
        or len(name) > 100
        or column_type(name) is not None
        or any(column in row for row in rows for column in taken)
    ):
        return False
    if isinstance(value, list):
        return len(value) == len(rows) > 1 and all(_as_tag(item) is not None for item in value)
    return _as_tag(value) is not None and value not in texts


def _as_tag(value: object) -> str | None:
    """A value as a tag's text; None for what is no single short value.

    >>> _as_tag(True), _as_tag(3.0), _as_tag(0.25), _as_tag(" algebra "), _as_tag(""), _as_tag([1])
    ('true', '3', '0.25', 'algebra', None, None)
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = value.strip()
        return text if 0 < len(text) <= MAX_CHARS else None
    number = as_number(value)
    return None if number is None else f"{number:.12g}"
