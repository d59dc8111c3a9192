"""Voting: is a vote weighted by the score better than the majority, and by how much as N grows?"""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.data import cache, findings, sources
from app.format import ci, count, literal, number, percent, percent_interval, points, points_interval, score_text
from app.sections import unscored, voting
from app.widgets import choices, parts
from laser_core import analysis
from laser_core.figures import voting_figure, voting_gain_figure

source = sources.current()
signal = sources.signal_of(source)
weighing = signal or "score"
question = (
    "Does a majority vote do better than one solution?"
    if signal is None
    else f"Does weighting by the {parts.signal_name(signal)} make better votes?"
)
curve, reason = findings.voting(source, weighing)
if curve is None:
    parts.header(question, "Votes cannot be counted here.")
    st.info(
        f"{literal(reason)}. Map a column to “answer” on the Data page, or convert the file with "
        "`laser convert FILE --map answer=COLUMN`.",
        icon=":material/info:",
    )
    st.page_link("app_pages/scores.py", label="The solutions themselves", icon=":material/bar_chart:")
    st.stop()

n = findings.headline_n(curve)
gain = curve.at("weighted_minus_majority", n)
majority, weighted = curve.at("majority", n), curve.at("weighted", n)
if signal is None:
    one = curve.at("majority", 1)
    finding = (
        f"One solution is correct on {percent(one.value, 1)} of the problems ({ci(percent_interval(one, 1))}), a "
        f"majority vote of {n} on {percent(majority.value, 1)} ({ci(percent_interval(majority, 1))}, "
        f"n = {count(majority.n, 'problem')}). There is no score to weight votes by."
    )
else:
    sure = gain.ci_low > 0 or gain.ci_high < 0
    does = f"{'gains' if gain.value > 0 else 'loses'} {number(abs(100 * gain.value), 1)} points over"
    finding = (
        f"With {n} solutions per problem, weighting by the {parts.signal_name(signal)} "
        f"{does if sure else 'makes no clear difference to'} the majority vote: {percent(weighted.value, 1)} against "
        f"{percent(majority.value, 1)} correct (difference {points(gain.value)} points, "
        f"{ci(points_interval(gain))}, n = {count(gain.n, 'problem')})."
    )
parts.header(question, findings.derived(source, signal) or finding)
level = findings.threshold(source, weighing) if signal else None
filtered = (
    cache.analyse(source, analysis.filtered_majority, signal=weighing, threshold=level) if level is not None else None
)
settings = parts.made_with(source, weighing, weight=findings.weight(weighing))

left, right = st.columns([3, 2], gap="medium")
with left:
    parts.figure(
        voting_figure(curve, filtered=filtered),
        key="voting_curve",
        alt="Accuracy of pass at N"
        + (", best of N, weighted" if signal else "")
        + " and majority votes against the number of solutions",
        finding=finding,
        see=f"The bars at the right end are 95% intervals over {count(curve.n_problems, 'problem')}. pass@N is the "
        f"ceiling: at least one solution is correct. A {'better ' if signal else ''}score could win what lies between "
        "it and the majority."
        + (
            f" Filtered majority: only solutions that score above {score_text(level)} vote; where none does, all vote."
            if filtered
            else ""
        ),
        settings=settings,
    )
with right:
    if signal is None:
        unscored.refused(source)
        unscored.free_signals(source)
        parts.needs_score(source)
    else:
        parts.figure(
            voting_gain_figure(curve),
            key="voting_gain",
            alt="How far each vote is above the majority vote, against the number of solutions",
            finding=finding,
            see="The weighted vote's gain with its 95% band, paired by problem, n = "
            f"{count(curve.n_problems, 'problem')}; above zero, weighting helps. pass@N is the most that any choice "
            "among the solutions could gain.",
            settings=settings,
        )
    parts.equation(
        r"\hat a = \arg\max_a \sum_{i:\,a_i = a} \mathrm{clip}(r_{s,i}, 0, 1)",
        "Each solution votes for its answer with its score clipped to [0, 1]. In a majority vote every weight is 1. "
        "Best-of-N takes the answer with the highest score. pass@N counts a problem as solved if one of the N is "
        "correct. Each value is the mean over random subsets of N of a problem's solutions, drawn without "
        "replacement. Mathematically equal answers count as one; solutions without an answer cast no vote; ties share "
        "the win. Any signal other than the score votes with its rank among all solutions.",
        label="How votes are counted",
    )
    at = int(np.flatnonzero(np.asarray(curve.n) == n)[0])
    st.caption(
        f"{percent(float(curve.tied[at]), 1)} of the majority votes of {n} end in a tie."
        + (f" {count(curve.n_left_out, 'problem')} with fewer solutions left out." if curve.n_left_out else "")
        + (f" The verifier contradicts itself on {count(curve.n_conflicts, 'answer')}." if curve.n_conflicts else "")
    )

sections = choices.by_value(voting.offered(source, signal))
section = choices.one_of("Look closer", sections, key="voting_section", source=source, label_shown=False)
voting.show(voting.VotingSection(section), source, weighing, n)
