"""``laser sft`` and ``laser fit``: learning from worked solutions, and from rollouts that are already verified."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laser_core.commands import Out, headline, split_pair
from laser_core.config import LaserConfig, check_names, parse_value

if TYPE_CHECKING:
    from laser_core.analysis import Estimate
    from laser_core.rollouts import Rollouts
    from laser_core.train import Progress

SFT_DEFAULTS = {
    "method": "sft",
    "lr": 5e-5,
    "lr_decay": 1.0,
    "prompts_per_step": 32,
    "max_new_tokens": 256,
    "eval_problems": 200,
    "eval_samples": 4,
}
FIT_DEFAULTS = {
    "method": "fit",
    "lr": 1e-4,
    "lr_decay": 1.0,
    "steps": 100,
    "prompts_per_step": 16,
    "rollouts_per_prompt": 8,
    "eval_problems": 0,
}
Set = Annotated[list[str] | None, typer.Option("--set", help="field=value, any number of times.")]
Resume = Annotated[bool, typer.Option("--resume", help="Resume the run in --out, with its settings.")]
Named = Annotated[str | None, typer.Option(help="Name of the run in its rollouts; the command's by default.")]


def sft(
    out: Out,
    model: Annotated[str, typer.Option(help="Start from this model: a name, a folder, a .gguf file.")] = "",
    task: Annotated[str, typer.Option(help="Worked problems: gsm8k, a .jsonl or .parquet file, a data set.")] = "gsm8k",
    epochs: Annotated[
        float, typer.Option(help="How often each solution is seen, of those short enough; --set steps=N overrides it.")
    ] = 2.0,
    set_: Set = None,
    resume: Resume = False,
    name: Named = None,
) -> None:
    """Warm start: train a model on worked solutions, then sample held-out problems."""
    from laser_core.supervised.sft import sft as run_sft

    settings = _settings(SFT_DEFAULTS, {"model": model, "task": task}, set_, out if resume else None)
    by_epochs = not resume and not any(pair.partition("=")[0].strip() == "steps" for pair in set_ or ())
    times = epochs if by_epochs else None
    rollouts = _with_bar(
        "sft", settings, lambda show: run_sft(settings, out, epochs=times, resume=resume, name=name, on_progress=show)
    )
    if rollouts is not None:
        typer.echo(headline(rollouts))
    typer.echo(f"Wrote {out}/model")


def fit(
    model: Annotated[str, typer.Argument(help="The model before training: a name, a folder, a .gguf file.")],
    rollouts: Annotated[Path, typer.Argument(help="Verified rollouts in any known format.")],
    out: Out,
    set_: Set = None,
    resume: Resume = False,
    name: Named = None,
) -> None:
    """Train the last-token score alone on verified rollouts, and compare it with what is free on held-out problems."""
    from laser_core.reproduce.probe import cross_fitted
    from laser_core.rollouts import read
    from laser_core.supervised.fit import fit as run_fit

    table = read(rollouts).rollouts
    chosen = {"model": model, "task": str(rollouts)}
    settings = _settings(FIT_DEFAULTS, chosen, set_, out if resume else None)
    scored = _with_bar(
        "fit",
        settings,
        lambda show: run_fit(settings, table, out, resume=resume, name=name, probe=cross_fitted, on_progress=show),
    )
    assert scored is not None  # a fit always ends with its held-out problems
    typer.echo(headline(scored))
    for line in _comparison(scored):
        typer.echo(line)
    typer.echo(f"Wrote {out}/rollouts.parquet and {out}/model")


def _settings(
    defaults: dict[str, object], chosen: dict[str, str], pairs: list[str] | None, resumed: Path | None
) -> LaserConfig:
    """The settings of a new run, or those of the run in a folder; with what --set says."""
    base = LaserConfig.from_toml(resumed / "config.toml") if resumed else LaserConfig(**defaults)  # type: ignore[arg-type]
    changes: dict[str, object] = {} if resumed else {key: value for key, value in chosen.items() if value}
    for pair in pairs or ():
        key, value = split_pair(pair, "--set")
        check_names([key])
        changes[key] = parse_value(key, value)
    return base.replace(**changes)


def _with_bar(
    label: str, settings: LaserConfig, run: Callable[[Callable[[Progress], None]], Rollouts | None]
) -> Rollouts | None:
    """Run with a progress bar; a stop by a signal ends with its exit code, after a checkpoint."""
    from laser_core.commands.bars import plain_bar
    from laser_core.runfolder.guards import Interrupted

    with plain_bar(label, settings.steps) as advance:
        said: set[str] = set()
        numbers = ""

        def show(progress: Progress) -> None:
            if progress.note and progress.note not in said:
                said.add(progress.note)
                typer.echo(progress.note, err=True)
            nonlocal numbers
            if event := progress.event:
                shown = [f"{key.replace('_', ' ')} {event[key]:.3f}" for key in SHOWN if key in event]
                numbers = ", ".join([*shown, f"{event['tokens_per_second']:,.0f} tokens/s"])
            advance(progress.done, "  ".join(part for part in (numbers, progress.doing) if part), progress.total)

        try:
            return run(show)
        except Interrupted as stopped:
            typer.echo(f"Stopped after step {stopped.step}, with a checkpoint; --resume goes on.", err=True)
            raise typer.Exit(128 + stopped.signal) from None


SHOWN = ("loss", "balanced_f1", "within_problem_auroc")


def _comparison(rollouts: Rollouts) -> list[str]:
    """The score beside every signal that costs no training of the model, as lines of a table."""
    from laser_core.analysis import Samples, compare_signals

    table = compare_signals(Samples.from_rollouts(rollouts), rollouts)

    def show(estimate: Estimate) -> str:
        if math.isnan(estimate.value):
            return "undefined"
        return f"{estimate.value:.3f} [{estimate.ci_low:.3f}, {estimate.ci_high:.3f}]"

    lines = [f"{'signal':<28}{'AUROC within a problem':<26}{'AUROC':<26}{f'weighted vote, N = {table.n}':<26}"]
    for row in table.rows:
        label = row.signal.removeprefix("signal.")
        lines.append(f"{label:<28}{show(row.within_problem_auroc):<26}{show(row.auroc):<26}{show(row.weighted):<26}")
    lines.append(f"{'majority vote':<80}{show(table.majority)}")
    return [line.rstrip() for line in lines]
