"""The real model's runs: shipped from a folder of finished ones, judged by the rule, and told in docs/real_model.md.

    python sample_data/real_model.py RUNS_DIR     # copy base.parquet and fit-*/ to sample_data/real, write the table
    python sample_data/real_model.py              # write the table again, from what is shipped
    python sample_data/real_model.py --by-reward RUNS_DIR     # judge the runs of make_real_gpu.sh, write their table

The rule stands in docs/real_model.md and was committed before the runs.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from laser_core.analysis import Estimate, Samples, accuracy, compare, compare_signals, separation, voting_curve
from laser_core.bundled import ROOT
from laser_core.reproduce.judged import shortened
from laser_core.rollouts import Rollouts, read, write_parquet

PAGE = ROOT.parent / "docs" / "real_model.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of the table -->\n"
BY_REWARD = "<!-- by reward -->\n", "<!-- end of by reward -->\n"
ENOUGH, VOTES, FEWER = 0.70, 8, -0.02  # the rule's: AUROC, votes, and accuracy that LaSeR may lose
DECIDE_NOTHING = (
    "signal.linear_probe",
    "free signals combined",
)  # shown for comparison: neither is a single free signal


@dataclass(frozen=True)
class Judged:
    """One seed: what the score reaches, and what it is compared with.

    Attributes
    ----------
    within : Estimate
        The score's AUROC within a problem.
    behind : dict of str to Estimate
        Each other signal's AUROC within a problem minus the score's, paired by problem.
    others : dict of str to Estimate
        Their own AUROC within a problem.
    majority, weighted, gain : Estimate
        Votes of :data:`VOTES`, and the difference.
    n_problems, n_solutions : int
    """

    within: Estimate
    behind: dict[str, Estimate]
    others: dict[str, Estimate]
    majority: Estimate
    weighted: Estimate
    gain: Estimate
    n_problems: int
    n_solutions: int

    @classmethod
    def of(cls, rollouts: Rollouts) -> Judged:
        """From a fitted run's held-out problems."""
        samples = Samples.from_rollouts(rollouts)
        table, curve = compare_signals(samples, rollouts, n=VOTES), voting_curve(samples, n_values=[VOTES])
        others = [row for row in table.rows if row.signal != "score"]
        return cls(
            within=separation(samples).within_problem_auroc,
            behind={row.signal: row.within_difference for row in others},
            others={row.signal: row.within_problem_auroc for row in others},
            majority=curve.at("majority", VOTES),
            weighted=curve.at("weighted", VOTES),
            gain=curve.at("weighted_minus_majority", VOTES),
            n_problems=samples.n_problems,
            n_solutions=len(rollouts),
        )

    @property
    def free(self) -> dict[str, Estimate]:
        """The single free signals' differences: those that the rule is about."""
        return {name: found for name, found in self.behind.items() if name not in DECIDE_NOTHING}


def claims(seeds: Sequence[Judged]) -> dict[str, str]:
    """Each claim of the rule with its verdict: holds, does not hold, or undecided."""
    if not seeds:
        return {}
    ranks = [_side(s.within.value >= ENOUGH, s.within.ci_high < ENOUGH) for s in seeds]
    worth = [
        _side(all(d.ci_high < 0 for d in s.free.values()), any(d.ci_low > 0 for d in s.free.values())) for s in seeds
    ]
    votes = [_side(s.gain.ci_low > 0, s.gain.ci_high < 0) for s in seeds]
    return {
        f"AUROC within a problem at least {ENOUGH:.2f}": _together(ranks),
        "above every single free signal": _together(worth),
        f"weighted vote above the majority vote at N = {VOTES}": _together(votes),
    }


def _side(holds: bool, fails: bool) -> str:
    return "holds" if holds else "does not hold" if fails else "undecided"


def _together(verdicts: Sequence[str]) -> str:
    """What all seeds say alike; two seeds are asked for."""
    return verdicts[0] if len(verdicts) > 1 and len(set(verdicts)) == 1 else "undecided"


def as_markdown(base: Rollouts, seeds: Sequence[Judged]) -> str:
    """The verdicts, and every number behind them."""
    lines = [_start_of(base), ""]
    if not seeds:
        return "\n".join([*lines, "No fit has been judged yet."])
    return "\n".join([*lines, *_judgement(seeds)])


def by_reward_as_markdown(
    base: Rollouts, grpo: Sequence[Rollouts], laser: Sequence[Rollouts], fitted: Sequence[Rollouts]
) -> str:
    """The same for training by reward: accuracies, LaSeR's own scores, and those fitted to GRPO's solutions."""
    pairs = list(zip(map(Samples.from_rollouts, grpo), map(Samples.from_rollouts, laser), strict=True))
    gains = [compare(theirs, ours, n_max=2).accuracy.difference for theirs, ours in pairs]
    sides = [_side(gain.ci_low > FEWER, gain.ci_high < FEWER) for gain in gains]
    lines = [
        _start_of(base),
        "",
        f"- LaSeR's accuracy no more than {-FEWER:.2f} below GRPO's: **{_together(sides)}**",
        "",
        *_head(len(pairs)),
        _row("accuracy, GRPO", [accuracy(theirs) for theirs, _ in pairs]),
        _row("accuracy, LaSeR", [accuracy(ours) for _, ours in pairs]),
        _row("LaSeR minus GRPO", gains),
    ]
    for title, runs in (("LaSeR's own score", laser), ("The score fitted to GRPO's solutions", fitted)):
        lines += ["", f"### {title}", "", *_judgement([Judged.of(run) for run in runs])]
    return "\n".join(lines)


