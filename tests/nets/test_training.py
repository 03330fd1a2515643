"""One training run: when it ends, and what it goes back to."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from skorch import NeuralNet, NeuralNetClassifier
from skorch.callbacks import Callback, LRScheduler

from skdistill import (
    NetClassifier,
    TensorNet,
)
from skdistill.nets.training import (
    best_epoch,
    cut_off,
    epoch_records,
    resolve_device,
    train_net,
    within_memory,
)
from skdistill.transfer.transfer_set import TransferSet
from tests.small import Linear, numeric_rows, training_data

HELD_OUT = np.arange(60) % 5 == 0


def linear_net(**params):
    params = {"max_epochs": 20, "lr": 1.0, "patience": 3, "batch_size": 16} | params
    return TensorNet(Linear, **params)


def trained(net, held_out=HELD_OUT):
    X, y = numeric_rows()
    net.set_params(module__n_features=5, module__n_classes=3)
    rows = TransferSet.from_labels(X.astype(np.float32), training_data(X, y, held_out=held_out))
    return train_net(net, rows, seed=0, alpha=0.0)


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


@pytest.mark.skipif(torch.cuda.is_available(), reason="the refusal is for where there is no GPU")
@pytest.mark.parametrize("name", ["lr_scheduler", "early_stopping", "print_log"])
def test_a_callback_of_the_net_may_be_switched_off(name):
    X, y = numeric_rows()

    clf = NetClassifier(linear_net(**{f"callbacks__{name}": None}), random_state=0).fit(X, y)

    assert clf.score(X, y) > 0.5


def test_the_accuracy_may_be_switched_off_that_is_switched_off_anyway():
    net = NeuralNetClassifier(Linear, max_epochs=2, callbacks__valid_acc=None, verbose=0)

    assert set(trained(net).history[-1]) >= {"train_loss", "valid_loss"}


@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_a_gpu_that_is_not_there_is_refused(device):
    with pytest.raises(ValueError, match=f"device='{device}' is not available.*no CUDA"):
        resolve_device(device)


class HungryLinear(Linear):
    """Needs more memory than there is for batches above 40 rows."""

    def forward(self, X):
        if self.training and len(X) > 40:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return super().forward(X)


@pytest.mark.parametrize("batch_size", [128, -1])
def test_batches_that_do_not_fit_into_memory_are_halved(batch_size):
    net = linear_net(max_epochs=3).set_params(module=HungryLinear, batch_size=batch_size)

    with pytest.warns(UserWarning, match="batches of 60 rows: training starts again with .* 30"):
        hungry = trained(net, np.zeros(60, dtype=bool))

    same = trained(linear_net(max_epochs=3, batch_size=30), np.zeros(60, dtype=bool))
    assert hungry.batch_size == 30
    assert_array_equal(hungry.module_.linear.weight.detach(), same.module_.linear.weight.detach())


def test_a_memory_that_is_too_small_for_the_smallest_batch_is_an_error():
    def train():
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    with pytest.warns(UserWarning, match="exhausted"), pytest.raises(torch.cuda.OutOfMemoryError):
        within_memory(train, linear_net(batch_size=64), 1000)


class WithBatchNorm(Linear):
    """A module that cannot be trained on a single row."""

    def __init__(self, n_features, n_classes):
        super().__init__(n_features, n_classes)
        self.norm = torch.nn.BatchNorm1d(n_features)

    def forward(self, X):
        return super().forward(self.norm(X))


class BatchSizes(Callback):
    """Sizes of the training batches."""

    seen: list = []

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        if training:
            self.seen.append(len(batch[0]))


@pytest.mark.parametrize(
    ("params", "sizes"),
    [
        ({"batch_size": 59}, [60]),
        ({"batch_size": 20}, [20, 20, 20]),
        ({"iterator_train__batch_size": 2, "batch_size": 7}, [2] * 30),
        ({"iterator_train__batch_size": 59}, [60]),
        ({"batch_size": 59, "iterator_train__drop_last": True}, [59]),
        ({"batch_size": -1}, [60]),
        ({"batch_size": 100}, [60]),
    ],
)
def test_no_batch_of_skorchs_loader_is_a_single_row(params, sizes):
    BatchSizes.seen.clear()
    net = NeuralNet(
        WithBatchNorm, torch.nn.CrossEntropyLoss, max_epochs=1, callbacks=[BatchSizes], verbose=0,
        **params,
    )  # fmt: skip

    trained(net, np.zeros(60, dtype=bool))

    assert BatchSizes.seen == sizes


def test_a_callback_finds_the_best_epoch_in_the_records_of_a_tensor_net():
    history = trained(linear_net(callbacks__early_stopping=None)).history

    best = [i for i, epoch in enumerate(history) if epoch["valid_loss_best"]]
    losses = history[:, "valid_loss"]
    assert best[-1] == np.argmin(losses)
    assert best == [i for i, loss in enumerate(losses) if loss < min([np.inf, *losses[:i]])]


def test_a_loss_that_is_no_number_is_not_in_the_history():
    (record,) = epoch_records([{"train_loss": np.float64(0.5), "valid_loss": np.nan, "dur": 1.0}])

    assert record == {"epoch": 1, "train_loss": 0.5}
