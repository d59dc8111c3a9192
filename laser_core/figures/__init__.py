"""Figures: from an analysis result to a Plotly figure. Nothing here computes a statistic.

One theme (:mod:`laser_core.figures.theme`) gives each meaning one colour, dash and marker everywhere. Each figure
carries its observations as a tidy table (:class:`laser_core.figures.Drawn`), which :func:`figure_csv` writes.
"""

from laser_core.figures.curves import confusion_figure, ecdf_figure, roc_pr_figure, violin_figure
from laser_core.figures.drawn import Drawn
from laser_core.figures.export import figure_csv, figure_html
from laser_core.figures.groups import CELL_QUANTITIES, groups_figure, step_metrics_figure
from laser_core.figures.labels import SIGNAL_TITLES, signal_title, symbols
from laser_core.figures.moments import ranking_along_figure
from laser_core.figures.quantities import QUANTITIES
from laser_core.figures.reference import reference_figure
from laser_core.figures.relations import (
    JITTER_NOTE,
    SignalMetric,
    score_animation,
    score_by_step_figure,
    score_length_figure,
    signals_figure,
)
from laser_core.figures.runs import Phase, comparison_figure, training_figure
from laser_core.figures.scores import (
    mark_threshold,
    reliability_figure,
    score_histogram,
    solution_points_figure,
    threshold_figure,
)
from laser_core.figures.text_diff import text_diff_html
from laser_core.figures.theme import enlarge
from laser_core.figures.token_decoding import token_label
from laser_core.figures.token_text import token_strip_html
from laser_core.figures.tokens import linked_figure, mean_trace_figure
from laser_core.figures.traces import Trace, token_heatmap, trace_figure
from laser_core.figures.voting import vote_figure, voting_figure, voting_gain_figure
from laser_core.figures.worth import (
    SettingsMetric,
    accuracy_tokens_figure,
    paired_difference_figure,
    sensitivity_figure,
    voting_difference_figure,
)

__all__ = [
    "CELL_QUANTITIES",
    "Drawn",
    "JITTER_NOTE",
    "Phase",
    "QUANTITIES",
    "SIGNAL_TITLES",
    "SettingsMetric",
    "SignalMetric",
    "Trace",
    "accuracy_tokens_figure",
    "comparison_figure",
    "confusion_figure",
    "ecdf_figure",
    "enlarge",
    "figure_csv",
    "figure_html",
    "groups_figure",
    "linked_figure",
    "mark_threshold",
    "mean_trace_figure",
    "paired_difference_figure",
    "ranking_along_figure",
    "reference_figure",
    "reliability_figure",
    "roc_pr_figure",
    "score_animation",
    "score_by_step_figure",
    "score_histogram",
    "score_length_figure",
    "sensitivity_figure",
    "signal_title",
    "signals_figure",
    "solution_points_figure",
    "step_metrics_figure",
    "symbols",
    "text_diff_html",
    "threshold_figure",
    "token_heatmap",
    "token_label",
    "token_strip_html",
    "trace_figure",
    "training_figure",
    "violin_figure",
    "vote_figure",
    "voting_difference_figure",
    "voting_figure",
    "voting_gain_figure",
]
