"""A child that answers, prints, dawdles, dies, is forked or is left alone."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys

import pytest

from laser_core.processes import Child, Pool, child_environment

ECHO = """
import os, time
from laser_core.processes import serve

def answer(request, reply):
    print("a library that prints")
    time.sleep(request.get("sleep", 0))
    for number in range(request.get("replies", 1)):
        reply({"text": request.get("text"), "number": number, "pid": os.getpid()})
    if request.get("die"):
        os._exit(3)

serve(answer)
"""


@pytest.fixture
def echo(tmp_path, monkeypatch):
    """Starts children that send back what they are sent."""
    (tmp_path / "echo_child.py").write_text(ECHO)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    return lambda: Child("echo_child")


def test_a_request_may_have_several_replies_and_what_is_printed_is_none_of_them(echo):
    child = echo()
    child.send({"text": "x", "replies": 3})
    assert [child.receive(seconds=30)["number"] for _ in range(3)] == [0, 1, 2]
    assert child.ask({"text": "½ \ud800\n"}, seconds=30)["text"] == "½ \ud800\n"
    child.close()


def test_a_child_that_is_late_is_killed(echo):
    child = echo()
    child.ask({}, seconds=30)
    with pytest.raises(TimeoutError):
        child.ask({"sleep": 60}, seconds=0.2)
    assert child.process.poll() is not None
    with pytest.raises(ChildProcessError):
        child.ask({}, seconds=30)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="a process cannot be stopped by a signal here")
def test_a_worker_that_is_stuck_is_killed(echo):
    """A child may be in a place where no time limit of its own reaches it: then the parent's ends it."""
    child = echo()
    os.kill(child.process.pid, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        child.ask({}, seconds=0.5)
    assert child.process.poll() is not None


def test_a_child_that_dies_is_reported_after_its_last_reply(echo):
    child = echo()
    assert child.ask({"die": True}, seconds=30)["number"] == 0
    with pytest.raises(ChildProcessError):
        child.receive(seconds=30)
    assert not child.alive


def test_a_pool_keeps_what_works_and_replaces_what_died(echo):
    pool = Pool(echo)
    with pool.borrowed() as first, pool.borrowed() as second:
        assert first is not second
    with pool.borrowed() as again:
        assert again in (first, second)
    for child in (first, second):
        child.process.kill()
        child.process.wait()
    with pool.borrowed() as new:
        assert new.ask({"text": "alive"}, seconds=30)["text"] == "alive"
    assert pool.idle == [new]


def test_a_child_whose_request_was_abandoned_serves_nobody_else(echo):
    pool, used = Pool(echo), []

    def leave_in_the_middle():
        with pool.borrowed() as child:
            used.append(child)
            child.send({"text": "nobody waits for this"})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave_in_the_middle()
    assert used[0].process.poll() is not None
    assert pool.idle == []


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork here")
def test_a_fork_starts_its_own_children_and_leaves_its_parents_alone(echo):
    pool = Pool(echo)
    with pool.borrowed() as child:
        parents = child.ask({}, seconds=30)["pid"]
    read, write = os.pipe()
    fork = os.fork()
    if fork == 0:
        with pool.borrowed() as child:
            own = child.ask({}, seconds=30)["pid"]
        child.close()
        os.write(write, f"{own}".encode())
        del child
        pool.idle.clear()
        gc.collect()  # the copies of the parent's children go, and nothing happens to these
        os._exit(0)
    os.waitpid(fork, 0)
    assert int(os.read(read, 100)) != parents
    with pool.borrowed() as child:
        assert child.ask({}, seconds=30)["pid"] == parents


def test_a_child_ends_with_its_object(echo):
    child = echo()
    process = child.process
    del child
    gc.collect()
    assert process.poll() is not None


@pytest.mark.parametrize("ending", ["", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_child_ends_with_its_parent_however_that_ends(echo, ending):
    code = "import sys; from laser_core.processes import Child; child = Child('echo_child')\n"
    code += f"print(child.ask({{}}, seconds=30)['pid'], flush=True)\n{ending}"
    parent = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, timeout=60, env=child_environment()
    )
    import psutil

    pid = int(parent.stdout)
    if psutil.pid_exists(pid):
        psutil.wait_procs([psutil.Process(pid)], timeout=30)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_ctrl_c_is_for_the_parent_alone(echo):
    """A terminal sends it to the whole group; a step under way still needs its answers verified."""
    child = echo()
    child.ask({}, seconds=30)
    child.process.send_signal(signal.SIGINT)
    assert child.ask({"text": "still here"}, seconds=30)["text"] == "still here"
    child.close()


def test_a_child_finds_the_package_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    code = "import laser_core, os; print(os.environ['EXTRA'])"
    command = [sys.executable, "-c", code]
    environment = child_environment(EXTRA="here")
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "here", done.stderr
