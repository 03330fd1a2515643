"""What was computed once is found again, and only that."""

import os
import signal
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import Callback

from skdistill import TeacherEnsemble
from skdistill.jobs.memory import Absent, Memory
from skdistill.transfer.munge import Munge
from tests.small import (
    ENOUGH_ROWS,
    LoggedTree,
    fits_in,
    logged_classifier,
    mixed_table,
    numeric_rows,
    quick_classifier,
    quick_student,
)


class Stopped(LoggedTree):
    """One that is stopped while a file says so."""

    def fit(self, X, y, sample_weight=None):
        if Path(f"{self.log}.stop").exists():
            raise KeyboardInterrupt
        return super().fit(X, y, sample_weight)


def entries(folder):
    return sorted(path for path in Path(folder).rglob("*") if path.is_file())


GRID = {"alpha": [0.2, 0.8], "temperature": [1.0, 2.0], "student__lr": [0.001, 0.01, 0.05]}


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("keep_teachers", [False, True])
def test_twelve_candidates_and_three_splits_fit_each_teacher_once_a_fold(
    log, tmp_path, n_jobs, keep_teachers
):
    X, y = numeric_rows()
    student = quick_student(max_epochs=1)
    clf = logged_classifier(
        log, student=student, memory=tmp_path / "memory", keep_teachers=keep_teachers
    )

    search = GridSearchCV(clf, GRID, cv=3, n_jobs=n_jobs, refit=False, error_score="raise")
    search.fit(X, y)

    assert len(search.cv_results_["params"]) == 12
    times = (2 + keep_teachers) * 3
    assert fits_in(log) == {"a": times, "b": times}


@pytest.mark.parametrize(
    ("table", "augmenter"), [(numeric_rows, None), (numeric_rows, "munge"), (mixed_table, None)]
)
def test_the_second_fit_is_the_first_without_a_teacher(log, tmp_path, table, augmenter):
    X, y = table(ENOUGH_ROWS)
    if not isinstance(X, np.ndarray):
        X = X[["age", "children", "member"]].fillna(0).astype(float)
    student = quick_student(max_epochs=1, batch_size=256)
    params = {"student": student, "alpha": "auto", "augmenter": augmenter, "keep_teachers": True}
    plain = logged_classifier(log, **params).fit(X, y)

    first = logged_classifier(log, memory=tmp_path / "memory", **params).fit(X, y)
    before = fits_in(log)
    second = logged_classifier(log, memory=tmp_path / "memory", **params).fit(X.copy(), y.copy())

    assert fits_in(log) == before
    assert len(plain.candidates_) == 2
    for clf in (first, second):
        assert_array_equal(clf.predict_proba(X), plain.predict_proba(X))
        assert_array_equal(clf.teacher_.predict_proba(X), plain.teacher_.predict_proba(X))
        assert clf.history_ == plain.history_
        assert clf.candidates_ == plain.candidates_


@pytest.mark.parametrize(
    "params",
    [
        {"alpha": 0.9},
        {"alpha": "auto"},
        {"temperature": 3.0},
        {"weights": None},
        {"weights": [3, 1]},
        {"combination": "geometric"},
        {"student": quick_student(lr=0.1)},
        {"n_jobs": 2},
    ],
    ids=lambda params: "".join(params),
)
def test_what_only_the_student_sees_costs_no_teacher(log, tmp_path, params):
    X, y = numeric_rows()
    params = {"augmenter": "munge", "memory": tmp_path / "memory"} | params
    alone = logged_classifier(log, **params | {"memory": None}).fit(X, y)
    logged_classifier(log, **params | {"alpha": 0.1}).fit(X, y)
    before = fits_in(log)

    found = logged_classifier(log, **params).fit(X, y)

    assert fits_in(log) == before
    assert_array_equal(found.predict_proba(X), alone.predict_proba(X))


