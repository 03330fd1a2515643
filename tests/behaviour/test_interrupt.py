"""Ctrl-C, a time limit, word of progress, and who may start workers."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback, EarlyStopping

from skdistill import NetClassifier, StudentMLP, TensorNet
from tests.small import ENOUGH_ROWS, encoded_tree, numeric_rows, quick_classifier, quick_student


class CtrlC(Callback):
    """Somebody presses it: at the end of an epoch, or at a batch within it."""

    def __init__(self, epoch=2, event="on_epoch_end"):
        self.epoch = epoch
        self.event = event

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        self.press("on_epoch_end", net)

    def on_batch_begin(self, net, batch=None, training=None, **kwargs):
        self.press("on_batch_begin", net)

    def press(self, event, net):
        if event == self.event and len(net.history) == self.epoch:
            raise KeyboardInterrupt


def interrupted(**when):
    return quick_student(max_epochs=20, callbacks=[("ctrl_c", CtrlC(**when))])


@pytest.mark.parametrize("event", ["on_epoch_end", "on_batch_begin"])
def test_a_student_that_is_interrupted_is_its_best_epoch_so_far(event):
    X, y = numeric_rows(200)

    with pytest.warns(UserWarning, match="interrupted in epoch 4 of 20") as told:
        clf = quick_classifier(student=interrupted(epoch=4, event=event)).fit(X, y)

    done = 4 if event == "on_epoch_end" else 3
    best = int(np.argmin([epoch["valid_loss"] for epoch in clf.history_[:done]])) + 1
    with pytest.warns(UserWarning, match="interrupted"):
        until_best = quick_classifier(student=interrupted(epoch=best)).fit(X, y)
    assert len(told) == 1
    assert_array_equal(clf.predict_proba(X), until_best.predict_proba(X))


def test_before_one_epoch_is_done_ctrl_c_leaves_a_clean_unfitted_classifier():
    X, y = numeric_rows()
    clf = quick_classifier().fit(X, y)
    clf.set_params(student=interrupted(epoch=1, event="on_batch_begin"))

    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)

    with pytest.raises(NotFittedError):
        clf.predict(X)
    assert not hasattr(clf, "history_")


def test_ctrl_c_while_alpha_is_chosen_leaves_a_clean_unfitted_classifier():
    X, y = numeric_rows(ENOUGH_ROWS)
    clf = quick_classifier(student=interrupted(epoch=2, event="on_batch_begin"), alpha="auto")

    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)

    with pytest.raises(NotFittedError):
        clf.predict(X)


def test_a_teacher_that_was_interrupted_does_not_teach():
    X, y = numeric_rows()
    half_trained = TensorNet(StudentMLP, max_epochs=20, callbacks=[("ctrl_c", CtrlC())])
    clf = quick_classifier([("net", NetClassifier(half_trained, random_state=0))])

    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)

    with pytest.raises(NotFittedError):
        clf.predict(X)


def test_early_stopping_of_ones_own_is_no_interruption():
    X, y = numeric_rows()
    stopping = EarlyStopping("train_loss", patience=2, threshold=1e9, threshold_mode="abs")
    net = TensorNet(StudentMLP, max_epochs=20, callbacks=[("stopping", stopping)])

    clf = quick_classifier([("net", NetClassifier(net))], quick_student(max_epochs=2)).fit(X, y)

    assert len(clf.history_) == 2  # and no warning, which would be an error


def test_an_interrupted_student_is_not_kept_in_memory(tmp_path, monkeypatch):
    X, y = numeric_rows(200)
    clf = quick_classifier(student=quick_student(max_epochs=6), memory=tmp_path)
    run_epoch = TensorNet.run_single_epoch

    def press(net, iterator, training, **kwargs):
        if len(net.history) == 3:
            raise KeyboardInterrupt
        return run_epoch(net, iterator, training, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(TensorNet, "run_single_epoch", press)
        with pytest.warns(UserWarning, match="interrupted"):
            clf.fit(X, y)

    assert len(clf.fit(X, y).history_) == 6


class Clock:
    """Seconds that pass when somebody looks."""

    def __init__(self, step):
        self.now, self.step = 0.0, step

    def __call__(self):
        self.now += self.step
        return self.now


def test_the_student_ends_with_the_epoch_in_which_the_time_is_over(monkeypatch):
    X, y = numeric_rows(200)
    clock = SimpleNamespace(monotonic=Clock(1.0))
    for module in ("jobs.clock", "nets.training"):
        monkeypatch.setattr(f"skdistill.{module}.time", clock)

    clf = quick_classifier(student=quick_student(max_epochs=50), max_time=20).fit(X, y)

    assert 1 <= len(clf.history_) < 20
    assert clf.predict(X).shape == (200,)


@pytest.mark.parametrize("alpha", [0.5, "auto"])
def test_where_the_teachers_used_up_the_time_the_student_gets_one_epoch(alpha):
    X, y = numeric_rows(ENOUGH_ROWS)

    with pytest.warns(UserWarning, match="max_time was over before the student") as told:
        clf = quick_classifier(encoded_tree(), alpha=alpha, max_time=1e-9).fit(X, y)

    assert len(told) == 1
    assert len(clf.history_) == 1


def test_a_student_that_ran_out_of_time_is_not_kept_in_memory(tmp_path):
    X, y = numeric_rows()
    clf = quick_classifier(memory=tmp_path, max_time=1e-9)
    with pytest.warns(UserWarning, match="max_time"):
        clf.fit(X, y)

    assert len(clf.set_params(max_time=None).fit(X, y).history_) == 5


def test_a_student_chosen_by_trials_that_ran_out_of_time_is_not_kept_in_memory(
    tmp_path, monkeypatch
):
    X, y = numeric_rows(ENOUGH_ROWS)
    # Trials of five epochs.
    student = quick_student(max_epochs=50, patience=50, batch_size=1024)
    clf = quick_classifier(student=student, alpha="auto", memory=tmp_path, max_time=100)
    with monkeypatch.context() as patch:
        clock = SimpleNamespace(monotonic=Clock(1.0))
        for module in ("jobs.clock", "nets.training"):
            patch.setattr(f"skdistill.{module}.time", clock)
        clf.fit(X, y)

    assert len(clf.history_) == 50
    assert all(each["cut_short"] for each in clf.candidates_)
    clf.set_params(max_time=None).fit(X, y)
    assert not any(each["cut_short"] for each in clf.candidates_)


def test_time_enough_changes_nothing():
    X, y = numeric_rows()

    limited = quick_classifier(max_time=1e6).fit(X, y)

    assert_array_equal(limited.predict_proba(X), quick_classifier().fit(X, y).predict_proba(X))


@pytest.mark.parametrize("max_time", [0, -1, "1 h"])
def test_a_time_that_is_none_is_refused(max_time):
    with pytest.raises(ValueError, match="max_time"):
        quick_classifier(max_time=max_time).fit(*numeric_rows())


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_progress_tells_of_teachers_folds_and_epochs(capsys, n_jobs):
    quick_classifier(verbose=1, n_jobs=n_jobs).fit(*numeric_rows())

    shown = capsys.readouterr().out
    assert re.search(r"teachers: 4 done in .* s, last: (deep|stump), fold 2 of 2", shown)
    assert re.search(r"student: 5 done .*epoch 5 train_loss [\d.]+ valid_loss [\d.]+", shown)
