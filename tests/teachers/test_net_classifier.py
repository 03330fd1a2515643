import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skorch.callbacks import Callback, LRScheduler

from skdistill import NetClassifier, StudentMLP, TensorNet, student_from_teacher
from skdistill.table.splits import hold_out
from tests.small import (
    Linear,
    mixed_table,
    numeric_rows,
    quick_classifier,
    rows_with_binary_columns,
)

HELD_OUT = np.arange(60) % 5 == 0


class RowsSeen(Callback):
    """How many rows each epoch of each training has was trained on."""

    seen = []

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        self.seen.append(len(dataset_train.X))


def linear_net(**params):
    params = {"max_epochs": 20, "lr": 1.0, "patience": 3, "batch_size": 16} | params
    return TensorNet(Linear, **params)


def test_a_net_counts_epochs_on_a_part_of_the_rows_and_learns_from_all():
    X, y = numeric_rows()
    RowsSeen.seen = []

    fitted = NetClassifier(linear_net(callbacks=[RowsSeen]), random_state=0).fit(X, y)

    n_validation = hold_out(y, np.random.RandomState(0)).sum()
    losses = [epoch["valid_loss"] for epoch in fitted.history_]
    n_epochs = np.argmin(losses) + 1
    assert n_epochs < len(losses)
    assert RowsSeen.seen == [60 - n_validation] * len(losses) + [60] * n_epochs


@pytest.mark.parametrize(
    "params", [{"callbacks__early_stopping": None}, {"train_split": None}], ids=str
)
def test_a_net_that_is_not_to_stop_early_is_trained_once(params):
    X, y = numeric_rows()
    RowsSeen.seen = []

    fitted = NetClassifier(linear_net(callbacks=[RowsSeen], **params), random_state=0).fit(X, y)

    assert len(RowsSeen.seen) == len(fitted.history_) == 20


def test_a_net_whose_training_diverged_is_an_error():
    X, y = numeric_rows()

    with pytest.raises(ValueError, match=r"training of the net diverged.*\(net__lr=1e\+30\)"):
        NetClassifier(TensorNet(StudentMLP, lr=1e30, max_epochs=3), random_state=0).fit(X, y)


def quick_net(module=StudentMLP, **params):
    return NetClassifier(TensorNet(module, max_epochs=20, lr=0.01), random_state=0, **params)


def test_a_net_classifier_learns_its_labels():
    X, y = numeric_rows(200)

    assert quick_net().fit(X, y).score(X, y) > 0.8


def test_a_net_classifier_gives_the_same_for_the_same_random_state():
    X, y = mixed_table()

    one, other = (quick_net().fit(X, y).predict_proba(X) for _ in range(2))

    assert_array_equal(one, other)


def test_a_net_classifier_takes_a_module_that_embeds_nothing():
    X, y = mixed_table()

    p = quick_net(Linear).fit(X, y).predict_proba(X)

    assert_allclose(p.sum(1), 1)
    assert p.std(0).min() > 0


def test_a_net_classifier_leaves_the_net_it_was_given_untrained():
    X, y = numeric_rows()
    net = TensorNet(StudentMLP, max_epochs=2)

    NetClassifier(net).fit(X, y)

    assert not net.initialized_


def test_a_net_whose_callback_watches_the_validation_loss_is_trained_once():
    X, y = numeric_rows()
    RowsSeen.seen = []
    plateau = LRScheduler("ReduceLROnPlateau", monitor="valid_loss", patience=1)

    fitted = NetClassifier(linear_net(callbacks=[RowsSeen, plateau]), random_state=0).fit(X, y)

    assert len(RowsSeen.seen) == len(fitted.history_)


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"max_epochs": 0}, "net__max_epochs must be an int above 0, got 0"),
        ({"criterion__weight": [1.0, 2.0]}, "net__criterion__weight is set"),
    ],
)
@pytest.mark.parametrize("side_by_side", [False, True])
def test_a_teacher_net_that_cannot_be_trained_is_refused_before_others_are_fitted(
    spy, params, told, side_by_side
):
    X, y = numeric_rows()
    net = NetClassifier(TensorNet(StudentMLP, **params), side_by_side=side_by_side)

    with pytest.raises(ValueError, match=f"Teacher 'net': {told}"):
        quick_classifier([("spy", spy), ("net", net)]).fit(X, y)
    with pytest.raises(ValueError, match=told):
        net.fit(X, y)

    assert spy.fitted_on == []


def test_a_cut_net_is_trained_on_labels_with_the_inputs_of_its_teacher():
    X, y = rows_with_binary_columns()
    net = TensorNet(StudentMLP, max_epochs=2, module__hidden_sizes=(16,))
    teacher = NetClassifier(net, random_state=0).fit(X, y)  # with bins
    cut = student_from_teacher(teacher).set_params(max_epochs=1, lr=1e-9)

    again = NetClassifier(cut, random_state=0).fit(X[:200], y[:200])  # too few rows for bins

    # Which bins are weak is asked of the new rows; the answer is the same.
    assert again.inputs_.layout == teacher.inputs_.layout
    assert set(again.inputs_.layout.weak_bins) == {True, False}
    assert_allclose(again.predict_proba(X), teacher.predict_proba(X), atol=1e-4)


def test_a_cut_net_is_not_trained_on_other_columns_or_classes():
    X, y = numeric_rows()
    net = TensorNet(StudentMLP, max_epochs=1, module__hidden_sizes=(8,))
    cut = student_from_teacher(NetClassifier(net, random_state=0).fit(X, y))

    with pytest.raises(ValueError, match="cut from a teacher of 5 columns, but there are 4"):
        NetClassifier(cut).fit(X[:, 1:], y)
    with pytest.raises(ValueError, match="cut from a teacher of 3 classes, but there are 2"):
        NetClassifier(cut).fit(X, y % 2)
