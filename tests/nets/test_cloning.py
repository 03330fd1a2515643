"""Clones of nets: most callbacks are cloned, some can only be shared."""

import threading

import pytest
from sklearn.base import clone
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer
from torch import nn

from skdistill import NetClassifier, StudentNet, TensorNet
from skdistill.jobs.fingerprint import fingerprint
from skdistill.nets.cloning import clone_net, shared_callbacks


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