def changed(X, y, what):
    """(X, y, sample_weight), one of them a little different."""
    X, y, weight = X.copy(), y.copy(), np.ones(len(y))
    if what == "a value":
        X[7, 2] += 1e-9
    elif what == "a label":
        y[7] = (y[7] + 1) % 3
    elif what == "a weight":
        weight[7] = 2
    elif what == "the names of labels":
        y = y + 10
    return X, y, weight


@pytest.mark.parametrize("what", ["a value", "a label", "a weight", "the names of labels"])
def test_other_rows_are_other_work(log, tmp_path, what):
    X, y = numeric_rows()
    clf = logged_classifier(log, memory=tmp_path).fit(*changed(X, y, None))

    clf.fit(*changed(X, y, what))

    assert fits_in(log) == {"a": 4, "b": 4}


@pytest.mark.parametrize(
    "params",
    [{"random_state": 1}, {"cv": KFold(2)}, {"augmenter": "munge"}, {"a__max_depth": 3}],
    ids=lambda params: "".join(params),
)
def test_other_parameters_are_other_work(log, tmp_path, params):
    X, y = numeric_rows()
    clf = logged_classifier(log, "a", memory=tmp_path).fit(X, y)

    clf.set_params(**params).fit(X, y)

    # Synthetic rows are labeled by a teacher fitted on all rows, too.
    assert fits_in(log) == {"a": 5 if "augmenter" in params else 4}


def test_another_teacher_costs_its_own_folds_only(log, tmp_path):
    X, y = numeric_rows()
    logged_classifier(log, "abcde", memory=tmp_path).fit(X, y)

    logged_classifier(log, "abcdef", memory=tmp_path).fit(X, y)

    assert fits_in(log) == dict.fromkeys("abcdef", 2)


def test_a_dropped_teacher_leaves_the_others_known(log, tmp_path):
    X, y = numeric_rows()
    clf = logged_classifier(log, memory=tmp_path).fit(X, y)

    clf.set_params(a="drop").fit(X, y)

    assert fits_in(log) == {"a": 2, "b": 2}


@pytest.mark.parametrize("library", ["skdistill", "sklearn"])
def test_another_version_of_a_library_is_other_work(log, tmp_path, monkeypatch, library):
    X, y = numeric_rows()
    clf = logged_classifier(log, "a", memory=tmp_path).fit(X, y)

    monkeypatch.setattr(sys.modules[library], "__version__", "99.0")
    clf.fit(X, y)

    assert fits_in(log) == {"a": 4}


def test_a_fit_that_was_stopped_goes_on_where_it_was(log, tmp_path):
    X, y = numeric_rows()
    teachers = [("a", LoggedTree(log, "a")), ("b", Stopped(log, "b"))]
    clf = quick_classifier(teachers, memory=tmp_path / "memory")
    Path(f"{log}.stop").touch()

    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert not [name for name in vars(clf) if name in ("classes_", "student_")]
    Path(f"{log}.stop").unlink()
    clf.fit(X, y)

    assert fits_in(log) == {"a": 2, "b": 2}


def test_nothing_is_written_without_memory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, y = numeric_rows()

    quick_classifier(augmenter="munge", keep_teachers=True).fit(X, y)

    assert entries(tmp_path) == []


@pytest.mark.parametrize("kind", [str, Path, joblib.Memory], ids=lambda kind: kind.__name__)
def test_memory_is_a_path_or_joblibs(log, tmp_path, kind):
    X, y = numeric_rows()
    memory = kind(tmp_path / "m") if kind is not joblib.Memory else kind(tmp_path / "m", verbose=0)
    clf = logged_classifier(log, "a", memory=memory)

    clone(clf.fit(X, y)).fit(X, y)

    assert fits_in(log) == {"a": 2}


def test_clearing_joblibs_memory_clears_ours(log, tmp_path):
    X, y = numeric_rows()
    memory = joblib.Memory(tmp_path, verbose=0)
    clf = logged_classifier(log, "a", memory=memory).fit(X, y)

    memory.clear(warn=False)
    clf.fit(X, y)

    assert fits_in(log) == {"a": 4}


