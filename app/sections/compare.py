"""What is said of several runs: side by side, problem by problem, and as moments of one training."""

from __future__ import annotations

from app.data import cache, findings
from app.widgets.format import interval, literal, number
from laser_core import analysis
from laser_core.analysis import Estimate
from laser_core.rollouts import joined


def side_by_side(sources: list[cache.Source]) -> dict[str, dict[str, Estimate]]:
    """Per run title, the findings that the runs are compared by; a run without a score has its accuracy only."""
    rows = {}
    for source in sources:
        signal = cache.signal_of(source)
        row = {"accuracy": cache.analyse(source, "accuracy", signal=signal or "score")}
        if signal is not None:
            parts = findings.separated(source, signal)
            row |= {
                "AUROC": parts.auroc,
                "AUROC within a problem": parts.within_problem_auroc,
                "balanced F1 (TPR, TNR)": parts.balanced_f1,
            }
            curve, _ = findings.voting(source, signal)
            if curve is not None:
                n = findings.headline_n(curve)
                row |= {
                    f"majority vote of {n}": findings.at_n(curve, "majority", n),
                    f"weighted vote of {n}": findings.at_n(curve, "weighted", n),
                }
        title = source.title if source.title not in rows else f"{source.title} ({source.key})"
        rows[title] = row
    return rows


def same_problems(sources: list[cache.Source]) -> bool:
    """Whether all of the runs solved the same problems."""
    sets = [set(cache.samples(source, cache.signal_of(source) or "score").problem_ids) for source in sources]
    return all(ids == sets[0] for ids in sets)


def comparison_sentence(sources: list[cache.Source]) -> str:
    """Which of the runs knows its correct solutions from its incorrect ones, in one sentence with n and intervals."""
    told = []
    for source in sources:
        signal = cache.signal_of(source)
        if signal is not None:
            within = findings.separated(source, signal).within_problem_auroc
            told.append(f"{literal(source.title)} {number(within.value)} ({interval(within)}, n = {within.n})")
    return "AUROC within a problem, where chance is 0.50: " + "; ".join(told) + "." if told else "No run has a score."


def compared(first: cache.Source, second: cache.Source, signal: str) -> analysis.Comparison:
    """The second run less the first, problem by problem.

    Raises
    ------
    InputError
        If they have no problem in common.
    """
    return cache.remember(
        second,
        ("compared", first.content_id, signal),
        lambda: analysis.compare(
            cache.samples(first, signal),
            cache.samples(second, signal),
            threshold=findings.threshold(second, signal),
            weight=findings.weight(signal),
        ),
    )


def way(first: cache.Source, second: cache.Source, signal: str) -> analysis.StepScores | None:
    """The scores of two runs as moments of one training; None where they are not, that is where both name one step."""

    def make() -> analysis.StepScores | None:
        tables = [source.with_signals for source in (first, second)]
        steps = [set(table.table["step"].unique().to_pylist()) if table.has("step") else {0} for table in tables]
        if (
            not all(table.has(signal) for table in tables)
            or steps[0] & steps[1]
            or any(len(found) > 1 and None in found for found in steps)
        ):
            return None
        named = [(table if table.has("step") else table.with_column("step", [0] * len(table))) for table in tables]
        one = joined([table.with_column("run", ["both"] * len(table)) for table in named])
        found = analysis.score_by_step(one, signal=signal)
        return found if len(found.step) > 1 else None

    return cache.remember(second, ("way", first.content_id, signal), make)


def shape(source: cache.Source, signal: str) -> analysis.ScoreShape:
    """How the scores are spread."""
    return cache.analyse(source, "score_shape", signal=signal)
