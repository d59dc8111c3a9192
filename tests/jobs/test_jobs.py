"""Runs that outlive their session: a whole life, two at once, other people's pids, and every way to fail."""

import dataclasses
import json
import os
import subprocess
import sys
import threading

import psutil
import pytest

from laser_core.errors import InputError
from laser_core.jobs import jobs
from laser_core.jobs.progress import progress
from laser_core.processes import INTERRUPTIBLE, child_environment
from laser_core.runfolder.events import StageProgress, write_progress
from tests.jobs.stand_in import asked, wait_for


def test_a_run_is_started_watched_stopped_resumed_and_finished(stand_in):
    job = jobs.start(asked(steps=40))
    assert job.name == "LaSeR run 1"
    assert job.live
    job = wait_for(job, "training")
    assert jobs.stop(job).state in ("stopping", "stopped")
    job = wait_for(job, "stopped")
    done = progress(job)
    assert 1 <= done.steps < 40
    job = wait_for(jobs.resume(job), "finished")
    assert progress(job).steps == 40  # went on, did not start again
    (described,) = jobs.finished()
    assert (described.title, described.name) == ("LaSeR run 1", f"run-{job.key}")
    assert described.description == "Trained here: 40 steps of LaSeR, seed 0."
    with pytest.raises(InputError, match="is finished"):
        jobs.resume(job)
    jobs.remove(job)
    assert jobs.all_jobs() == jobs.finished() == []


def test_progress_is_worked_from_the_last_ten_steps(stand_in):
    job = wait_for(jobs.start(asked(steps=4, eval_problems=500, eval_samples=16)), "evaluating", "finished")
    done = progress(job)
    # rewards 0.25, 0.75, 0.25, 0.75: mean 0.5, standard deviation 0.2887, over the root of 4
    mean, error = done.recent["reward"]
    assert (mean, round(error, 4)) == (0.5, 0.1443)
    assert done.n_recent == 4
    assert done.tokens_per_second == 1001.5
    assert "score_loss" not in done.recent


def still_evaluating(job, steps):
    """The finished run as it looked before its rollouts were written, with this many steps in its settings."""
    return dataclasses.replace(job, state="evaluating", settings=job.settings.replace(steps=steps))


def test_evaluated_problems_are_those_of_the_final_evaluation(stand_in):
    job = wait_for(jobs.start(asked(steps=4, eval_problems=500, eval_samples=16)), "finished")
    assert progress(job).evaluated == 500
    done = progress(still_evaluating(job, steps=4))
    assert done.evaluated == 32
    assert done.seconds_left == pytest.approx(2.0 * 468 * 16 / 512)  # 468 problems x 16 solutions, 2 s for 64 x 8
    assert progress(still_evaluating(job, steps=5)).evaluated == 0  # a validation on the way is not the evaluation
    write_progress(job.folder / "run", StageProgress("train", 4, 4))
    assert progress(still_evaluating(job, steps=4)).evaluated == 0


def test_a_run_of_an_earlier_version_has_no_progress_file_and_shows_all_the_same(stand_in):
    job = wait_for(jobs.start(asked(steps=4)), "finished")
    (job.folder / "run" / "progress.json").unlink()
    assert progress(job).evaluated == job.settings.eval_problems
    assert progress(still_evaluating(job, steps=4)).evaluated == 0


def test_a_second_run_is_refused_while_one_is_live(stand_in):
    job = jobs.start(asked(steps=30))
    with pytest.raises(InputError, match="LaSeR run 1 is still running"):
        jobs.start(asked())
    with pytest.raises(InputError, match="stop it first"):
        jobs.remove(job)
    jobs.stop(job, at_once=True)
    wait_for(job, "stopped")
    second = jobs.start(asked(method="grpo"))
    assert second.name == "GRPO run 2"
    with pytest.raises(InputError, match="GRPO run 2 is still running"):
        jobs.resume(job)


def test_of_two_sessions_that_start_at_once_one_wins(stand_in):
    outcomes = []

    def go() -> None:
        try:
            outcomes.append(jobs.start(asked(steps=30)).key)
        except InputError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1
    assert len(jobs.all_jobs()) == 1


