"""Data: the loaded run, its columns and their origin, downloads, and refused rows."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app.data import cache, downloads, sources
from app.format import count, literal
from app.sections import mapping_form
from app.widgets import parts
from laser_core.rollouts import TAG_PREFIX, checks, missing_views
from laser_core.rollouts.schema import COLUMNS, REQUIRED

MEANINGS = {
    "run": "which run the row belongs to",
    "step": "training step at which it was sampled",
    "problem_id": "which problem",
    "sample": "index of the solution within its problem",
    "problem": "the problem's text",
    "prompt": "the whole chat before the response, as JSON",
    "reference_answer": "the answer it is checked against",
    "response": "the solution's text",
    "answer": "the answer extracted from it",
    "correct": "whether the verifier accepts it",
    "truncated": "whether the length limit cut it off",
    "n_tokens": "tokens in the response, including <eos>",
    "z_logprob": "log-prob of z_c after <eos>, nats",
    "ref_z_logprob": "the same under the reference model, nats",
    "score": "last-token score, unclipped",
    "tokens": "the response's tokens",
    "token_logprobs": "log-prob of each token, nats",
    "ref_token_logprobs": "the same under the reference model, nats",
    "z_trace": "log-prob of z_c after each token, nats",
    "entropy": "entropy before each token, nats",
}

source = sources.current()
rollouts, result = source.rollouts, source.result
refused = f"{count(result.n_refused, 'row')} refused" if result.n_refused else "no row refused"
parts.header(
    "What is loaded?",
    f"“{literal(source.title)}”: {count(len(rollouts), 'solution')} of {count(source.n_problems, 'problem')}, "
    f"{refused}.",
)

mapping_form.forms()

left, right = st.columns(2, gap="medium")
with left:
    st.subheader("Where it comes from", anchor=False)
    meta = rollouts.meta
    facts = {
        "format": result.format,
        "model": meta.model,
        "task": meta.task,
        "temperature": meta.temperature,
        "verdict token z_c": meta.z_token,
        "β_v, reward per nat": meta.beta_v,
        "c_ref, nats": meta.c_ref if meta.c_ref_std is None else f"{meta.c_ref:.2f} ± {meta.c_ref_std:.2f}",
        "written by laser_core": meta.laser_core_version,
        "held by this server": cache.memory_in_words(source),
    }
    st.table({"setting": list(facts), "value": ["unknown" if v is None else literal(v) for v in facts.values()]})
with right:
    st.subheader("Download", anchor=False)
    with st.container(horizontal=True, gap="small"):
        for file_format in downloads.FORMATS:
            st.download_button(
                file_format.label,
                partial(downloads.as_file, source, file_format),
                f"rollouts.{file_format.suffix}",
                key=f"download-{file_format.suffix}",
                on_click="ignore",
                icon=":material/download:",
            )
    st.caption("The run in this project's own columns, whichever format it came in.")
    for note in result.notes:
        st.info(literal(note), icon=":material/info:")
    for warning in cache.samples(source, sources.signal_of(source) or "score").warnings:
        st.warning(literal(warning), icon=":material/warning:")

st.subheader("Columns", anchor=False)
names = rollouts.table.column_names
filled = [1 - rollouts.table[name].null_count / max(len(rollouts), 1) for name in names]
st.dataframe(
    {
        "column": names,
        "holds": [
            MEANINGS.get(
                name,
                "another column of the file: filter by it on the Rollouts page"
                if name.startswith(TAG_PREFIX)
                else "a signal that can take the score's place",
            )
            for name in names
        ],
        "filled": filled,
        "came from": mapping_form.provenance(source, names),
        "type": [str(rollouts.table[name].type).replace("item: ", "") for name in names],
    },
    hide_index=True,
    height="content",
    column_config={
        "column": st.column_config.TextColumn(width=170),
        "holds": st.column_config.TextColumn(width=310),
        "filled": st.column_config.NumberColumn(format="percent", width=75),
        "came from": st.column_config.TextColumn(width=240),
        "type": st.column_config.TextColumn(width=120),
    },
)
missing = [name for name in COLUMNS if name not in names]
if missing:
    st.caption("Not in this file: " + ", ".join(f"`{name}`" for name in missing) + ".")
for sentence in missing_views(rollouts):
    st.caption(f":material/info: {sentence}")  # our own words, with commands as code

st.subheader("Was the file read correctly?", anchor=False)
checked = cache.remember(source, ("checks",), lambda: checks.check(rollouts, result.given))
compared = cache.remember(source, ("agreement",), lambda: checks.agreement(checked.given))
for sentence in checks.sentences(checked, compared):
    st.markdown(f"- {literal(sentence)}")
if compared.disagreements:
    with st.expander(f"{count(compared.n_disagreements, 'verdict')} on which our verifier disagrees"):
        st.dataframe(
            {
                "problem": [item.problem_id for item in compared.disagreements],
                "sample": [item.sample for item in compared.disagreements],
                "answer": [item.answer for item in compared.disagreements],
                "reference answer": [item.reference_answer for item in compared.disagreements],
                "the file says": ["correct" if item.correct else "incorrect" for item in compared.disagreements],
            },
            hide_index=True,
        )

st.subheader("Refused rows", anchor=False)
if result.n_refused:
    more = result.n_refused - len(result.refused[:500])
    st.dataframe(
        {
            "line": [refusal.line for refusal in result.refused[:500]],
            "field": [refusal.field or "" for refusal in result.refused[:500]],
            "reason": [refusal.reason for refusal in result.refused[:500]],
        },
        hide_index=True,
    )
    if more > 0:
        st.caption(f"{more:,} more are not listed.")
else:
    st.caption(f"None: all {count(result.n_rows, 'row')} were read. Required columns: {', '.join(REQUIRED)}.")
