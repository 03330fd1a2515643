"""A student is checked against its table before anything is fitted."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from skorch import NeuralNet, NeuralNetClassifier
from skorch.callbacks import Callback, LRScheduler
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR, StepLR

from skdistill import NetClassifier, StudentMLP, StudentNet, TensorNet, student_from_teacher
from skdistill.effort import EFFORTS
from skdistill.student.checks import check_student
from skdistill.student.student_net import fit_inputs
from skdistill.table.net_inputs import NetInputs, UnscaledInputs
from tests.small import Linear, numeric_rows, quick_student, training_data

X, Y = numeric_rows()
DATA = training_data(X, Y)
RNG = np.random.RandomState(0)
EFFORT = EFFORTS["default"]


class FailsInTraining(Linear):
    """A module that predicts, but cannot be trained."""

    def forward(self, X):
        if self.training:
            raise RuntimeError("no training")
        return super().forward(X)


class Recorder(Callback):
    """Counts how often a training begins."""

    begun: list = []

    def on_train_begin(self, net, **kwargs):
        self.begun.append(net)


class TwoWide(Linear):
    """A module that has two outputs whatever it is asked for."""

    def __init__(self, n_features):
        super().__init__(n_features, 2)


def plain_net(**params):
    return NeuralNet(Linear, nn.CrossEntropyLoss, **params)


def one_cycle(n_epochs):
    return LRScheduler(OneCycleLR, max_lr=1.0, total_steps=n_epochs, cycle_momentum=False)


@pytest.fixture(scope="module")
def cut():
    """A student cut from a teacher of these rows."""
    net = TensorNet(StudentMLP, max_epochs=1, module__hidden_sizes=(8, 8))
    return student_from_teacher(NetClassifier(net, random_state=0).fit(X, Y))


def stack():
    return student_from_teacher(nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)))


@pytest.mark.parametrize(
    "net",
    [
        quick_student(),
        StudentNet(Linear),
        NeuralNetClassifier(Linear, iterator_train__shuffle=True),
        quick_student(optimizer=torch.optim.LBFGS),
        quick_student(callbacks=[one_cycle(5)]),
        quick_student(callbacks=[LRScheduler("ReduceLROnPlateau", monitor="valid_loss")]),
    ],
)
def test_a_student_that_can_be_trained_is_let_through(net):
    before = net.get_params()

    check_student(net, DATA, EFFORT)

    assert net.get_params().keys() == before.keys()
    assert not net.initialized_


@pytest.mark.parametrize(
    ("net", "told"),
    [
        (quick_student(callbacks="disable"), "callbacks='disable' would switch off .*max_time"),
        (plain_net(callbacks="disable"), "callbacks='disable'"),
        (plain_net(callbacks__valid_loss=None), "callbacks__valid_loss=None would switch off"),
        (plain_net(callbacks__train_loss=None), "callbacks__train_loss=None"),
    ],
)
def test_a_student_whose_training_would_be_neither_ended_nor_recorded_is_refused(net, told):
    with pytest.raises(ValueError, match=told):
        check_student(net, DATA, EFFORT)


@pytest.mark.parametrize("name", ["lr_scheduler", "early_stopping", "print_log"])
def test_a_single_callback_may_be_switched_off(name):
    check_student(quick_student(**{f"callbacks__{name}": None}), DATA, EFFORT)


def test_a_column_that_is_neither_numbers_nor_a_category_is_refused():
    frame = pd.DataFrame({"at": pd.date_range("2024-01-01", periods=60), "x": X[:, 0]})

    with pytest.raises(ValueError, match="Column 'at' holds dates"):
        check_student(quick_student(), training_data(frame, Y), EFFORT)


def test_a_module_of_the_wrong_width_is_refused():
    with pytest.raises(ValueError, match=r"TwoWide returned shape \(8, 2\).*expected \(8, 3\)"):
        check_student(StudentNet(TwoWide), DATA, EFFORT)


def test_a_student_of_other_columns_than_its_teacher_is_refused(cut):
    for student in (cut, stack()):
        with pytest.raises(ValueError, match="teacher of 5 columns, but there are 4"):
            check_student(student, training_data(X[:, 1:], Y), EFFORT)


def test_a_student_of_other_classes_than_its_teacher_is_refused(cut):
    for student in (cut, stack()):
        with pytest.raises(ValueError, match="teacher of 3 classes, but there are 2"):
            check_student(student, training_data(X, Y % 2), EFFORT)


def test_a_student_that_was_cut_sees_rows_as_its_teacher_did(cut):
    of_half = training_data(X[:30] / 2, Y[:30], classes=np.arange(3))

    inputs = fit_inputs(cut, of_half, np.eye(3)[Y[:30]], RNG)

    expected = NetInputs.from_arrays(**cut.start["inputs"], is_sparse=False)
    assert_array_equal(inputs.transform(X), expected.transform(X))


def test_a_student_cut_from_a_bare_module_gets_rows_unscaled():
    inputs = fit_inputs(stack(), DATA, np.eye(3)[Y], RNG)

    assert isinstance(inputs, UnscaledInputs)
    assert_array_equal(inputs.transform(X), X.astype(np.float32))


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"module__hidden": (8,)}, "cannot be initialized: TypeError.*hidden"),
        ({"module__hidden_sizes": (0.5,)}, "cannot be initialized"),
        ({"batch_size": 0}, "student__batch_size must be 'auto' or an int above 0, got 0"),
        ({"batch_size": "big"}, "got 'big'"),
        ({"lr": np.nan}, "student__lr must be a finite number of at least 0, got nan"),
        ({"optimizer__betas": 3}, "cannot be initialized: TypeError"),
        ({"callbacks": [LRScheduler(StepLR)]}, "cannot be trained: TypeError.*step_size"),
        ({"callbacks": [one_cycle(4)], "max_epochs": 5}, "Tried to step 5 times"),
        ({"criterion__weight": 1}, "student__criterion__weight is set"),
    ],
)
def test_parameters_of_the_default_student_are_checked_before_teachers_are_fitted(params, told):
    with pytest.raises(ValueError, match=told):
        check_student(StudentNet(**params), DATA, EFFORT)


@pytest.mark.parametrize(
    ("net", "told"),
    [
        (StudentNet(FailsInTraining), "cannot be trained: RuntimeError: no training"),
        (
            NeuralNet(Linear, nn.CrossEntropyLoss, iterator_train__no_such=1),
            "cannot be trained: TypeError.*no_such",
        ),
        (NeuralNet(Linear, nn.CrossEntropyLoss, max_epochs=0), "max_epochs must be an int above 0"),
    ],
)
def test_a_net_that_fails_only_in_training_is_refused(net, told):
    with pytest.raises(ValueError, match=told):
        check_student(net, DATA, EFFORT)


def test_callbacks_of_ones_own_do_not_see_the_training_for_trial():
    Recorder.begun.clear()

    check_student(quick_student(callbacks=[Recorder()]), DATA, EFFORT)

    assert Recorder.begun == []