def _start_of(base: Rollouts) -> str:
    start = Samples.from_rollouts(base)
    return (
        f"Warm start: {start.n_problems} held-out problems x {start.n_samples} solutions, accuracy "
        f"{_show(accuracy(start))}; AUROC within a problem of the untrained last-token score "
        f"{_show(separation(start).within_problem_auroc)}."
    )


def _head(n_seeds: int) -> list[str]:
    return [f"| | {' | '.join(f'seed {i}' for i in range(n_seeds))} |", f"|---|{'---|' * n_seeds}"]


def _judgement(seeds: Sequence[Judged]) -> list[str]:
    lines = [f"- {claim}: **{found}**" for claim, found in claims(seeds).items()]
    lines += ["", "Brackets: 95% CI over problems. Differences are paired by problem.", "", *_head(len(seeds))]
    lines += [_row("last-token score, AUROC within a problem", [s.within for s in seeds])]
    for name in seeds[0].others:
        label = name.removeprefix("signal.").replace("_", " ")
        lines += [_row(label, [s.others[name] for s in seeds if name in s.others])]
        lines += [_row(f"{label} minus score", [s.behind[name] for s in seeds if name in s.behind])]
    lines += [_row(f"majority vote, N = {VOTES}", [s.majority for s in seeds])]
    lines += [_row(f"weighted vote, N = {VOTES}", [s.weighted for s in seeds])]
    return [*lines, _row("weighted minus majority", [s.gain for s in seeds])]


def _row(label: str, found: Sequence[Estimate]) -> str:
    return f"| {label} | {' | '.join(map(_show, found))} |"


def _show(found: Estimate) -> str:
    return f"{found.value:.3f} [{found.ci_low:.3f}, {found.ci_high:.3f}]"


def shipped(root: Path = ROOT) -> tuple[Rollouts | None, list[Rollouts]]:
    """The warm start's rollouts and the fitted ones by seed, as far as they are there."""
    folder = root / "real" / "rollouts"
    base = folder / "real-base.parquet"
    fitted = sorted(folder.glob("real-fitted-*.parquet"))
    return read(base).rollouts if base.is_file() else None, [read(path).rollouts for path in fitted]


def ship(runs: Path, root: Path = ROOT) -> None:
    """Copy finished runs to the sample data. Scores are kept at a thousandth of a nat, and z_c's trace where it is."""
    for folder in ("rollouts", "events"):
        (root / "real" / folder).mkdir(parents=True, exist_ok=True)
    base = shortened(read(runs / "base.parquet").rollouts)
    write_parquet(_named(base, "real-base"), root / "real" / "rollouts" / "real-base.parquet")
    for path in sorted(runs.glob("fit-*/rollouts.parquet")):
        name = f"real-fitted-{path.parent.name.removeprefix('fit-')}"
        fitted, traced = read(path).rollouts, path.with_name("traced.parquet")
        if traced.is_file():  # by `laser score FIT/model FIT/rollouts.parquet --traces`
            fitted = fitted.with_column("z_trace", read(traced).rollouts.table["z_trace"])
        write_parquet(_named(shortened(fitted), name), root / "real" / "rollouts" / f"{name}.parquet")
        shutil.copy(path.with_name("events.jsonl"), root / "real" / "events" / f"{name}.jsonl")


def _named(rollouts: Rollouts, name: str) -> Rollouts:
    return rollouts.with_column("run", [name] * len(rollouts))


def write(page: Path = PAGE, root: Path = ROOT) -> None:
    """Put the table into the page, between its marks."""
    base, fitted = shipped(root)
    text = "The runs are still to come." if base is None else as_markdown(base, [Judged.of(table) for table in fitted])
    _put(page, text, (BEGIN, END))


def write_by_reward(runs: Path, page: Path = PAGE) -> None:
    """Judge a finished folder of ``make_real_gpu.sh`` and put its table into the page."""

    def found(pattern: str) -> list[Rollouts]:
        return [read(path).rollouts for path in sorted(runs.glob(pattern))]

    text = by_reward_as_markdown(
        read(runs / "base.parquet").rollouts,
        found("grpo-*/held.parquet"),
        found("laser-*/held.parquet"),
        found("fit-*/rollouts.parquet"),
    )
    _put(page, text, BY_REWARD)


def _put(page: Path, text: str, marks: tuple[str, str]) -> None:
    before, _, rest = page.read_text(encoding="utf-8").partition(marks[0])
    _, _, after = rest.partition(marks[1])
    page.write_text(f"{before}{marks[0]}{text}\n{marks[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--by-reward"]:
        write_by_reward(Path(sys.argv[2]))
        raise SystemExit
    if len(sys.argv) > 1:
        ship(Path(sys.argv[1]))
    write()
