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
# # 9. Your own rollouts
#
# **Goal.** Go from a raw file that another tool wrote to a finding you could defend: read it, check it *before* you
# believe any number in it, add what is missing, and write one sentence with n and an interval.
#
# **Time.** 30 minutes.
#
# **Prerequisites.** [Votes](08_votes.ipynb). To use a file of your own, put its path where `raw` is used below.

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
import json
import tempfile
import warnings
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

warnings.filterwarnings("ignore", message="IProgress")  # a progress bar that some Jupyter installations cannot draw

from laser_core.analysis import Samples, accuracy, compare, separation, summarize, voting_curve
from laser_core.bundled import runs
from laser_core.figures import paired_difference_figure, voting_figure
from laser_core.lessons import Exercise, show
from laser_core.policy import load_policy
from laser_core.report import write_report
from laser_core.rescoring.table import score_rollouts
from laser_core.rollouts import agreement, check, complete, missing_views, read, write_parquet
from laser_core.rollouts.checks import opposed, sentences

folder = Path(tempfile.mkdtemp())

# %% [markdown]
# ## A raw file
#
# verl writes a JSON line per solution while it trains. So that this notebook runs anywhere, we write such a file
# ourselves: forty sums of fractions, eight solutions each, by a made-up solver that slips now and then and likes to
# write the same number in different ways. The made-up training run has a simple verifier, one that compares texts.


# %%
def written(value, style):
    """A fraction as a solver might write it."""
    if style == "decimal":
        return f"{float(value):g}"
    if style == "frac" and value.denominator > 1:
        return rf"\frac{{{value.numerator}}}{{{value.denominator}}}"
    return str(value)


def solutions_of(a, b, rng):
    """Eight lines as verl writes them, for the problem a + b."""
    right, skill = a + b, rng.beta(2, 2)
    slips = [Fraction(a.numerator + b.numerator, a.denominator + b.denominator), right + Fraction(1, a.denominator)]
    for _ in range(8):
        value = right if rng.random() < skill else slips[rng.integers(2)]
        answer = written(value, rng.choice(["plain", "frac", "decimal"], p=[0.5, 0.3, 0.2]))
        accepted = answer == str(right)  # the simple verifier
        yield {
            "input": f"user\nWhat is {a} + {b}?\nassistant\n",
            "output": f"Over a common denominator, the sum is \\boxed{{{answer}}}.",
            "gts": str(right),
            "score": 1.0 if accepted else -1.0,
            "step": 20,
            "acc": accepted,
            "pred": answer,
        }


rng = np.random.default_rng(0)
fractions = [Fraction(n, d) for d in (3, 4, 5, 8, 10) for n in range(1, d) if Fraction(n, d).denominator == d]
pairs = [(a, b) for i, a in enumerate(fractions) for b in fractions[i:]]
chosen = rng.choice(len(pairs), 40, replace=False)
raw = folder / "20.jsonl"
raw.write_text("".join(json.dumps(line) + "\n" for i in chosen for line in solutions_of(*pairs[i], rng)))
print(*raw.read_text().splitlines()[:3], sep="\n")

# %% [markdown]
# ## Read it
#
# The reader recognises a file by its content. Whatever it fills in, reinterprets or refuses, it says:

# %%
result = read(raw)
print(f"format: {result.format}; {result.n_rows} records, {result.n_refused} refused")
print(*("- " + note for note in result.notes), sep="\n")

# %% [markdown]
# On the command line this is `laser convert 20.jsonl --out rollouts.parquet`; in the app you drop the file on the
# sidebar.
#
# verl's `score` is the verifier's *reward*. It is not the last-token score of this course, and the reader does not
# confuse the two. **Predict:** what accuracy does this file report?

# %%
as_filed = Samples.from_rollouts(result.rollouts)
print(f"accuracy by the file's own verdicts: {accuracy(as_filed)}")

# %% [markdown]
# ## Check before you believe
#
# Before you quote that number, look at how it came about. Our own verifier compares answers as mathematics and is
# asked about the file's verdicts:

