"""The readable form of ``laser analyze``: every number with its interval, in plain lines."""

from __future__ import annotations

import math

import numpy as np

from laser_core.analysis import Estimate, Summary

SHOWN_N = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


def summary_text(summary: Summary) -> str:
    """A :class:`~laser_core.analysis.Summary` as text, 95% intervals over problems in brackets."""
    s = summary.separation
    lines = [
        f"{summary.n_problems} problems, {summary.n_rollouts} solutions; 95% intervals over problems in brackets",
        "",
        _line("accuracy", summary.accuracy),
        f"  {'truncated':<36}{summary.truncated_fraction:.1%} of the solutions",
        "",
        f"Does '{summary.signal}' tell right from wrong?  ({s.n_correct} correct and {s.n_incorrect} incorrect scored)",
        _line("AUROC, all solutions", s.auroc),
        _line(f"AUROC within a problem ({s.n_mixed_problems} mixed)", s.within_problem_auroc),
        _line(f"balanced F1 at > {s.threshold:g}", s.balanced_f1),
        _line("  TPR", s.tpr),
        _line("  TNR", s.tnr),
        _line("expected calibration error", summary.calibration.ece),
        _line("Brier score", summary.calibration.brier),
    ]
    if math.isfinite(summary.sweep.best):
        lines.append(f"  {'best threshold':<36}{summary.sweep.best:.3f}")
    if summary.voting is not None:
        lines += ["", *_voting_lines(summary)]
    if summary.warnings:
        lines += ["", *(f"Note: {warning}" for warning in summary.warnings)]
    return "\n".join(lines)


def _voting_lines(summary: Summary) -> list[str]:
    v = summary.voting
    lines = [
        f"Accuracy as N grows, over random N-subsets of each problem's solutions ({v.n_problems} problems)",
        f"  {'N':>5}{'pass@N':>10}{'majority':>10}{'weighted':>10}{'best-of-N':>11}   weighted - majority",
    ]
    for n in (n for n in SHOWN_N if n in v.n):
        i = int(np.flatnonzero(v.n == n)[0])
        gain, low, high = (getattr(v, f"weighted_minus_majority{end}")[i] for end in ("", "_low", "_high"))
        lines.append(
            f"  {n:>5}{v.pass_[i]:>10.3f}{v.majority[i]:>10.3f}{v.weighted[i]:>10.3f}{v.best_of_n[i]:>11.3f}"
            f"   {gain:+.3f} [{low:+.3f}, {high:+.3f}]"
        )
    return lines


def _line(name: str, estimate: Estimate) -> str:
    if not math.isfinite(estimate.value):
        return f"  {name:<36}undefined"
    return f"  {name:<36}{estimate.value:.3f} [{estimate.ci_low:.3f}, {estimate.ci_high:.3f}]"
