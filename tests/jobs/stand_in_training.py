"""Behaves like ``laser train`` from outside, in a second instead of minutes, as ``seed`` in its settings asks for.

Seed 0: takes its steps, evaluates, ends. Seed 1: a message for the user. Seed 2: a traceback. Seed 3: ends unheard.
"""

import json
import os
import signal
import sys
import time
import tomllib
from pathlib import Path

from laser_core.runfolder.events import StageProgress, write_progress


def main() -> None:
    arguments = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=False))
    settings, run = tomllib.loads(Path(arguments["--config"]).read_text()), Path(arguments["--out"])
    run.mkdir(exist_ok=True)
    events = run / "events.jsonl"
    if "--resume" not in sys.argv:
        (run / "config.toml").write_text("")
        events.write_text("")
    if settings["seed"] == 1:
        print("laser: field 'z_token': 'a b' is 3 tokens, not one. To fix it: choose a single token.")
        raise SystemExit(1)
    if settings["seed"] == 2:
        raise MemoryError("no room")
    if settings["seed"] == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    done = len(events.read_text().splitlines())
    try:
        for step in range(done, settings["steps"]):
            time.sleep(0.1)
            event = {"step": step, "reward": 0.25 + 0.5 * (step % 2), "balanced_f1": 0.5, "within_problem_auroc": 0.6}
            event |= {"step_seconds": 2.0, "tokens_per_second": 1000.0 + step, "score_loss": None}
            with events.open("a") as file:
                file.write(json.dumps(event) + "\n")
    except KeyboardInterrupt:
        print("Stopped.")
        raise SystemExit(130) from None
    write_progress(run, StageProgress("evaluate", 32, 500))
    time.sleep(0.4)
    from laser_core.rollouts import write_parquet
    from tests.factories import make_rollouts

    write_parquet(make_rollouts(n_problems=6, n_samples=4, run="stand-in"), run / "rollouts.parquet")


if __name__ == "__main__":
    main()
