"""Records of problems as they lie in files and on the hub, by split, with their columns found or named."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl

from laser_core.answers.boxes import last_boxed
from laser_core.errors import InputError
from laser_core.home import DATA_VARIABLE, data_folder
from laser_core.tasks.named import TASKS, NamedTask
from laser_core.tasks.problems import SPLITS, Problem, split_of

TEXT_FIELDS = ("problem", "question", "prompt", "input", "text")
ANSWER_FIELDS = ("answer", "reference_answer", "final_answer", "gold", "target", "Answer", "solution")
SOLUTION_FIELDS = ("solution", "worked_solution", "response", "completion", "output", "r1_solution_1", "answer")
_ID_FIELDS = ("problem_id", "unique_id", "id", "uid", "ID")
FIELDS = {"problem": TEXT_FIELDS, "answer": ANSWER_FIELDS, "solution": SOLUTION_FIELDS}


@dataclass(frozen=True)
class TaskRecord:
    """One record.

    Attributes
    ----------
    values : dict
    line : int
        Where it stands in its file, counted from 1.
    label : str
        What begins its problem's id: the source, and the official split it belongs to.
    """

    values: dict
    line: int
    label: str


@dataclass(frozen=True)
class Records:
    """The records of one split, and what their columns are called.

    Attributes
    ----------
    rows : list of TaskRecord
    source : str
        Where they come from, for messages.
    columns : mapping of str to str
        ``problem``, ``answer`` or ``solution`` to the column somebody named; the others are looked for.
    """

    rows: list[TaskRecord]
    source: str
    columns: Mapping[str, str] = field(default_factory=dict)

    def value(self, row: TaskRecord, what: str) -> object:
        """What a record holds under a name of :data:`FIELDS`.

        Raises
        ------
        InputError
            If it holds nothing there; names the file, the line and the field.
        """
        names = (self.columns[what],) if what in self.columns else FIELDS[what]
        name = next((n for n in names if row.values.get(n) not in (None, "")), None)
        if name is None:
            say = f"say which column it is: {self.source}?{what}=COLUMN"
            remedy = say if what in self.columns else f"name this field one of {', '.join(names)}, or {say}"
            raise InputError("missing value", file=self.source, line=row.line, field=names[0], remedy=remedy)
        return row.values[name]

    def problems(self) -> tuple[Problem, ...]:
        """The records as problems."""
        found = []
        for row in self.rows:
            text, answer = str(self.value(row, "problem")), final_answer(self.value(row, "answer"))
            number = next((str(row.values[n]) for n in _ID_FIELDS if row.values.get(n) is not None), str(row.line - 1))
            found.append(Problem(f"{row.label}:{number}", text.strip() or text, answer))
        return tuple(found)

    def divided(self, split: str, *, names: tuple[str, ...] = SPLITS) -> Records:
        """One of the splits ``names``, by a hash of each problem's text, so that they never overlap; or all of it."""
        if split == "all":
            return self
        test_share = 0.1 if "test" in names else 0.0
        kept = [row for row in self.rows if split_of(str(self.value(row, "problem")), test_share=test_share) == split]
        return replace(self, rows=kept)


def read_records(source: str, split: str) -> Records:
    """The records of one split of a named task, a local file or a data set of the hub.

    Parameters
    ----------
    source : str
        With the columns behind it where they have other names: ``mine.jsonl?problem=Q&answer=A``.
    split : {"train", "validation", "test", "all"}

    Raises
    ------
    InputError
        If there is no such source or split.
    """
    name, columns = split_columns(source)
    if name in TASKS:
        return _of_task(TASKS[name], split, columns)
    path = Path(name)
    if path.is_file():
        return Records(read_file(path, path.stem), name, columns).divided(split)
    if path.suffix in (".jsonl", ".json", ".parquet") or name.startswith((".", "/")):
        raise InputError("there is no such file", file=name, remedy="check the path")
    return Records(_read_hub(name, split, Path(name).stem), name, columns)


def split_columns(source: str) -> tuple[str, dict[str, str]]:
    """A source's name, and the columns named behind it.

    Raises
    ------
    InputError
        If something else than a column is named.

    Examples
    --------
    >>> split_columns("mine.jsonl?problem=Q&answer=final")
    ('mine.jsonl', {'problem': 'Q', 'answer': 'final'})
    """
    name, _, query = source.partition("?")
    columns = dict(parse_qsl(query, keep_blank_values=True))
    wrong = next((key for key in columns if key not in FIELDS or not columns[key]), None)
    if wrong is not None or (query and not columns):
        raise InputError(
            f"{query!r} does not name columns",
            field="task",
            remedy=f"write {name}?problem=COLUMN&answer=COLUMN (or solution=COLUMN)",
        )
    return name, columns


