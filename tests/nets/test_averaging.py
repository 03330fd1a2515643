"""The running average of a net's weights."""

import pickle

import numpy as np
import torch
from numpy.testing import assert_allclose
from torch import nn

from skdistill import TensorNet
from skdistill.nets.averaging import RunningAverage
from skdistill.nets.training import train_net
from tests.small import Linear, numeric_rows, transfer_set


def test_it_is_the_average_of_what_each_step_left():
    module = nn.Linear(1, 1, bias=False)
    average = RunningAverage(module, decay=0.5)
    values = [1.0, 3.0, 7.0]
    for value in values:
        nn.init.constant_(module.weight, value)
        average.step()

    average.swap_in()

    # The first step is taken as it is; then what was before weighs 2/11 and 3/12.
    expected = values[0]
    for n, value in enumerate(values[1:], 1):
        share = min(0.5, (1 + n) / (10 + n))
        expected = share * expected + (1 - share) * value
    assert_allclose(module.weight.item(), expected, rtol=1e-6)
    average.restore()
    assert module.weight.item() == 7.0


def trained(held_out=0, **params):
    X, y = numeric_rows()
    rows = transfer_set(X.astype(np.float32), np.eye(3)[y], y, None, np.arange(len(y)) < held_out)
    net = TensorNet(Linear, module__n_features=5, module__n_classes=3, max_epochs=4, **params)
    return train_net(net, rows, seed=0, alpha=0.0), rows


class Recorder(RunningAverage):
    """Keeps all that the weights have been."""

    seen = ()

    def step(self):
        super().step()
        Recorder.seen += (self.module.linear.weight.detach().clone(),)


def test_a_net_ends_as_its_average(monkeypatch):
    monkeypatch.setattr("skdistill.nets.tensor_net.RunningAverage", Recorder)
    net, _ = trained(ema_decay=0.5)
    expected = Recorder.seen[0]
    for n, weight in enumerate(Recorder.seen[1:], 1):
        share = min(0.5, (1 + n) / (10 + n))
        expected = share * expected + (1 - share) * weight

    assert len(Recorder.seen) > 4
    assert_allclose(net.module_.linear.weight.detach(), expected, rtol=1e-4)
    assert not torch.equal(net.module_.linear.weight, Recorder.seen[-1])


def test_what_is_validated_is_what_is_kept():
    net, rows = trained(held_out=20)

    logits = net.forward(rows.X[rows.held_out])
    loss = nn.functional.cross_entropy(logits, torch.as_tensor(rows.y[rows.held_out]))
    assert_allclose(loss.item(), min(epoch["valid_loss"] for epoch in net.history), rtol=1e-5)


def test_without_averaging_the_weights_are_the_last():
    net, _ = trained(ema_decay=0)
    other, _ = trained(ema_decay=1e-9)

    # All but the first steps' average is then the last weights.
    assert_allclose(net.module_.linear.weight.detach(), other.module_.linear.weight.detach())


def test_a_trained_net_carries_no_second_copy_of_its_weights():
    net, _ = trained()

    assert net._average is None
    assert b"AveragedModel" not in pickle.dumps(net)
