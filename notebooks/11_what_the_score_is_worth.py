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
# # 11. What the score is worth
#
# **Goal.** Put everything that could take the score's place beside it: a rule that reads the text, confidence that
# costs nothing, a linear probe, a second prompt, a reward model. Then say what the score is worth, in a sentence that
# would survive a sceptical reader.
#
# **Time.** 30 minutes.
#
# **Prerequisites.** [Thresholds](07_thresholds_and_calibration.ipynb) for balanced F1 and AUROC;
# [traces](06_traces.ipynb) for AUROC within a problem.

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

from laser_core.analysis import Samples, compare, compare_signals, separation, with_free_signals
from laser_core.bundled import ROOT, claim_runs, runs
from laser_core.figures import SignalMetric, signals_figure
from laser_core.figures.claims import claims_figure
from laser_core.lessons import Exercise, FunctionExercise, show
from laser_core.reproduce.learning import load_facts
from laser_core.reproduce.table import interval, judged, load, verdict
from laser_core.reproduce.table import show as number
from laser_core.reproduce.text_rule import TEXT_RULE, with_text_rule
from laser_core.rollouts import read

# %% [markdown]
# ## A judge of one line
#
# Three solutions of `5*x+7=52?`. Only the first is correct.

# %%
problem = "5*x+7=52?"
solutions = {
    "x=9;5*9=45;45+7=52#9": "correct",
    "x=8;5*8=40;40+7=47#8": "incorrect: the check says so, and the solver shrugged",
    "x=8;5*9=45;45+7=52#8": "incorrect: a number was not carried on, so the check seems to come out",
}
for response, comment in solutions.items():
    print(f"{response}   {comment}")

# %% [markdown]
# You do not need a model to judge the second one: its last total, 47, is not the right side of the equation, 52.
# **Predict:** how many of a trained model's solutions would that one-line rule judge correctly?
#
# ### Exercise 1: write the rule
#
# Compare the last number before `#` that follows an equals sign with the right side of the problem. Both are strings.

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 1, its check
exercise_1 = FunctionExercise(
    task="Write last_total_fits(problem, response): True if the last total before '#' equals the problem's right side.",
    cases=[
        (("5*x+7=52?", "x=9;5*9=45;45+7=52#9"), True),
        (("5*x+7=52?", "x=8;5*8=40;40+7=47#8"), False),
        (("5*x+7=52?", "x=8;5*8=40;40+7=47~x=9;5*9=45;45+7=52#9"), True),
        (("5*x+7=52?", "x=9;5*9=45;45+7=52~x=8;5*8=40;40+7=47#8"), False),
        (("5*x+7=52?", "x=8;5*9=45;45+7=52#8"), True),
    ],
    mistakes=[
        (
            lambda problem, response: problem.split("=")[1][:-1] in response,
            "That finds the number anywhere in the text, also in an attempt that was given up.",
        ),
        (
            lambda problem, response: 5 * int(response.split("#")[1]) + 7 == 52,
            "That solves the equation, which is the verifier's work. The rule only compares two numbers that "
            "are written.",
        ),
    ],
    because="It is fooled by the last case, as it should be: it computes nothing.",
)


# %%
def last_total_fits(problem, response): ...


exercise_1.check(last_total_fits)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def last_total_fits(problem, response):
#     right_side = problem.rstrip("?").split("=")[-1]
#     last_total = response.split("#")[0].split("=")[-1]
#     return last_total == right_side
# ```
#
# </details>

# %% [markdown]
# Here is the rule on every held-out solution that the LaSeR miniature ended, and the same rule from `laser_core`:


# %%
def rule_from_scratch(problem, response):
    return response.split("#")[0].split("=")[-1] == problem.rstrip("?").split("=")[-1]


table = with_text_rule(read({run.name: run.rollouts for run in runs()}["laser"]).rollouts, "linear")
ended = table.column("truncated") != 1
mine = [rule_from_scratch(p, r) for p, r in zip(table.text("problem"), table.text("response"), strict=True)]
assert np.array_equal(np.array(mine, float)[ended], table.column(TEXT_RULE)[ended])
samples = Samples.from_rollouts(table)
rule = samples.with_signal(table, TEXT_RULE)
print(f"one-line rule     {separation(rule).balanced_f1}  balanced F1")
print(f"last-token score  {separation(samples).balanced_f1}  balanced F1")

# %% [markdown]
# That is a sobering line, and the reason why a score must never be shown alone. The miniature writes its check down,
# so in this world much of what can be known stands in the text.
#
# ## Confidence that costs nothing
#
# Sampling computes the probability of every token anyway. Their mean log-prob is a free signal: how sure was the
# model of what it wrote?