def _of_task(task: NamedTask, split: str, columns: Mapping[str, str]) -> Records:
    """A split of a named task: from its local copy where there is one, else from the hub."""
    columns = {**({"problem": task.problem} if task.problem else {}), **columns}
    whole = task.local_file(data_folder())
    if whole is not None and (len(task.splits) > 1 or "test" not in task.splits):  # without its official splits
        rows = read_file(whole, task.name)
        return Records(rows, str(whole), _known(columns, rows)).divided(split)
    if split == "all":
        parts = [_official(task, official, columns, whole) for official in task.splits]
        return replace(parts[0], rows=[row for part in parts for row in part.rows])
    if "test" not in task.splits:
        return _official(task, "train", columns, whole).divided(split)
    if split in ("train", "validation") and "train" in task.splits:
        return _official(task, "train", columns, whole).divided(split, names=("train", "validation"))
    if split not in task.splits:
        raise InputError(f"'{task.name}' has no {split} split", field="split", remedy="choose test, or another task")
    return _official(task, split, columns, whole)


def _official(task: NamedTask, split: str, columns: Mapping[str, str], whole: Path | None) -> Records:
    label, file = f"{task.name}-{split}", task.local_file(data_folder(), split) or whole
    if file is not None:
        rows = read_file(file, label)
        return Records(rows, str(file), _known(columns, rows))
    try:
        return Records(_read_hub(task.hub, task.splits[split], label), task.hub, columns)
    except InputError as error:
        raise InputError(
            f"neither a local copy ({data_folder()}/{task.name}_{split}.jsonl) nor on the hub ({error.problem})",
            file=task.name,
            field="task",
            remedy=f"put the file there, set {DATA_VARIABLE} to the folder that holds it, or go online",
        ) from None


def _known(columns: Mapping[str, str], rows: list[TaskRecord]) -> dict[str, str]:
    """The named columns that a local copy has: it may have been written with the usual names instead."""
    first = rows[0].values if rows else {}
    return {what: column for what, column in columns.items() if column in first}


def read_file(path: Path, label: str) -> list[TaskRecord]:
    """The records of a ``.parquet`` file or of JSON Lines.

    Raises
    ------
    InputError
        If a line is not a JSON object; names the file and the line.
    """
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return _numbered(pq.read_table(path).to_pylist(), label)
    records = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if line.strip():
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"not JSON: {error.msg}", file=path, line=number, remedy="one object a line") from None
            if not isinstance(record, dict):
                raise InputError("not a JSON object", file=path, line=number, remedy="one object a line")
            records.append(TaskRecord(record, number, label))
    return records


def _numbered(rows: Iterable[dict], label: str) -> list[TaskRecord]:
    return [TaskRecord(row, number, label) for number, row in enumerate(rows, start=1)]


def _read_hub(source: str, split: str, label: str) -> list[TaskRecord]:
    from datasets import concatenate_datasets, load_dataset

    name, _, configuration = source.partition(":")
    try:
        if split != "all":
            return _numbered(load_dataset(name, configuration or None, split=split), label)
        parts = load_dataset(name, configuration or None)
        return _numbered(concatenate_datasets(list(parts.values())), label)
    except Exception as error:  # the datasets library raises many kinds for a missing name, split or network
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"neither a known task ({', '.join(TASKS)}) nor a file, nor a data set that loads ({first})",
            file=source,
            field="task",
            remedy="check the name, or give a local .jsonl file",
        ) from None


def final_answer(value: object) -> str:
    r"""The answer itself: the first of a list; what follows ``####`` in a worked solution, or its last box.

    Examples
    --------
    >>> final_answer(["27", "28"]), final_answer("2 + 2 = 4\n#### 4"), final_answer(r"So it is $\boxed{\frac{1}{2}}$.")
    ('27', '4', '\\frac{1}{2}')
    """
    if isinstance(value, list):
        value = value[0] if value else ""
    text = str(value)
    if "####" in text:
        return text.rsplit("####", 1)[-1].strip()
    box = last_boxed(text)
    return box.content if box is not None else text.strip()
