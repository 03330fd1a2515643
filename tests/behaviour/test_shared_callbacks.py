"""Callbacks that cannot be cloned, such as Optuna's, are used as they are."""

import pickle
import threading

import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.model_selection import cross_val_score
from skorch import NeuralNet
from skorch.callbacks import Callback

from skdistill import NetClassifier, StudentMLP, TensorNet
from tests.small import ENOUGH_ROWS, Linear, numeric_rows, quick_classifier, quick_student

X, Y = numeric_rows()
TOLD = r"the callbacks \['Report'\] of student cannot be cloned, so they are used as they are"


class Report(Callback):
    """It writes the losses of epochs into a list that it keeps under another name."""

    def __init__(self, losses, monitor="valid_loss"):
        self._losses = losses
        self._monitor = monitor

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        self._losses.append(net.history[-1, self._monitor])


class Locked(Callback):
    """It holds a lock, as an open file does."""

    def __init__(self, lock):
        self.lock = lock


def plain_net(**params):
    return NeuralNet(Linear, criterion=torch.nn.CrossEntropyLoss, max_epochs=5, lr=0.1, **params)


@pytest.mark.parametrize("make", [quick_student, plain_net])
@pytest.mark.parametrize("named", [True, False])
def test_it_sees_the_epochs_of_the_training(make, named):
    losses = []
    callbacks = [("report", Report(losses))] if named else [Report(losses)]

    with pytest.warns(UserWarning, match=TOLD) as told:
        clf = quick_classifier(student=make(callbacks=callbacks)).fit(X, Y)

    assert losses == [epoch["valid_loss"] for epoch in clf.history_]
    assert [each.filename for each in told] == [__file__]


def test_trials_of_alpha_go_without_it():
    losses = []
    student = quick_student(callbacks=[Report(losses)], max_epochs=3)

    clf = quick_classifier(student=student, alpha="auto", n_jobs=2)
    with pytest.warns(UserWarning, match=TOLD):
        clf.fit(*numeric_rows(ENOUGH_ROWS))

    assert len(clf.candidates_) == 2
    assert len(losses) == 3


def test_what_it_watches_holds_rows_out_beside_synthetic_ones_too():
    losses = []
    clf = quick_classifier(student=quick_student(callbacks=[Report(losses)]), augmenter="munge")

    with pytest.warns(UserWarning, match=TOLD):
        clf.fit(X, Y)

    assert len(losses) == 5


def test_a_cross_validation_of_such_a_student_works():
    losses = []
    clf = quick_classifier(student=quick_student(callbacks=[Report(losses)]))

    with pytest.warns(UserWarning, match=TOLD):
        scores = cross_val_score(clf, X, Y, cv=2)

    assert len(scores) == 2
    assert len(losses) == 2 * 5


@pytest.mark.filterwarnings("ignore:the callbacks:UserWarning")
@pytest.mark.parametrize("params", [{}, {"max_size": "100kB"}], ids=["as it is", "on a budget"])
def test_a_student_whose_callback_cannot_be_pickled_is_saved_without_it(params):
    student = quick_student(callbacks=[Locked(threading.Lock())], module__hidden_sizes=(8,))

    clf = quick_classifier(student=student, **params).fit(X, Y)
    with pytest.warns(UserWarning, match=r"\['Locked'\] cannot be pickled"):
        back = pickle.loads(pickle.dumps(clf))

    assert_array_equal(back.predict_proba(X), clf.predict_proba(X))
    assert back.student.callbacks == []


@pytest.mark.filterwarnings("ignore:the callbacks .* of net cannot be cloned:UserWarning")
def test_teachers_in_other_processes_go_without_it():
    net = TensorNet(StudentMLP, max_epochs=2, callbacks=[Locked(threading.Lock())])
    clf = quick_classifier([("net", NetClassifier(net))], n_jobs=2)

    with pytest.warns(UserWarning, match=r"\['Locked'\] cannot be pickled"):
        clf.fit(X, Y)

    assert clf.teacher_weights_ == {"net": 1.0}


@pytest.mark.integration("Optuna", "SkorchPruningCallback", package="optuna-integration")
def test_optuna_prunes_a_student():
    optuna = pytest.importorskip("optuna", reason="needs the extra [tune]")
    integration = pytest.importorskip("optuna_integration", reason="needs the extra [tune]")
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial):
        rate = [0.1, 0.1, 1e-6][trial.number]
        pruning = integration.SkorchPruningCallback(trial, "valid_loss")
        student = quick_student(callbacks=[("pruning", pruning)], lr=rate, max_epochs=10)
        with pytest.warns(UserWarning, match=r"\['SkorchPruningCallback'\] of student"):
            clf = quick_classifier(student=student, validation_fraction=0.3).fit(X, Y)
        return clf.report_["student"]

    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(2, n_warmup_steps=2))
    study.optimize(objective, n_trials=3)

    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE", "PRUNED"]
    assert len(study.trials[2].intermediate_values) < 10