# %%
free = with_free_signals(table)
mean_logprob = np.array([np.mean(logprobs) for logprobs in free.table["token_logprobs"].to_pylist()])
assert np.allclose(mean_logprob, free.column("signal.mean_logprob"), atol=1e-5)
print("free signals:", ", ".join(name.removeprefix("signal.") for name in free.signals if name not in table.signals))

# %% [markdown]
# **Predict.** Rank, by AUROC within a problem: the score, the mean log-prob, the one-line rule, and a linear probe of
# the base's last hidden state (a logistic regression on what the base computes at `<eos>`, always fitted on other
# problems).

# %%
beside = compare_signals(samples, free)
show(
    signals_figure(beside, SignalMetric.WITHIN_AUROC),
    "AUROC within a problem of the score and of every other signal, with 95% intervals over problems; 0.5 is "
    "chance. From "
    "best to worst: "
    + ", ".join(
        f"{row.signal.removeprefix('signal.')} {row.within_problem_auroc.value:.2f}"
        for row in sorted(beside.rows, key=lambda row: -np.nan_to_num(row.within_problem_auroc.value))
    )
    + ".",
)

# %% [markdown]
# Some of these names need a word. `probe_own` reads the *trained* model's hidden state: what could be read at best,
# at the price of fitting a probe. `free_combined` is a logistic regression on all free signals together.
# `second_prompt` asks the model to grade the solution on a page of its own, which costs a second reading.
# `reward_model` is another network of the same size, trained on the same verdicts.
#
# ### Exercise 2: a fair comparison
#
# Some signal gives two correct solutions of a problem 0.10 and 0.08, and two incorrect ones 0.09 and 0.05. Give
# `[balanced F1 at 0.5, AUROC]`.

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 2, its check
exercise_2 = Exercise(
    task="Correct: 0.10, 0.08. Incorrect: 0.09, 0.05. Give [balanced F1 at a threshold of 0.5, AUROC].",
    expected=[0, 0.75],
    hints={
        (0, 0.5): "Count pairs: 0.10 beats both incorrect ones, 0.08 beats one of them.",
        (0.5, 0.75): "At 0.5 everything is predicted incorrect: TPR is 0, and so is the harmonic mean.",
        (0, 0): "AUROC does not care that all values are small. Count the pairs that are in the right order.",
        (0, 1): "One pair is in the wrong order: 0.08 against 0.09.",
    },
    because="Untuned at 0.5 it looks worthless, and still it ranks. Do not compare signals on different "
    "scales by one threshold.",
)

# %%
answer = None
exercise_2.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = [0, 3 / 4]
# ```
#
# </details>

# %% [markdown]
# ## The whole table
#
# One run on one family proves little. The project's table of claims has three families and all seeds that have been
# trained, and every row was given a rule **before** the first run: "better" holds only if the whole 95% interval of
# the difference is above 0, fails if it is below, and is undecided otherwise.
#
# ### Exercise 3: judge three rows
#
# Differences "score minus baseline" with 95% intervals: A +0.02 [+0.01, +0.03]; B +0.05 [-0.01, +0.11]; C -0.01
# [-0.02, -0.002]. Give the verdicts as a list of `"holds"`, `"does not hold"`, `"undecided"`.

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 3, its check
exercise_3 = Exercise(
    task='A +0.02 [+0.01, +0.03]; B +0.05 [-0.01, +0.11]; C -0.01 [-0.02, -0.002]. Each: "holds", "does not hold" '
    'or "undecided"?',
    expected=["holds", "undecided", "does not hold"],
    hints={
        (
            "holds",
            "holds",
            "does not hold",
        ): "B has the largest value, and its interval includes 0. Value is not evidence.",
        ("holds", "undecided", "undecided"): "C is small, and its whole interval is below 0. Small is not undecided.",
        ("holds", "does not hold", "does not hold"): "An interval around 0 does not show that a claim is false.",
    },
    because="An interval decides, not the value in its middle.",
)

# %%
answer = None
exercise_3.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = ["holds", "undecided", "does not hold"]
# ```
#
# </details>

# %%
ITSELF = "its own start, before training"
claims = load()
families = list(dict.fromkeys(claim.family for claim in claims))
rows = []
for family in families:
    for claim in claims:
        if claim.family == family and claim.id.startswith(f"{family}.within.score-") and claim.rule:
            against = claim.claim.removeprefix("score - ").replace("LaSeR - base: what training the score adds", ITSELF)
            rows.append((against, family, f"{number(claim.value, claim)} {interval(claim)} {verdict(claim)}"))
