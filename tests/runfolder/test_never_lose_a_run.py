"""Killed, stopped, starved, damaged: what is saved stays, and the user is told in one line what to do."""

import json
import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from laser_core import algorithm, reference
from laser_core import train as training
from laser_core.config import LaserConfig
from laser_core.errors import InputError, RunError
from laser_core.rollouts import read
from laser_core.runfolder import guards
from laser_core.runfolder.folder import RunFolder
from laser_core.runfolder.guards import Interrupted
from laser_core.train import Progress, train
from tests.factories import TIMING, events, tiny_run

ROOT = Path(__file__).parents[2]


def small(tiny_folder, **changes):
    settings = {
        "prompts_per_step": 4,
        "max_new_tokens": 30,
        "eval_problems": 40,
        "eval_samples": 2,
        "eval_every": 2,
        "c_ref": -9.0,
        "reasoning_warmup": 0,  # the model solves nothing: it is the score loss that moves it
        "self_reward_warmup": 1,
    }
    return tiny_run(tiny_folder, **(settings | changes))


def same_run(one, other):
    assert events(one) == events(other)
    for file in ("rollouts.parquet", "validation-2.parquet"):
        assert read(one / file).rollouts.table.equals(read(other / file).rollouts.table)
    for mine, its in zip(weights(one), weights(other), strict=True):
        assert torch.equal(mine, its)


def weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model" / "model.safetensors").values()


@pytest.fixture(scope="module")
def whole(tiny_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(small(tiny_folder), folder)
    losses = [event["score_loss"] for event in events(folder)]
    assert len(set(losses)) == 4  # it moves: equal curves and weights mean something
    return folder


# Counts the calls to what writes and what computes, and ends itself without warning at the one it was told.
KILLER = """
import json, os, signal, sys
import torch
torch.set_num_threads(int(sys.argv[4]))
from laser_core import evaluate, step, train
from laser_core.runfolder import checkpoints, folder
from laser_core.config import LaserConfig
config, out, moments = LaserConfig.from_toml(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
calls = [0]

def counted(module, name):
    real = getattr(module, name)
    def wrapper(*a, **k):
        calls[0] += 1
        if calls[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*a, **k)
    setattr(module, name, wrapper)

for module, name in (
    (step, "generate"), (evaluate, "generate"), (torch, "save"), (os, "replace"), (os, "fsync"),
    (folder.RunFolder, "log"), (folder.RunFolder, "save_model"), (train, "write_parquet"),
    (checkpoints.Checkpoints, "_list"), (torch.optim.AdamW, "step"), (folder, "write_whole"),
):
    counted(module, name)
for at in moments:  # each in a child of its own, which shares what was imported
    calls[0] = 0
    child = os.fork()
    if child == 0:
        try:
            train.train(config, out, resume=os.path.exists(out + "/config.toml"))
        except BaseException:
            import traceback; traceback.print_exc(); os._exit(3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status), flush=True)
"""


def killed_at(config, out, moments, tmp_path):
    (tmp_path / "killed.toml").write_text(config.to_toml())
    arguments = [tmp_path / "killed.toml", out, json.dumps(moments), torch.get_num_threads()]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", KILLER, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()], done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_random_moments_a_run_ends_as_if_nothing_had_happened(whole, tiny_folder, tmp_path):
    # Every third moment comes early, so that a resumed run is killed while it catches up; the last ones come late: in
    # the final checkpoint, the saving of the model, and the evaluation. 0 lets the run finish.
    draw = random.Random(20261121)
    moments = [draw.randint(1, 25 if i % 3 else 8) for i in range(12)] + [draw.randint(4, 14) for _ in range(6)] + [0]
    statuses, said = killed_at(small(tiny_folder), tmp_path / "run", moments, tmp_path)
    assert statuses.count(signal.SIGKILL) >= 8, (statuses, said)
    assert statuses[-1] == 0, said
    assert set(statuses) <= {0, signal.SIGKILL}, said
    same_run(whole, tmp_path / "run")


@pytest.mark.parametrize(("stage", "at"), [("train", 2), ("train", 3), ("evaluate", 32)])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_with_a_checkpoint_of_the_step_reached(stage, at, number, whole, tiny_folder, tmp_path):
    config, sent = small(tiny_folder, checkpoint_every=0), []

    def press(progress):
        if (progress.stage, progress.done) == (stage, at) and not sent:
            sent.append(os.kill(os.getpid(), number))

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted) as stopped:
        train(config, tmp_path / "run", on_progress=press)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert stopped.value.signal == number
    assert stopped.value.step == (at if stage == "train" else 2)  # the evaluation on the way comes after step 2
    assert len(events(tmp_path / "run")) == stopped.value.step
    train(config, tmp_path / "run", resume=True)
    same_run(whole, tmp_path / "run")


