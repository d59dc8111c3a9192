"""Load problems by name: a generated family, a path to a JSONL or Parquet file, or a Hugging Face dataset."""

from __future__ import annotations

import json
from pathlib import Path

from laser_core.errors import InputError
from laser_core.tasks import linear, words
from laser_core.tasks.problems import SPLITS, Problem, split_of

FAMILIES = {family.name: family.problems for family in (linear.LINEAR, linear.CHAIN, words.FAMILY)}
_TEXT_FIELDS = ("problem", "question", "prompt", "input", "text")
_ANSWER_FIELDS = ("answer", "reference_answer", "final_answer", "solution", "gold", "target")
_ID_FIELDS = ("problem_id", "unique_id", "id", "uid")


def load_problems(source: str, split: str = "test") -> tuple[Problem, ...]:
    """The problems of one split.

    Parameters
    ----------
    source : str
        A generated family (``linear``, ``chain``, ``words``), a path to a ``.jsonl`` or
        ``.parquet`` file, or the name of a Hugging Face dataset, optionally with a configuration:
        ``openai/gsm8k:main``.
    split : {"train", "validation", "test"}
        A local file has no splits of its own: it is divided by a hash of each problem's text. ``all`` is the whole
        file.

    Returns
    -------
    tuple of Problem

    Raises
    ------
    InputError
        If there is no such source, or a record lacks the problem text or the answer; names file, line and field.
    """
    if split not in (*SPLITS, "all"):
        raise InputError(f"{split!r} is not a split", field="split", remedy=f"choose one of {', '.join(SPLITS)}, all")
    if source in FAMILIES:
        names = SPLITS if split == "all" else (split,)
        return tuple(problem for name in names for problem in FAMILIES[source](name))
    path = Path(source)
    if path.is_file():
        found = _from_records(_read_file(path), source)
        return found if split == "all" else tuple(p for p in found if split_of(p.text) == split)
    if path.suffix in (".jsonl", ".json", ".parquet") or source.startswith((".", "/")):
        raise InputError("there is no such file", file=source, remedy="check the path")
    return _from_records(_read_dataset(source, split), source)


def _read_file(path: Path) -> list[dict]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return pq.read_table(path).to_pylist()
    records = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if line.strip():
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise InputError(f"not JSON: {error.msg}", file=path, line=number, remedy="one object a line") from None
    return records


def _read_dataset(source: str, split: str) -> list[dict]:
    from datasets import load_dataset

    name, _, configuration = source.partition(":")
    try:
        return list(load_dataset(name, configuration or None, split=None if split == "all" else split))
    except Exception as error:  # the datasets library raises many kinds for a missing name, split or network
        raise InputError(
            f"neither a generated family ({', '.join(FAMILIES)}) nor a file, nor a dataset that loads ({error})",
            field="task",
            remedy="check the name, or give a local .jsonl file",
        ) from None


def _from_records(records: list[dict], source: str) -> tuple[Problem, ...]:
    found = []
    for number, record in enumerate(records, start=1):
        values = []
        for names in (_TEXT_FIELDS, _ANSWER_FIELDS):
            name = next((n for n in names if record.get(n) not in (None, "")), None)
            if name is None:
                raise InputError(
                    "missing value",
                    file=source,
                    line=number,
                    field=names[0],
                    remedy=f"name this field one of {', '.join(names)}",
                )
            values.append(record[name])
        text, answer = str(values[0]), _final_answer(values[1])
        label = next((str(record[n]) for n in _ID_FIELDS if record.get(n) is not None), str(number - 1))
        found.append(Problem(f"{Path(source).stem}:{label}", text, answer))
    return tuple(found)


def _final_answer(value: object) -> str:
    """The answer itself: the first of a list; in a worked GSM8K solution, what follows ``####``."""
    if isinstance(value, list):
        value = value[0] if value else ""
    return str(value).rsplit("####", 1)[-1].strip()