# %%
checks = check(result.rollouts, result.given)
found = agreement(checks.given)
print(*("- " + sentence for sentence in sentences(checks, found)), sep="\n")
print("\nThe first disagreements:")
print(*("- " + opposed(item) for item in found.disagreements[:5]), sep="\n")

# %% [markdown]
# ### Exercise 1: count the wrong verdicts
#
# These are the eight solutions of one problem. How many of them did the file's verifier judge *wrongly*?

# %%
frame = result.rollouts.table.select(["problem_id", "reference_answer", "answer", "correct"]).to_pandas()
value = frame.answer.str.replace(r"\\frac\{(\d+)\}\{(\d+)\}", r"\1/\2", regex=True).map(
    lambda text: float(Fraction(text))
)
frame["wrong"] = (value - frame.reference_answer.map(lambda text: float(Fraction(text)))).abs().lt(
    1e-4
) != frame.correct
most = frame.groupby("problem_id").wrong.sum().sort_values(kind="stable").index[-1]
eight = frame[frame.problem_id == most]
print("reference answer:", eight.reference_answer.iloc[0])
eight[["answer", "correct"]].rename(columns={"correct": "the file says correct"}).reset_index(drop=True)

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 1, its check
exercise_1 = Exercise(
    task="How many of the eight verdicts in the table above are wrong?",
    expected=int(eight.wrong.sum()),
    hints={0: "Is a fraction that is written as a decimal another number?", 8: "Some of them are right."},
    because="The same number, written in another way: the verifier compared texts.",
)

# %%
answer = None
exercise_1.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# reference = Fraction(eight.reference_answer.iloc[0])
# answer = 0
# for text, verdict in zip(eight.answer, eight.correct):
#     plain = text.replace("\\frac{", "").replace("}{", "/").replace("}", "")
#     answer += (abs(float(Fraction(plain)) - float(reference)) < 1e-4) != verdict
# ```
#
# </details>

# %% [markdown]
# So take the verdicts out and let our verifier give them, from the answers and the reference answers:

# %%
without = replace(result.rollouts, table=result.rollouts.table.drop_columns(["correct"]))
completed = complete(without)
ours = Samples.from_rollouts(completed.rollouts)
print(*completed.notes, sep="\n")
print(f"accuracy by the file's verdicts: {accuracy(as_filed)}")
print(f"accuracy by ours:                {accuracy(ours)}")

# %%
gap = compare(as_filed, ours)
assert gap.accuracy.difference.ci_low > 0  # the text below says so
show(
    paired_difference_figure(gap, names=("the file's verdicts", "our verdicts")),
    "Our verdicts minus the file's, paired by problem, with 95% intervals, in percentage points. Accuracy: "
    f"{100 * gap.accuracy.difference.value:+.1f} points [{100 * gap.accuracy.difference.ci_low:+.1f}, "
    f"{100 * gap.accuracy.difference.ci_high:+.1f}].",
)

# %% [markdown]
# This is a finding, and not about the model: **the verifier was wrong, and a training run would have been punished
# for correct answers.** It is worth more than any curve drawn on the wrong verdicts.
#
# ## What else can this file say?
#
# It holds answers and verdicts, so votes are possible. It holds no last-token score, so what needs one is missing,
# and the table says so:

# %%
print(*("- " + sentence for sentence in missing_views(completed.rollouts)), sep="\n")
curve = voting_curve(ours)
show(
    voting_figure(curve),
    "Expected accuracy of pass@N and the majority vote against N, with 95% bands over problems. The majority "
    "vote rises from "
    f"{curve.majority[0]:.3f} at N = 1 to {curve.majority[-1]:.3f} at N = {curve.n[-1]}; pass@N reaches "
    f"{curve.pass_[-1]:.3f}.",
)

# %% [markdown]
# ## A file of no known kind
#
# Your own script may have written a CSV with columns of its own. Then say which column is what. Here are solutions of
# the miniature, as such a script would have kept them: a question, an attempt, the expected answer, and no score.

