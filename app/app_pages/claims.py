"""Claims: the paper's claims, tested in miniature, each with its figure and the rollouts behind it."""

from __future__ import annotations

import itertools

import streamlit as st

from app.data import sources
from app.format import count, literal
from app.presentation import deck
from app.widgets import parts
from laser_core.errors import InputError
from laser_core.figures import symbols
from laser_core.figures.claims import claims_figure
from laser_core.figures.learning import drift_figure, learning_figure
from laser_core.reproduce.headline import counts, first_sentence
from laser_core.reproduce.history import load_history
from laser_core.reproduce.learning import baseline_levels, drift_curves, load_facts, ranking_curves, start_of
from laser_core.reproduce.plan import TITLES
from laser_core.reproduce.table import SHIPPED, Claim, change_of_rule, interval, judged, load, show, verdict

QUESTION = "Do the paper's claims hold on a laptop?"
CURVES = (1, 4)  # sections about what training does to z_c
FIRST = 4  # the section shown at first: whether the score can choose among solutions
ON_A_SLIDE = 9  # rows
FEW = 6  # failed claims up to which their list is open at first
#: The page that draws a section's figure from one run's rollouts, by the section's number.
PAGES = {2: "start", 3: "thresholds", 5: "voting", 9: "thresholds"}


def as_row(claim: Claim) -> dict[str, object]:
    """A claim as a row of the page's table."""
    return {
        "claim": symbols(claim.claim),
        "measured": show(claim.value, claim),
        "95% CI": interval(claim),
        "paper": "" if claim.paper is None else f"{claim.paper:g}",
        "result": "; ".join(filter(None, (verdict(claim), change_of_rule(claim)))),
        "rule": claim.rule,
        "seeds": claim.seeds,
        "problems": claim.n_problems,
    }


def behind(claim: Claim, key: str) -> None:
    """The selected row: the rule that decided it, and buttons that open its runs."""
    st.markdown(symbols(f"**{claim.claim}**" + (f": {claim.note}" if claim.note else "")))
    if claim.rule:
        st.markdown(f"Rule: {claim.rule}. Result: {verdict(claim)}." + _changed(claim))
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
    """The rule before it was changed and the verdict by it, as a sentence; empty where it was not."""
    change = change_of_rule(claim)
    return f" {change[0].upper()}{change[1:]}." if change else ""


def curves(family: str) -> None:
    """How the score learns to rank on a family, and what GRPO does to z_c, from the runs' own batches."""
    ranking, drift = ranking_curves(facts, family), drift_curves(facts, family)
    if ranking:
        seeds = count(len(ranking.get("LaSeR", next(iter(ranking.values()))).seeds), "seed")
        parts.figure(
            learning_figure(ranking, baseline_levels(claims, family)),
            key="learning",
            alt=f"{family}: AUROC within a problem over training steps, with the baselines as lines",
            see="The score starts at chance and has to rise above the lines, which are the baselines at the end of "
            f"training. Thin lines: runs; thick lines: their mean over nearby steps. n: {seeds}.",
            settings={"family": family},
        )
    if drift:
        parts.figure(
            drift_figure(drift, c_ref=start_of(facts, family)),
            key="drift",
            alt=f"{family}: log-prob of z_c at the end token over GRPO's training steps",
            see="GRPO never trains z_c, yet its log-prob moves as the states before it do: this is the drift that an "
            "untrained score would rank by.",
            settings={"family": family},
        )


try:
    claims = load(SHIPPED)
except InputError as error:
    parts.header(QUESTION, "")
    st.info(literal(error), icon=":material/info:")
    st.stop()

facts, history = load_facts(SHIPPED.with_name("runs.json")), load_history(SHIPPED)
parts.header(QUESTION, " ".join(filter(None, (literal(first_sentence(claims), 10_000), counts(claims)))))
st.markdown(
    "Models of a million parameters and three families of problems stand in for Qwen2.5 and MATH. Where the paper "
    "has a number, it is beside ours; expect the same direction, not the same size. A claim is undecided where its "
    "interval crosses its rule's limit; rows without a rule are for comparison. Every seed that was run is included."
)
if history.words:
    st.caption(history.words)
missed = [claim for claim in judged(claims) if not claim.holds]
if missed:
    with st.expander(f"What does not hold or is undecided ({len(missed)})", expanded=len(missed) <= FEW):
        for claim in missed:
            why = f" {claim.note[0].upper()}{claim.note[1:]}." if claim.note else ""
            result = f"{show(claim.value, claim)}, 95% CI {interval(claim)}: {verdict(claim)}. Rule: {claim.rule}."
            name = literal(symbols(claim.claim))
            st.markdown(f"- {claim.family}, **{name}**: {symbols(result + _changed(claim))}{literal(symbols(why))}")

sections = {str(section): list(rows) for section, rows in itertools.groupby(claims, lambda claim: claim.section)}
first = next((at for at, rows in enumerate(sections.values()) if rows[0].section.number == FIRST), 0)
chosen = st.selectbox(
    "Claim", list(sections), index=first, key="claim_section", persist_state="session", bind="query-params"
)
families = list(dict.fromkeys(claim.family for claim in sections[chosen]))
family = st.segmented_control(
    "Problems",
    families,
    default=families[0],
    required=True,
    format_func=lambda name: f"{name}: {TITLES[name]}" if name in TITLES else name,
    key=f"claim_family_{len(families)}",
)
rows = [claim for claim in sections[chosen] if claim.family == family]
drawn = rows
if deck.on():  # more rows cannot be read from the back of a hall; those that a rule judges come first
    drawn = sorted(rows, key=lambda row: not row.rule)[:ON_A_SLIDE]
    drawn = [row for row in rows if row in drawn]
parts.figure(
    claims_figure(drawn, beside=deck.on()),
    key="claims",
    alt=f"{chosen}, {family}: measured values with 95% intervals, and the paper's numbers",
    see=(f"{len(drawn)} of {len(rows)} rows. " if len(drawn) < len(rows) else "")
    + "Markers: means over seeds. Whiskers: 95% intervals over seeds and problems. Bars: the paper's numbers. "
    f"n: {count(max(row.seeds for row in rows), 'seed')}, "
    f"{count(max(row.n_problems for row in rows), 'problem')} in the largest row.",
    finding="; ".join(
        f"{row.claim}: {show(row.value, row)}" + (f", {verdict(row)}" if row.rule else "") for row in drawn
    )
    + ".",
    settings={"section": chosen, "family": family, "seeds": max(row.seeds for row in rows)},
)
event = st.dataframe(
    [as_row(claim) for claim in rows],
    key=f"claims-{chosen}-{family}",
    hide_index=True,
    on_select="rerun",
    selection_mode="single-row",
    width="stretch",
    column_config={"rule": st.column_config.TextColumn(width="medium")},
)
picked = event.selection.rows
st.caption("Select a row to see the rule that decided it and to open its rollouts." if not picked else "")
if picked:
    with st.container(border=True):
        behind(rows[picked[0]], key=f"open-{picked[0]}")
if rows[0].section.number in CURVES:
    curves(family)
with st.popover("How this was made", icon=":material/science:"):
    st.markdown(
        "`laser reproduce --out DIR` trains every run and writes this table; `laser reproduce --show` prints it. The "
        "intervals cover two sources of chance, seeds and problems (`laser_core.analysis.over_seeds`)."
    )
