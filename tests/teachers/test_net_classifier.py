import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from skorch.callbacks import Callback, LRScheduler

from skdistill import NetClassifier, StudentMLP, TensorNet
from skdistill.nets.training import best_epoch, cut_off, train_net
from skdistill.table.splits import hold_out
from skdistill.transfer.transfer_set import TransferSet
from tests.small import Linear, numeric_rows, training_data

HELD_OUT = np.arange(60) % 5 == 0


class RowsSeen(Callback):
    """How many rows each epoch of each training has learnt from."""

    seen = []

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        self.seen.append(len(dataset_train.X))


def linear_net(**params):
    params = {"max_epochs": 20, "lr": 1.0, "patience": 3, "batch_size": 16} | params
    return TensorNet(Linear, **params)


def trained(net, held_out=HELD_OUT):
    X, y = numeric_rows()
    net.set_params(module__n_features=5, module__n_classes=3)
    rows = TransferSet.from_labels(X.astype(np.float32), training_data(X, y, held_out=held_out))
    return train_net(net, rows, seed=0, alpha=0.0)


def test_a_net_counts_epochs_on_a_part_of_the_rows_and_learns_from_all():
    X, y = numeric_rows()
    RowsSeen.seen = []

    fitted = NetClassifier(linear_net(callbacks=[RowsSeen]), random_state=0).fit(X, y)

    n_judges = hold_out(y, np.random.RandomState(0)).sum()
    losses = [epoch["valid_loss"] for epoch in fitted.history_]
    n_epochs = np.argmin(losses) + 1
    assert n_epochs < len(losses)
    assert RowsSeen.seen == [60 - n_judges] * len(losses) + [60] * n_epochs


@pytest.mark.parametrize(
    "params", [{"callbacks__early_stopping": None}, {"train_split": None}], ids=str
)
def test_a_net_that_is_not_to_stop_early_is_trained_once(params):
    X, y = numeric_rows()
    RowsSeen.seen = []

    fitted = NetClassifier(linear_net(callbacks=[RowsSeen], **params), random_state=0).fit(X, y)

    assert len(RowsSeen.seen) == len(fitted.history_) == 20


def test_the_best_epoch_is_the_one_that_early_stopping_goes_back_to():
    net = trained(linear_net())

    assert best_epoch(net) == np.argmin(net.history[:, "valid_loss"]) + 1
    assert best_epoch(trained(linear_net(), np.zeros(60, dtype=bool))) is None
    assert best_epoch(trained(linear_net(callbacks__early_stopping=None))) is None


def test_a_net_that_is_cut_off_ends_in_the_middle_of_its_schedule():
    whole, part = trained(linear_net(), HELD_OUT), trained(cut_off(linear_net(), 5))

    assert part.optimizer_.param_groups[0]["lr"] == pytest.approx((1 + math.cos(math.pi / 4)) / 2)
    assert_array_equal(part.history[:, "train_loss"], whole.history[:5, "train_loss"])


@pytest.mark.parametrize("name", ["lr_scheduler", "mine"])
def test_a_schedule_of_ones_own_is_left_alone(name):
    schedule = LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=2, gamma=0.5)
    X, y = numeric_rows()

    net = linear_net(callbacks=[(name, schedule)])
    part = trained(cut_off(net, 5))

    assert part.optimizer_.param_groups[0]["lr"] == 0.25
    assert NetClassifier(net, random_state=0).fit(X, y).score(X, y) > 0.5


def test_a_net_whose_training_diverged_is_an_error():
    X, y = numeric_rows()

    with pytest.raises(ValueError, match=r"training of the net diverged.*\(net__lr=1e\+30\)"):
        NetClassifier(TensorNet(StudentMLP, lr=1e30, max_epochs=3), random_state=0).fit(X, y)
