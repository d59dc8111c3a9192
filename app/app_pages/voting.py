"""Voting: is a vote weighted by the score better than the majority, and by how much as N grows?"""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import data, findings, parts, problems
from app.words import count, interval, literal, percent
from laser_core.figures import vote_figure, voting_figure, voting_gain_figure

QUESTION = "Do the scores make better votes?"

source = data.current()
signal = data.signal_of(source)
judge = signal or "score"
curve, reason = findings.voting(source, judge)
if curve is None:
    parts.header(QUESTION, "Votes cannot be counted here.")
    st.info(literal(reason), icon=":material/info:")
    st.stop()

n = findings.headline_n(curve)
gain = findings.at_n(curve, "weighted_minus_majority", n)
majority, weighted = findings.at_n(curve, "majority", n), findings.at_n(curve, "weighted", n)
if signal is None:
    finding = (
        f"These rollouts hold no score to weigh votes by. A majority vote of {n} is correct on "
        f"{percent(majority.value, 1)} of the problems (95% interval {interval(majority, scale=100, digits=1)}%, "
        f"n = {count(majority.n, 'problem')})."
    )
else:
    direction = "gains" if gain.value >= 0 else "loses"
    chance = "" if gain.ci_low > 0 or gain.ci_high < 0 else ", which could be chance"
    finding = (
        f"With {n} solutions a problem, weighting by the {parts.signal_name(signal)} {direction} "
        f"{abs(100 * gain.value):.1f} points over the majority (95% interval "
        f"{interval(gain, scale=100, digits=1, sign='+')}, n = {count(gain.n, 'problem')}){chance}: "
        f"{percent(majority.value, 1)} becomes {percent(weighted.value, 1)}."
    )
parts.header(QUESTION, finding)

left, right = st.columns([3, 2], gap="medium")
with left:
    parts.figure(
        voting_figure(curve),
        key="voting_curve",
        alt="Accuracy of pass at N, best of N, weighted and majority votes against the number of solutions",
        see="Bands are 95% intervals over problems. pass@N is the ceiling: some solution is correct. Between it and "
        "the majority lies what a better judge could win.",
    )
with right:
    if signal is None:
        parts.needs_score(source)
    else:
        parts.figure(
            voting_gain_figure(curve),
            key="voting_gain",
            alt="Weighted minus majority accuracy in points against the number of solutions",
            see="The gain, compared problem by problem; above zero the weights help.",
        )
    parts.equation(
        r"\hat a = \arg\max_a \sum_{i:\,a_i = a} \mathrm{clip}(r_{s,i}, 0, 1)",
        "Each solution votes for its answer with its score clipped to [0, 1]. Majority voting is the same with every "
        "weight 1; best-of-N takes the answer of the highest score; pass@N counts a problem as solved if any of the N "
        "is correct. Each value is the mean over random subsets of N of a problem's solutions, drawn without "
        "replacement. Equal answers are grouped by mathematical equivalence, unanswered solutions cast no vote, ties "
        "share the win. A signal other than the score votes with its rank among all solutions.",
        label="How votes are counted",
    )
    at = int(np.flatnonzero(np.asarray(curve.n) == n)[0])
    st.caption(
        f"A tie decides {percent(float(curve.tied[at]), 1)} of the majority votes of {n}."
        + (f" {count(curve.n_left_out, 'problem')} with fewer solutions left out." if curve.n_left_out else "")
        + (f" The verifier contradicts itself on {count(curve.n_conflicts, 'answer')}." if curve.n_conflicts else "")
    )

st.subheader("One vote, answer by answer", anchor=False)
grid = data.samples(source, judge)
left, right = st.columns([2, 3], gap="medium")
with left:
    problem_id = problems.choose(source, judge)
    p = grid.problem_ids.index(problem_id)
    most = int(grid.counts[p])
    voters = most
    if most > 1:
        voters = st.slider("Voters, N", 1, most, min(n, most), key=f"voters-{most}", persist_state="session")
    if st.button("Draw other voters", key="draw", icon=":material/casino:", disabled=voters == most):
        st.session_state["vote_seed"] = st.session_state.get("vote_seed", 0) + 1
    st.page_link("app_pages/traces.py", label="These solutions, token by token", icon=":material/timeline:")
vote = data.analyse(
    source,
    "draw_vote",
    signal=judge,
    problem=p,
    n=voters,
    seed=st.session_state.get("vote_seed", 0),
    weight=findings.weight(judge),
)
reference = source.rollouts.row(int(grid.row[p, 0])).get("reference_answer")
with right:
    parts.figure(
        vote_figure(vote, findings.vote_answers(source, vote)),
        key="vote",
        alt="Votes per answer, counted and weighted by the score",
        see=f"{count(voters, 'voter')} drawn at random from {most} solutions"
        + (f", {vote.n_unanswered} of them without an answer" if vote.n_unanswered else "")
        + ". ✓ marks the correct answer"
        + (f", {literal(reference, 60)}" if reference is not None else "")
        + ". Grey counts heads, green adds up scores; the star marks the winner of each.",
    )
