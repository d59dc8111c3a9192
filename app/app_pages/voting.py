"""Voting: is a vote weighted by the score better than the majority, and by how much as N grows?"""

from __future__ import annotations

import streamlit as st

from app import data, findings, parts
from app.words import count, estimate, interval, literal, percent
from laser_core.figures import vote_figure, voting_figure, voting_gain_figure

QUESTION = "Do the scores make better votes?"

source = data.current()
signal = data.signal_of(source)
if signal is None:
    parts.header(QUESTION, "These rollouts hold no score.")
    parts.needs_score(source)
    st.stop()

curve = data.analyse(source, "voting_curve", signal=signal)
n = findings.headline_n(curve)
gain = findings.at_n(curve, "weighted_minus_majority", n)
majority, weighted = findings.at_n(curve, "majority", n), findings.at_n(curve, "weighted", n)
direction = "gains" if gain.value >= 0 else "loses"
sure = "" if gain.ci_low > 0 or gain.ci_high < 0 else ", which could be chance"
parts.header(
    QUESTION,
    f"With {n} solutions a problem, weighting {direction} {abs(100 * gain.value):.1f} points over the majority "
    f"(95% interval {interval(gain, scale=100, digits=1, sign='+')}, n = {count(gain.n, 'problem')}){sure}: "
    f"{percent(majority.value, 1)} becomes {percent(weighted.value, 1)}.",
)

figure_column, side = st.columns([3, 2], gap="large")
with figure_column:
    parts.figure(
        voting_figure(curve),
        key="voting_curve",
        alt="Accuracy of pass at N, best of N, weighted and majority votes against the number of solutions",
        see="Bands are 95% intervals over problems. pass@N is the ceiling: some solution is right. Between it and the "
        "majority lies what a better judge could win.",
    )
with side:
    parts.figure(
        voting_gain_figure(curve),
        key="voting_gain",
        alt="Weighted minus majority accuracy in points against the number of solutions",
        see="The same comparison made problem by problem, so the band is narrower than the two curves' bands suggest.",
    )
    parts.equation(
        r"\hat a = \arg\max_a \sum_{i:\,a_i = a} \mathrm{clip}(r_{s,i}, 0, 1)",
        "Each solution votes for its answer with its clipped score. Majority voting is the same with every weight 1; "
        "best-of-N takes the answer of the highest score; pass@N counts a problem as solved if any of the N is right. "
        "Each value is the mean over random subsets of N of a problem's solutions, drawn without replacement. Equal "
        "answers are grouped by mathematical equivalence, unanswered solutions cast no vote, ties share the win.",
        label="How votes are counted",
    )

st.subheader("One vote, answer by answer", anchor=False)
grid = data.samples(source, signal)
lists, labels = findings.problem_lists(source, signal), findings.problem_labels(source, signal)
left, right = st.columns([2, 3], gap="large")
with left:
    group = st.selectbox(
        "Problems",
        list(lists),
        index=list(lists).index(findings.HELPED) if lists[findings.HELPED] else 0,
        key="vote_group",
        persist_state="session",
        format_func=lambda name: f"{name} ({len(lists[name]):,})",
    )
    problems = list(lists[group]) or list(lists[findings.ALL])
    problem_id = st.selectbox(
        "Problem", problems, key="vote_problem", persist_state="session", format_func=lambda key: labels[key]
    )
    p = grid.problem_ids.index(problem_id)
    most = int(grid.counts[p])
    voters = (
        st.slider("Voters, N", 1, most, min(n, most), key=f"voters-{most}", persist_state="session") if most > 1 else 1
    )
    if st.button("Draw other voters", icon=":material/casino:"):
        st.session_state["vote_seed"] = st.session_state.get("vote_seed", 0) + 1
    st.page_link("app_pages/traces.py", label="These solutions, token by token", icon=":material/timeline:")
    vote = data.analyse(
        source, "draw_vote", signal=signal, problem=p, n=voters, seed=st.session_state.get("vote_seed", 0)
    )
with right:
    texts = findings.vote_answers(source, vote)
    reference = source.rollouts.row(int(grid.row[p, 0])).get("reference_answer")
    parts.figure(
        vote_figure(vote, texts),
        key="vote",
        alt="Votes per answer, counted and weighted by the score",
        see=f"{count(voters, 'voter')} drawn at random from {most} solutions; ✓ marks the right answer"
        + (f", {literal(reference, 60)}" if reference is not None else "")
        + ". Grey counts heads, green adds up scores; the star is the winner of each.",
    )
st.caption(f"Majority at N = {n}: {estimate(majority, 3)}. Weighted: {estimate(weighted, 3)}.")
