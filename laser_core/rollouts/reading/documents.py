"""Documents that hold a table or a set of records in another shape than a list of objects."""

from __future__ import annotations

from collections.abc import Mapping

_LISTS = ("request_states",)  # a log's list of records that may stand beside other lists (HELM)


def reshaped(document: Mapping[str, object]) -> list[object] | None:
    """The records of a split table, of numbered objects or of a known log; None for any other document.

    A split table is ``{"columns": [...], "data": [[...], ...]}``, as W&B and pandas write it; an index that pandas adds
    is left out. Numbered objects are ``{"0": {...}, "1": {...}}``, as OpenCompass and pandas write them, or the same
    under ``details``. A row that does not fit the columns stays a list, which is refused where it stands.

    Examples
    --------
    >>> reshaped({"columns": ["question", "output"], "data": [["1+1?", "2"], ["2+2?"]]})
    [{'question': '1+1?', 'output': '2'}, ['2+2?']]
    >>> reshaped({"0": {"prediction": "2"}, "1": {"prediction": "4"}})
    [{'prediction': '2'}, {'prediction': '4'}]
    >>> reshaped({"question": "1+1?", "output": "2"}) is None
    True
    """
    columns, data = document.get("columns"), document.get("data")
    if isinstance(columns, list) and isinstance(data, list) and columns and all(isinstance(c, str) for c in columns):
        fits = len(set(columns)) == len(columns)
        if fits and all(isinstance(row, list) for row in data):
            return [dict(zip(columns, row, strict=True)) if len(row) == len(columns) else row for row in data]
    details = document.get("details")
    numbered = details if isinstance(details, dict) else document
    records = {key: value for key, value in numbered.items() if key.isdecimal()}
    first = next(iter(records.values()), None)
    if isinstance(first, dict) and 2 * len(records) >= len(numbered):  # beside a word or two on the whole set
        return list(records.values())
    return next((found for name in _LISTS if isinstance(found := document.get(name), list) and found), None)
