"""``laser train`` and ``laser base``: a reinforcement-learning run, and the model it starts from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from laser_core.commands import Out, Seed, headline, split_pair
from laser_core.config import METHODS, SUPERVISED, LaserConfig, check_names, parse_value

PRESETS = ("mini", "published")


def train(
    out: Out,
    method: Annotated[str | None, typer.Option(help=f"One of {', '.join(METHODS)}; laser by default.")] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="mini (minutes on two CPU cores; the default) or published (as in the paper)."),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; replaces the preset.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all random draws.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="field=value, any number of times.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the run in --out, with its settings.")] = False,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also write TensorBoard events to --out.")] = False,
    name: Annotated[str | None, typer.Option(help="Name of the run in its rollouts; the method by default.")] = None,
    device: Annotated[str | None, typer.Option(help="auto (a GPU if there is one), cpu, cuda, cuda:1 or mps.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print parameters, memory, tokens and time of the run, and start nothing.")
    ] = False,
) -> None:
    """Train from a base model, evaluate on held-out problems, and write everything to a folder."""
    if resume and not any((method, preset, config)) and (out / "config.toml").is_file():
        config = out / "config.toml"  # its own settings; --set may change some
    settings = settings_of(preset, config, method, seed, set_ or [])
    if settings.method in SUPERVISED:
        raise typer.BadParameter(f"use `laser {settings.method}` for it", param_hint="method")
    if tensorboard and "tensorboard" not in settings.trackers:
        settings = settings.replace(trackers=(*settings.trackers, "tensorboard"))
    if device:
        settings = settings.replace(device=device)
    if dry_run:
        from laser_core.runfolder.plan import as_text, plan

        typer.echo(as_text(plan(settings)))
        return
    _run(settings, out, resume=resume, name=name)


def _run(settings: LaserConfig, out: Path, *, resume: bool, name: str | None) -> None:
    """Train with progress on stderr, and say how to go on if it was stopped."""
    from laser_core.commands.bars import TrainingBar
    from laser_core.fast.devices import device_name, pick_device
    from laser_core.fast.precision import pick_dtype
    from laser_core.runfolder.events import StageProgress, write_progress
    from laser_core.runfolder.guards import Interrupted
    from laser_core.train import Progress
    from laser_core.train import train as run_training

    place = pick_device(settings.device)
    precision = str(pick_dtype(settings.dtype, place)).removeprefix("torch.")
    chosen = "as set" if settings.dtype != "auto" else "measured as faster here" if place.type == "cpu" else "auto"
    typer.echo(f"On {device_name(place)}, matrix products in {precision} ({chosen}).")
    written: StageProgress | None = None

    def show(progress: Progress) -> None:
        nonlocal written
        bar.update(progress)
        now = StageProgress(progress.stage, progress.done, progress.total)
        if now != written:  # a step reports many times what it is doing
            write_progress(out, now)
            written = now

    with TrainingBar() as bar:
        try:
            rollouts = run_training(settings, out, resume=resume, name=name, on_progress=show)
        except Interrupted as stopped:
            bar.say(f"Stopped after step {stopped.step}, with a checkpoint. Resume with: {resume_command(out)}")
            raise typer.Exit(128 + stopped.signal) from None
        except KeyboardInterrupt:
            bar.say(f"Stopped at once; the last checkpoint is kept. Resume with: {resume_command(out)}")
            raise typer.Exit(130) from None
    if len(rollouts):
        typer.echo(headline(rollouts))
    typer.echo(f"Wrote {out}/rollouts.parquet and {out}/model" if len(rollouts) else f"Wrote {out}/model")


def base(
    out: Out,
    seed: Seed = 0,
    steps: Annotated[int | None, typer.Option(help="Training steps before the reserved tokens are pinned.")] = None,
    unpinned: Annotated[Path | None, typer.Option(help="Also keep the model before they are pinned, here.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Do not train: say what the model in --out can do.")] = False,
) -> None:
    """Train the miniature base model from which all miniature runs start; the same command resumes it."""
    if check:
        from laser_core.policy import load_policy
        from laser_core.reproduce.acceptance import measure, table
        from laser_core.tasks import FAMILIES

        policy = load_policy(str(out))
        typer.echo(table([measure(policy, family) for family in FAMILIES]))
        return
    from laser_core.commands.bars import plain_bar
    from laser_core.miniature.model import BaseConfig
    from laser_core.miniature.pretraining import total_steps, train_base

    settings = BaseConfig(seed=seed) if steps is None else BaseConfig(seed=seed, steps=steps)
    with plain_bar("base", total_steps(settings)) as advance:

        def show(step: int, event: dict) -> None:
            advance(step + 1, f"loss {event['loss']:.3f}")

        train_base(settings, out, unpinned=unpinned, on_step=show)
    typer.echo(f"Wrote {out}")


def resume_command(out: Path) -> str:
    """The command that resumes the run in a folder.

    Examples
    --------
    >>> resume_command(Path("runs/my run"))
    "laser train --resume --out 'runs/my run'"
    """
    return shlex.join(["laser", "train", "--resume", "--out", str(out)])


def settings_of(
    preset: str | None, config: Path | None, method: str | None, seed: int | None, pairs: list[str]
) -> LaserConfig:
    """The settings that the options of ``laser train`` ask for.

    Raises
    ------
    typer.BadParameter
        If the preset is unknown, or ``--set`` is not given as field=value.
    InputError
        If a field or its value is wrong.
    """
    preset = preset or "mini"
    if preset not in PRESETS:
        raise typer.BadParameter(f"choose one of {', '.join(PRESETS)}", param_hint="--preset")
    settings = (
        LaserConfig.from_toml(config) if config else LaserConfig() if preset == "mini" else LaserConfig.published()
    )
    changes: dict[str, object] = {"method": method} if method and not config else {}
    if seed is not None:
        changes["seed"] = seed
    for pair in pairs:
        name, value = split_pair(pair, "--set")
        check_names([name])
        changes[name] = parse_value(name, value)
    return settings.replace(**changes)
