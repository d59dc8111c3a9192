"""What ``laser analyze`` prints: every number with its 95% CI, in plain lines."""

from __future__ import annotations

SHOWN_N = tuple(2**k for k in range(14))
WIDTH = 100
CURVES = ("pass", "majority", "weighted", "best_of_n")


def summary_text(found: dict) -> str:
    """Format a summary as text. Numbers that it lacks are left out.

    Parameters
    ----------
    found : from :meth:`laser_core.analysis.Summary.to_json`.
    """
    score = found["score"]
    run = f" of run '{_plain(found['run'])}'" if found.get("run") else ""
    size = f"{found['n_problems']:,} problems, {found['n_rollouts']:,} solutions"
    shown = [
        f"{size}{run}; 95% CI over problems in brackets",
        "",
        _line("accuracy", found, "accuracy"),
        f"  {'truncated':<38}{found['truncated_fraction']:.1%} of the solutions",
        "",
        *_score_lines(score),
    ]
    lines = [line for line in shown if line is not None]
    if found["voting"]["n"]:
        lines += ["", *_voting_lines(found["voting"])]
    for warning in found["warnings"]:
        lines += ["", *_wrapped(f"Note: {_plain(warning)}")]
    return "\n".join(lines)


def _score_lines(score: dict) -> list[str | None]:
    """How well the score or signal separates; one line where no solution has one."""
    if not score["n_scored"]:
        return [f"No solution with a verdict has a value in '{_plain(score['signal'])}', so nothing is said about it."]
    return [
        f"Does '{_plain(score['signal'])}' tell right from wrong?  "
        f"({score['n_correct']:,} correct and {score['n_incorrect']:,} incorrect scored)",
        _line("AUROC, all solutions", score, "auroc"),
        _line(f"AUROC within a problem ({score['n_mixed_problems']:,} mixed)", score, "within_problem_auroc"),
        _line("average precision", score, "average_precision"),
        _line(f"balanced F1 at > {score['threshold']:g}", score, "balanced_f1"),
        _line("  TPR, correct predicted correct", score, "tpr"),
        _line("  TNR, incorrect predicted incorrect", score, "tnr"),
        _line("Matthews correlation", score, "mcc"),
        _line("best threshold on these data", score, "best_threshold"),
        _line("balanced F1, cross-fitted threshold", score, "balanced_f1_cross_fitted"),
        _line("expected calibration error, debiased", score, "ece"),
        _line("Brier score", score, "brier"),
    ]


def _voting_lines(v: dict) -> list[str]:
    left_out = f", {v['n_left_out']:,} left out" if v.get("n_left_out") else ""
    lines = [
        f"Accuracy as N grows, over random N-subsets of a problem's solutions ({v['n_problems']:,} problems{left_out})",
        f"  {'N':>5}{'pass@N':>10}{'majority':>10}{'weighted':>10}{'best-of-N':>11}   weighted - majority, points",
    ]
    for i, n in enumerate(v["n"]):
        if n not in SHOWN_N and n != v["n"][-1]:
            continue
        shown = "".join(f"{_value(v[name][i]):>{width}}" for name, width in zip(CURVES, (10, 10, 10, 11), strict=True))
        gain, low, high = (v[f"weighted_minus_majority{end}"][i] for end in ("", "_low", "_high"))
        spread = (
            ""
            if gain is None
            else f"   {_points(gain)}" + ("" if low is None else f" [{_points(low)}, {_points(high)}]")
        )
        lines.append(f"  {n:>5}{shown}{spread}")
    errors = [max((e for e in v[f"{name}_se"] if e is not None), default=0.0) for name in ("majority", "weighted")]
    noise = [f"{name} {error:.4f}" for name, error in zip(("majority", "weighted"), errors, strict=True) if error]
    if noise:
        lines.append(f"  Monte Carlo standard error, at most: {', '.join(noise)}; everything else is exact.")
    return lines


def _line(name: str, values: dict, key: str) -> str | None:
    if key not in values:
        return None
    if values[key] is None:
        return f"  {name:<38}undefined"
    low, high = values.get(f"{key}_ci") or (None, None)
    spread = "" if low is None else f" [{low:.3f}, {high:.3f}]"
    return f"  {name:<38}{values[key]:.3f}{spread}"


def _value(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _points(value: float) -> str:
    return f"{round(100 * value, 1) + 0.0:+.1f}"


def _plain(text: str) -> str:
    """Text from a file with control and invisible characters escaped, so that it cannot steer the terminal."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _wrapped(text: str) -> list[str]:
    from textwrap import wrap

    return wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
