# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 8. Votes as N grows
#
# **Goal.** Let a model answer N times and choose one answer. You will compute the majority vote, the weighted vote,
# best-of-N and pass@N by hand on five solutions, then see which of them gains from a score, at which N, and which one
# gets *worse* with more solutions.
#
# **Time.** 25 minutes.
#
# **Prerequisites.** [The whole idea](00_the_whole_idea.ipynb).

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Install laser_core where it is missing, as in Colab
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("laser_core") is None:
    wheels = sorted(Path().glob("laser_explorer-*.whl"))
    if not wheels and "google.colab" in sys.modules:
        wheels = list(sys.modules["google.colab"].files.upload())
    if not wheels:
        raise SystemExit(
            "Make the project's wheel (pip wheel --no-deps .), put it beside this notebook, and run again."
        )
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", wheels[-1]], check=True)

# %%
from collections import defaultdict
from itertools import combinations

import numpy as np
import pandas as pd

from laser_core.analysis import (
    Samples,
    accuracy,
    compute_worth,
    draw_vote,
    drill_down,
    separation,
    voting_curve,
)
from laser_core.bundled import claim_runs
from laser_core.figures import accuracy_tokens_figure, vote_figure, voting_figure, voting_gain_figure
from laser_core.lessons import Exercise, FunctionExercise, show
from laser_core.rollouts import read

# %% [markdown]
# ## One problem, five solutions
#
# The right answer is 12. Two solutions give it, three give 15. The score has rated each solution.

# %%
answers = [12, 12, 15, 15, 15]
scores = [0.9, 0.7, 0.3, 0.2, -0.1]
right_answer = 12

# %% [markdown]
# **Predict.** Which answer wins a majority vote of all five? Which one wins if every solution votes with its score as
# its weight?


# %%
def winners(answers, weights):
    """The answers with the largest total weight; several in a tie."""
    total = defaultdict(float)
    for answer, weight in zip(answers, weights, strict=True):
        total[answer] += weight
    return [answer for answer in total if total[answer] > max(total.values()) - 1e-9]


clipped = [min(max(score, 0.0), 1.0) for score in scores]  # a weight lies between 0 and 1
print("majority vote:", winners(answers, [1] * 5))
print("weighted vote:", winners(answers, clipped))
print("best of 5:    ", answers[int(np.argmax(scores))])

# %% [markdown]
# The majority is wrong and the score knows it. This is the case that a score is for. One picture of five solutions is
# an anecdote, though. What happens on average if we draw only N of the five? There are few enough subsets to try all
# of them; a tie counts as the share of its winners that are right.


# %%
def expected_accuracy(answers, weights, n):
    """Mean credit of the vote over all subsets of n solutions."""
    credit = []
    for chosen in combinations(range(len(answers)), n):
        won = winners([answers[i] for i in chosen], [weights[i] for i in chosen])
        credit.append(won.count(right_answer) / len(won))
    return np.mean(credit)


majority = [expected_accuracy(answers, [1] * 5, n) for n in range(1, 6)]
weighted = [expected_accuracy(answers, clipped, n) for n in range(1, 6)]
at_least_one = [np.mean([0 in c or 1 in c for c in combinations(range(5), n)]) for n in range(1, 6)]
pd.DataFrame({"majority": majority, "weighted": weighted, "pass@N": at_least_one}, index=range(1, 6)).rename_axis("N")

# %% [markdown]
# Where the right answer is in the minority, **more votes make the majority worse**, and pass@N, "at least one is
# right", says what could be had. `laser_core` gets the same numbers without trying subsets (pass@N, best-of-N and the
# majority have closed forms; weighted votes are drawn at random until their error is small):

# %%
five = Samples.from_arrays(
    correct=[[1, 1, 0, 0, 0]],
    score=[scores],
    answer=[[0, 0, 1, 1, 1]],
)
curve = voting_curve(five)
assert np.allclose(curve.majority, majority)
assert np.allclose(curve.pass_, at_least_one)
assert (np.abs(curve.weighted - weighted) <= 4 * curve.weighted_se + 1e-9).all()

