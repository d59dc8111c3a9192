"""Voting: is a vote weighted by the score better than the majority, and by how much as N grows?"""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.data import cache, findings
from app.sections import voting
from app.widgets import choices, parts
from app.widgets.format import count, interval, literal, percent, score_text
from laser_core.figures import voting_figure, voting_gain_figure

QUESTION = "Do the scores make better votes?"

source = cache.current()
signal = cache.signal_of(source)
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
level = findings.threshold(source, judge) if signal else None
filtered = cache.analyse(source, "filtered_majority", signal=judge, threshold=level) if signal else None
settings = parts.made_with(source, judge, weight=findings.weight(judge))

left, right = st.columns([3, 2], gap="medium")
with left:
    parts.figure(
        voting_figure(curve, filtered=filtered),
        key="voting_curve",
        alt="Accuracy of pass at N, best of N, weighted and majority votes against the number of solutions",
        see=f"Bands are 95% intervals over {count(curve.n_problems, 'problem')}. pass@N is the ceiling: some solution "
        "is correct. Between it and the majority lies what a better judge could win."
        + (f" Accepted ones score above {score_text(level)}; where none does, all vote." if filtered else ""),
        settings=settings,
    )
with right:
    if signal is None:
        parts.needs_score(source)
    else:
        parts.figure(
            voting_gain_figure(curve),
            key="voting_gain",
            alt="Weighted minus majority accuracy in points against the number of solutions",
            see=f"The gain with its 95% band, compared problem by problem, n = {count(curve.n_problems, 'problem')}; "
            "above zero the weights help.",
            settings=settings,
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

sections = {"One vote": lambda: voting.one(source, judge, n)}
if signal is not None:
    sections["Flipped problems"] = lambda: voting.flipped(source, judge)
if signal == "score" and source.rollouts.meta.beta_v and source.rollouts.meta.c_ref is not None:
    sections["Other β_v and c_ref"] = lambda: voting.what_if(source, n)
sections["Tokens spent"] = lambda: voting.tokens(source, judge)
section = st.segmented_control(
    "Look closer",
    list(sections),
    default="One vote",
    key="voting_section",
    required=True,
    label_visibility="collapsed",
    **choices.kept(source),
)
sections[section]()