def test_another_server_sees_the_run_and_can_stop_it(stand_in):
    job = wait_for(jobs.start(asked(steps=60)), "training")
    code = "from laser_core.jobs import jobs; j, = jobs.all_jobs(); print(j.state); jobs.stop(j)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "training"
    wait_for(job, "stopped")


def test_a_pid_that_now_belongs_to_somebody_else_is_left_alone(stand_in):
    job = wait_for(jobs.start(asked(steps=30)), "training")
    jobs.stop(job, at_once=True)
    wait_for(job, "stopped")
    (job.folder / "process.json").write_text(json.dumps({"pid": os.getpid(), "stop_asked": False}))
    assert jobs.find(job.key).state == "failed"
    jobs.stop(job)  # would interrupt this very test
    jobs.stop(job, at_once=True)  # and this would end it
    jobs.remove(job)


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        (1, "field 'z_token': 'a b' is 3 tokens, not one. To fix it: choose a single token."),
        (2, "It crashed with “MemoryError: no room”."),
        (3, "Its process disappeared without an error message: the machine was switched off, or out of memory."),
    ],
)
def test_a_failed_run_says_why_in_words(stand_in, seed, message):
    job = wait_for(jobs.start(asked(seed=seed)), "failed")
    assert job.message == message


def test_a_run_stopped_before_its_first_word_starts_again(stand_in):
    job = jobs.start(asked())
    jobs.stop(job, at_once=True)
    wait_for(job, "stopped")
    for name in ("config.toml", "events.jsonl"):
        (job.folder / "run" / name).unlink(missing_ok=True)
    wait_for(jobs.resume(job), "finished")


def test_what_is_no_run_is_passed_over(stand_in):
    (stand_in / "runs" / "holiday photos").mkdir(parents=True)
    damaged = stand_in / "runs" / "damaged"
    damaged.mkdir()
    (damaged / "job.json").write_text("{")
    assert jobs.all_jobs() == []
    with pytest.raises(InputError, match="no such run"):
        jobs.find("damaged")


def test_a_line_still_being_written_is_not_an_event(stand_in):
    job = wait_for(jobs.start(asked()), "finished")
    with job.events.open("a") as file:
        file.write('{"step": 3, "rew')
    assert progress(job).steps == 3


def test_none_of_the_helpers_of_the_app_imports_torch():
    code = "import sys, laser_core.jobs.jobs, laser_core.jobs.progress, laser_core.playground.session\n"
    code += "import laser_core.analysis.closed_form\n"
    code += "assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(("variable", "obeys"), [("1", "True"), ("", "False")])
def test_a_run_can_be_stopped_where_its_server_cannot_be_interrupted(variable, obeys):
    """As under ``nohup streamlit run ... &`` in a script: children inherit that SIGINT is ignored."""
    inner = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); import subprocess; "
    inner += "sys.exit(subprocess.call([sys.executable, '-c', sys.argv[1]]))"
    probe = "import runpy, signal, laser_core.cli as cli\n"
    probe += "assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN\n"
    probe += "cli.main = lambda: print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)\n"
    probe += "runpy.run_module('laser_core', run_name='__main__')"
    environment = child_environment(**{INTERRUPTIBLE: variable})
    done = subprocess.run(
        [sys.executable, "-c", inner, probe], capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.stdout.strip() == obeys, done.stderr


def test_a_run_is_started_as_one_that_can_be_stopped(stand_in):
    job = jobs.start(asked(steps=30))
    wait_for(job, "training")
    record = json.loads((job.folder / "process.json").read_text())
    assert psutil.Process(record["pid"]).environ()[INTERRUPTIBLE] == "1"


@pytest.mark.parametrize(("cores", "threads"), [(8, "7"), (2, "1"), (1, "1"), (None, "1")])
def test_a_run_leaves_a_core_to_the_page_that_shows_it(monkeypatch, cores, threads):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(jobs.os, "cpu_count", lambda: cores)
    assert jobs._threads() == {"OMP_NUM_THREADS": threads}
    monkeypatch.setenv("OMP_NUM_THREADS", "6")
    assert jobs._threads() == {}
