"""Claims: the paper's claims, tested in miniature, each with its figure and the rollouts behind it."""

from __future__ import annotations

import itertools
import math

import streamlit as st

from app.data import sources
from app.format import count, literal
from app.presentation import deck
from app.widgets import parts
from laser_core.errors import InputError
from laser_core.figures import symbols
from laser_core.figures.claims import claims_figure
from laser_core.reproduce.table import Claim, change_of_verdict, load, show, verdict

QUESTION = "Do the paper's claims hold on a laptop?"
ON_A_SLIDE = 9  # rows
FEW = 6  # failed claims up to which their list is open at first
#: The page that draws a section's figure from one run's rollouts, by the section's number.
PAGES = {2: "start", 3: "thresholds", 5: "voting", 9: "thresholds"}


def as_row(claim: Claim) -> dict[str, object]:
    """A claim as a row of the page's table."""
    finite = math.isfinite(claim.ci_low)
    return {
        "claim": symbols(claim.claim),
        "measured": show(claim.value, claim),
        "95% CI": f"[{show(claim.ci_low, claim)}, {show(claim.ci_high, claim)}]" if finite else "",
        "paper": "" if claim.paper is None else f"{claim.paper:g}",
        "result": "; ".join(filter(None, (verdict(claim), change_of_verdict(claim)))),
        "seeds": claim.seeds,
        "problems": claim.n_problems,
    }


def behind(claim: Claim, key: str) -> None:
    """The selected row: the rule that decided it, and buttons that open its runs."""
    st.markdown(symbols(f"**{claim.claim}**" + (f": {claim.note}" if claim.note else "")))
    if claim.rule:
        st.markdown(f"Rule: {claim.rule}. It {verdict(claim)}." + _changed(claim))
    runs = sources.runs_behind(claim.group)
    if not runs:
        st.caption("The rollouts behind this row are not bundled; `laser reproduce` makes them.")
        return
    st.caption("The rollouts behind it, one run per seed:")
    with st.container(horizontal=True):
        for run in runs:
            st.button(
                run.title,
                key=f"{key}-{run.name}",
                icon=":material/folder_open:",
                on_click=sources.open_run,
                args=(run.name, PAGES.get(claim.section.number, "scores")),
                width="content",
            )


def _changed(claim: Claim) -> str:
    """The verdict before the rule was changed back, as a sentence; empty where none changed."""
    change = change_of_verdict(claim)
    return f" {change.capitalize()}." if change else ""


try:
    claims = load()
except InputError as error:
    parts.header(QUESTION, "")
    st.info(literal(error), icon=":material/info:")
    st.stop()

tested = [claim for claim in claims if claim.holds is not None]
n_holding = sum(bool(claim.holds) for claim in tested)
seeds = max(claim.seeds for claim in claims)
problems = max(claim.n_problems for claim in tested)
parts.header(
    QUESTION,
    f"{n_holding} of {len(tested)} tested claims hold, with up to {count(seeds, 'training seed')} on "
    f"{count(problems, 'held-out problem')}.",
)
st.markdown(
    "Models of a million parameters and three families of problems stand in for Qwen2.5 and MATH. Where the paper "
    "has a number, it is beside ours; expect the same direction, not the same size. Every seed that was run is "
    "included. Rows without a rule are there for comparison."
)
for claim in claims:
    if claim.id == "verification.score-text_rule":
        st.markdown(
            "A baseline to keep in mind: these solutions write out their check, so a one-line rule that compares the "
            "last total with the equation's right side verifies them, too. Balanced F1, score - text rule: "
            f"{show(claim.value, claim)}, 95% CI [{show(claim.ci_low, claim)}, {show(claim.ci_high, claim)}]; "
            f"{claim.note}."
        )
failed = [claim for claim in tested if not claim.holds]
if failed:
    with st.expander(f"What does not hold ({len(failed)}), and why", expanded=len(failed) <= FEW):
        for claim in failed:
            interval = f"95% CI [{show(claim.ci_low, claim)}, {show(claim.ci_high, claim)}]"
            why = f" Why: {claim.note}." if claim.note else ""
            result = f"{show(claim.value, claim)} ({interval}). Rule: {claim.rule}.{_changed(claim)}{why}"
            st.markdown(symbols(f"- **{claim.claim}**: {result}"))

sections = {str(section): list(rows) for section, rows in itertools.groupby(claims, lambda claim: claim.section)}
chosen = st.selectbox("Claim", list(sections), key="claim_section", persist_state="session", bind="query-params")
rows = sections[chosen]
drawn = rows
if deck.on():  # more rows cannot be read from the back of a hall; those with a verdict come first
    drawn = sorted(rows, key=lambda row: row.holds is None)[:ON_A_SLIDE]
    drawn = [row for row in rows if row in drawn]
parts.figure(
    claims_figure(drawn, beside=deck.on()),
    key="claims",
    alt=f"{chosen}: measured values with 95% intervals, and the paper's numbers",
    see=(f"{len(drawn)} of {len(rows)} rows. " if len(drawn) < len(rows) else "")
    + "Markers: means over seeds. Whiskers: 95% intervals over seeds and problems. Bars: the paper's numbers. "
    f"n: {count(max(row.seeds for row in rows), 'seed')}, "
    f"{count(max(row.n_problems for row in rows), 'problem')} in the largest row.",
    finding="; ".join(
        f"{row.claim}: {show(row.value, row)}" + (f", {verdict(row)}" if row.rule else "") for row in drawn
    )
    + ".",
    settings={"section": chosen, "seeds": max(row.seeds for row in rows)},
)
event = st.dataframe(
    [as_row(claim) for claim in rows],
    key=f"claims-{chosen}",
    hide_index=True,
    on_select="rerun",
    selection_mode="single-row",
    width="stretch",
)
picked = event.selection.rows
st.caption("Select a row to see the rule that decided it and to open its rollouts." if not picked else "")
if picked:
    with st.container(border=True):
        behind(rows[picked[0]], key=f"open-{picked[0]}")
with st.popover("How this was made", icon=":material/science:"):
    st.markdown(
        "`laser reproduce --out DIR` trains every run and writes this table; `laser reproduce --show` prints it. The "
        "intervals cover two sources of chance, seeds and problems (`laser_core.analysis.over_seeds`)."
    )
