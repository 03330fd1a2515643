"""Tasks are run once, and their results come in order."""

import os
import re
import signal
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import joblib
import pytest

from skdistill.jobs.memory import Memory
from skdistill.jobs.runner import run_or_recall


class Task:
    """A call that counts how often it is made."""

    def __init__(self, result):
        self.result = result
        self.n_runs = 0

    def __call__(self):
        self.n_runs += 1
        return self.result


def run(tasks, memory=None, keys=None, **params):
    keys = [None] * len(tasks) if keys is None else keys
    labeled = {f"task {k}": task for k, task in enumerate(tasks)}
    return run_or_recall(labeled, keys, memory, what="tasks", **params)


def test_results_come_in_the_order_of_the_tasks():
    assert run([Task(k) for k in range(5)]) == [0, 1, 2, 3, 4]


def test_what_is_known_is_recalled_and_the_others_are_run(tmp_path):
    memory, tasks = Memory(tmp_path), [Task("a"), Task("b")]
    keys = [memory.key("a"), memory.key("b")]

    assert run(tasks[1:], memory, keys[1:]) == ["b"]
    assert run(tasks, memory, keys) == ["a", "b"]
    assert [task.n_runs for task in tasks] == [1, 1]


def test_a_task_without_a_key_is_run_each_time(tmp_path):
    task = Task("a")

    for _ in range(2):
        run([task], Memory(tmp_path), [None])

    assert task.n_runs == 2
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_tasks_are_run_although_their_results_cannot_be_kept(tmp_path):
    (tmp_path / "file").touch()
    memory, tasks = Memory(tmp_path), [Task("a"), Task("b")]
    memory.folder = tmp_path / "file"  # in which nothing can be put

    with pytest.warns(UserWarning, match="is not used"):
        results = run(tasks, memory, [memory.key("a"), memory.key("b")])

    assert results == ["a", "b"]
    assert "Error" in memory.problem


def test_progress_names_the_tasks_that_were_run(tmp_path, capsys):
    memory, tasks = Memory(tmp_path), [Task("a"), Task("b")]
    keys = [memory.key("a"), memory.key("b")]
    run(tasks[:1], memory, keys[:1])

    run(tasks, memory, keys, verbose=1)

    assert "tasks: 1 done in" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_backend_that_returns_all_at_once_has_its_progress_told_at_the_end(capsys):
    tasks = {f"task {k}": partial(divmod, k, 2) for k in range(3)}
    how = {"n_jobs": 2, "verbose": 1, "forecast": lambda left: f"{left:.0f} s left"}

    with joblib.parallel_config("multiprocessing"):
        results = run_or_recall(tasks, [None] * 3, None, what="tasks", **how)

    first, last = capsys.readouterr().out.splitlines()
    assert results == [(0, 0), (0, 1), (1, 0)]
    assert first == "0 s left"
    assert last.startswith("tasks: 3 done in")


def logged(log, mark):
    """Note that it is run, whichever process does it."""
    with open(log, "a") as file:
        file.write(mark)
    return mark


def killed(own_process):
    """End the worker as a system does that is out of memory."""
    assert os.getpid() != own_process
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_killed_worker_is_told_with_what_it_ran_and_what_is_kept(tmp_path):
    memory, log = Memory(tmp_path / "memory"), tmp_path / "log"
    tasks = {mark: partial(logged, log, mark) for mark in "abc"}
    fatal = {**tasks, "rf, fold 2 of 5": partial(killed, os.getpid())}
    keys = [memory.key(label) for label in fatal]

    with pytest.raises(BrokenProcessPool, match=r"running were .*'rf, fold 2 of 5'") as told:
        run_or_recall(fatal, keys, memory, what="tasks", n_jobs=2)
    kept = int(re.search(r"memory in .*memory' keeps (\d) of 4 results", str(told.value))[1])

    assert kept >= 2  # the fourth task began when a worker had finished two, or both one each
    assert run_or_recall(tasks, keys[:3], memory, what="tasks") == ["a", "b", "c"]
    assert 3 <= len(Path(log).read_text()) <= 3 + 3 - kept


def broken():
    raise BrokenProcessPool("gone")


def test_without_memory_a_broken_pool_is_told_with_what_would_keep_results():
    with pytest.raises(BrokenProcessPool, match=r"Set memory to a folder, .*: gone"):
        run_or_recall({"rf": broken}, [None], None, what="tasks")


def test_tasks_are_run_where_no_file_can_tell_that_they_are(monkeypatch):
    monkeypatch.setattr("tempfile.mkdtemp", lambda *args, **kwargs: (_ for _ in ()).throw(OSError))

    assert run([Task("a")]) == ["a"]
