"""Sort out files that were given together, before any is read: name their runs, find copies and requests."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from laser_core.errors import InputError
from laser_core.rollouts.readers import chat_completions
from laser_core.rollouts.reading.json_values import as_object
from laser_core.rollouts.reading.records import Record
from laser_core.rollouts.reading.source import Source, open_source, stem_of

File = str | Path | tuple[str, str | Path | bytes | BinaryIO]


@dataclass(frozen=True)
class Item:
    """One file of a batch: its display name, its content (a path, bytes or a file), and its run's default name."""

    name: str
    content: str | Path | bytes | BinaryIO
    run: str


@dataclass(frozen=True)
class Batch:
    """Files given together, sorted out before any is read.

    Attributes
    ----------
    files : tuple of Item
        The files that hold rollouts, each once.
    requests : mapping of str to str
        Problem texts by custom_id, from the files of batch requests among them.
    notes : tuple of str
        What happened to the other files.
    """

    files: tuple[Item, ...]
    requests: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def size(self) -> int:
        """Stored bytes of all files; those of a pipe are unknown and count as none."""
        return sum(_size(item) or 0 for item in self.files)

    @classmethod
    def of(cls, files: Sequence[File]) -> Batch:
        """Sort files out: name their runs, find copies and requests."""
        contents = [file if isinstance(file, tuple) else (_shown(file), file) for file in files]
        names = [str(name) for name, _ in contents]
        items = [Item(name, content, run) for (name, content), run in zip(contents, run_names(names), strict=True)]
        if len(items) == 1:
            return cls(tuple(items), {}, ())
        kept: list[Item] = []
        notes: list[str] = []
        requests: dict[str, str] = {}
        for item, original in zip(items, _originals(items), strict=True):
            if original is not None:
                notes.append(f"{item.name} is the same file as {original.name}: left out")
                continue
            found = _requests_in(item)
            if found is None:
                kept.append(item)
                continue
            requests |= found
            notes.append(f"{item.name} holds requests: its {len(found):,} problems are joined to their answers")
        return cls(tuple(kept), requests, tuple(notes))


def named_file(source: str | Path | bytes | BinaryIO, name: str | None) -> File:
    """A file for a batch, under the name given or its own."""
    if isinstance(source, (str, Path)):
        return source if name is None else (name, source)
    return (name or _shown(source), source)


def _shown(file: str | Path | bytes | BinaryIO) -> str:
    if isinstance(file, (str, Path)):
        return str(file)
    return str(getattr(file, "name", None) or "upload")


def read_requests(source: str | Path | bytes | BinaryIO, *, name: str | None = None) -> dict[str, str]:
    """The problem texts by ``custom_id`` in a file of OpenAI batch requests.

    Raises
    ------
    InputError
        If it is no such file.
    """
    with open_source(source, name=name) as opened:
        found = _requests_of(opened)
        if found is None:
            remedy = "give the file that was uploaded as the batch's input"
            raise InputError("this is no file of batch requests", file=opened.name, remedy=remedy)
        return found


def _requests_in(item: Item) -> dict[str, str] | None:
    try:
        with open_source(item.content, name=item.name) as opened:
            return _requests_of(opened)
    except InputError:
        return None  # reading it will say what is wrong


def _requests_of(opened: Source) -> dict[str, str] | None:
    if opened.kind not in ("json", "jsonl"):
        return None
    found: dict[str, str] = {}
    for record in opened.records():
        if not isinstance(record, Record):
            continue
        if not chat_completions.is_request(record.value):
            if not found:
                return None
            continue
        problem = chat_completions.prompt_text(as_object(record.value.get("body", record.value.get("params"))))
        if problem is not None:
            found[str(record.value["custom_id"])] = problem
    return found or None


def _originals(items: Sequence[Item]) -> Iterator[Item | None]:
    """For each file an earlier one with the same bytes, if there is one. Only files of one size are read for it."""
    sizes = [_size(item) for item in items]
    seen: dict[tuple[int, bytes], Item] = {}
    for item, size in zip(items, sizes, strict=True):
        if size is None or sizes.count(size) == 1:
            yield None
            continue
        key = (size, _digest(item))
        yield seen.get(key)
        seen.setdefault(key, item)


def _size(item: Item) -> int | None:
    try:
        if isinstance(item.content, (str, Path)):
            return Path(item.content).stat().st_size
        if isinstance(item.content, (bytes, bytearray, memoryview)):
            return len(item.content)
        return item.content.seek(0, 2) if item.content.seekable() else None
    except (OSError, ValueError):
        return None  # opening it will say why


def _digest(item: Item) -> bytes:
    try:
        if isinstance(item.content, (str, Path)):
            with Path(item.content).open("rb") as file:
                return hashlib.file_digest(file, "blake2b").digest()
        if isinstance(item.content, (bytes, bytearray, memoryview)):
            return hashlib.blake2b(item.content).digest()
        item.content.seek(0)
        whole = hashlib.blake2b()
        while data := item.content.read(2**20):
            whole.update(data)
        return whole.digest()
    except OSError:
        return item.name.encode("utf-8", "replace")


def run_names(names: Sequence[str]) -> list[str]:
    """A name for each file's run: its own without endings, and as many of its folders as tell the files apart.

    Examples
    --------
    >>> run_names(["grpo/eval.jsonl", "laser/eval.jsonl", "base.parquet"])
    ['grpo/eval', 'laser/eval', 'base']
    >>> run_names(["20.jsonl", "20.jsonl"])
    ['20', '20 (2)']
    """
    parts = [name.replace("\\", "/").strip("/").split("/") for name in names]
    stems = [stem_of(name) for name in names]
    depth = [0] * len(names)

    def shown(i: int) -> str:
        return "/".join([*parts[i][:-1][len(parts[i]) - 1 - depth[i] :], stems[i]])

    for _ in range(max(map(len, parts), default=0)):
        counts = Counter(shown(i) for i in range(len(names)))
        for i in range(len(names)):
            if counts[shown(i)] > 1 and depth[i] < len(parts[i]) - 1:
                depth[i] += 1
    taken: Counter[str] = Counter()
    result = []
    for i in range(len(names)):
        name = shown(i)
        taken[name] += 1
        result.append(name if taken[name] == 1 else f"{name} ({taken[name]})")
    return result
