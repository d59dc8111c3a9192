"""Every term of the pages in plain words: on the page that uses it, and all of them from the sidebar."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from laser_core.names import name_of


@dataclass(frozen=True)
class Term:
    """A term, how else it is written on the pages (as a regular expression), and what it means (markdown)."""

    name: str
    written: str
    meaning: str


TERMS = tuple(
    Term(**term) for term in tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["term"]
)


def found_in(text: str) -> list[Term]:
    """The terms that a text uses, in the order of :data:`TERMS`.

    >>> [term.name for term in found_in("AUROC 0.9 (95% CI [0.8, 1.0])")]
    ['AUROC', '95% CI']
    """
    plain = text.replace("\\", "")
    return [term for term in TERMS if re.search(rf"(?<![\w-])(?:{term.written})(?![\w-])", plain)]


def in_plain_words(text: str) -> None:
    """One click below a finding: what its terms mean."""
    terms = found_in(text)
    if terms:
        with st.popover("In plain words", icon=":material/menu_book:", type="tertiary", key="plain_words"):
            st.markdown(_listed(terms))


@st.dialog("Glossary", width="medium")
def show() -> None:
    """All terms."""
    st.markdown(_listed(sorted(TERMS, key=lambda term: term.name.lower())))


def _listed(terms: list[Term]) -> str:
    return "\n\n".join(f"**{term.name}**: {term.meaning}{_setting(term)}" for term in terms)


def _setting(term: Term) -> str:
    """Where a term can be set, in a run's configuration."""
    name = name_of(term.name)
    return f" Setting: `{name.setting}`." if name and name.setting else ""
