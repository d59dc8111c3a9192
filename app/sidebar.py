"""The sidebar: the run, the signal, the upload and its messages, the presentation mode and the tour."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from app import glossary
from app.data import cache, marks, sources, uploads
from app.data.sources import Source
from app.format import count, literal
from app.presentation import deck
from app.sections import row_filters
from app.tour import tour
from app.widgets import choices, parts


def show(*, standalone: bool = False) -> bool:
    """Draw the sidebar. Where there are no rollouts yet, say so in the main area and return False.

    The chosen run is bound to the URL, so that a link reproduces the view of a bundled run.

    Parameters
    ----------
    standalone : bool
        Whether the page works without rollouts; it is then shown in any case.
    """
    runs = sources.all_sources()
    missing = sources.missing_run(runs)
    with st.sidebar:
        if runs:
            keys = list(runs)
            default = keys.index(sources.DEFAULT_RUN) if sources.DEFAULT_RUN in keys else 0
            if missing is None and st.session_state.get("run", keys[default]) not in keys:  # forgotten in this session
                st.session_state["run"] = keys[default]  # set, not removed: the browser would show the old name
            st.selectbox(
                "Rollouts",
                keys,
                index=default if missing is None else None,
                key="run",
                placeholder="choose a run",
                format_func=lambda key: runs[key].title,
                bind="query-params",
                help="The run that every page shows. Upload your own below.",
            )
            if missing is None:
                _about(sources.current())
        _upload()
        st.toggle(
            "Presentation",
            key=deck.ON,
            persist_state="session",
            bind="query-params",
            help="Every figure as a full-screen slide, with notes. Page Down and Page Up turn the slides.",
        )
        if st.button("Glossary", key="glossary", icon=":material/menu_book:", type="tertiary"):
            glossary.show()
        if runs and missing is None:
            st.button(
                "Guided tour", key="tour_sidebar", icon=":material/tour:", on_click=tour.go, args=(0,), type="tertiary"
            )
    if missing is not None and not standalone:
        _missing(missing, runs)
        return False
    shown = runs.get(st.session_state.get("run", ""))
    if shown is not None and missing is None and not standalone:
        _filtered(shown, runs)
    if not runs and not standalone:
        st.title("No rollouts yet")
        st.write(
            "No rollouts are bundled here. Upload a file in the sidebar, or make one with "
            "`laser sample MODEL --task linear -n 16 --out rollouts.parquet`."
        )
    return bool(runs) or standalone


def _filtered(source: Source, runs: Mapping[str, Source]) -> None:
    """Above a page that shows corrected verdicts or a selection of rollouts: what it is, and the way back."""
    if source.uncorrected is not None:
        st.markdown(":material/flag: Verdicts that are marked as wrong are shown corrected, here and on every page.")
    if source.selected_from is None:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f":material/filter_alt: {literal(source.description)}", width="content")
        if source.selected_from in runs:
            st.button(
                "Show all", key="whole_run", on_click=_choose, args=(source.selected_from,), icon=":material/undo:"
            )


def _missing(title: str, runs: Mapping[str, Source]) -> None:
    """In place of the page: the address names a run that this server does not have."""
    st.title("This run is not on this server any more", anchor=False)
    st.markdown(
        f"The address asks for “{literal(title, 100)}”. An upload belongs to one browser session: it ends with a "
        "reload, and a link to it opens for no one else. Upload the file again in the sidebar, or choose another run."
    )
    for key in [key for key in (sources.DEFAULT_RUN, *runs) if key in runs][:1]:
        st.button(
            f"Show {literal(runs[key].title)} instead",
            key="instead",
            on_click=_choose,
            args=(key,),
            icon=":material/visibility:",
        )


def _choose(key: str) -> None:
    """A callback: show this run on every page."""
    st.session_state["run"] = key


def _about(source: Source) -> None:
    rollouts = source.rollouts
    problems = count(source.n_problems, "problem")
    if cache.meets_again(source) and not cache.pools_steps():
        problems += f", met {len(cache.group_names(source).dictionary):,} times"
    st.caption(f"{problems}, {count(len(rollouts), 'solution')}. {literal(source.description)}")
    offered = source.all_signals
    own, derived = source.judged.default, source.judged.reasons
    if len(offered) > 1 or offered != ([] if own is None else [own]):
        if st.session_state.get("signal", own) not in ([None, *offered] if own is None else offered):
            st.session_state["signal"] = own  # set, not removed: the browser would show the old name
        st.selectbox(
            "Score or signal",
            offered,
            index=offered.index(own) if own else None,
            key="signal",
            format_func=lambda name: parts.signal_choice(name) + (" (from the verdict)" if name in derived else ""),
            placeholder="no score: choose a signal",
            help="The column that stands in the score's place on every page. Beside the file's own columns there are "
            "free signals, computed from token log-probs, entropies and lengths. A signal from the verdict says "
            "nothing about how well it tells correct from incorrect.",
            **choices.kept(source),
        )
    if cache.meets_again(source):
        st.toggle(
            "Pool training steps",
            key=cache.POOL_STEPS,
            persist_state="session",
            help="Takes the solutions that a problem got at several training steps, from different policies, as those "
            "of one problem. Otherwise each step's solutions are a problem of their own.",
        )
    _marks(source)


def _marks(source: Source) -> None:
    """The way to a run's marked rollouts, and whether every page shows its verdicts corrected."""
    found = marks.of(source)
    if not found:
        st.session_state[marks.APPLY] = False
        return
    st.button(count(len(found), "mark"), key="marks", icon=":material/flag:", type="tertiary", on_click=_to_the_marks)
    n_wrong = sum(mark.wrong_verdict for mark in found.values())
    if n_wrong:
        st.toggle(
            f"Corrected verdicts ({n_wrong:,})",
            key=marks.APPLY,
            persist_state="session",
            help="Turns round the verdicts that are marked as wrong, on every page. The file stays as it is.",
        )


def _to_the_marks() -> None:
    """A callback: show the marked rollouts."""
    st.session_state.update(row_filters.NO_FILTER | {"rows_marked": row_filters.Marked.MARKED})
    st.session_state["go_to"] = "app_pages/rollouts.py"


def _upload() -> None:
    uploads.uploader("Your own rollouts", key="upload")
    if error := st.session_state.get("bundled_error"):
        st.error(f"A bundled run cannot be read. {literal(error)}", icon=":material/error:")
    for error in st.session_state.get("upload_errors", ()):
        st.error(f"{literal(error)} The page still shows the previous rollouts.", icon=":material/error:")
    if notice := st.session_state.get("upload_notice"):
        st.success(literal(notice), icon=":material/check_circle:")
    if uploads.waiting():
        st.warning(
            "Unknown columns in "
            + ", ".join(literal(name, 60) for name in uploads.waiting())
            + ". Map them on the Data page.",
            icon=":material/help:",
        )
