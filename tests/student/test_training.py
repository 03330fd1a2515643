"""A student's training, from transfer set to what predicts."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdistill import StudentMLP, StudentNet
from skdistill.effort import EFFORTS
from skdistill.jobs.clock import Clock
from skdistill.jobs.memory import Memory
from skdistill.nets.interface import size_module
from skdistill.nets.training import train_net
from skdistill.serving.forward import ForwardPass, softmax
from skdistill.student.student_net import TorchForward, forward_pass
from skdistill.student.training import train_student
from skdistill.table.net_inputs import NetInputs
from tests.small import Linear, numeric_rows, quick_student, transfer_set, with_unlabeled

HELD_OUT = np.arange(60) % 5 == 0


def trained(net=None, *, held_out=HELD_OUT, **params):
    """How a student is trained on a few rows, and these as it sees them."""
    X, y = numeric_rows()
    inputs = NetInputs().fit(X, np.eye(3)[y], np.random.RandomState(0))
    rows = transfer_set(inputs.transform(X), np.eye(3)[y], y, None, held_out)
    net = quick_student() if net is None else net
    size_module(net, inputs.layout, 3)
    params = {"alpha": 0.5, "temperature": 1.0, "early_stopping": True, "seed": 0} | params
    params = {"effort": EFFORTS["default"]} | params
    return train_student(net, rows, **params), rows.X


def test_what_is_left_of_the_default_module_is_arrays():
    training, X = trained()

    assert isinstance(training.student, ForwardPass)
    assert training.student(X).shape == (60, 3)


def test_a_module_of_ones_own_is_left_as_it_is():
    training, X = trained(StudentNet(Linear, max_epochs=2))

    assert isinstance(training.student, TorchForward)
    assert training.student(X).shape == (60, 3)


def test_a_student_that_stops_early_is_validated_each_epoch():
    training, _ = trained()

    assert [sorted(epoch) for epoch in training.history] == [
        ["epoch", "lr", "train_loss", "valid_loss"]
    ] * 5


def test_a_student_that_does_not_stop_early_is_trained_on_validation_rows_too():
    nothing_held_out = np.zeros(60, dtype=bool)

    whole, X = trained(early_stopping=False)
    of_all, _ = trained(early_stopping=False, held_out=nothing_held_out)

    assert [sorted(epoch) for epoch in whole.history] == [["epoch", "lr", "train_loss"]] * 5
    assert_array_equal(whole.student(X), of_all.student(X))


def test_a_seed_gives_the_same_student_again():
    (one, X), (other, _), (third, _) = (trained(seed=seed) for seed in (0, 0, 1))

    assert_array_equal(one.student(X), other.student(X))
    assert not np.allclose(one.student(X), third.student(X))


def test_the_recipe_is_what_was_given():
    training, _ = trained(alpha=0.3, temperature=2.0)

    assert (training.recipe.alpha, training.recipe.temperature) == (0.3, 2.0)
    assert training.candidates == []
    assert training.ended == "epochs"


def test_a_deadline_that_has_passed_leaves_one_epoch():
    with pytest.warns(UserWarning, match="max_time was over before the student's training"):
        training, _ = trained(clock=Clock(max_time=0.0))

    assert len(training.history) == 1
    assert training.ended == "time"


def test_a_training_that_diverged_is_an_error():
    with pytest.raises(ValueError, match=r"the student diverged.*student__lr=inf"):
        trained(quick_student(lr=np.inf))


def test_a_student_that_was_trained_alike_is_found_in_memory(tmp_path):
    first, X = trained(memory=Memory(tmp_path))
    again, _ = trained(memory=Memory(tmp_path))

    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
    assert_allclose(again.student(X), first.student(X))


def half_as_sure(n_unlabeled, module=None):
    """A trained net, a transfer set whose unlabeled rows ask for twice its logits, and these."""
    X, y = numeric_rows()
    inputs = NetInputs(max_bins=0).fit(X, None, np.random.RandomState(0))
    rows = transfer_set(inputs.transform(X), np.eye(3)[y], y)
    net = StudentNet(module or StudentMLP, max_epochs=2)
    size_module(net, inputs.layout, 3)
    train_net(net, rows, seed=0)
    X = np.random.RandomState(1).normal(size=(n_unlabeled, 5)).astype(np.float32)
    logits = forward_pass(net, rows, 1.0)(X).astype(float)
    twice = softmax(2 * logits)
    return net, with_unlabeled(rows, X, twice, twice), X, logits


def test_a_student_becomes_as_sure_as_its_teachers_on_rows_without_a_label():
    net, rows, X, logits = half_as_sure(5_000)

    after = forward_pass(net, rows, 1.0)

    assert_allclose(after(X), 2 * logits, rtol=0.05, atol=0.02)


def test_the_labels_let_a_student_be_surer_than_its_teachers():
    net, rows, X, logits = half_as_sure(5_000)

    after = forward_pass(net, rows, 0.5)

    assert_allclose(after(X), 2**0.5 * logits, rtol=0.05, atol=0.02)


def test_a_few_rows_without_a_label_change_nothing():
    net, rows, X, logits = half_as_sure(50)

    assert_allclose(forward_pass(net, rows, 1.0)(X), logits, rtol=1e-2, atol=1e-3)


def test_a_custom_module_keeps_its_logits_as_it_may_be_exported_by_itself():
    net, rows, X, logits = half_as_sure(5_000, Linear)

    assert_allclose(forward_pass(net, rows, 1.0)(X), logits, rtol=1e-6)