# %% [markdown]
# ### Exercise 1: the weighted vote
#
# Write the weighted vote: the answer that wins, each score clipped to [0, 1]. (No ties occur in the cases.)

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 1, its check
exercise_1 = FunctionExercise(
    task="Write weighted_vote(answers, scores): the answer with the largest sum of scores, each clipped to [0, 1].",
    cases=[
        (([12, 12, 15, 15, 15], [0.9, 0.7, 0.3, 0.2, -0.1]), 12),
        (([12, 15, 15, 15], [0.9, 0.6, 0.6, 0.6]), 15),
        (([3, 4, 4], [1.9, 0.8, 0.7]), 4),
        (([7, 8, 8, 8], [0.5, 0.4, 0.3, -5.0]), 8),
    ],
    mistakes=[
        (lambda a, s: max(a, key=a.count), "That counts solutions. Add up their scores instead."),
        (lambda a, s: a[int(np.argmax(s))], "That is best-of-N: the answer of the single highest score."),
        (
            lambda a, s: max(set(a), key=lambda x: sum(w for y, w in zip(a, s, strict=True) if y == x)),
            "Clip first: one score of 1.9 must not count as two solutions, and a very low one must not take "
            "votes away.",
        ),
    ],
    because="Clipping keeps one loud solution from deciding the vote.",
)


# %%
def weighted_vote(answers, scores): ...


exercise_1.check(weighted_vote)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def weighted_vote(answers, scores):
#     total = {}
#     for answer, score in zip(answers, scores):
#         total[answer] = total.get(answer, 0.0) + min(max(score, 0.0), 1.0)
#     return max(total, key=total.get)
# ```
#
# </details>

# %% [markdown]
# ### Exercise 2: pass@2
#
# A model solved 3 of 10 sampled solutions. Estimate pass@2 from them: the chance that at least one of two *different*
# solutions, drawn from these ten, is correct.

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 2, its check
exercise_2 = Exercise(
    task="3 of 10 solutions are correct. How likely is it that at least one of two drawn without replacement is?",
    expected=1 - (7 * 6) / (10 * 9),
    hints={
        0.51: "That draws with replacement: 1 - 0.7 x 0.7. The second solution is drawn from the nine that are left.",
        0.6: "Adding 0.3 and 0.3 counts the pairs in which both are correct twice.",
        0.3: "That is pass@1.",
        0.4667: "That is the chance that none is correct. Take it from 1.",
    },
    because="1 - C(7, 2) / C(10, 2) = 1 - 21/45.",
)

# %%
answer = None
exercise_2.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# from math import comb
#
# answer = 1 - comb(7, 2) / comb(10, 2)
# ```
#
# </details>

# %% [markdown]
# ## Four curves on held-out problems
#
# The miniature that LaSeR trained on word problems, 32 solutions a problem. **Predict** before you run the cell: of
# pass@N, best-of-N, weighted and majority vote, which is highest, and does each of them rise with N?

# %%
runs_of = {
    family: [run for run in claim_runs() if run.name.rpartition("-")[0] == name]
    for family, name in (("linear", "laser"), ("chain", "chain-laser"), ("words", "words-laser"))
}
runs_of = {family: runs for family, runs in runs_of.items() if runs}
words = read(runs_of["words"][0].rollouts).rollouts
samples = Samples.from_rollouts(words)
curve = voting_curve(samples)
print(f"{runs_of['words'][0].title}: {samples.n_problems} problems x {samples.n_samples} solutions")
print(f"accuracy of one solution {accuracy(samples)}")
for n in (1, 4, 32):
    found = {name: curve.at(name, n).value for name in ("majority", "weighted", "best_of_n", "pass_")}
    print(f"N = {n:>2}: " + ", ".join(f"{name.rstrip('_')} {value:.3f}" for name, value in found.items()))