def test_a_memory_that_goes_nowhere_keeps_nothing(log):
    X, y = numeric_rows()
    clf = logged_classifier(log, "a", memory=joblib.Memory(None))

    clf.fit(X, y).fit(X, y)

    assert fits_in(log) == {"a": 4}


@pytest.mark.parametrize(
    "estimator", [quick_classifier(), TeacherEnsemble(cv=2)], ids=["classifier", "ensemble"]
)
def test_a_memory_of_another_type_is_refused(estimator):
    with pytest.raises((ValueError, TypeError), match=r"memory.* must be None.*Memory"):
        clone(estimator).set_params(memory=3).fit(*numeric_rows())


def test_the_teachers_alone_have_a_memory_too(log, tmp_path):
    X, y = numeric_rows()
    ensemble = TeacherEnsemble(LoggedTree(log, "a"), cv=2, memory=tmp_path / "memory")

    first = ensemble.fit(X, y).predict_proba(X)
    second = clone(ensemble).fit(X, y).predict_proba(X)

    assert fits_in(log) == {"a": 3}
    assert_array_equal(first, second)


def test_no_random_state_is_zero_where_there_is_memory(log, tmp_path):
    X, y = numeric_rows()
    unseeded = logged_classifier(log, "a", memory=tmp_path / "memory", random_state=None).fit(X, y)
    before = fits_in(log)

    seeded = logged_classifier(log, "a", memory=tmp_path / "memory", random_state=0).fit(X, y)

    assert fits_in(log) == before
    assert_array_equal(unseeded.predict_proba(X), seeded.predict_proba(X))


def test_a_generator_as_random_state_is_told_and_nothing_is_kept(log, tmp_path):
    X, y = numeric_rows()
    rng = np.random.RandomState(0)

    with pytest.warns(UserWarning, match="random_state is a generator") as told:
        logged_classifier(log, "a", memory=tmp_path / "memory", random_state=rng).fit(X, y)

    assert len(told) == 1
    assert not (tmp_path / "memory").exists()


def test_a_teacher_that_cannot_be_hashed_is_told_and_the_others_are_kept(log, tmp_path):
    X, y = numeric_rows()
    strange = make_pipeline(FunctionTransformer(lambda X: X), LoggedTree(log, "strange"))
    clf = quick_classifier([("strange", strange), ("b", LoggedTree(log, "b"))], memory=tmp_path)

    for _ in range(2):
        with pytest.warns(UserWarning, match="not used for teacher 'strange'.*lambda") as told:
            clf.fit(X, y)
        assert len(told) == 1

    assert fits_in(log) == {"strange": 4, "b": 2}


def test_a_student_with_callbacks_is_trained_each_time(tmp_path):
    X, y = numeric_rows()
    ends = []

    class Count(Callback):
        def on_train_end(self, net, X=None, y=None, **kwargs):
            ends.append(1)

    clf = quick_classifier(student=quick_student(callbacks=[Count]), memory=tmp_path)

    clf.fit(X, y).fit(X, y)

    assert len(ends) == 2


def test_an_unwritable_folder_is_told_once_and_the_fit_goes_on(log, tmp_path):
    X, y = numeric_rows()
    (tmp_path / "file").touch()  # the superuser may write to any folder, but not to a file

    with pytest.warns(UserWarning, match="is not used: .*Give a folder") as told:
        clf = logged_classifier(log, "a", memory=tmp_path / "file" / "memory").fit(X, y)

    assert len(told) == 1
    assert clf.predict(X).shape == (60,)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_full_disk_is_told_once_and_the_fit_goes_on(log, tmp_path, n_jobs):
    X, y = numeric_rows()
    folder = tmp_path / "skdistill"
    folder.mkdir()
    for number in range(256):  # where entries would go, nothing can be put
        (folder / f"{number:02x}").touch()
    clf = logged_classifier(log, augmenter="munge", memory=tmp_path, n_jobs=n_jobs)

    with pytest.warns(UserWarning, match="is not used: ") as told:
        clf.fit(X, y)

    assert len(told) == 1
    assert fits_in(log) == {"a": 3, "b": 3}


