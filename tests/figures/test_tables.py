"""The table behind each figure: tidy, complete, and taken from the result instead of from what the screen shows."""

from __future__ import annotations

import copy
import csv
import inspect
import io
from dataclasses import replace

import numpy as np
import pytest

from laser_core import analysis, figures
from laser_core.analysis import Estimate, Samples, closed_form
from laser_core.figures import Drawn, Trace, claims, figure_csv, learning, theory
from laser_core.reproduce.learning import Curves
from laser_core.reproduce.table import Claim, ClaimSection
from laser_core.rollouts import Rollouts
from tests.factories import BETA_V, C_REF, make_rollouts
from tests.figures.test_curves import two_steps

SMALL = Samples.from_arrays(
    correct=[[1, 0, 0], [1, 0, np.nan]],
    score=[[0.9, 0.6, 0.1], [0.75, 0.35, 0.5]],
    n_tokens=[[10, 20, 30], [12, 14, 16]],
)
TABLE = make_rollouts(n_problems=30, n_samples=8)
SAMPLES = Samples.from_rollouts(TABLE)
CURVE = analysis.voting_curve(SAMPLES)
STEPS = analysis.score_by_step(two_steps())
COMPARISON = analysis.compare(SAMPLES, SAMPLES)
EXAMPLE = closed_form.worked_example(beta_v=0.1, ref_z_logprob=-23.0, z_logprob=-13.0)
VOTE = analysis.draw_vote(SAMPLES, 0, n=8, seed=0)
TRACES = [
    Trace("sample 3", True, ("a", "\n", "<eos>"), {"logprob": np.array([-0.5, -1.0, np.nan])}),
    Trace("sample 4", False, ("=1+1",), {"logprob": np.array([-2.0])}),
]
CURVES = Curves("LaSeR", np.array([0, 1]), np.array([[0.5, 0.6], [0.5, np.nan]]), np.array([0.5, 0.6]))
GROUPS = analysis.training_groups(TABLE)
REFERENCE = Trace("sample 5", True, ("a", "b"), {"logprob": np.array([-0.5, -1]), "log_ratio": np.array([0.5, -2.0])})
CLAIM = Claim(
    section=ClaimSection(1, "Voting"),
    claim="gain of weighting",
    value=0.02,
    ci_low=0.01,
    ci_high=0.03,
    paper=None,
    seeds=3,
    n_problems=500,
    holds=True,
    rule="above 0",
)
EVENTS = {"LaSeR": [{"step": 1, "reward": 0.5, "score_loss": None}, {"step": 2, "reward": 0.75}]}
FINDINGS = {"LaSeR": {"AUROC": Estimate(0.9, 0.8, 0.95, 20), "accuracy": Estimate(np.nan, np.nan, np.nan, 0)}}

