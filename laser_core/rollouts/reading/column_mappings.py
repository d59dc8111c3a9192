"""Column mappings, remembered for the next file of the same shape."""

from __future__ import annotations

import json
from pathlib import Path

from laser_core.rollouts.schema import column_type
from laser_core.runfolder.atomic import write_whole

MAX_SHAPES = 500


def recall(shape: str, folder: Path) -> dict[str, str] | None:
    """The mapping last used for files of this shape (see :class:`laser_core.rollouts.Preview`), if one is known.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     remember("3f", {"said": "response"}, Path(folder))
    ...     recall("3f", Path(folder)), recall("40", Path(folder))
    ({'said': 'response'}, None)
    """
    found = _read(folder).get(shape)
    if not isinstance(found, dict) or not found:
        return None
    fits = all(isinstance(field, str) and column_type(field) is not None for field in found.values())
    return found if fits else None


def remember(shape: str, mapping: dict[str, str], folder: Path) -> None:
    """Keep a mapping for the next file of this shape; the oldest of MAX_SHAPES is forgotten.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    known = _read(folder)
    known.pop(shape, None)
    known[shape] = mapping
    kept = dict(list(known.items())[-MAX_SHAPES:])
    write_whole(folder / "mappings.json", json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def _read(folder: Path) -> dict[str, object]:
    try:
        known = json.loads((folder / "mappings.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}
