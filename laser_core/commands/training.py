"""``laser train`` and ``laser base``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from laser_core.commands import Out, Seed, headline, split_pair
from laser_core.config import METHODS, LaserConfig, check_names, parse_value

PRESETS = ("mini", "published")


def train(
    out: Out,
    method: Annotated[str | None, typer.Option(help=f"One of {', '.join(METHODS)}; laser by default.")] = None,
    preset: Annotated[
        str | None, typer.Option(help="mini (two CPU cores, minutes; the default) or published (the paper's settings).")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; overrides the preset.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seeds every draw.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="field=value, any number of times.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out, its settings included.")
    ] = False,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write TensorBoard events to --out.")] = False,
    name: Annotated[str | None, typer.Option(help="Name of the run in its rollouts; the method by default.")] = None,
) -> None:
    """Train from a base model, evaluate on held-out problems, and write it all to a folder."""
    if resume and not any((method, preset, config)) and (out / "config.toml").is_file():
        config = out / "config.toml"  # its own settings, and what --set changes of them
    settings = settings_of(preset, config, method, seed, set_ or [])
    if tensorboard and "tensorboard" not in settings.trackers:
        settings = settings.replace(trackers=(*settings.trackers, "tensorboard"))
    from laser_core.commands.bars import TrainingBar
    from laser_core.fast.precision import pick_dtype
    from laser_core.runfolder.events import StageProgress, write_progress
    from laser_core.runfolder.guards import Interrupted
    from laser_core.train import Progress
    from laser_core.train import train as run_training

    chosen = "measured to be faster here" if settings.dtype == "auto" else "as asked"
    typer.echo(f"Matrix products in {str(pick_dtype(settings.dtype)).removeprefix('torch.')} ({chosen}).")

    def show(progress: Progress) -> None:
        bar.update(progress)
        write_progress(out, StageProgress(progress.stage, progress.done, progress.total))

    with TrainingBar() as bar:
        try:
            rollouts = run_training(settings, out, resume=resume, name=name, on_progress=show)
        except Interrupted as stopped:
            bar.say(f"Stopped with a checkpoint after step {stopped.step}. To go on: {resume_command(out)}")
            raise typer.Exit(128 + stopped.signal) from None
        except KeyboardInterrupt:
            bar.say(f"Stopped at once; the last checkpoint is kept. To go on: {resume_command(out)}")
            raise typer.Exit(130) from None
    typer.echo(headline(rollouts))
    typer.echo(f"Wrote {out}/rollouts.parquet and {out}/model")


def base(out: Out, seed: Seed = 0, steps: Annotated[int | None, typer.Option(help="Training steps.")] = None) -> None:
    """Train the miniature base model that every miniature run starts from."""
    from laser_core.base_model import BaseConfig, train_base
    from laser_core.commands.bars import plain_bar

    settings = BaseConfig(seed=seed) if steps is None else BaseConfig(seed=seed, steps=steps)
    with plain_bar("base", settings.steps + settings.settle_steps) as advance:
        train_base(settings, out, on_step=lambda step, event: advance(step + 1, f"loss {event['loss']:.3f}"))
    typer.echo(f"Wrote {out}")


def resume_command(out: Path) -> str:
    """The command that goes on with the run in a folder; the folder knows its settings.

    Examples
    --------
    >>> resume_command(Path("runs/my run"))
    "laser train --resume --out 'runs/my run'"
    """
    return shlex.join(["laser", "train", "--resume", "--out", str(out)])


def settings_of(
    preset: str | None, config: Path | None, method: str | None, seed: int | None, pairs: list[str]
) -> LaserConfig:
    """The settings that ``laser train``'s options ask for."""
    preset = preset or "mini"
    if preset not in PRESETS:
        raise typer.BadParameter(f"choose one of {', '.join(PRESETS)}", param_hint="--preset")
    settings = (
        LaserConfig.from_toml(config) if config else LaserConfig() if preset == "mini" else LaserConfig.published()
    )
    changes = {"method": method} if method and not config else {}
    if seed is not None:
        changes["seed"] = seed
    for pair in pairs:
        name, value = split_pair(pair, "--set")
        check_names([name])
        changes[name] = parse_value(name, value)
    return settings.replace(**changes)