INTERVAL = ["value", "ci_low", "ci_high"]
DIFFERENCE = ["difference_points", "ci_low", "ci_high", "n_problems"]
SHARES = ["accuracy", "ci_low", "ci_high", "n_problems"]
TOKENS = ["solution", "verdict", "token_index", "token", "quantity", "unit", "value"]
#: Every public figure function: how to draw it, and the columns of its table.
TABLES = {
    figures.accuracy_tokens_figure: (
        lambda: figures.accuracy_tokens_figure(analysis.compute_worth(SAMPLES)),
        ["policy", "max_solutions", "tokens_per_problem", "accuracy", "ci_low", "ci_high", "tokens_saved"]
        + ["accuracy_change", "n_problems"],
    ),
    figures.comparison_figure: (
        lambda: figures.comparison_figure(FINDINGS),
        ["run", "metric", *INTERVAL, "n_problems"],
    ),
    figures.confusion_figure: (
        lambda: figures.confusion_figure(analysis.confusion(SMALL)),
        ["verdict", "predicted", "count", "rate", *INTERVAL, "n_problems"],
    ),
    figures.ecdf_figure: (
        lambda: figures.ecdf_figure(analysis.score_shape(SAMPLES)),
        ["verdict", "score", "share_at_or_below", "ci_low", "ci_high", "n_solutions", "n_problems"],
    ),
    figures.linked_figure: (lambda: figures.linked_figure(TRACES, [0], "logprob", "logprob"), TOKENS),
    figures.mark_threshold: (
        lambda: figures.mark_threshold(
            figures.threshold_figure(analysis.threshold_sweep(SMALL), threshold=None), threshold=0.5
        ),
        ["metric", "threshold", "value", "n_solutions", "n_problems", "ci_low", "ci_high"],
    ),
    figures.mean_trace_figure: (
        lambda: figures.mean_trace_figure(analysis.mean_traces(TABLE, SAMPLES, quantity="z_logprob")),
        ["verdict", "token_index", "quantity", *INTERVAL, "n_solutions"],
    ),
    figures.paired_difference_figure: (
        lambda: figures.paired_difference_figure(COMPARISON),
        ["run", "minus_run", "metric", *DIFFERENCE],
    ),
    figures.reliability_figure: (
        lambda: figures.reliability_figure(analysis.calibration(SAMPLES)),
        ["series", "bin", "mean_score", "accuracy", "ci_low", "ci_high", "n_solutions"],
    ),
    figures.roc_pr_figure: (
        lambda: figures.roc_pr_figure(analysis.roc_pr(SMALL)),
        ["series", "threshold", "fpr", "tpr", "n_problems", "n_correct", "n_incorrect", "ci_low", "ci_high"],
    ),
    figures.score_animation: (
        lambda: figures.score_animation(STEPS),
        ["step", "verdict", "bin_low", "bin_high", "count", "share"],
    ),
    figures.score_by_step_figure: (
        lambda: figures.score_by_step_figure(STEPS),
        ["step", "verdict", "median", "quartile_1", "quartile_3", "n_solutions", "metric", *INTERVAL, "n_problems"],
    ),
    figures.score_histogram: (
        lambda: figures.score_histogram(analysis.score_distribution(SMALL, bins=4)),
        ["verdict", "bin_low", "bin_high", "count"],
    ),
    figures.score_length_figure: (
        lambda: figures.score_length_figure(analysis.length_relation(SMALL)),
        ["observation", "verdict", "length", "score", "row", "ci_low", "ci_high", "n_solutions"],
    ),
    figures.sensitivity_figure: (
        lambda: figures.sensitivity_figure(analysis.sensitivity(SAMPLES, beta_v=BETA_V, c_ref=C_REF)),
        ["beta_v", "c_ref", "metric", *INTERVAL, "n_problems"],
    ),
    figures.signals_figure: (
        lambda: figures.signals_figure(analysis.compare_signals(SAMPLES, TABLE)),
        ["signal", "metric", *INTERVAL, "n_problems"],
    ),
    figures.solution_points_figure: (
        lambda: figures.solution_points_figure({True: np.array([0.9]), False: np.array([0.2, np.nan])}),
        ["verdict", "score"],
    ),
    figures.threshold_figure: (
        lambda: figures.threshold_figure(analysis.threshold_sweep(SMALL)),
        ["metric", "threshold", "value", "n_solutions", "n_problems", "ci_low", "ci_high"],
    ),
    figures.groups_figure: (
        lambda: figures.groups_figure(GROUPS, [0, 1], labels=GROUPS.names[:2]),
        ["group", "solution", "advantage", "reward", "score", "reward_advantage", "score_advantage", "class_weight"],
    ),
    figures.step_metrics_figure: (
        lambda: figures.step_metrics_figure([analysis.step_metrics(two_steps())["reward"]], marked=5),
        ["metric", "step", "value"],
    ),
    figures.reference_figure: (
        lambda: figures.reference_figure(REFERENCE),
        ["token", "text", "policy_logprob", "reference_logprob", "log_ratio"],
    ),
    figures.ranking_along_figure: (
        lambda: figures.ranking_along_figure({"LaSeR": analysis.ranking_along(TABLE, SAMPLES)}),
        ["run", "quantity", "tokens_to_the_end", *INTERVAL, "n_problems"],
    ),
    figures.token_heatmap: (lambda: figures.token_heatmap(TRACES, "logprob"), TOKENS),
    figures.trace_figure: (lambda: figures.trace_figure(TRACES, "logprob"), TOKENS),
    figures.training_figure: (lambda: figures.training_figure(EVENTS), ["run", "step", "metric", "value"]),
    figures.violin_figure: (
        lambda: figures.violin_figure({"LaSeR": analysis.score_shape(SAMPLES)}),
        ["run", "verdict", "n_solutions", "score", "density", "quantile"],
    ),
    figures.vote_figure: (
        lambda: figures.vote_figure(VOTE, [f"x = {i}" for i in VOTE.answer]),
        ["answer", "verdict", "method", "votes", "wins"],
    ),
    figures.voting_difference_figure: (
        lambda: figures.voting_difference_figure(COMPARISON),
        ["run", "minus_run", "method", "n_solutions", *DIFFERENCE],
    ),
    figures.voting_figure: (lambda: figures.voting_figure(CURVE), ["method", "n_solutions", *SHARES]),
    figures.voting_gain_figure: (
        lambda: figures.voting_gain_figure(CURVE),
        ["method", "n_solutions", "gain_points", "ci_low", "ci_high", "n_problems"],
    ),
    claims.claims_figure: (
        lambda: claims.claims_figure([CLAIM]),
        ["section", "claim", *INTERVAL, "paper", "seeds", "n_problems", "family", "verdict", "rule", "margin"],
    ),
    learning.learning_figure: (
        lambda: learning.learning_figure({"LaSeR": CURVES}, {"one-line rule": 0.6}),
        ["series", "run", "step", "within_problem_auroc"],
    ),
    learning.drift_figure: (
        lambda: learning.drift_figure({"correct": CURVES, "incorrect": CURVES}, c_ref=-23.0),
        ["series", "run", "step", "z_logprob"],
    ),
    theory.score_line_figure: (
        lambda: theory.score_line_figure(EXAMPLE),
        ["series", "z_logprob", "reward"],
    ),
    theory.neglected_figure: (
        lambda: theory.neglected_figure(EXAMPLE),
        ["series", "ref_z_logprob", "neglected_reward"],
    ),
    theory.noise_figure: (
        lambda: theory.noise_figure(closed_form.reference_noise(beta_v=0.1, c_ref_std=1.18)),
        ["verdict", "score", "density"],
    ),
}


