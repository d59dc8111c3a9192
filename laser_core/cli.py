"""The ``laser`` command line; each command is in :mod:`laser_core.commands`.

Exit codes: 0 done, 1 wrong input (one line on stderr), 2 wrong usage. Each command imports the heavy modules that it
needs, so that ``laser --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from laser_core.bundled import shipped
from laser_core.commands import adapters, files, numbers, reproduction, solutions, supervised, tokens, training
from laser_core.errors import MODEL_PACKAGES, InputError, MissingPackages, missing_model_packages

LEFT_OUT = (*MODEL_PACKAGES, "datasets")  # of the installation that only analyses (requirements-app.txt)

app = typer.Typer(
    help="Train, evaluate and explore LaSeR: reinforcement learning with last-token self-rewarding.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (
    training.train,
    training.base,
    supervised.sft,
    supervised.fit,
    solutions.sample,
    solutions.score,
    tokens.pick_token,
    adapters.merge,
    files.convert,
    numbers.analyze,
    numbers.report,
    reproduction.reproduce,
):
    app.command()(command)


@app.command(name="app")
def open_app(
    port: Annotated[int, typer.Option(help="Port to serve on.")] = 8501,
    host: Annotated[
        str | None, typer.Option(help="Address to serve on; 0.0.0.0 opens it to the network. By default this machine.")
    ] = None,
) -> None:
    """Open the explorer (the same as ``streamlit run app/main.py``)."""
    command = [sys.executable, "-m", "streamlit", "run", str(shipped("app") / "main.py"), "--server.port", str(port)]
    os.execv(sys.executable, command + (["--server.address", host] if host else []))


def main() -> None:
    """Run the command line. Wrong input ends it with one line on stderr and exit code 1, never a traceback."""
    try:
        app()
    except InputError as error:
        print(f"laser: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except ModuleNotFoundError as error:
        if (package := str(error.name).partition(".")[0]) not in LEFT_OUT:
            raise
        print(f"laser: {missing_model_packages() or MissingPackages(package)}", file=sys.stderr)
        raise SystemExit(1) from None
