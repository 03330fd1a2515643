"""What a net cannot be trained with is refused before anything is fitted."""

import pytest
import torch
from skorch import NeuralNet, NeuralNetClassifier
from skorch.callbacks import Checkpoint, EarlyStopping, EpochScoring, LRScheduler
from torch.nn import CrossEntropyLoss, MSELoss

from skdistill import DistillationLoss, StudentMLP, TensorNet
from skdistill.nets.checks import check_parameters, watches_validation
from tests.small import Linear


def plain_net(criterion=CrossEntropyLoss, kind=NeuralNet, **params):
    return kind(Linear, criterion=criterion, **params)


def tensor_net(**params):
    return TensorNet(StudentMLP, **params)


@pytest.mark.parametrize(
    "net",
    [
        tensor_net(),
        tensor_net(criterion__divergence="reverse_kl"),
        tensor_net(callbacks=[EarlyStopping]),
        tensor_net(callbacks="disable"),
        plain_net(),
        plain_net(CrossEntropyLoss()),
        plain_net(torch.nn.NLLLoss, NeuralNetClassifier),
    ],
)
def test_parameters_that_can_be_used_are_let_through(net):
    check_parameters(net, DistillationLoss, "student")


@pytest.mark.parametrize(
    ("net", "told"),
    [
        (tensor_net(max_epochs=0), "net__max_epochs must be an int above 0, got 0"),
        (plain_net(max_epochs=0), "net__max_epochs must be an int above 0, got 0"),
        (plain_net(batch_size="auto"), "net__batch_size must be .* got 'auto'"),
        (tensor_net(lr=-1.0), "net__lr must be a finite number of at least 0, got -1.0"),
        (tensor_net(patience=0), "net__patience must be None or an int above 0, got 0"),
        (tensor_net(ema_decay=1), "net__ema_decay must be at least 0 and below 1, got 1"),
        (tensor_net(mixed_precision="bf16"), "net__mixed_precision must be .* got 'bf16'"),
        (tensor_net(callbacks=[3]), "callbacks of net cannot be initialized: AttributeError"),
        (tensor_net(callbacks=[LRScheduler("No")]), "callbacks of net cannot be initialized"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(net, told):
    with pytest.raises(ValueError, match=told):
        check_parameters(net, DistillationLoss, "net")


@pytest.mark.parametrize(
    ("net", "got"),
    [
        (plain_net(MSELoss), "student__criterion is MSELoss"),
        (plain_net(CrossEntropyLoss(torch.ones(3))), r"criterion is CrossEntropyLoss\(\)"),
        (plain_net(criterion__weight=torch.ones(3)), "criterion__weight is set"),
    ],
)
def test_a_loss_of_ones_own_is_refused_with_a_word_on_class_weights(net, got):
    with pytest.raises(ValueError, match=f"{got}, but the net is always trained with Distil.*"):
        check_parameters(net, DistillationLoss, "student")
    with pytest.raises(ValueError, match="To weight classes, pass sample_weight to fit"):
        check_parameters(net, DistillationLoss, "student")


@pytest.mark.parametrize(
    ("callbacks", "params", "told"),
    [
        ([("mine", EarlyStopping())], {"train_split": None}, "'mine' .* 'valid_loss'.*train_split"),
        ([("mine", EarlyStopping("valid_acc"))], {}, "'mine' .*'valid_acc', which is not recorded"),
        ([("mine", EpochScoring("accuracy"))], {}, "'mine' .*scoring='accuracy'.*y\\[:, -2\\]"),
    ],
)
def test_a_callback_of_what_is_not_recorded_is_refused(callbacks, params, told):
    net = plain_net(kind=NeuralNetClassifier, callbacks=callbacks, **params)

    with pytest.raises(ValueError, match=told):
        check_parameters(net, DistillationLoss, "student")


@pytest.mark.parametrize(
    ("params", "watches"),
    [
        ({}, False),
        ({"callbacks": "disable"}, False),
        ({"callbacks": [EarlyStopping]}, True),
        ({"callbacks": [("mine", Checkpoint())]}, True),
        ({"callbacks": [("mine", LRScheduler("ReduceLROnPlateau"))]}, False),
        ({"callbacks": [LRScheduler("ReduceLROnPlateau", monitor="valid_loss")]}, True),
        ({"callbacks": [EarlyStopping("train_loss")]}, False),
        ({"callbacks": [("a", EarlyStopping())], "callbacks__a__monitor": "train_loss"}, False),
    ],
)
def test_callbacks_of_the_user_that_watch_the_validation_loss_are_found(params, watches):
    assert watches_validation(tensor_net(**params)) == watches
    assert watches_validation(plain_net(**params)) == watches