# %%
shipped = read({run.name: run.rollouts for run in runs()}["laser"]).rollouts
problems = list(dict.fromkeys(shipped.table["problem_id"].to_pylist()))[:60]
kept = shipped.table.select(["problem_id", "problem", "sample", "response", "reference_answer"]).to_pandas()
kept = kept[kept.problem_id.isin(problems) & (kept["sample"] < 8)]
mine = folder / "mine.csv"
kept.rename(columns={"problem": "question", "response": "attempt", "reference_answer": "expected"})[
    ["question", "attempt", "expected"]
].to_csv(mine, index=False)
print(*mine.read_text().splitlines()[:3], sep="\n")

# %% [markdown]
# ### Exercise 2: map the columns
#
# The canonical fields are `problem`, `response`, `reference_answer`, `correct`, and more. Give, for the file's
# columns `question, attempt, expected` in this order, the list of fields they stand for.

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 2, its check
exercise_2 = Exercise(
    task="question, attempt, expected: which fields are they? A list of three names.",
    expected=["problem", "response", "reference_answer"],
    hints={
        ("problem", "response", "correct"): "'expected' holds an answer such as 40, not a verdict.",
        ("problem", "response", "answer"): "'answer' is what the solution says; 'expected' is what it should say.",
        ("question", "attempt", "expected"): "Those are the file's names. Which of the canonical fields do they hold?",
    },
    because="On the command line: laser convert mine.csv --map question=problem --map attempt=response ...",
)

# %%
answer = None
exercise_2.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = ["problem", "response", "reference_answer"]
# ```
#
# </details>

# %%
mapped = read(mine, mapping={"question": "problem", "attempt": "response", "expected": "reference_answer"})
print(*("- " + note for note in mapped.notes), sep="\n")
print(*("- " + sentence for sentence in sentences(check(mapped.rollouts, mapped.given))), sep="\n")

# %% [markdown]
# ## Add the score
#
# The model that wrote these solutions can still be asked what it thinks of them: one forward pass over each text, and
# the log-prob of $z_c$ after `<eos>`. The model before training gives $c_\text{ref}$. On the command line: `laser
# score bundled:laser mine.parquet --reference bundled:base --out scored.parquet`.

# %%
scored = score_rollouts(load_policy("bundled:laser"), mapped.rollouts, reference=load_policy("bundled:base"))
print(
    f"z_c = {scored.meta.z_token}, c_ref = {scored.meta.c_ref:.2f} nats, standard deviation {scored.meta.c_ref_std:.2f}"
)

# %% [markdown]
# **Predict.** These texts were scored once before, while they were sampled. Will a forward pass over the finished
# text give the same numbers?

# %%
before = shipped.table.select(["problem", "response", "z_logprob"]).to_pandas().drop_duplicates(["problem", "response"])
after = scored.table.select(["problem", "response", "z_logprob"]).to_pandas().drop_duplicates(["problem", "response"])
both = after.merge(before, on=["problem", "response"], suffixes=("_now", "_then")).dropna()
difference = (both.z_logprob_now - both.z_logprob_then).abs()
print(
    f"{len(both)} texts: log pi(z_c) differs by {difference.median():.3f} nats (median), {difference.max():.2f} at most"
)
print(f"that is {0.1 * difference.median():.4f} of score; the sampler computed in bfloat16, this pass in float32")
assert difference.median() < 0.1

# %% [markdown]
# ## From numbers to a sentence

# %%
samples = Samples.from_rollouts(scored)
apart, votes = separation(samples), voting_curve(samples, n_values=[4])
low, high = votes.weighted_minus_majority_low[0], votes.weighted_minus_majority_high[0]
print(f"accuracy                     {accuracy(samples)}")
print(f"AUROC within a problem       {apart.within_problem_auroc}")
print(f"weighted - majority, N = 4   {votes.weighted_minus_majority[0]:+.3f} [{low:+.3f}, {high:+.3f}]")
for warning in summarize(scored).warnings:
    print(warning)

