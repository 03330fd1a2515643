"""A memory whose folder, lock or disk makes trouble never ends or stops a fit."""

import os
import shutil
import subprocess
import sys
import textwrap

import joblib
import pytest
from sklearn.tree import DecisionTreeClassifier

from skdistill.jobs.memory import Memory
from tests.small import fits_in, full_disk, logged_classifier, numeric_rows, quick_classifier

FORK = """
    import os, sys
    from skdistill.jobs.memory import Memory

    def fork():
        if os.fork() == 0:  # a helper that lives as long as its standard input
            print("held", flush=True)
            sys.stdin.read()
            os._exit(0)
        os.wait()

    memory = Memory(sys.argv[1])
    memory.remember(memory.key("piece"), fork)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no flock")
def test_a_helper_of_a_teacher_does_not_keep_the_lock_of_a_killed_fit(tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(FORK), str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.wait()
    memory = Memory(tmp_path)

    assert memory.remember(memory.key("piece"), lambda: "ours", wait=False) == "ours"
    process.communicate()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
@pytest.mark.parametrize("suffix", ["", ".part"])
def test_a_pipe_in_the_place_of_an_entry_is_not_waited_for(tmp_path, suffix):
    memory = Memory(tmp_path)
    path = memory._path(memory.key("piece"))
    path.parent.mkdir()
    os.mkfifo(f"{path}{suffix}")

    assert memory.remember(memory.key("piece"), lambda: "ours") == "ours"


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_entries_belong_to_their_owner_alone(tmp_path):
    before = os.umask(0)
    try:
        quick_classifier(memory=tmp_path / "memory").fit(*numeric_rows())
    finally:
        os.umask(before)

    found = list((tmp_path / "memory" / "skdistill").rglob("*"))
    assert len(found) > 5
    assert not [path for path in found if path.stat().st_mode & 0o077]


def deleted(folder):
    shutil.rmtree(folder, ignore_errors=True)


def replaced(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.touch()


def unreadable(folder, monkeypatch):
    """As the superuser may read anything, the system refuses to look at a file."""
    real = os.stat

    def refuse(path, *args, **kwargs):
        if str(folder) in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "stat", refuse)


@pytest.mark.parametrize("happens", [deleted, replaced, unreadable])
def test_what_happens_to_the_folder_in_the_middle_of_a_fit_does_not_end_it(
    tmp_path, monkeypatch, happens
):
    folder = tmp_path / "skdistill"

    class Sabotage(DecisionTreeClassifier):
        def fit(self, X, y, sample_weight=None):
            happens(*[folder, monkeypatch][: happens.__code__.co_argcount])
            return super().fit(X, y, sample_weight)

    teachers = [("a", DecisionTreeClassifier()), ("b", Sabotage())]
    clf = quick_classifier(teachers, memory=tmp_path)

    with pytest.warns(UserWarning, match="is not used: ") as told:
        clf.fit(*numeric_rows())

    monkeypatch.undo()
    assert len(told) == 1
    assert hasattr(clf, "student_")


def test_results_that_do_not_fit_on_the_disk_are_told_once(tmp_path):
    clf = quick_classifier(memory=tmp_path)

    with full_disk(200), pytest.warns(UserWarning, match="is not used: .*too large") as told:
        clf.fit(*numeric_rows())

    assert len(told) == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_folder_that_is_deleted_between_two_fits_is_made_again(log, tmp_path):
    clf = logged_classifier(log, "a", memory=tmp_path / "memory").fit(*numeric_rows())
    shutil.rmtree(tmp_path / "memory")

    clf.fit(*numeric_rows()).fit(*numeric_rows())

    assert fits_in(log) == {"a": 4}


def test_threads_open_one_folder_at_a_time(tmp_path):
    memories = joblib.Parallel(8, prefer="threads")(
        joblib.delayed(Memory)(tmp_path / str(k // 8)) for k in range(80)
    )

    assert [memory.problem for memory in memories] == [None] * 80
