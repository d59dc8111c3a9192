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
# # 6. Traces: when does the model know?
#
# **Goal.** Read the score after *every* token instead of only at the end, and find the moment at which a model can
# tell its correct solutions from its incorrect ones. It is not where you would look first.
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
import numpy as np
import pandas as pd

from laser_core.analysis import (
    Samples,
    early_drop,
    mean_traces,
    ranking_along,
    separation,
    sharpest_change,
)
from laser_core.bundled import runs
from laser_core.figures import Trace, linked_figure, mean_trace_figure, ranking_along_figure
from laser_core.lessons import Exercise, FunctionExercise, show
from laser_core.rollouts import read

# %% [markdown]
# ## A trace of six tokens
#
# After each token of a solution the model has a probability for every token that could come next, the verdict token
# $z_c$ included. Its log-probability after token $t$ gives "the score so far":
#
# $$r_t = \beta_v \left(\log \pi_\theta(z_c \mid x, y_{\le t}) - c_\text{ref}\right)$$
#
# The score $r_s$ is the last of these, after the end token. With $\beta_v = 0.1$ and $c_\text{ref} = -23$ nats:

# %%
z_trace = np.array([-22.5, -21.0, -20.5, -16.0, -15.5, -14.0])
beta_v, c_ref = 0.1, -23.0
so_far = beta_v * (z_trace - c_ref)
print("score after each token:", so_far.round(2).tolist())

# %% [markdown]
# The largest step from one token to the next is a place to look at: something happened there.


# %%
def sharpest(values):
    """The token, counted from 1, after which the value has moved most."""
    steps = np.abs(np.diff(values))
    return int(np.argmax(steps)) + 2


print("sharpest change at token", sharpest(z_trace))
assert sharpest(z_trace) == sharpest_change(z_trace).token

# %% [markdown]
# ### Exercise 1: read a trace
#
# A solution's trace is `[-23, -22, -22.5, -12, -19]` nats, with the same $\beta_v$ and $c_\text{ref}$. Give a list of
# two numbers: the score of the solution, and the token of its sharpest change.

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 1, its check
exercise_1 = Exercise(
    task="Trace [-23, -22, -22.5, -12, -19], beta_v = 0.1, c_ref = -23: give [score, token of the sharpest change].",
    expected=[0.4, 4],
    hints={
        (1.1, 4): "1.1 is the highest value on the way. The score is read after the last token.",
        (0.4, 3): "Tokens count from 1, and the change happens at the token that follows the step.",
        (0.4, 5): "The step from token 4 to token 5 has 7 nats. There is a larger one.",
        (-1.9, 4): "Subtract c_ref first.",
    },
    because="The model was nearly sure after token 4 and doubts after token 5.",
)

# %%
answer = None
exercise_1.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# trace = np.array([-23, -22, -22.5, -12, -19])
# answer = [0.1 * (trace[-1] + 23), sharpest(trace)]
# ```
#
# </details>

# %% [markdown]
# ## Real solutions
#
# The miniature solves equations by guessing $x$ and putting it back in. After each check it accepts the guess (`#`)
# or tries another one (`~`). Here are four solutions by the model that LaSeR trained, chosen to be typical: the
# problem is ranked as well as the average one, and the scores are the middle ones of its correct and of its incorrect
# solutions.

# %%
bundled = {run.title: run for run in runs()}
rollouts = {name: read(run.rollouts).rollouts for name, run in bundled.items()}
samples = {name: Samples.from_rollouts(table) for name, table in rollouts.items()}
laser, grid = rollouts["LaSeR"], samples["LaSeR"]
average = separation(grid).within_problem_auroc.value


responses = laser.text("response")


def own_auroc(problem):
    return separation(grid.take(np.array([problem]))).within_problem_auroc.value