# %% [markdown]
# ### Exercise 3: which sentence is honest?
#
# Suppose that your file of 60 problems gives: weighted minus majority +0.012 [-0.008, +0.032].
#
# - a: "Weighting improves the vote by 1.2 points."
# - b: "Weighting does not help."
# - c: "On 60 problems the weighted vote is 1.2 points above the majority vote (95% CI [-0.8, +3.2]); that does not
#   show a gain."

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 3, its check
exercise_3 = Exercise(
    task="+0.012 [-0.008, +0.032] on 60 problems: which sentence is honest, 'a', 'b' or 'c'?",
    expected="c",
    hints={
        "a": "The interval includes 0 and less. The value alone is not a finding.",
        "b": "The interval reaches up to 3.2 points. Not having shown a gain is not having shown that there is none.",
    },
    because="Value, interval, n, and what follows from them. More problems would narrow it, not more solutions alone.",
)

# %%
answer = None
exercise_3.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = "c"
# ```
#
# </details>

# %% [markdown]
# And your finding, from this very file:

# %%
gain = votes.weighted_minus_majority[0]
print(
    f"On {samples.n_problems} problems x {samples.n_samples} solutions, the score ranks a correct above an "
    "incorrect solution "
    f"of the same problem {100 * apart.within_problem_auroc.value:.0f}% of the time "
    f"(95% CI [{100 * apart.within_problem_auroc.ci_low:.0f}, {100 * apart.within_problem_auroc.ci_high:.0f}], "
    f"n = {apart.within_problem_auroc.n} problems with both kinds). With four solutions, weighting changes the vote by "
    f"{100 * gain:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]"
    + (", a gain." if low > 0 else ", a loss." if high < 0 else ", which shows neither gain nor loss.")
)

# %% [markdown]
# A colleague who wants to see everything gets one HTML page that needs no network:

# %%
write_parquet(scored, folder / "scored.parquet")
write_report(folder / "scored.parquet", folder / "report.html")
print(f"report.html: {(folder / 'report.html').stat().st_size / 1e6:.1f} MB")

# %% [markdown]
# ## The same with lm-evaluation-harness
#
# `lm_eval --log_samples` writes a line per document and filter, with all repeats in `resps`. One line by hand, and
# what the reader makes of it:

# %%
line = {
    "doc_id": 0,
    "doc": {"question": "What is 2 + 3?", "answer": "2 + 3 = 5\n#### 5"},
    "target": "2 + 3 = 5\n#### 5",
    "arguments": {"gen_args_0": {"arg_0": "Question: What is 2 + 3?\nAnswer:", "arg_1": {"until": ["\n\n"]}}},
    "resps": [["2 + 3 = 5\n#### 5", "I think #### 6", "so 5.\n#### 5", "no idea"]],
    "filtered_resps": ["5"],
    "filter": "strict-match",
    "metrics": ["exact_match"],
    "exact_match": 1.0,
}
harness = read(json.dumps(line).encode() + b"\n", name="samples_gsm8k.jsonl")
print(harness.format, *("- " + note for note in harness.notes), sep="\n")
harness.rollouts.table.select(["sample", "response", "answer", "correct"]).to_pandas()

# %% [markdown]
# Its `exact_match` judges the first repeat alone, so all four are verified anew.
#
# ## Summary
#
# - Read, then check, then count. A wrong verdict costs more than a wrong decimal.
# - The reader says what it filled in and what it refused; a file of your own kind needs a mapping of columns.
# - Without a score you still have accuracy, pass@N and the majority vote. With the model, `laser score` adds the
#   rest.
# - A finding is a value, an interval, n, and what follows from them.
#
# Next: [a real model](10_a_real_model.ipynb).
#
# ## In the app
#
# `laser app` opens the explorer. Drop a file on the sidebar; the [Data page](http://localhost:8501/data) shows how it
# was read, what disagrees and what is missing, and then every other page shows your rollouts.
