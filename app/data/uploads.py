"""Uploads: several files at once, of any known format; a table of unknown format waits until its columns are mapped."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.data.sources import UPLOADED_METRICS, Loaded, Source, all_sources, current, uploaded_sources
from app.format import count, short
from laser_core.errors import InputError
from laser_core.rollouts import Preview, ProblemNames, ReadResult, give_back, on_disk, preview, read, read_files
from laser_core.runfolder.metric_files import metrics_in

SUFFIXES = ["parquet", "jsonl", "json", "ndjson", "csv", "tsv", "gz", "zst", "zip", "eval"]
HELP = (
    "Rollouts of this project, or the output of the official LaSeR evaluation, verl, TRL, lm-eval and others. Several "
    "files become runs to compare. They are kept for this session only. File types: " + ", ".join(SUFFIXES) + "."
)


@dataclass(frozen=True)
class Waiting:
    """A file whose columns have to be mapped before it can be read: its content and a preview."""

    name: str
    content: bytes
    look: Preview


def waiting() -> dict[str, Waiting]:
    """This session's files that wait for their columns to be mapped, by name."""
    return st.session_state.setdefault("waiting_files", {})


def mappings() -> dict[str, dict[str, str]]:
    """The column mappings made in this session, by the shape of the files they were made for."""
    return st.session_state.setdefault("mappings", {})


def problem_names() -> ProblemNames:
    """The problems of this session's uploads: what two files call '0' is compared only where it is one problem."""
    return st.session_state.setdefault("problem_names", ProblemNames())


def uploader(label: str, *, key: str) -> None:
    """Draw an uploader; the sidebar has one, and so has the start page."""
    st.file_uploader(label, type=SUFFIXES, accept_multiple_files=True, key=key, on_change=_take, args=(key,), help=HELP)


def _take(key: str) -> None:
    """Read the uploader's new files; if one cannot be read, the page keeps what it shows and says why.

    A callback: it runs before the page, so that the page shows the new rollouts. A file that is removed from the
    uploader stays until the session ends or until it is forgotten on the start page.
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
    _clear_messages()
    bar = st.sidebar.progress(0.0, "Reading …")
    known, mapped = [], []
    errors: list[str] = []
    notes: list[str] = []
    keys: list[str] = []
    metrics: list[tuple[str, list[dict[str, object]]]] = []
    for name, content in files:
        try:
            look = preview(content, name=name)
        except InputError as error:
            errors.append(str(error))
            continue
        if look.format is None and (events := metrics_in(content)) is not None:
            metrics.append((name, events))
            continue
        if look.format is not None:
            known.append((name, content))
        elif look.shape in mappings():
            mapped.append((name, content, mappings()[look.shape]))
        else:
            waiting()[name] = Waiting(name, content, look)

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
    if metrics:
        _attach(metrics)


def _attach(metrics: Sequence[tuple[str, list[dict[str, object]]]]) -> None:
    """Give files of metrics to the run that is shown; the Groups page draws them by step."""
    source = current()
    kept = st.session_state.setdefault(UPLOADED_METRICS, {}).setdefault(source.content_id, [])
    kept += [events for _, events in metrics]
    names = ", ".join(short(name, 60) for name, _ in metrics)
    notice = st.session_state.get("upload_notice", "")
    st.session_state["upload_notice"] = f"{notice} {names}: metrics by step of {source.title}, see Groups.".strip()


def apply_mapping(name: str, mapping: dict[str, str]) -> None:
    """Read a waiting file with this mapping (column to field), and remember it for the next file of that shape."""
    _clear_messages()
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


def _clear_messages() -> None:
    for name in ("upload_errors", "upload_notice"):
        st.session_state.pop(name, None)


def _let_go(file_ids: Sequence[str]) -> None:
    """Delete the server's copies of files that were read; their content is in a temporary file by now."""
    context = get_script_run_ctx()
    if context is not None and runtime.exists():
        manager = runtime.get_instance().uploaded_file_mgr
        if isinstance(manager, MemoryUploadedFileManager):  # the only kind that a server has
            for file_id in file_ids:
                manager.remove_file(context.session_id, file_id)


def _keep(
    result: ReadResult, names: Sequence[str], contents: Sequence[bytes], mapping: dict[str, str] | None = None
) -> list[str]:
    """Add one source per run of a result, read from files with these contents, and return their keys."""
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
        shown = free_title(short(f"{title}: {run}" if len(runs) > 1 else title, 100), key)
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


def free_title(title: str, key: str) -> str:
    """The title; with part of the content's hash where another source has that title already."""
    taken = {source.title for other, source in all_sources().items() if other != key}
    return f"{title} ({key.partition('-')[2][:6]})" if title in taken else title


def _announce(keys: Sequence[str], notes: Sequence[str]) -> None:
    """Choose the first new run, and leave a notice that says what was read."""
    added = [uploaded_sources()[key] for key in keys]
    n = sum(len(source.rollouts) for source in added)
    refused = max(source.result.n_refused for source in added)
    st.session_state["run"] = added[0].key
    notice = f"{added[0].title}: " if len(added) == 1 else f"{count(len(added), 'run')}: "
    notice += f"{count(n, 'solution')} read" + (f", {count(refused, 'row')} refused (see Data)." if refused else ".")
    st.session_state["upload_notice"] = " ".join([notice, *(note.rstrip(".") + "." for note in notes)])
