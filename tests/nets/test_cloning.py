"""Copies of nets: most callbacks are cloned and pickled, some can only be shared."""

import pickle
import threading

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer
from torch import nn

from skdistill import NetClassifier, StudentNet, TensorNet
from skdistill.jobs.fingerprint import fingerprint
from skdistill.nets.cloning import clone_net, shared_callbacks
from tests.small import Linear, numeric_rows


class Renaming(Callback):
    """It keeps a parameter under another name, as Optuna's pruning callback does."""

    def __init__(self, trial):
        self._trial = trial


class Locked(Callback):
    """Its parameter cannot be copied."""

    def __init__(self, lock=None):
        self.lock = lock or threading.Lock()


@pytest.mark.parametrize("shared", [Renaming(1), Locked()], ids=["renamed", "locked"])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("net", [NeuralNet(nn.Linear, nn.MSELoss), TensorNet(nn.Linear)], ids=type)
def test_a_callback_that_cannot_be_cloned_is_shared_and_others_are_cloned(net, named, shared):
    timer = EpochTimer()
    net.set_params(callbacks=[("t", timer), ("s", shared)] if named else [timer, shared])

    first, second = clone_net(net).callbacks

    assert (second[1] if named else second) is shared
    assert (first[1] if named else first) is not timer
    assert shared_callbacks(net) == [type(shared).__name__]


def test_a_clone_may_go_without_them():
    net = TensorNet(nn.Linear, callbacks=[("t", EpochTimer()), ("s", Renaming(1))])

    assert [name for name, _ in clone_net(net, shared=False).callbacks] == ["t"]


@pytest.mark.parametrize("callbacks", [None, "disable", [EpochTimer], [], [("t", EpochTimer())]])
def test_what_can_be_cloned_is_cloned_as_scikit_learn_does(callbacks):
    net = NeuralNet(nn.Linear, nn.MSELoss, callbacks=callbacks, module__in_features=3)

    assert fingerprint(clone_net(net)) == fingerprint(clone(net))
    assert shared_callbacks(net) == []


def test_estimators_that_hold_such_a_net_can_be_cloned():
    callback = Renaming(1)

    copy = clone(NetClassifier(StudentNet(callbacks=[callback])))

    assert copy.net.callbacks == [callback]


class KnowsItsNet(Callback):
    """It keeps the net that it belongs to."""

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.net = net


LEFT = r"the callbacks \['Locked'\] cannot be pickled: .* goes without them"


@pytest.mark.parametrize("named", [True, False])
def test_a_pickle_goes_without_the_callbacks_that_cannot_be_pickled(named):
    callbacks = [("timer", EpochTimer()), ("locked", Locked())]
    net = StudentNet(callbacks=callbacks if named else [each for _, each in callbacks])

    with pytest.warns(UserWarning, match=LEFT):
        back = pickle.loads(pickle.dumps(net))

    (kept,) = back.callbacks
    assert isinstance(kept[1] if named else kept, EpochTimer)
    assert len(net.callbacks) == 2


def test_a_fitted_net_goes_into_its_pickle_without_them_too():
    X, y = np.zeros((8, 2), np.float32), np.zeros(8, np.int64)
    net = TensorNet(nn.Linear(2, 2), nn.CrossEntropyLoss, callbacks=[Locked()], max_epochs=1)

    with pytest.warns(UserWarning, match=LEFT):
        back = pickle.loads(pickle.dumps(net.fit(X, y)))

    assert torch.equal(back.forward(X), net.forward(X))


def test_a_callback_that_knows_its_net_is_pickled_with_it():
    X, y = np.zeros((8, 2), np.float32), np.zeros(8, np.int64)
    net = TensorNet(nn.Linear(2, 2), nn.CrossEntropyLoss, callbacks=[KnowsItsNet()], max_epochs=1)

    back = pickle.loads(pickle.dumps(net.fit(X, y)))

    assert back.callbacks[0].net is back


def test_a_net_of_plain_skorch_with_such_a_callback_can_be_a_classifier():
    net = NeuralNet(Linear, criterion=nn.CrossEntropyLoss, max_epochs=1, verbose=0)
    net.set_params(callbacks=[Locked()])

    with pytest.warns(UserWarning, match=r"\['Locked'\] of net cannot be cloned"):
        clf = NetClassifier(net).fit(*numeric_rows())

    assert len(clf.history_) == 1