# %%
largest = curve.largest_n(samples.n_samples)
best = {n: curve.at("best_of_n", n).value for n in (4, largest)}
show(
    voting_figure(curve),
    "Expected accuracy against the number of solutions N, with 95% bands over problems. pass@N is the ceiling, "
    f"{curve.at('pass_', largest).value:.3f} at N = {largest}; the weighted vote ends at "
    f"{curve.at('weighted', largest).value:.3f}, the majority vote at {curve.at('majority', largest).value:.3f}. "
    f"Best-of-N is {best[4]:.3f} at N = 4 and {best[largest]:.3f} at N = {largest}.",
)

# %% [markdown]
# ### Why does best-of-N behave differently?
#
# It trusts one solution, the one with the very highest score. AUROC counts *all* pairs, so it forgives a few
# confident mistakes; best-of-N meets each of them sooner or later, because the more solutions you draw, the more
# extreme the highest score gets. A vote needs many solutions to agree before a mistake wins.

# %%
top = np.argmax(np.nan_to_num(samples.score, nan=-np.inf), axis=1)
top_is_right = samples.correct[np.arange(samples.n_problems), top]
print(f"AUROC within a problem: {separation(samples).within_problem_auroc}")
print(f"problems whose highest score belongs to a correct solution: {np.mean(top_is_right):.3f}")
print(f"solutions that are correct:                                 {accuracy(samples).value:.3f}")

# %% [markdown]
# ## The gain, paired
#
# The bands of two curves may overlap and the difference still be certain, because both votes use the same problems
# and the same subsets. So subtract problem by problem, and draw the band of the difference.

# %%
gain = curve.minus_majority("weighted")
show(
    voting_gain_figure(curve),
    "How far each vote is above the majority vote on the same problems and subsets, in percentage points, "
    "with 95% bands. "
    f"At N = 4 the weighted vote gains {100 * curve.weighted_minus_majority[3]:+.1f} points "
    f"[{100 * curve.weighted_minus_majority_low[3]:+.1f}, {100 * curve.weighted_minus_majority_high[3]:+.1f}].",
)

# %% [markdown]
# At N = 2 two different answers tie in a majority vote, which then is a coin toss, and any score that is better than
# chance wins it. Do not judge a score by N = 2.
#
# One training run is one draw. Here are all runs that ship, in three families of problems. **Predict:** where will
# weighting gain more, in the family that is nearly solved or in the one that is not?

# %%
rows = []
for family, runs in runs_of.items():
    for run in runs:
        own = Samples.from_rollouts(read(run.rollouts).rollouts)
        votes = voting_curve(own, n_values=[4, 16])
        row = {"family": family, "run": run.name, "accuracy": accuracy(own).value}
        for i, n in enumerate((4, 16)):
            low, high = votes.weighted_minus_majority_low[i], votes.weighted_minus_majority_high[i]
            row[f"majority of {n}"] = votes.majority[i]
            row[f"gain at {n}"] = f"{votes.weighted_minus_majority[i]:+.3f} [{low:+.3f}, {high:+.3f}]"
        rows.append(row)
pd.DataFrame(rows).round(3)

# %% [markdown]
# Weighting needs room: where the majority is right already, there is nothing to fix.
#
# ## Is it the score, or would any numbers do?
#
# Shuffle the scores within each problem. The weights keep their values and lose their meaning. **Predict** the gain.

# %%
rng = np.random.default_rng(0)
shuffled = voting_curve(samples.with_score(rng.permuted(samples.score, axis=1)), n_values=[4, 8, 16])
for i, n in enumerate((4, 8, 16)):
    low, high = shuffled.weighted_minus_majority_low[i], shuffled.weighted_minus_majority_high[i]
    real = curve.weighted_minus_majority[list(curve.n).index(n)]
    print(
        f"N = {n:>2}: shuffled {shuffled.weighted_minus_majority[i]:+.3f} [{low:+.3f}, {high:+.3f}], real {real:+.3f}"
    )