def truncated(content):
    return content[: len(content) // 2]


def flipped(content):
    return content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]


@pytest.mark.parametrize(
    "damage", [truncated, flipped, lambda _: b"", lambda _: b"\x80\x04N."],
    ids=["half", "a bit", "empty", "foreign"],
)  # fmt: skip
def test_a_damaged_entry_is_made_anew(log, tmp_path, damage):
    X, y = numeric_rows()
    memory = tmp_path / "memory"
    clf = logged_classifier(log, "a", memory=memory).fit(X, y)
    before = clf.predict_proba(X)
    for entry in entries(memory):
        entry.write_bytes(damage(entry.read_bytes()))

    clf.fit(X, y)
    assert fits_in(log) == {"a": 4}
    assert_array_equal(clf.predict_proba(X), before)
    clf.fit(X, y)  # and is whole again
    assert fits_in(log) == {"a": 4}


def test_an_entry_under_another_ones_name_is_not_taken(tmp_path):
    memory = Memory(tmp_path)
    one, other = memory.key("one"), memory.key("other")
    memory.remember(one, lambda: 1)
    path = memory._path(other)
    path.parent.mkdir(exist_ok=True)
    memory._path(one).rename(path)

    assert memory.recall(other) is Absent.MISSING


def test_a_failed_computation_leaves_nothing(tmp_path):
    memory = Memory(tmp_path)

    with pytest.raises(ZeroDivisionError):
        memory.remember(memory.key("one"), lambda: 1 / 0)

    assert entries(tmp_path) == []
    assert memory.remember(memory.key("one"), lambda: 2) == 2


HOLD = """
    import sys
    from skdistill.jobs.memory import Memory

    def hold():
        print("held", flush=True)
        sys.stdin.readline()
        return "theirs"

    memory = Memory(sys.argv[1])
    memory.remember(memory.key("piece"), hold)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that is computing a piece, until it reads a line."""
    command = [sys.executable, "-c", textwrap.dedent(HOLD), str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


needs_locks = pytest.mark.skipif(os.name == "nt", reason="Windows has no flock")


@needs_locks
def test_a_piece_that_another_computes_is_waited_for(holder, tmp_path):
    memory = Memory(tmp_path)
    key = memory.key("piece")

    assert memory.remember(key, lambda: "ours", wait=False) is Absent.BUSY
    holder.stdin.write("\n")
    holder.stdin.flush()

    assert memory.remember(key, lambda: "ours") == "theirs"


@needs_locks
def test_nobody_waits_for_a_writer_that_was_killed(holder, tmp_path):
    memory = Memory(tmp_path)
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    assert memory.remember(memory.key("piece"), lambda: "ours") == "ours"
    assert entries(tmp_path) == [memory._path(memory.key("piece"))]


@needs_locks
def test_threads_compute_a_piece_once(tmp_path):
    memory, made = Memory(tmp_path), []

    def make():
        made.append(1)
        return len(made)

    key = memory.key("piece")
    results = joblib.Parallel(4, prefer="threads")(
        joblib.delayed(memory.remember)(key, make) for _ in range(20)
    )

    assert results == [1] * 20
    assert entries(tmp_path) == [memory._path(key)]


def test_an_augmenters_rows_are_drawn_once(tmp_path, monkeypatch):
    X, y = numeric_rows()
    clf = quick_classifier(augmenter="munge", memory=tmp_path).fit(X, y)
    monkeypatch.setattr(Munge, "sample", None)  # would fail

    assert clf.set_params(alpha=0.1).fit(X, y).predict(X).shape == (60,)


def test_a_memory_does_not_warn_where_all_is_well(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick_classifier(memory=tmp_path).fit(*numeric_rows())
