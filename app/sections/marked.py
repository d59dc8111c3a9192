"""The marks of a run on the Rollouts page: which rollouts have them, and the numbers with their corrections."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.data import cache, findings, marks, sources
from app.data.sources import Source
from app.format import count, points, points_interval, with_interval
from app.sections.row_filters import Marked
from laser_core import analysis
from laser_core.analysis import Comparison
from laser_core.errors import InputError
from laser_core.rollouts.marks import Mark, as_lines, marked_rows

_WANTED = {
    Marked.MARKED: lambda mark: True,
    Marked.BOOKMARK: lambda mark: mark.bookmark,
    Marked.WRONG: lambda mark: mark.wrong_verdict,
    Marked.NOTE: lambda mark: bool(mark.note),
}


def among(source: Source, rows: np.ndarray, wanted: Marked) -> np.ndarray:
    """Those of the rows that are marked in this way."""
    if wanted == Marked.ANY:
        return rows
    found = [row for row, mark in marked_rows(source.rollouts, marks.of(source)).items() if _WANTED[wanted](mark)]
    return rows[np.isin(rows, found)]


def section(source: Source) -> None:
    """What was marked in a run, as a file, and what the marked verdicts change."""
    found = marks.of(source)
    if not found:
        st.caption(
            "Nothing is marked in this run yet. **Traces** and **Side by side** have buttons below each solution: "
            "a bookmark, a note, and “verifier is wrong here”."
        )
        return
    st.subheader("Marks", anchor=False)
    kinds = (("bookmark", "bookmark"), ("wrong_verdict", "verdict marked as wrong"), ("note", "note"))
    counts = [(sum(bool(getattr(mark, name)) for mark in found.values()), word) for name, word in kinds]
    plural = {"verdict marked as wrong": "verdicts marked as wrong"}
    where = "this browser session" if source.private else "this server, for everyone who opens it"
    said = ", ".join(count(n, word, plural.get(word)) for n, word in counts if n)
    st.markdown(f"{said}, kept with the run in {where}. Downloads of the run carry them as tags.")
    st.download_button(
        "Marks (JSON lines)",
        "".join(f"{line}\n" for line in as_lines(found)),
        "marks.jsonl",
        key="marks-file",
        on_click="ignore",
        icon=":material/download:",
    )
    wrong = {key: mark for key, mark in found.items() if mark.wrong_verdict}
    if wrong:
        _rescored(source, wrong)


def _rescored(source: Source, wrong: dict[tuple[int | None, str, int], Mark]) -> None:
    own = source.uncorrected or source
    signal = sources.signal_of(own)
    try:
        changed = rescored(own, marks.with_verdicts_turned(own, wrong), signal)
    except InputError:
        return
    st.markdown(f"**The numbers with {count(len(wrong), 'corrected verdict')}**")
    rows = {"accuracy": changed.accuracy}
    if signal is not None and not findings.derived(own, signal):
        rows |= {
            "AUROC": changed.auroc,
            "AUROC within a problem": changed.within_problem_auroc,
            "balanced F1 (TPR, TNR)": changed.balanced_f1,
        }
    st.table(
        {
            "finding": list(rows),
            "by the verifier": [with_interval(row.first, 3) for row in rows.values()],
            "corrected": [with_interval(row.second, 3) for row in rows.values()],
            "difference in points": [
                f"{points(row.difference.value)} {points_interval(row.difference)}" for row in rows.values()
            ],
        }
    )
    st.caption(
        f"95% intervals over n = {count(changed.n_problems, 'problem')}; differences are paired by problem. Only "
        "verdicts that somebody looked at are corrected. To see every page with them, switch on “Corrected verdicts” "
        "in the sidebar."
    )


def rescored(own: Source, changed: Source, signal: str | None) -> Comparison:
    """The corrected run minus the run as it is.

    Raises
    ------
    InputError
        If the data allow no comparison.
    """
    name = signal or "score"
    return cache.remember(
        changed,
        ("rescored", name),
        lambda: analysis.compare(
            cache.samples(own, name),
            cache.samples(changed, name),
            threshold=findings.threshold(own, name) if signal else 0.5,
            weight=findings.weight(name),
        ),
    )