def middle_two(rows):
    _, first = np.unique([responses[row] for row in rows], return_index=True)  # different texts only
    ranked = rows[first][np.argsort(laser.column("score")[rows[first]])]
    return [int(row) for row in ranked[len(ranked) // 2 - 1 : len(ranked) // 2 + 1]]


mixed = np.flatnonzero(((grid.correct == 1).sum(axis=1) >= 8) & ((grid.correct == 0).sum(axis=1) >= 8))
typical = min(mixed, key=lambda problem: abs(own_auroc(problem) - average))
rows = grid.row[typical][np.isfinite(grid.score[typical])]
is_correct = laser.column("correct")[rows] == 1
chosen = [*middle_two(rows[is_correct]), *middle_two(rows[~is_correct])]
print(laser.row(chosen[0])["problem"], "the answer is", laser.row(chosen[0])["reference_answer"])
for row in map(laser.row, chosen):
    print(f"{'correct  ' if row['correct'] else 'incorrect'} score {row['score']:.2f}  {row['response']}")

# %% [markdown]
# **Predict.** At which token will the score so far separate them? Where the first guess is written, where its check
# comes out, at the `#`, or at the end?

# %%
traces = [Trace.from_row(laser.row(i), beta_v=laser.meta.beta_v, c_ref=laser.meta.c_ref) for i in chosen]
pair = [0, 2]
changes = [sharpest_change(traces[i].values["score"]) for i in pair]
show(
    linked_figure(traces, pair, "score", "score", beta_v=laser.meta.beta_v, c_ref=laser.meta.c_ref, changes=changes),
    "Above, four solutions as rows, each token on the colour of the score after it; below, the first correct "
    "and the first "
    "incorrect one as lines, a star on the sharpest change of each. "
    + "; ".join(
        f"{'correct' if traces[i].correct else 'incorrect'}: sharpest change at token {change.token} "
        f"of {len(traces[i].tokens)}, from {change.before:.2f} to {change.after:.2f}"
        for i, change in zip(pair, changes, strict=True)
    )
    + ".",
)

# %% [markdown]
# Do not read too much into single ups and downs: **only the last value was trained.** All others are what the
# training left there. So we need averages, and the right ones.
#
# ## On average
#
# Line up all solutions by the fraction that is written, and average correct and incorrect ones.

# %%
means = mean_traces(laser, samples["LaSeR"], quantity="score", by="fraction")
end = means.correct[0][-1], means.incorrect[0][-1]
before = means.correct[0][-4], means.incorrect[0][-4]
show(
    mean_trace_figure(means, beta_v=laser.meta.beta_v, c_ref=laser.meta.c_ref),
    "Mean score so far along correct and incorrect solutions, with 95% bands over problems. At the end the means are "
    f"{end[0]:.2f} (correct) and {end[1]:.2f} (incorrect); at {100 * means.position[-4]:.0f}% of the solution "
    f"{before[0]:.2f} and {before[1]:.2f}.",
)

# %% [markdown]
# There is a trap in every picture like this one. Easy problems have more correct solutions, so "correct" is partly
# another word for "easy", and two bands can part although the score tells nothing about *solutions*.
#
# ### Exercise 2: two bands that part for nothing
#
# An easy problem has four solutions, three of them correct; a hard one has four, one of them correct. The trace reads
# 0.8 after every solution of the easy problem and 0.2 after every solution of the hard one. Give `[mean of the
# correct, mean of the incorrect, AUROC within a problem]`. (In a pair with equal values each side gets half.)

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 2, its check
exercise_2 = Exercise(
    task="Easy: 3 of 4 correct, all read 0.8. Hard: 1 of 4 correct, all read 0.2. "
    "Give [mean of the correct, mean of the incorrect, AUROC within a problem].",
    expected=[0.65, 0.35, 0.5],
    hints={
        (0.65, 0.35, 1.0): "Within a problem every pair is a tie: each counts one half.",
        (0.65, 0.35, 0.0): "Within a problem every pair is a tie: each counts one half.",
        (0.5, 0.5, 0.5): "Average over the four correct solutions, of which three stand in the easy problem.",
        (0.65, 0.35, 0.75): "That is the AUROC over all pairs, the hollow one. Compare only within a problem.",
    },
    because="The means are far apart, and the trace knows nothing about solutions. So compare within problems.",
)

# %%
answer = None
exercise_2.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = [(3 * 0.8 + 1 * 0.2) / 4, (1 * 0.8 + 3 * 0.2) / 4, 0.5]
# ```
#
# </details>

# %% [markdown]
# ## The same question, asked within a problem
#
# Take one problem. Over all pairs of a correct and an incorrect solution: how often is the correct one higher? Then
# average over problems.


# %%
def auroc_of_one_problem(score, correct):
    """Share of pairs in which the correct solution is higher; a tie counts half. NaN without a pair."""
    good, bad = score[correct == 1], score[correct == 0]
    if not len(good) or not len(bad):
        return np.nan
    difference = good[:, None] - bad[None, :]
    return ((difference > 0) + 0.5 * (difference == 0)).mean()


known = np.isfinite(grid.score)
by_hand = [auroc_of_one_problem(s[k], c[k]) for s, c, k in zip(grid.score, grid.correct, known, strict=True)]
assert abs(np.nanmean(by_hand) - separation(grid).within_problem_auroc.value) < 1e-9
print(f"AUROC within a problem, read at the end: {separation(grid).within_problem_auroc}")

# %% [markdown]
# Now read the trace a number of tokens *before* the end, rank with that, and compare three models: the base, GRPO and
# LaSeR. GRPO never trained the verdict token. **Predict** the three lines.

# %%
along = {name: ranking_along(rollouts[name], samples[name]) for name in rollouts}
peaks = {}
for name, found in along.items():
    values = np.array([estimate.value for estimate in found.auroc])
    peaks[name] = int(np.argmax(np.abs(values - 0.5)))
    print(f"{name}: at the end {found.auroc[-1]}")
    print(f"       furthest from chance {found.position[peaks[name]]} tokens before it: {found.auroc[peaks[name]]}")

# %%
show(
    ranking_along_figure(along),
    "AUROC within a problem when the trace is read up to twelve tokens before the end, one line per model, "
    "with 95% bands; "
    "0.5 is chance. "
    + " ".join(
        f"{name} reaches {found.auroc[-1].value:.2f} at the end and {found.auroc[peaks[name]].value:.2f} "
        f"{found.position[peaks[name]]} tokens before it."
        for name, found in along.items()
    ),
)

# %% [markdown]
# The two models whose verdict token was never trained are farthest from chance *before* the end. Which token stands
# there? Most answers have two digits, so four tokens before `<eos>` the last digit of the check has just been written,
# and the model must choose between `#` and `~`. Read exactly there, whatever the length of the answer. And read
# something else as well: how likely the model found the `#` that it wrote, where it had a choice. (After the second
# attempt it has none: there is no third.)


# %%
def at_accepting(table):
    """Per solution, at its "#": the score so far before it, and its log-prob after a first attempt, or NaN."""
    found = np.full((len(table), 2), np.nan)
    columns = (table.table[name].to_pylist() for name in ("tokens", "z_trace", "token_logprobs"))
    for i, (tokens, trace, logprobs) in enumerate(zip(*columns, strict=True)):
        if "#" in tokens:
            at = len(tokens) - 1 - tokens[::-1].index("#")
            had_a_choice = "~" not in tokens
            found[i] = table.meta.beta_v * (trace[at - 1] - table.meta.c_ref), logprobs[at] if had_a_choice else np.nan
    return found.T


there = {}
for name, table in rollouts.items():
    grid = samples[name]
    readings = {"z_c at the end": grid.score}
    for what, values in zip(("z_c before accepting", "log-prob of its #"), at_accepting(table), strict=True):
        readings[what] = np.where(grid.present, values[grid.row], np.nan)
    there[name] = {what: separation(grid.with_score(values)).within_problem_auroc for what, values in readings.items()}
pd.DataFrame(there).map(str).transpose()

# %%
at_end, before, sign = ("z_c at the end", "z_c before accepting", "log-prob of its #")  # the text below says so
assert there["LaSeR"][at_end].ci_low > there["LaSeR"][before].ci_high
assert there["GRPO"][before].ci_low > there["GRPO"][at_end].ci_high
assert there["Base"][before].ci_high < 0.5
assert all(abs(there[name][at_end].value - 0.5) < 0.1 for name in ("GRPO", "Base"))
assert all(of_model[sign].ci_low > 0.8 for of_model in there.values())

# %% [markdown]
# All three models *know* at the moment of accepting, the base included: where they have a choice, they find `#` less
# likely after a check that did not come out, and the base often writes it all the same. That state also pushes the
# log-prob of a token that nobody writes, in whatever direction: GRPO's ranks the solutions rather well there, the
# base's ranks them upside down. A few tokens later, at `<eos>`, hardly anything of it is left in these two. LaSeR
# brings the knowledge to `<eos>`, to a known place and on a known scale.
#
# ### Exercise 3: compare pairs
#
# Write the AUROC of one problem from two lists, the scores of its correct and of its incorrect solutions.

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 3, its check
exercise_3 = FunctionExercise(
    task="Write auroc(good, bad): the share of pairs (one of each) in which the good one is higher; a tie counts half.",
    cases=[
        (([0.9, 0.8], [0.1, 0.85]), 0.75),
        (([0.5], [0.5, 0.5]), 0.5),
        (([0.2, 0.6], [0.4]), 0.5),
        (([0.1], [0.7, 0.9, 0.1]), 1 / 6),
    ],
    mistakes=[
        (
            lambda good, bad: sum(g > b for g in good for b in bad) / (len(good) * len(bad)),
            "Ties are missing: a pair of equal scores counts one half.",
        ),
        (
            lambda good, bad: sum(g >= b for g in good for b in bad) / (len(good) * len(bad)),
            "A pair of equal scores counts one half, not one.",
        ),
        (lambda good, bad: float(np.mean(good) > np.mean(bad)), "Compare pairs, not means."),
    ],
    because="This is all that AUROC within a problem is, averaged over problems.",
)


# %%
def auroc(good, bad): ...


exercise_3.check(auroc)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def auroc(good, bad):
#     pairs = [(g > b) + 0.5 * (g == b) for g in good for b in bad]
#     return sum(pairs) / len(pairs)
# ```
#
# </details>

# %% [markdown]
# ## Could we stop a bad solution early?
#
# It is tempting: drop a solution as soon as its trace falls below what correct solutions show at that length, and
# save the rest of its tokens. The level is learned on other problems, so that at most a few correct solutions are
# lost. **Predict:** will that work with this trace?

# %%
drop = early_drop(laser, samples["LaSeR"])
spent = drop.tokens[samples["LaSeR"].present].sum() / samples["LaSeR"].n_tokens[samples["LaSeR"].present].sum()
print(f"dropped of the correct solutions:   {drop.dropped_correct}")
print(f"dropped of the incorrect solutions: {drop.dropped_incorrect}")
print(f"tokens saved: {100 * (1 - spent):.1f}%")

# %% [markdown]
# A trace whose middle was never trained makes a poor brake. A score that should stop solutions early would have to be
# trained at the tokens where it is read.
#
# ## Summary
#
# - The score can be read after every token; only its last value was trained.
# - Bands of correct and incorrect solutions can part because of the problems. Compare within a problem.
# - The miniature knows when it accepts a guess, with or without LaSeR. "It knows" means: something in the model ranks
#   the solutions of a problem better than chance, at a place that we had to look for.
# - LaSeR makes that knowledge readable at `<eos>`, where one number per solution is all you need.
#
# Next: [thresholds and calibration](07_thresholds_and_calibration.ipynb).
#
# ## In the app
#
# `laser app` opens the explorer. Its [Traces page](http://localhost:8501/traces) shows any problem token by token,
# and below it the mean traces.