def test_the_command_says_how_to_go_on_and_that_goes_on(whole, tiny_folder, tmp_path):
    (tmp_path / "run.toml").write_text(small(tiny_folder, steps=400, lr_decay=0.0).to_toml())
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    out = tmp_path / "a run"
    command = [sys.executable, "-m", "laser_core", "train", "--out", str(out)]
    process = subprocess.Popen(
        [*command, "--config", str(tmp_path / "run.toml"), "--name", "mine"],
        env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not (out / "checkpoints" / "index.json").exists():
        assert process.poll() is None, process.stderr.read()
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert f"laser train --resume --out '{out}'" in " ".join(said.split())
    step = len(events(out))
    more = subprocess.run(
        [*command, "--resume", "--set", f"steps={step + 1}"], env=environment, capture_output=True, text=True
    )
    assert more.returncode == 0, more.stderr
    assert len(events(out)) == step + 1
    assert read(out / "rollouts.parquet").rollouts.runs() == ["mine"]
    record = json.loads((out / "run.json").read_text())
    assert [session["from_step"] for session in record["sessions"]] == [0, step]
    assert record["sessions"][1]["changed"] == {"steps": [400, step + 1]}


# --- numbers that go astray ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e7])
def test_a_loss_that_goes_astray_stops_the_run_and_keeps_the_last_good_checkpoint(
    bad, whole, tiny_folder, tmp_path, monkeypatch
):
    real, calls = algorithm.policy_loss, []

    def poisoned(*arguments, **options):
        calls.append(1)
        return real(*arguments, **options) * (bad if len(calls) == 3 else 1.0) + (bad if len(calls) == 3 else 0.0)

    config = small(tiny_folder, micro_batch_tokens=10**6)
    monkeypatch.setattr(algorithm, "policy_loss", poisoned)
    with pytest.raises(
        RunError, match=r"at step 2 .*(finite|exploded).* the checkpoint after step 2 is kept.*lower lr"
    ):
        train(config, tmp_path / "run")
    monkeypatch.undo()
    assert len(events(tmp_path / "run")) == 2
    train(config, tmp_path / "run", resume=True)  # the fault is gone: the same curve as if it had never been
    assert events(whole)[:2] == events(tmp_path / "run")[:2]
    assert len(events(tmp_path / "run")) == 4


def test_weights_that_are_not_finite_are_never_saved(tiny, tmp_path):
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    with RunFolder.open(tmp_path / "run", LaserConfig()) as folder:
        folder.checkpoints.save(model, optimizer, {"step": 1})
        with torch.no_grad():
            model.bias[1] = float("nan")
        with pytest.raises(RunError, match=r"not finite \(bias\).*resume from step 1"):
            folder.checkpoints.save(model, optimizer, {"step": 2})
        assert folder.checkpoints.newest_step() == 1


def test_no_solution_that_ends_is_told_before_anything_is_computed(tiny_folder, tmp_path, monkeypatch):
    real = reference.generate
    cut = torch.ones(512, dtype=torch.bool)
    monkeypatch.setattr(reference, "generate", lambda *a, **k: replace(real(*a, **k), truncated=cut))
    with pytest.raises(InputError, match=r"max_new_tokens.*none of .* ends within 1 tokens"):
        train(small(tiny_folder, max_new_tokens=1, c_ref=None, prompts_per_step=1), tmp_path / "run")


def test_all_truncated_and_one_class_batches_train_on_and_are_told(tiny_folder, tmp_path):
    notes = []
    train(
        small(tiny_folder, max_new_tokens=1, prompts_per_step=1, eval_problems=1, steps=2, eval_every=0),
        tmp_path / "cut",
        on_progress=lambda p: notes.append(p.note),
    )
    assert any("cut off at max_new_tokens (1)" in note for note in notes)
    for event in events(tmp_path / "cut"):
        assert (event["completions/clipped_ratio"], event["score_loss"], event["loss"]) == (1.0, 0.0, 0.0)
        assert event["laser/auroc"] is None
        assert event["completions/mean_terminated_length"] is None


# --- disk and memory -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_and_the_last_checkpoint_stays(whole, tiny_folder, tmp_path, monkeypatch):
    run, real = tmp_path / "run", torch.save

    def full(content, file):
        if content["step"] == 3:  # /dev/full takes no byte: the third checkpoint gets the system's own error
            Path("/dev/full").write_bytes(b"x" * 10_000)
        real(content, file)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(RunError, match=r"step-000003\.pt: the disk is full.*free some space, then resume"):
        train(small(tiny_folder), run)
    monkeypatch.undo()
    assert sorted(p.name for p in (run / "checkpoints").iterdir()) == ["index.json", "step-000001.pt", "step-000002.pt"]
    train(small(tiny_folder), run, resume=True)
    same_run(whole, run)


def test_out_of_memory_names_what_to_lower_and_lowering_it_resumes(tiny_folder, tmp_path, monkeypatch):
    real = training.training_step

    def greedy(*arguments, step, **options):
        if step == 1:
            torch.empty(2**46)  # 256 TiB: the system's own refusal
        return real(*arguments, step=step, **options)

    monkeypatch.setattr(training, "training_step", greedy)
    with pytest.raises(RunError, match=r"out of memory.*micro_batch_tokens \(now 4096\)"):
        train(small(tiny_folder), tmp_path / "run")
    monkeypatch.undo()
    train(small(tiny_folder, micro_batch_tokens=256), tmp_path / "run", resume=True)
    assert len(events(tmp_path / "run")) == 4


def test_other_errors_are_not_taken_for_a_lack_of_memory(tmp_path):
    with pytest.raises(RuntimeError, match="shape"), guards.memory(LaserConfig(), folder=tmp_path):
        raise RuntimeError("shape mismatch")


# --- checkpoints -----------------------------------------------------------------------------------------------------


def half(tiny_folder, run):
    """A run stopped after step 3, with checkpoints of steps 2 and 3."""

    def stop(progress):
        if progress.done == 3 and progress.stage == "train":
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        train(small(tiny_folder), run, on_progress=stop)
    files = sorted((run / "checkpoints").glob("*.pt"))
    assert [f.name for f in files] == ["step-000002.pt", "step-000003.pt"]
    return files


@pytest.mark.parametrize("fault", ["flipped", "short", "gone", "foreign"])
def test_a_bad_checkpoint_is_passed_over_for_the_one_before(fault, whole, tiny_folder, tmp_path):
    _, newest = half(tiny_folder, tmp_path / "run")
    content = bytearray(newest.read_bytes())
    if fault == "flipped":
        content[len(content) // 2] ^= 1  # one bit, which torch.load does not notice
    newest.write_bytes(content[: len(content) // 2] if fault == "short" else content)
    if fault == "gone":
        newest.unlink()
    if fault == "foreign":
        newest.write_bytes((tmp_path / "run" / "config.toml").read_bytes())
    notes = []
    train(small(tiny_folder), tmp_path / "run", resume=True, on_progress=lambda p: notes.append(p.note))
    notes = [note for note in notes if note]
    assert "step-000003.pt" in notes[0]
    assert "resumed from step 2" in notes[0]
    same_run(whole, tmp_path / "run")


def test_with_no_good_checkpoint_the_run_says_so_and_changes_nothing(tiny_folder, tmp_path):
    for file in half(tiny_folder, tmp_path / "run"):
        file.write_bytes(b"nonsense")
    before = events(tmp_path / "run")
    with pytest.raises(RunError, match=r"no checkpoint can be used.*start another folder"):
        train(small(tiny_folder), tmp_path / "run", resume=True)
    assert events(tmp_path / "run") == before


def test_another_runs_checkpoint_is_not_taken(tiny_folder, tmp_path):
    half(tiny_folder, tmp_path / "mine")
    train(small(tiny_folder, alpha=0.7, eval_problems=1), tmp_path / "other")
    for file in (tmp_path / "other" / "checkpoints").iterdir():  # the index as well, so that all checksums are right
        (tmp_path / "mine" / "checkpoints" / file.name).write_bytes(file.read_bytes())
    with pytest.raises(RunError, match="belongs to another run"):
        train(small(tiny_folder), tmp_path / "mine", resume=True)


def test_a_checkpoint_cannot_run_code(tiny_folder, tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "owned"),))

    for file in half(tiny_folder, tmp_path / "run"):
        torch.save({"step": 3, "model": Evil(), "optimizer": {}}, file)
    (tmp_path / "run" / "checkpoints" / "index.json").write_text('[{"file": "step-000003.pt", "step": 3}]')
    with pytest.raises(RunError):
        train(small(tiny_folder), tmp_path / "run", resume=True)
    assert not (tmp_path / "owned").exists()


# --- settings and the folder -----------------------------------------------------------------------------------------


def test_changed_settings_are_named_and_steps_may_be_raised_but_not_below_what_is_done(tiny_folder, tmp_path):
    half(tiny_folder, tmp_path / "run")
    with pytest.raises(InputError, match=r"seed was 0, now 4; alpha was 0\.1, now 0\.2") as caught:
        train(small(tiny_folder, alpha=0.2, seed=4, steps=9), tmp_path / "run", resume=True)
    assert set(caught.value.field.split(", ")) == {"alpha", "seed"}
    with pytest.raises(InputError, match="done 3 steps already"):
        train(small(tiny_folder, steps=2), tmp_path / "run", resume=True)
    assert LaserConfig.from_toml(tmp_path / "run" / "config.toml") == small(tiny_folder)
    train(small(tiny_folder, steps=5), tmp_path / "run", resume=True)
    assert len(events(tmp_path / "run")) == 5


def test_two_processes_do_not_share_a_folder_and_a_dead_ones_lock_is_no_lock(tiny_folder, tmp_path):
    (tmp_path / "run").mkdir()
    holder = (
        "import sys; from filelock import FileLock; lock = FileLock(sys.argv[1]); lock.acquire()\n"
        "print('held', flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", holder, str(tmp_path / "run" / "run.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"held\n"
    (tmp_path / "run" / "running.json").write_text(json.dumps({"pid": process.pid}))
    with pytest.raises(InputError, match=rf"pid {process.pid}\) is using this folder"):
        train(small(tiny_folder, steps=1), tmp_path / "run")
    process.kill()
    process.communicate()
    train(small(tiny_folder, steps=1), tmp_path / "run")  # lock and pid files are still there


def test_a_run_says_what_it_was_made_with(whole, tiny_folder):
    record = json.loads((whole / "run.json").read_text())
    session = record["sessions"][0]
    assert session["versions"]["torch"] == torch.__version__
    assert {"python", "transformers", "laser_core"} <= session["versions"].keys()
    assert session["hardware"]["threads"] == torch.get_num_threads()
    assert session["hardware"]["dtype"] == "float32"
    assert session["hardware"]["memory_gib"] > 0
    assert {"cpu", "cores"} <= session["hardware"].keys()
    assert record["seed"] == 0
    assert record["config"]["c_ref"] == -9.0
    if (ROOT / ".git").exists():
        assert len(session["git"]["commit"]) == 40


def test_events_carry_the_promised_names(whole):
    promised = {"step", "reward", "loss", "score_loss", "balanced_f1", "within_problem_auroc", "entropy", "kl"}
    promised |= {"reward_std", "frac_reward_zero_std", "laser/auroc", "laser/c_ref_drift", "laser/log_z"}
    promised |= {f"completions/{n}_length" for n in ("mean", "min", "max", "mean_terminated")}
    promised |= {f"laser/{n}" for n in ("score_loss", "balanced_f1", "within_problem_auroc")}
    promised |= {f"clip_ratio/{n}_mean" for n in ("low", "high", "region")} | {"completions/clipped_ratio"}
    found = events(whole)
    assert all(promised <= event.keys() for event in found)
    assert found[0]["kl"] == pytest.approx(0.0, abs=1e-4)  # before the first update the policy is its reference
    assert found[-1]["kl"] > 1e-4


# --- trackers --------------------------------------------------------------------------------------------------------


def test_a_tracker_that_is_not_installed_is_named(tiny_folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)  # what an import of a missing package finds
    with pytest.raises(InputError, match=r"trackers.*wandb is not installed.*pip install wandb"):
        train(small(tiny_folder, trackers=("wandb",)), tmp_path / "run")


def test_tensorboard_gets_every_step_once_though_the_run_was_lost_on_the_way(tiny_folder, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="pip install -r requirements-dev.txt")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = small(tiny_folder, trackers=("tensorboard",), eval_problems=1, eval_every=0, checkpoint_every=2)
    real = training.training_step

    def fails_at_3(*arguments, step, **options):
        if step == 3:
            raise RuntimeError("lost")
        return real(*arguments, step=step, **options)

    with monkeypatch.context() as patch:
        patch.setattr(training, "training_step", fails_at_3)
        with pytest.raises(RuntimeError, match="lost"):
            train(config, tmp_path / "run")
    train(config, tmp_path / "run", resume=True)  # from the checkpoint after step 1: step 2 is run again
    found = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    lines = events(tmp_path / "run")
    assert {"reward", "reward_std", "loss", "laser/score_loss", "laser/c_ref_drift"} <= set(found.Tags()["scalars"])
    for name in found.Tags()["scalars"]:
        read_back = {s.step: s.value for s in found.Scalars(name)}
        if name not in TIMING:
            assert read_back == pytest.approx({e["step"]: e[name] for e in lines if e[name] is not None}), name
    assert [s.step for s in found.Scalars("reward")] == [0, 1, 2, 3]


def test_progress_without_a_note_says_nothing():
    assert Progress("train", 1, 2, {}).note == ""
