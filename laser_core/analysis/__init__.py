"""The numbers: separation, thresholds, calibration and voting, with intervals that treat the problem as the unit.

Start with :func:`summarize` for everything at once, or lay a run out with :meth:`Samples.from_rollouts` and ask one
question at a time. Nothing here imports torch, draws, or reads files.
"""

from laser_core.analysis.alongside import (
    Change,
    MeanTraces,
    block_means,
    condense,
    mean_traces,
    sharpest_change,
    sharpest_changes,
    solution_measures,
)
from laser_core.analysis.bigsums import BigSummary
from laser_core.analysis.compare import Comparison, Difference, compare
from laser_core.analysis.confidence import confidence_signals
from laser_core.analysis.confusion import Confusion, confusion
from laser_core.analysis.crossfit import CrossFit, best_threshold, cross_fit
from laser_core.analysis.distribution import ScoreDistribution, score_distribution
from laser_core.analysis.drilldown import DrillDown, drill_down
from laser_core.analysis.earlydrop import EarlyDrop, early_drop
from laser_core.analysis.estimates import Estimate, Statistic
from laser_core.analysis.filtered import FilteredMajority, filtered_majority
from laser_core.analysis.length import LengthBins, LengthRelation, length_relation
from laser_core.analysis.metrics import Separation, accuracy, separation
from laser_core.analysis.outofcore import is_big_parquet, summarize_parquet
from laser_core.analysis.problem_lists import difficulty, order_solutions, problem_lists
from laser_core.analysis.recalibration import recalibrate
from laser_core.analysis.reliability import Calibration, calibration
from laser_core.analysis.replay import ComputeWorth, Policy, compute_worth
from laser_core.analysis.rocpr import RocPr, roc_pr
from laser_core.analysis.samples import Samples
from laser_core.analysis.selecting import answered, cell_rows, in_length_place, rescaled
from laser_core.analysis.sensitivity import Sensitivity, sensitivity, with_exact_reference
from laser_core.analysis.shape import ScoreShape, Side, score_shape
from laser_core.analysis.signals import SignalRow, SignalTable, compare_signals, full_signal_name, with_free_signals
from laser_core.analysis.steps import StepScores, score_by_step
from laser_core.analysis.summary import Summary, summarize, summarize_samples
from laser_core.analysis.thresholds import Sweep, threshold_sweep
from laser_core.analysis.vote import FullVotes, Vote, draw_vote, full_votes
from laser_core.analysis.voting import VotingCurve, voting_curve
from laser_core.analysis.weights import vote_weights

__all__ = [
    "BigSummary",
    "Calibration",
    "Change",
    "Comparison",
    "ComputeWorth",
    "Confusion",
    "CrossFit",
    "Difference",
    "DrillDown",
    "EarlyDrop",
    "Estimate",
    "FilteredMajority",
    "FullVotes",
    "LengthBins",
    "LengthRelation",
    "MeanTraces",
    "Policy",
    "RocPr",
    "Samples",
    "ScoreDistribution",
    "ScoreShape",
    "Sensitivity",
    "Separation",
    "Side",
    "SignalRow",
    "SignalTable",
    "Statistic",
    "StepScores",
    "Summary",
    "Sweep",
    "Vote",
    "VotingCurve",
    "accuracy",
    "answered",
    "best_threshold",
    "block_means",
    "calibration",
    "cell_rows",
    "compare",
    "compare_signals",
    "compute_worth",
    "condense",
    "confidence_signals",
    "confusion",
    "cross_fit",
    "difficulty",
    "draw_vote",
    "drill_down",
    "early_drop",
    "filtered_majority",
    "full_signal_name",
    "full_votes",
    "in_length_place",
    "is_big_parquet",
    "length_relation",
    "mean_traces",
    "order_solutions",
    "problem_lists",
    "recalibrate",
    "rescaled",
    "roc_pr",
    "score_by_step",
    "score_distribution",
    "score_shape",
    "sensitivity",
    "separation",
    "sharpest_change",
    "sharpest_changes",
    "solution_measures",
    "summarize",
    "summarize_parquet",
    "summarize_samples",
    "threshold_sweep",
    "vote_weights",
    "voting_curve",
    "with_exact_reference",
    "with_free_signals",
]