def table(fig: Drawn, **settings: object) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(figure_csv(fig, settings=settings))))


def test_every_public_figure_function_is_listed_above():
    named = [getattr(figures, name) for name in figures.__all__]
    drawing = {
        f
        for f in (*named, *vars(claims).values(), *vars(learning).values(), *vars(theory).values())
        if inspect.isfunction(f)
    }
    drawing = {f for f in drawing if f.__name__.endswith(("_figure", "_heatmap", "_histogram", "_animation"))}
    assert drawing | {figures.mark_threshold} == set(TABLES)


@pytest.mark.parametrize("function", TABLES, ids=lambda f: f.__name__)
def test_every_figure_has_a_tidy_table(function):
    make, columns = TABLES[function]
    fig = make()
    assert list(fig.columns) == columns
    rows = table(fig)
    assert rows
    assert all(any(row.values()) for row in rows)


def test_votes_by_method_and_number_of_solutions():
    rows = [row for row in table(figures.voting_figure(CURVE)) if row["method"] == "weighted vote"]
    assert [int(row["n_solutions"]) for row in rows] == CURVE.n.tolist()
    assert [float(row["accuracy"]) for row in rows] == CURVE.weighted.tolist()
    assert [float(row["ci_low"]) for row in rows] == CURVE.weighted_low.tolist()
    assert {row["n_problems"] for row in rows} == {str(CURVE.n_problems)}


def test_a_histogram_by_verdict_and_bin():
    rows = table(figures.score_histogram(analysis.score_distribution(SMALL, bins=4)))
    # edges 0.1, 0.3, 0.5, 0.7, 0.9; the score 0.5 has no verdict
    assert [(row["verdict"], int(row["count"])) for row in rows] == [
        *[("correct", count) for count in (0, 0, 0, 2)],
        *[("incorrect", count) for count in (1, 1, 1, 0)],
    ]
    assert [float(row["bin_high"]) for row in rows[:4]] == pytest.approx([0.3, 0.5, 0.7, 0.9])


def test_the_sweep_holds_every_threshold_and_the_threshold_in_use_as_a_setting():
    rng = np.random.default_rng(0)
    many = Samples.from_arrays(correct=rng.integers(0, 2, (40, 30)), score=rng.random((40, 30)))
    sweep = analysis.threshold_sweep(many)
    rows = table(figures.mark_threshold(figures.threshold_figure(sweep, threshold=None), 0.5), threshold=0.5)
    tpr = [row for row in rows if row["metric"] == "TPR"]
    assert [float(row["threshold"]) for row in tpr] == sweep.threshold.tolist()
    assert [float(row["value"]) for row in tpr] == sweep.tpr.tolist()
    assert {row["setting_threshold"] for row in rows} == {"0.5"}


