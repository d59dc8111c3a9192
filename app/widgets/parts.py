"""The building blocks of every page: question and finding, a figure with its caption, an equation."""

from __future__ import annotations

import re
from collections.abc import Mapping

import streamlit as st

from app import glossary
from app.data import sources
from app.data.sources import Source
from app.format import literal, short, unescaped
from app.presentation import deck
from app.widgets import browser
from laser_core import __version__
from laser_core.errors import missing_model_packages
from laser_core.figures import SIGNAL_TITLES, Drawn, enlarge, figure_csv, figure_html, signal_title
from laser_core.rollouts import TAG_PREFIX

MODEL_MEMORY = "2 GB"  # of a miniature's training and the pages; without models the pages take 0.4 (docs/deploy.md)
PLOTLY_CONFIG = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
}


def header(question: str, finding: str) -> None:
    """The page's question as its title, and below it the finding with n and interval (markdown)."""
    st.title(question, anchor=False)
    finding_of(question, finding)


def finding_of(question: str, finding: str) -> None:
    """The finding that answers a page's question, and one click away what its terms mean."""
    deck.headline(question, finding)
    if finding:
        st.markdown(f"## {finding}", anchors=False)
        glossary.in_plain_words(f"{question} {finding}")


def figure(
    fig: Drawn,
    *,
    key: str,
    alt: str,
    see: str,
    finding: str = "",
    settings: Mapping[str, object] | None = None,
) -> None:
    """A figure with a description for screen readers, a caption that says what to see in it, and its downloads.

    Parameters
    ----------
    fig : Drawn
        The figure with its table.
    key : str
        Its name on the page and the name of its files.
    alt : str
        What the figure shows: the title of its slide, and the beginning of its description for screen readers.
    see : str
        The caption; foreign text in it must be ``literal``.
    finding : str
        What to see in it, for screen readers, where the caption does not say so.
    settings : mapping, optional
        The settings that made it, from :func:`made_with`; they go into the files, which are made on demand.
    """
    config = PLOTLY_CONFIG | {"toImageButtonOptions": {"format": "png", "scale": 2, "filename": key}}
    told = _text_alternative(alt, finding, see)
    with deck.slide(key, alt):
        if deck.on():
            st.plotly_chart(enlarge(fig), key=key, alt=told, config=config, height="stretch")
            st.caption(see)
            return
        st.plotly_chart(fig, key=key, alt=told, config=config)
        with st.container(horizontal=True, vertical_alignment="top", gap="small", wrap=False):
            st.caption(see, width="stretch")
            files = st.popover(
                "Download this figure",  # for screen readers; the icon is shown
                icon=":material/download:",
                type="tertiary",
                help="Download this figure",
                key=f"{key}-files",
                on_change="rerun",
            )
            if files.open:  # most figures are never downloaded, and the buttons would slow down every slider
                with files:
                    _downloads(fig, key, alt, see, settings)


def _text_alternative(what: str, finding: str, see: str) -> str:
    """What a screen reader says in a figure's place: what it shows, and what is to be seen in it."""
    sentences = f"{what}. {finding} {see}"
    return " ".join(re.sub(r":material/\w+:", "", unescaped(sentences)).split())[:1000]


def _downloads(fig: Drawn, key: str, alt: str, see: str, settings: Mapping[str, object] | None) -> None:
    for label, make, suffix, kind in (
        ("Data (CSV)", lambda: figure_csv(fig, settings=settings), "csv", "text/csv"),
        (
            "Interactive (HTML)",
            lambda: figure_html(fig, title=alt, caption=unescaped(see), settings=settings),
            "html",
            "text/html",
        ),
    ):
        st.download_button(
            label,
            make,
            f"{key}.{suffix}",
            kind,
            key=f"{key}-{suffix}",
            on_click="ignore",
            icon=f":material/{suffix}:",
            width="stretch",
        )
    browser.picture_button(key)
    if settings:
        st.caption("Made with " + literal("; ".join(f"{k} {v}" for k, v in settings.items()), 400))


def made_with(source: Source, signal: str | None = None, **more: object) -> dict[str, object]:
    """The settings behind a figure, for its files: the run, the signal, the score's settings, and ``more``."""
    meta = source.rollouts.meta
    facts: dict[str, object] = {
        "run": source.title,
        "signal": signal,
        "beta_v": meta.beta_v,
        "c_ref": meta.c_ref,
    } | more
    facts["laser_core"] = __version__
    return {name: value for name, value in facts.items() if value is not None}


def equation(latex: str, words: str, *, label: str = "The equation") -> None:
    """An equation and its explanation, one click away."""
    with st.popover(label, icon=":material/function:"):
        st.latex(latex)
        st.markdown(words)


def needs_score(source: Source) -> str | None:
    """The signal to analyse; without one, say how to get the score and return None."""
    signal = sources.signal_of(source)
    if signal is None:
        st.info(
            "A last-token score adds separation, thresholds and weighted votes. Score these rollouts with "
            "`laser score MODEL rollouts.parquet --out scored.parquet` and upload the result.",
            icon=":material/info:",
        )
    return signal


def signal_name(signal: str) -> str:
    """A signal's name in a sentence."""
    return SIGNAL_TITLES.get(signal) or literal(signal.removeprefix("signal."))


def signal_choice(signal: str) -> str:
    """A signal's name in a chooser, which renders no markdown."""
    return SIGNAL_TITLES.get(signal) or short(signal.removeprefix("signal."), 60)


def signal_label(signal: str) -> str:
    """A signal's name in a figure."""
    return signal_title(signal)


def tag_name(tag: str) -> str:
    """A tag's name in a chooser or a table's head, which render no markdown."""
    return short(tag.removeprefix(TAG_PREFIX), 60)


def models_can_run() -> bool:
    """Whether this server can train and sample; where it cannot, a notice says what to install."""
    missing = missing_model_packages()
    if missing:
        st.info(
            "This server analyses rollouts but runs no models: it has no PyTorch. To train and sample, start the "
            f"explorer where there are {MODEL_MEMORY} of memory, after `{missing.remedy}`. All other pages work here.",
            icon=":material/info:",
        )
    return missing is None
