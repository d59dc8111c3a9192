"""The ``laser`` command: a thin skin over laser_core.

Exit codes: 0 done, 1 the input is at fault (one line on stderr), 2 wrong usage. Heavy modules are imported by the
command that needs them, so that ``laser --help`` answers at once.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from laser_core.config import METHODS, LaserConfig, check_names, parse_value
from laser_core.errors import InputError

app = typer.Typer(
    help="Train, judge and look at LaSeR: reinforcement learning with last-token self-rewarding.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Out = Annotated[Path, typer.Option("--out", help="Where to write.")]
Seed = Annotated[int, typer.Option(help="Seeds every draw.")]
PRESETS = ("mini", "published")
NOISY_SCORE = 0.1  # beta_v * std(c_ref), in reward units, above which a user is warned


@app.command()
def train(
    out: Out,
    method: Annotated[str, typer.Option(help=f"One of {', '.join(METHODS)}.")] = "laser",
    preset: Annotated[
        str, typer.Option(help="mini (two CPU cores, minutes) or published (the paper's settings).")
    ] = "mini",
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; overrides the preset.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seeds every draw.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="field=value, any number of times.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")] = False,
    name: Annotated[str | None, typer.Option(help="Name of the run in its rollouts; the method by default.")] = None,
) -> None:
    """Train from a base model, evaluate on held-out problems, and write it all to a folder."""
    settings = _settings(preset, config, method, seed, set_ or [])
    from laser_core.progress import TrainingBar
    from laser_core.train import train as run_training

    with TrainingBar() as bar:
        try:
            rollouts = run_training(settings, out, resume=resume, name=name, on_progress=bar.update)
        except KeyboardInterrupt:
            bar.say(f"Stopped. Go on with the same command and --resume; the last checkpoint is in {out}/checkpoints.")
            raise typer.Exit(130) from None
    typer.echo(_headline(rollouts))
    typer.echo(f"Wrote {out}/rollouts.parquet and {out}/model")


@app.command()
def base(out: Out, seed: Seed = 0, steps: Annotated[int | None, typer.Option(help="Training steps.")] = None) -> None:
    """Train the miniature base model that every miniature run starts from."""
    from laser_core.miniature import BaseConfig, train_base
    from laser_core.progress import plain_bar

    settings = BaseConfig(seed=seed) if steps is None else BaseConfig(seed=seed, steps=steps)
    with plain_bar("base", settings.steps + settings.settle_steps) as advance:
        train_base(settings, out, on_step=lambda step, event: advance(step + 1, f"loss {event['loss']:.3f}"))
    typer.echo(f"Wrote {out}")


@app.command()
def sample(
    model: Annotated[str, typer.Argument(help="Hugging Face name, folder, or bundled:base.")],
    out: Out,
    task: Annotated[str, typer.Option(help="linear, or a Hugging Face dataset.")] = "linear",
    problems: Annotated[
        Path | None, typer.Option(help="A .jsonl or .parquet file of problems instead of a task.")
    ] = None,
    split: Annotated[str, typer.Option(help="train, validation, test or all.")] = "test",
    limit: Annotated[int | None, typer.Option(help="At most so many problems.")] = None,
    n: Annotated[int, typer.Option("-n", help="Solutions of each problem.")] = 16,
    max_new_tokens: Annotated[int, typer.Option(help="Length limit of a solution, tokens.")] = 40,
    temperature: Annotated[float, typer.Option(help="Of sampling; scores are untempered at any.")] = 1.0,
    z_token: Annotated[str, typer.Option(help="Verdict token z_c; empty: one the model ships unused.")] = "",
    beta_v: Annotated[float, typer.Option(help="Scale of the score, reward per nat.")] = 0.1,
    c_ref: Annotated[
        float | None, typer.Option(help="Reference log-prob, nats; unset: measured on --reference.")
    ] = None,
    reference: Annotated[str, typer.Option(help="Model to measure c_ref on; the model itself by default.")] = "",
    seed: Seed = 0,
) -> None:
    """Sample solutions of problems, score and verify them, and write the rollout table."""
    from laser_core.evaluate import measure_c_ref, sample_rollouts
    from laser_core.numerics import pick_dtype
    from laser_core.policy import load_policy
    from laser_core.progress import plain_bar
    from laser_core.rollouts import write_parquet
    from laser_core.tasks import load_problems

    source = str(problems) if problems else task
    found = load_problems(source, "all" if problems else split)[:limit]
    if not found:
        raise InputError("no problems", file=source, remedy="choose another split or file")
    policy = load_policy(model, z_token=z_token)
    ref_policy = load_policy(reference, z_token=policy.z_token) if reference else policy
    c_ref_std = None
    if c_ref is None:
        c_ref, c_ref_std, count = measure_c_ref(ref_policy, found[:128], max_new_tokens=max_new_tokens, seed=seed)
        typer.echo(f"c_ref = {c_ref:.2f} nats (std {c_ref_std:.2f} over {count} solutions of {reference or model})")
        if not reference:
            typer.echo(
                "A trained model's own c_ref makes scores relative to itself: give --reference or --c-ref.", err=True
            )
    with plain_bar("sampling", len(found)) as advance:
        rollouts = sample_rollouts(
            policy,
            found,
            run=Path(model.removeprefix("bundled:")).name,
            samples=n,
            beta_v=beta_v,
            c_ref=c_ref,
            c_ref_std=c_ref_std,
            max_new_tokens=max_new_tokens,
            seed=seed,
            task=source,
            temperature=temperature,
            dtype=pick_dtype("auto"),
            reference=ref_policy if reference else None,
            on_progress=lambda done, total: advance(done, "problems"),
        )
    write_parquet(rollouts, out)
    typer.echo(_headline(rollouts))
    typer.echo(f"Wrote {len(rollouts)} rollouts to {out}")


@app.command()
def score(
    model: Annotated[str, typer.Argument(help="Hugging Face name, folder, or bundled:laser.")],
    rollouts: Annotated[Path, typer.Argument(help="A rollout file of any known format.")],
    out: Out,
    reference: Annotated[str, typer.Option(help="The model before training: measures c_ref.")] = "",
    c_ref: Annotated[float | None, typer.Option(help="Nats; instead of --reference.")] = None,
    beta_v: Annotated[float, typer.Option(help="Scale of the score, reward per nat.")] = 0.1,
    z_token: Annotated[str, typer.Option(help="Verdict token z_c; empty: one the model ships unused.")] = "",
    traces: Annotated[
        bool, typer.Option("--traces", help="Also log-probs, entropy and z_c after every token.")
    ] = False,
) -> None:
    """Add last-token scores (and traces) to rollouts that any model wrote."""
    from laser_core.numerics import pick_dtype
    from laser_core.policy import load_policy
    from laser_core.progress import plain_bar
    from laser_core.rescore import score_rollouts
    from laser_core.rollouts import read, write_parquet

    table = read(rollouts).rollouts
    policy = load_policy(model, z_token=z_token)
    ref_policy = load_policy(reference, z_token=policy.z_token) if reference else None
    with plain_bar("scoring", len(table)) as advance:
        scored = score_rollouts(
            policy,
            table,
            beta_v=beta_v,
            c_ref=c_ref,
            reference=ref_policy,
            traces=traces,
            dtype=pick_dtype("auto"),
            on_progress=lambda done, total: advance(done, "rollouts"),
        )
    write_parquet(scored, out)
    spread = "" if scored.meta.c_ref_std is None else f" (standard deviation {scored.meta.c_ref_std:.2f})"
    typer.echo(f"z_c = {policy.z_token}, beta_v = {beta_v:g}, c_ref = {scored.meta.c_ref:.2f} nats{spread}")
    if scored.meta.c_ref_std is not None and beta_v * scored.meta.c_ref_std > NOISY_SCORE:
        noise = f"{beta_v * scored.meta.c_ref_std:.2f}"
        typer.echo(f"c_ref is not constant: that is {noise} of noise in scores that should tell 0 from 1.", err=True)
        typer.echo("Choose a token the model never uses (--z-token).", err=True)
    typer.echo(f"Wrote {len(scored)} rollouts to {out}")


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(help="A rollout file of any known format.")],
    out: Out,
    format: Annotated[str | None, typer.Option("--format", help="Skip detection.")] = None,
    map_: Annotated[list[str] | None, typer.Option("--map", help="column=field, any number of times.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse the file for one bad row.")] = False,
) -> None:
    """Read a rollout file, say what was found, and write the canonical table (.parquet or .jsonl)."""
    from laser_core.progress import share_bar
    from laser_core.rollouts import convert as convert_file
    from laser_core.rollouts import read, write_jsonl

    mapping = dict(_split_pair(pair, "--map") for pair in map_ or []) or None
    with share_bar() as progress:
        if out.suffix == ".jsonl":
            result = read(file, format=format, strict=strict, mapping=mapping, progress=progress)
            write_jsonl(result.rollouts, out)
            n_rollouts = len(result.rollouts)
        else:  # Parquet is written piece by piece, whatever the size
            result = convert_file(file, out, format=format, strict=strict, mapping=mapping, progress=progress)
            n_rollouts = result.n_rollouts
    typer.echo(f"Detected {result.format}: {n_rollouts} rollouts from {result.n_rows} rows, {result.n_refused} refused")
    for note in result.notes:
        typer.echo(f"  {note}")
    for refusal in result.refused[:20]:
        where = f"line {refusal.line}" + (f", field '{refusal.field}'" if refusal.field else "")
        typer.echo(f"  refused {where}: {refusal.reason}")
    if result.n_refused > 20:
        typer.echo(f"  ... and {result.n_refused - 20} more refused rows")
    typer.echo(f"Wrote {out}")


@app.command()
def analyze(
    file: Annotated[Path, typer.Argument(help="A rollout file of any known format.")],
    json_: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    signal: Annotated[str, typer.Option(help="Column to judge: score, or signal.<name>.")] = "score",
    n_max: Annotated[int | None, typer.Option(help="Largest N of the voting curves.")] = None,
    seed: Seed = 0,
) -> None:
    """The numbers of a rollout file: accuracy, separation, voting, each with its interval."""
    from laser_core.analysis import summarize
    from laser_core.rollouts import read
    from laser_core.summary_text import summary_text

    summary = summarize(read(file).rollouts, signal=signal, n_max=n_max, seed=seed)
    typer.echo(json.dumps(summary.to_json()) if json_ else summary_text(summary))


@app.command(name="app")
def open_app(port: Annotated[int, typer.Option(help="Port to serve on.")] = 8501) -> None:
    """Open the explorer (the same as ``streamlit run app/main.py``)."""
    main_page = Path(__file__).resolve().parents[1] / "app" / "main.py"
    if not main_page.is_file():
        raise InputError("the app is not here", file=main_page, remedy="run from a checkout of the project")
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(main_page), "--server.port", str(port)])


def main() -> None:
    """Entry point: an input at fault is one line on stderr and exit code 1, never a traceback."""
    try:
        app()
    except InputError as error:
        print(f"laser: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def _settings(preset: str, config: Path | None, method: str, seed: int | None, pairs: list[str]) -> LaserConfig:
    if preset not in PRESETS:
        raise typer.BadParameter(f"choose one of {', '.join(PRESETS)}", param_hint="--preset")
    settings = (
        LaserConfig.from_toml(config) if config else LaserConfig() if preset == "mini" else LaserConfig.published()
    )
    changes = {} if config else {"method": method}
    if seed is not None:
        changes["seed"] = seed
    for pair in pairs:
        name, value = _split_pair(pair, "--set")
        check_names([name])
        changes[name] = parse_value(name, value)
    return settings.replace(**changes)


def _split_pair(pair: str, option: str) -> tuple[str, str]:
    name, equals, value = pair.partition("=")
    if not equals:
        raise typer.BadParameter(f"{pair!r} is not of the form name=value", param_hint=option)
    return name.strip(), value.strip()


def _headline(rollouts) -> str:
    """One line that says whether the score tells right from wrong."""
    from laser_core.analysis import Samples, accuracy, separation

    samples = Samples.from_rollouts(rollouts)
    right, apart = accuracy(samples), separation(samples)

    def show(estimate) -> str:
        if math.isnan(estimate.value):
            return "undefined"
        return f"{estimate.value:.3f} [{estimate.ci_low:.3f}, {estimate.ci_high:.3f}]"

    return (
        f"{samples.n_problems} problems x {samples.n_samples} solutions: accuracy {show(right)}, balanced F1 "
        f"{show(apart.balanced_f1)}, AUROC {show(apart.auroc)}, within a problem {show(apart.within_problem_auroc)}"
    )
