"""The form that maps the columns of an unknown file to fields, and where each column of a run came from."""

from __future__ import annotations

import streamlit as st

from app.data import uploads
from app.data.sources import Source
from app.format import literal
from laser_core.rollouts import COLUMNS, SIGNAL_PREFIX

NOTHING = "(leave out)"
OWN = ("parquet", "jsonl")


def provenance(source: Source, names: list[str]) -> list[str]:
    """Where the values of each column came from: the file, a mapped column, or a computation here."""
    made = {}
    for note in source.result.noted:
        name, _, how = note.partition(": ")
        if how and name in names and not how.startswith(("none", "unknown")):
            made[name] = f"here: {how}"
    if source.result.format in OWN:
        return [made.get(name, "the file") for name in names]
    fields = {field: column for column, field in source.mapping.items()}
    kind = source.result.format
    return [made.get(name, f"column {fields[name]!r}" if name in fields else f"the {kind} file") for name in names]


def forms() -> None:
    """One form per file that waits for a mapping; the mapping is remembered for the next file of that shape."""
    for position, file in enumerate(list(uploads.waiting().values())):
        with st.container(border=True):
            st.subheader(f"What do the columns of {literal(file.name, 80)} hold?", anchor=False)
            st.caption(
                "This format is not known. Map its columns once; files with the same columns are then read the same "
                "way in this session. One column has to hold the response."
            )
            st.dataframe([dict(row) for row in file.look.rows], hide_index=True, height="content")
            st.caption("A list in the response's column holds one solution per item; dots lead into nested columns.")
            with st.form(f"mapping-{position}"):
                chosen = {}
                with st.container(horizontal=True, gap="small"):
                    for number, column in enumerate(file.look.columns):
                        options = [NOTHING, *COLUMNS, f"{SIGNAL_PREFIX}{column}"]
                        guess = file.look.mapping.get(column, NOTHING)
                        chosen[column] = f"mapping-{position}-{number}"
                        st.selectbox(
                            literal(column, 40),
                            options,
                            index=options.index(guess) if guess in options else 0,
                            key=chosen[column],
                            width=190,
                        )
                st.form_submit_button(
                    "Read the file", icon=":material/check:", on_click=_read, args=(file.name, chosen)
                )


def _read(name: str, keys: dict[str, str]) -> None:
    """A callback: the values of the form are known only now."""
    chosen = {column: st.session_state[key] for column, key in keys.items()}
    if "response" not in chosen.values():
        st.session_state["upload_errors"] = [f"{name}: choose the column that holds the response, then read the file."]
        return
    uploads.apply_mapping(name, {column: field for column, field in chosen.items() if field != NOTHING})
