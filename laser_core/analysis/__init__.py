"""Every number, with its interval: separation, thresholds, calibration, voting. The problem is the unit.

Start with :func:`summarize` for everything at once, or lay a run out with :meth:`Samples.from_rollouts` and ask one
question at a time. Nothing here imports torch, draws, or reads files.
"""

from laser_core.analysis.estimates import Estimate, Statistic
from laser_core.analysis.outofcore.parquet import is_big_parquet, summarize_parquet
from laser_core.analysis.questions.combined import combine_free_signals
from laser_core.analysis.questions.compare import Comparison, Difference, compare
from laser_core.analysis.questions.drilldown import DrillDown, drill_down
from laser_core.analysis.questions.filtering import (
    RolloutFilter,
    VerifierSays,
    accuracy_of_rows,
    matching_rows,
    sorted_rows,
    tag_values,
)
from laser_core.analysis.questions.judged import (
    JudgedSignals,
    derived_from_verdict,
    judged_signals,
    why_not_judged,
)
from laser_core.analysis.questions.length import LengthBins, LengthRelation, length_relation
from laser_core.analysis.questions.problem_lists import difficulty, order_solutions, problem_lists
from laser_core.analysis.questions.selecting import (
    answered,
    cell_rows,
    in_length_place,
    length_in_score_place,
    rescaled,
)
from laser_core.analysis.questions.sensitivity import Sensitivity, sensitivity, with_exact_reference
from laser_core.analysis.questions.signals import (
    SignalRow,
    SignalTable,
    compare_signals,
    full_signal_name,
    with_free_signals,
)
from laser_core.analysis.questions.steps import StepScores, score_by_step
from laser_core.analysis.questions.training_groups import (
    VERDICT,
    StepMetric,
    TrainingGroups,
    event_metrics,
    step_metrics,
    training_groups,
)
from laser_core.analysis.results import Results, analyze_samples, summarize, summarize_samples
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.calibration import Calibration, calibration
from laser_core.analysis.scores.confusion import Confusion, confusion
from laser_core.analysis.scores.crossfit import CrossFit, best_threshold, cross_fit
from laser_core.analysis.scores.density import ScoreShape, Side, score_shape
from laser_core.analysis.scores.histogram import ScoreDistribution, score_distribution
from laser_core.analysis.scores.paired import auroc_gap, tuning_gain
from laser_core.analysis.scores.recalibration import recalibrate
from laser_core.analysis.scores.roc_pr import RocPr, roc_pr
from laser_core.analysis.scores.separation import Separation, accuracy, separation
from laser_core.analysis.scores.thresholds import Sweep, threshold_sweep
from laser_core.analysis.summary import Curve, Summary, VotingSummary
from laser_core.analysis.tokens.confidence import SIGNALS as FREE_SIGNALS
from laser_core.analysis.tokens.confidence import confidence_signals
from laser_core.analysis.tokens.differences import TextDifference, text_difference
from laser_core.analysis.tokens.early_drop import EarlyDrop, early_drop
from laser_core.analysis.tokens.ranking_along import RankingAlong, ranking_along
from laser_core.analysis.tokens.traces import (
    Change,
    MeanTraces,
    block_means,
    condense,
    mean_traces,
    sharpest_change,
    sharpest_changes,
    solution_measures,
)
from laser_core.analysis.voting.compute_worth import ComputeWorth, StoppingPolicy, compute_worth
from laser_core.analysis.voting.curve import VotingCurve, voting_curve
from laser_core.analysis.voting.filtered import FilteredMajority, filtered_majority
from laser_core.analysis.voting.one_vote import FullVotes, Vote, draw_vote, full_votes
from laser_core.analysis.voting.weights import vote_weights

__all__ = [
    "FREE_SIGNALS",
    "Calibration",
    "Change",
    "Comparison",
    "ComputeWorth",
    "Confusion",
    "CrossFit",
    "Curve",
    "Difference",
    "DrillDown",
    "EarlyDrop",
    "Estimate",
    "FilteredMajority",
    "FullVotes",
    "JudgedSignals",
    "LengthBins",
    "LengthRelation",
    "MeanTraces",
    "RankingAlong",
    "Results",
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
    "StoppingPolicy",
    "Summary",
    "Sweep",
    "TextDifference",
    "Vote",
    "VotingCurve",
    "VotingSummary",
    "accuracy",
    "analyze_samples",
    "answered",
    "auroc_gap",
    "best_threshold",
    "block_means",
    "calibration",
    "cell_rows",
    "combine_free_signals",
    "compare",
    "compare_signals",
    "compute_worth",
    "condense",
    "confidence_signals",
    "confusion",
    "cross_fit",
    "derived_from_verdict",
    "difficulty",
    "draw_vote",
    "drill_down",
    "early_drop",
    "filtered_majority",
    "full_signal_name",
    "full_votes",
    "in_length_place",
    "is_big_parquet",
    "judged_signals",
    "length_in_score_place",
    "length_relation",
    "mean_traces",
    "order_solutions",
    "problem_lists",
    "ranking_along",
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
    "tuning_gain",
    "vote_weights",
    "voting_curve",
    "why_not_judged",
    "with_exact_reference",
    "with_free_signals",
    "RolloutFilter",
    "VERDICT",
    "VerifierSays",
    "accuracy_of_rows",
    "matching_rows",
    "sorted_rows",
    "StepMetric",
    "TrainingGroups",
    "event_metrics",
    "step_metrics",
    "tag_values",
    "text_difference",
    "training_groups",
]