# %% [markdown]
# Random weights do not merely gain nothing, they make the vote noisier, as if fewer solutions took part. A useless
# score is worse than none.
#
# ### Exercise 3: a score that never changes
#
# A score is the same number, 0.6, for every solution. By how much does the weighted vote beat the majority vote?

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 3, its check
exercise_3 = Exercise(
    task="Every solution scores 0.6. What is the gain of the weighted vote over the majority vote, in points?",
    expected=0,
    hints={
        0.6: "All weights are equal. Does scaling all votes alike change who wins?",
        60: "All weights are equal. Does scaling all votes alike change who wins?",
        -0.4: "All weights are equal. Does scaling all votes alike change who wins?",
    },
    because="Only differences between the solutions of one problem count. That is why AUROC within a problem "
    "predicts it.",
)

# %%
answer = None
exercise_3.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 0
# ```
#
# `voting_curve(samples.with_score(np.full(samples.score.shape, 0.6))).weighted_minus_majority` is 0 at every N, up to
# the solutions that had no score.
#
# </details>

# %% [markdown]
# ## One vote, looked at
#
# Which problems did the weights fix, and which did they break, when all solutions vote?

# %%
lists = drill_down(samples)
print(f"fixed by the weights: {len(lists.fixed_by_weights)}, broken: {len(lists.broken_by_weights)}")
changed = [*lists.fixed_by_weights, *lists.broken_by_weights, *lists.ties, 0]
vote = draw_vote(samples, int(changed[0]), samples.n_samples, seed=0)
spoken_for = [words.row(int(row)) for row in vote.representative]
print(spoken_for[0]["problem"])
print("The answer is", spoken_for[0]["reference_answer"])

# %%
order = np.argsort(-vote.count)
show(
    vote_figure(vote, [row["answer"] for row in spoken_for]),
    "One vote, answer by answer: how many solutions give it, and the sum of their scores. "
    + "; ".join(
        f"{spoken_for[i]['answer']} ({'correct' if vote.correct[i] == 1 else 'incorrect'}): "
        f"{vote.count[i]:.0f} solutions, "
        f"weight {vote.weight[i]:.1f}"
        for i in order[:4]
    )
    + ".",
)

# %% [markdown]
# ## What does it cost?
#
# Thirty-two solutions cost thirty-two times the tokens. A vote can stop early: when no further solution could change
# the winner ("certain"), or when the leader is ahead with 95% confidence ("confident").

# %%
worth = compute_worth(samples)
rows = []
for policy in worth.policies:
    at = int(np.flatnonzero(policy.budget <= 16)[-1])
    rows.append(
        {
            "vote": policy.vote,
            "stops": policy.stop,
            "accuracy": policy.accuracy[at],
            "tokens a problem": policy.tokens[at],
            "tokens saved": policy.saved[at],
        }
    )
pd.DataFrame(rows).round(3)

# %%
saved = worth.policy("weighted", "confident")
show(
    accuracy_tokens_figure(worth, vote="weighted"),
    "Accuracy of the weighted vote against tokens sampled per problem, for votes of a fixed size and votes "
    "that stop early. "
    f"With at most {saved.budget[-1]} solutions, stopping when the leader is ahead with confidence saves "
    f"{100 * saved.saved[-1]:.0f}% of the tokens and changes the accuracy by {100 * saved.change[-1]:+.2f} points.",
)

# %% [markdown]
# Compare the rows with the table of gains: a better weight and an early stop both buy accuracy for tokens, and
# stopping needs no score at all.
#
# ## Summary
#
# - Majority votes amplify what a model mostly believes, also when it is wrong.
# - pass@N says that some solution is right; a score is worth what it recovers of the distance to it.
# - Best-of-N trusts the most extreme score and can fall as N grows; weighted votes do not lean on one solution.
# - Gains are differences on the same problems: subtract first, then take the interval.
# - Weighting gains where the majority is not right yet, and a score that ranks at chance costs accuracy.
#
# Next: [your own rollouts](09_your_own_rollouts.ipynb).
#
# ## In the app
#
# `laser app` opens the explorer. Its [Voting page](http://localhost:8501/voting) draws these curves for any run, and
# the key "D" draws another vote.