def test_lengths_are_those_of_the_solutions_although_the_points_are_jittered():
    fig = figures.score_length_figure(analysis.length_relation(SMALL))
    drawn = np.concatenate([trace.x for trace in fig.data if trace.mode == "markers"])
    rows = [row for row in table(fig) if row["observation"] == "solution"]
    assert [(row["verdict"], float(row["length"])) for row in rows] == [
        ("correct", 10),
        ("correct", 12),
        ("incorrect", 20),
        ("incorrect", 30),
        ("incorrect", 14),
    ]
    assert not np.all(drawn == np.round(drawn))


def test_counts_and_rates_of_the_confusion_matrix():
    rows = table(figures.confusion_figure(analysis.confusion(SMALL, threshold=0.5)))
    assert [(row["verdict"], row["predicted"], int(row["count"]), row["rate"]) for row in rows] == [
        ("correct", "correct", 2, "TPR"),
        ("correct", "incorrect", 0, "FNR"),
        ("incorrect", "correct", 1, "FPR"),
        ("incorrect", "incorrect", 2, "TNR"),
    ]
    assert [float(row["value"]) for row in rows] == pytest.approx([1, 0, 1 / 3, 2 / 3])


def test_a_heatmap_is_written_token_by_token():
    rows = table(figures.token_heatmap(TRACES, "logprob"))
    assert [(row["solution"], row["verdict"], row["token_index"], row["token"], row["value"]) for row in rows] == [
        ("sample 3", "correct", "1", "a", "-0.5"),
        ("sample 3", "correct", "2", "↵", "-1.0"),
        ("sample 3", "correct", "3", "<eos>", ""),
        ("sample 4", "incorrect", "1", "'=1+1", "-2.0"),
    ]


def test_a_long_solution_keeps_every_token_and_its_numbers_within_a_window():
    long = Trace("sample 0", True, ("a",) * 2000, {"logprob": -np.arange(2000.0), "entropy": np.arange(2000.0)})
    assert len(table(figures.token_heatmap([long], "logprob"))) == 2000
    assert len(table(figures.trace_figure([long], "logprob"))) == 2000
    rows = table(figures.linked_figure([long], [0], "logprob", "entropy", window=(11, 20)))
    assert [(int(row["token_index"]), float(row["value"])) for row in rows[:10]] == [(i, 1 - i) for i in range(11, 21)]
    assert [row["quantity"] for row in rows] == ["log-prob of the token"] * 10 + ["entropy before the token"] * 10


def test_an_empty_figure_has_an_empty_table():
    fig = figures.roc_pr_figure(analysis.roc_pr(Samples.from_arrays(correct=[[np.nan]])))
    assert figure_csv(fig, settings={"run": "LaSeR"}) == "run\n"


def test_copies_keep_their_table():
    fig = TABLES[figures.voting_figure][0]()
    assert list(copy.deepcopy(fig).rows()) == list(Drawn(fig).rows()) == list(fig.rows())


def test_columns_of_unequal_length_are_no_table():
    fig = Drawn()
    fig.observe(a=[1, 2], b=[1])
    with pytest.raises(ValueError, match="shorter"):
        list(fig.rows())


def test_a_groups_cells_are_by_reward_and_marked_by_verdict():
    rows = [(False, 0.1), (True, 0.9), (None, None)]
    table = Rollouts.from_rows(
        [
            {"run": "r", "problem_id": "<b>p", "sample": i, "response": "", "correct": c, "score": s}
            for i, (c, s) in enumerate(rows)
        ]
    )
    groups = analysis.training_groups(table)
    fig = figures.groups_figure(groups, [0], labels=groups.names, quantity="reward")
    heatmap = fig.data[0]
    strokes = [stroke.count("L") for stroke in fig.layout.shapes[0].path.split("M")[1:]]
    assert strokes == [2, 1, 1, 1]  # a tick, the two lines of a cross, and a dash for the unknown verdict
    assert list(heatmap.z[0][:2]) == [1, 0]
    assert fig.layout.yaxis.ticktext[0] == "&lt;b&gt;p  1/2"
    silent = replace(groups, advantage=np.zeros_like(groups.advantage))
    drawn = figures.groups_figure(silent, [0], labels=groups.names, quantity="advantage").data[0]
    assert (drawn.zmin, drawn.zmax) == (-1, 1)  # not a billionth
    assert "no such groups" in figures.groups_figure(groups, [], labels=[]).layout.annotations[0].text


def test_the_lines_beside_the_reference_are_both_models():
    policy, reference, difference = figures.reference_figure(REFERENCE).data
    assert (list(policy.y), list(reference.y), list(difference.y)) == ([-0.5, -1], [-1, 1], [0.5, -2])
    assert figures.reference_figure(TRACES[0]).layout.annotations  # says that there is no reference