print("score minus baseline, AUROC within a problem, 95% CI over problems and seeds;", end=" ")
print("seeds:", ", ".join(f"{f} {max(c.seeds for c in claims if c.family == f)}" for f in families))
pd.DataFrame(rows, columns=["against", "family", "difference"]).pivot(
    index="against", columns="family", values="difference"
)[families]

# %%
hardest = families[-1]
shown = [claim for claim in claims if claim.family == hardest and claim.id.startswith(f"{hardest}.within.score-")]
show(
    claims_figure(shown, beside=True),
    f"The family '{hardest}': score minus each baseline in AUROC within a problem, with 95% intervals. Right "
    "of 0 the score is "
    "ahead. "
    + " ".join(f"{c.claim}: {number(c.value, c)} {interval(c)}, {verdict(c) or 'for comparison'}." for c in shown),
)

# %%
ruled = judged(claims)
count = pd.Series([verdict(claim) for claim in ruled]).value_counts()
print(f"of {len(ruled)} claims with a rule: " + ", ".join(f"{n} {what}" for what, n in count.items()))

# %% [markdown]
# ## Does it know more than the text says?
#
# Losing to a rule does not make the score a copy of it. Add the score to the rule: rank by the rule first, and by the
# score among solutions that the rule cannot tell apart. (One training run of each family, its first.) **Predict:** does
# that help? And does any other signal help as much?

# %%
first_seed = {run.name: run for run in claim_runs()}
combined = []
for family, name in (("linear", "laser-0"), ("chain", "chain-laser-0"), ("words", "words-laser-0")):
    if name not in first_seed:
        continue
    own = with_text_rule(read(first_seed[name].rollouts).rollouts, family)
    grid = Samples.from_rollouts(own)
    by_rule = grid.with_signal(own, TEXT_RULE)
    for what, signal in (
        ("score", "score"),
        ("probe of the base", "signal.probe_base"),
        ("best free signal", "signal.free_best"),
        ("reward model", "signal.reward_model"),
    ):
        extra = np.clip(grid.with_signal(own, signal).score, 0, 1)
        gain = compare(by_rule, by_rule.with_score(by_rule.score + extra / 2), n_max=2).within_problem_auroc
        row = {"family": family, "the rule, then": what, "rule alone": gain.first.value, "together": gain.second.value}
        combined.append(
            row | {"gain": f"{gain.difference.value:+.3f}", "95% CI": str(gain.difference).split(" ", 1)[1]}
        )
        if what == "score":
            assert gain.difference.ci_low > 0  # the text below says so
for family, rows in pd.DataFrame(combined).groupby("family", sort=False):
    print(f"{family}: most is added by the {rows.loc[rows.together.idxmax(), 'the rule, then']}")
pd.DataFrame(combined).round(3)

# %% [markdown]
# The rule says only yes or no, so anything better than chance helps among its ties; how much better is the question.
# The score adds something in every family: it tells apart solutions that the rule lumps together. Look also at what
# the free signal adds, before you pay for a score.
#
# ## What does each one cost?

# %%
facts = load_facts(ROOT / "reproduce" / "runs.json").get("laser-0", {})
length = float(np.nanmean(samples.n_tokens))
print(f"a solution takes {length:.0f} tokens on average")
print("score:         1 more token to read, none to write; the loss is part of training")
print("text rule:     nothing, where somebody can write one")
print("free signals:  nothing; combining them takes problems with verdicts")
print("probe:         nothing at test time but the hidden state; takes problems with verdicts")
if "read" in facts:
    print(f"second prompt: {facts['read']:.0f} tokens to read and {facts['written']:.0f} to write, on average")
print("reward model:  a second model of the same size, trained and run on every solution")

# %% [markdown]
# ## Summary
#
# - Never show a score alone. Put beside it what a reader of the text would say, what sampling gives for nothing, and
#   what another model would cost.
# - In this miniature world the score is learned, and it adds to what the text rule says. It is *not* the best judge
#   of these texts everywhere: the rows that do not hold say where, and a world whose solutions write their checks
#   down is kind to rules. Whether a large model's solutions are like that is a question for your own rollouts
#   ([notebook 9](09_your_own_rollouts.ipynb)).
# - Compare signals on different scales by AUROC within a problem; a fixed threshold is unfair to whoever was not
#   trained for it.
# - Write the rule for a claim before you see the numbers, and report what does not hold.
#
# You have reached the end of the course. Its beginning: [the whole idea](00_the_whole_idea.ipynb).
#
# ## In the app
#
# `laser app` opens the explorer. Its [Claims page](http://localhost:8501/claims) has every row with its rule and
# verdict, and the Scores page has the signals side by side for any run, also your own.
