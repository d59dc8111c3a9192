"""Uploads: files of any known format, several at once; a table of an unknown one waits for a mapping of its columns."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.data.sources import Loaded, Source, all_sources, uploaded_sources
from app.widgets.format import count, short
from laser_core.errors import InputError
from laser_core.rollouts import Preview, ProblemNames, ReadResult, give_back, on_disk, preview, read, read_files

SUFFIXES = ["parquet", "jsonl", "json", "ndjson", "csv", "tsv", "gz", "zst", "zip", "eval"]


@dataclass(frozen=True)
class Waiting:
    """A file whose columns somebody has to map before it can be read: its content, and what it looks like."""

    name: str
    content: bytes
    look: Preview


def waiting() -> dict[str, Waiting]:
    """This session's files that wait for a mapping, by name."""
    return st.session_state.setdefault("waiting_files", {})


def mappings() -> dict[str, dict[str, str]]:
    """The mappings made in this session, by the shape of the files they were made for."""
    return st.session_state.setdefault("mappings", {})


def problem_names() -> ProblemNames:
    """The problems of this session's uploads: what two files call '0' is compared only where it is one problem."""
    return st.session_state.setdefault("problem_names", ProblemNames())


def take(key: str) -> None:
    """Read what the uploader with this key holds that was not read before; on failure keep everything but the message.

    A callback: runs before the page, so that the page shows the new rollouts. A file that is removed from the uploader
    stays until the session ends or it is forgotten on the start page.
    """
    files = st.session_state.get(key) or []
    seen = st.session_state.setdefault("seen_uploads", set())
    new = [file for file in files if file.file_id not in seen]
    if not new:
        return
    seen.update(file.file_id for file in new)
    add([(file.name, file.getvalue()) for file in new])
    _let_go([file.file_id for file in new])


def add(files: Sequence[tuple[str, bytes]]) -> None:
    """Read files into this session, show the first new run, and leave a notice and the errors for the sidebar."""
    for name in ("upload_errors", "upload_notice"):
        st.session_state.pop(name, None)
    bar = st.sidebar.progress(0.0, "Reading …")
    known, mapped, errors, notes = [], [], [], []
    for name, content in files:
        try:
            look = preview(content, name=name)
        except InputError as error:
            errors.append(str(error))
            continue
        if look.format is not None:
            known.append((name, content))
        elif look.shape in mappings():
            mapped.append((name, content, mappings()[look.shape]))
        else:
            waiting()[name] = Waiting(name, content, look)
    keys: list[str] = []

    def show(what: str, done: int, total: int) -> None:
        bar.progress(min(done / max(total, 1), 1.0), f"{what.capitalize()} …")

    if known:
        try:
            found = read_files(known, problems=problem_names(), to_disk=True, progress=show)
            errors += [str(error) for error in found.failed]
            notes += found.notes
            contents = dict(known)
            for result in found.results:
                keys += _keep(result, result.files, [contents.get(name, b"") for name in result.files])
        except InputError as error:
            errors.append(str(error))
    for name, content, mapping in mapped:
        try:
            result = read(content, name=name, mapping=mapping, problems=problem_names(), to_disk=True, progress=show)
            keys += _keep(result, (name,), [content], mapping)
            notes.append(f"{name}: columns mapped as in the last file of this shape")
        except InputError as error:
            errors.append(str(error))
    bar.empty()
    if errors:
        st.session_state["upload_errors"] = errors
    if keys:
        _announce(keys, notes)


def apply_mapping(name: str, mapping: dict[str, str]) -> None:
    """Read a waiting file with this mapping (column to field), and remember it for the next file of that shape."""
    for key in ("upload_errors", "upload_notice"):
        st.session_state.pop(key, None)
    file = waiting()[name]
    try:
        result = read(file.content, name=name, mapping=mapping, problems=problem_names(), to_disk=True)
        keys = _keep(result, (name,), [file.content], mapping)
    except InputError as error:
        st.session_state["upload_errors"] = [str(error)]
        return
    mappings()[file.look.shape] = mapping
    waiting().pop(name)
    _announce(keys, [])


def forget(key: str) -> None:
    """Drop an upload from this session."""
    uploaded_sources().pop(key, None)


def _let_go(file_ids: Sequence[str]) -> None:
    """Drop the server's own copy of files that were read; what they said is on the disk by now."""
    context = get_script_run_ctx()
    if context is not None and runtime.exists():
        for file_id in file_ids:
            runtime.get_instance().uploaded_file_mgr.remove_file(context.session_id, file_id)


def _keep(
    result: ReadResult, names: Sequence[str], contents: Sequence[bytes], mapping: dict[str, str] | None = None
) -> list[str]:
    """One source per run of a result, from files with these contents; returns their keys."""
    title = " + ".join(names)
    if not len(result.rollouts):
        raise InputError("the file holds no rollouts", file=title, remedy="upload a file with at least one solution")
    whole = hashlib.sha256()
    for content in contents:
        whole.update(content)
    digest, runs = whole.hexdigest(), result.rollouts.runs()
    added = {}
    for number, run in enumerate(runs):
        key = f"upload-{digest[:8]}" + (f"-{number}" if len(runs) > 1 else "")
        rollouts, part = result.rollouts, result
        if len(runs) > 1:
            rows = result.rollouts.table["run"].to_numpy(zero_copy_only=False) == run
            rollouts = on_disk(result.rollouts.take(rows))
            given = None if result.given is None else result.given.filter(rows)
            part = replace(result, rollouts=rollouts, given=given)
        shown = _free_title(short(f"{title}: {run}" if len(runs) > 1 else title, 100), key)
        added[key] = Source(
            key,
            shown,
            f"Uploaded, {result.format}",
            partial(Loaded, f"{digest}:{sorted((mapping or {}).items())}:{run}", part, rollouts),
            private=True,
            mapping=mapping or {},
        )
    uploaded_sources().update(added)
    give_back()
    return list(added)


def _free_title(title: str, key: str) -> str:
    """The title, or where another source has it already, the title with a part of the content's hash."""
    taken = {source.title for other, source in all_sources().items() if other != key}
    return f"{title} ({key.removeprefix('upload-')[:6]})" if title in taken else title


def _announce(keys: Sequence[str], notes: Sequence[str]) -> None:
    sources = uploaded_sources()
    first = sources[keys[0]]
    results = {id(sources[key].result): sources[key].result for key in keys}
    n = sum(len(sources[key].rollouts) for key in keys)
    refused = max(result.n_refused for result in results.values())
    st.session_state["run"] = first.key
    told = f"{first.title}: " if len(keys) == 1 else f"{count(len(keys), 'run')}: "
    told += f"{count(n, 'solution')} read" + (f", {count(refused, 'row')} refused (see Data)." if refused else ".")
    st.session_state["upload_notice"] = " ".join([told, *(note.rstrip(".") + "." for note in notes)])
