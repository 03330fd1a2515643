"""Checks of a net's parameters: what cannot be trained is refused before anything is fitted."""

import math
from inspect import signature
from numbers import Integral, Real

import torch
from skorch.callbacks import BatchScoring, EpochScoring, LRScheduler, PassthroughScoring
from skorch.dataset import Dataset
from skorch.helper import predefined_split

from skdistill.jobs.processes import Processes, device_of, release
from skdistill.nets.cloning import clone_net, shared_callbacks
from skdistill.nets.losses import DistillationLoss
from skdistill.nets.modules import LayerStack
from skdistill.nets.regression_losses import RegressionLoss
from skdistill.nets.tensor_net import TensorNet
from skdistill.nets.training import one_thread, seeded
from skdistill.warn import warn_user

# skorch demands a criterion: a net may have the default of one of its classes, or a log loss.
USUAL = (DistillationLoss, torch.nn.CrossEntropyLoss, torch.nn.NLLLoss)
USUAL_OF_REGRESSION = (*USUAL, torch.nn.MSELoss)
# Callbacks without effects outside the net, which a training for trial can have.
HARMLESS = (LRScheduler, PassthroughScoring)


def check_parameters(net, criterion, owner):
    """Check the parameters that skorch uses only in training.

    Parameters
    ----------
    net : skorch.NeuralNet
        Unfitted. What it may leave open is settled.
    criterion : nn.Module class
        The loss that the net is trained with.
    owner : {"student", "net"}
        Name of the parameter that holds the net, for errors.

    Raises
    ------
    ValueError
        If a parameter is invalid, if the net has a loss of its own, or if a callback watches what
        is not recorded.
    """
    if not (isinstance(net.lr, Real) and 0 <= float(net.lr) < math.inf):
        raise ValueError(f"{owner}__lr must be a finite number of at least 0, got {net.lr!r}.")
    if not (isinstance(net.max_epochs, Integral) and int(net.max_epochs) > 0):
        raise ValueError(f"{owner}__max_epochs must be an int above 0, got {net.max_epochs!r}.")
    size = net.batch_size
    is_auto = isinstance(size, str) and size == "auto" and isinstance(net, TensorNet)
    if not (is_auto or (isinstance(size, Integral) and (int(size) > 0 or size == -1))):
        raise ValueError(f"{owner}__batch_size must be 'auto' or an int above 0, got {size!r}.")
    if isinstance(net, TensorNet):
        _check_own_parameters(net, owner)
    _check_accelerator(net, owner)
    _check_criterion(net, criterion, owner)
    _check_callbacks(net, owner)


def check_whole_queries(net, owner):
    """Check that the batches of a ranker's net hold whole queries.

    Parameters
    ----------
    net : skorch.NeuralNet
    owner : {"student", "net"}
        Name of the parameter that holds the net, for errors.

    Raises
    ------
    ValueError
        If the net is no `TensorNet`.
    """
    if not isinstance(net, TensorNet):
        raise ValueError(
            f"{owner} must be a TensorNet or a StudentNet, whose batches hold whole queries, got "
            f"{net!r:.100}."
        )


def _check_own_parameters(net, owner):
    patience, decay = net.patience, net.ema_decay
    if patience is not None and not (isinstance(patience, Integral) and int(patience) > 0):
        raise ValueError(f"{owner}__patience must be None or an int above 0, got {patience!r}.")
    if not (isinstance(decay, Real) and 0 <= float(decay) < 1):
        raise ValueError(f"{owner}__ema_decay must be at least 0 and below 1, got {decay!r}.")
    precision = net.mixed_precision
    if not (isinstance(precision, bool) or precision == "auto"):
        raise ValueError(
            f"{owner}__mixed_precision must be 'auto', True or False, got {precision!r}."
        )


def _check_accelerator(net, owner):
    """Check that the processes of a net's accelerator end with the same plain module."""
    if Processes(net).count > 1 and not isinstance(net, TensorNet):
        raise ValueError(
            f"the accelerator of {owner} has several processes, which would not stop together: mix "
            f"AccelerateMixin into StudentNet or TensorNet, got {type(net).__name__}."
        )
    if not getattr(net, "unwrap_after_train", True):
        raise ValueError(
            f"{owner}__unwrap_after_train=False leaves the net in its accelerator, where its "
            "arrays are not found: leave it at True."
        )


def _check_criterion(net, criterion, owner):
    """Check that the net asks for no other loss than the one that it gets."""
    instead = (
        f"but the net is always trained with {criterion.__name__}: drop it. To weight classes, "
        "pass sample_weight to fit, or set class_weight of DistilledClassifier."
    )
    own = net.criterion
    kind = own if isinstance(own, type) else type(own)
    is_weighted = getattr(own, "weight", None) is not None
    usual = USUAL_OF_REGRESSION if criterion is RegressionLoss else USUAL
    if kind not in (criterion, *usual) or is_weighted:
        got = repr(own) if is_weighted else getattr(kind, "__name__", repr(own))
        raise ValueError(f"{owner}__criterion is {got}, {instead}")
    for name in net.get_params_for("criterion"):
        if name not in signature(criterion).parameters:
            raise ValueError(f"{owner}__criterion__{name} is set, {instead}")


def _check_callbacks(net, owner):
    """Check that callbacks watch what is recorded, of rows that are held out."""
    try:
        callbacks = _own_callbacks(net)
    except Exception as error:
        raise ValueError(
            f"the callbacks of {owner} cannot be initialized: {type(error).__name__}: {error}"
        ) from error
    shared = shared_callbacks(net)
    if shared:
        warn_user(
            f"the callbacks {shared} of {owner} cannot be cloned, so they are used as they are: "
            "each training adds to them, and trials of alpha and temperature go without them."
        )
    names = {name for name, _ in callbacks}
    for name, callback in callbacks:
        if isinstance(callback, (EpochScoring, BatchScoring)) and isinstance(callback.scoring, str):
            raise ValueError(
                f"the callback {name!r} of {owner} has scoring={callback.scoring!r}, but the "
                "net's targets are soft targets, label and weight in one matrix: pass a "
                "function (net, X, y), for which the labels are y[:, -2]."
            )
        watched = _watched(callback)
        if watched == "valid_acc" and "valid_acc" not in names:
            raise ValueError(
                f"the callback {name!r} of {owner} watches 'valid_acc', which is not recorded: "
                "have it watch 'valid_loss', the log loss of validation rows."
            )
        if watched == "valid_loss" and net.train_split is None:
            raise ValueError(
                f"the callback {name!r} of {owner} watches 'valid_loss', but with "
                "train_split=None no rows are held out: leave train_split as it is, or have it "
                "watch 'train_loss'."
            )


def watches_validation(net):
    """Tell whether a callback of the user watches the loss of validation rows.

    Parameters
    ----------
    net : skorch.NeuralNet

    Returns
    -------
    watches : bool
    """
    return any(_watched(callback) == "valid_loss" for _, callback in _own_callbacks(net))


def _watched(callback):
    """Return what a callback watches, such as "valid_loss", or None."""
    # Optuna's pruning callback keeps it as `_monitor`.
    monitor = getattr(callback, "monitor", getattr(callback, "_monitor", None))
    return monitor.removesuffix("_best") if isinstance(monitor, str) else None


def _own_callbacks(net):
    """Return the user's callbacks of a net, (name, callback), with their parameters set."""
    if not net.callbacks or net.callbacks == "disable":
        return []
    trial = clone_net(net).set_params(verbose=0).initialize_callbacks()
    defaults = dict(trial._default_callbacks)
    return [(name, callback) for name, callback in trial.callbacks_ if name not in defaults]


def try_training(net, task, X, targets):
    """Train a net for one epoch on a few rows, which also validate it.

    It is trained without the callbacks that may have effects elsewhere, such as files.

    Parameters
    ----------
    net : skorch.NeuralNet
        Sized and unfitted; it is changed.
    task : Task
    X : ndarray or CSR matrix of shape (n_samples, ...), float32
        Encoded rows.
    targets : ndarray of shape (n_samples, n_columns), float32
        From `pack_targets`.

    Raises
    ------
    ValueError
        If the net cannot be initialized or trained.
    """
    split = None if net.train_split is None else predefined_split(Dataset(X, targets))
    net.set_params(criterion=task.criterion, train_split=split, verbose=0)
    net.set_params(**{f"criterion__{key}": each for key, each in task.criterion_parameters.items()})
    if net.get_params_for("iterator_train").get("drop_last"):  # of a few rows, keep all
        net.set_params(iterator_train__drop_last=False)
    doing = "initialized"
    try:
        with seeded(0, device_of(net)), one_thread(device_of(net)):
            net.initialize()
            doing = "trained"
            net.callbacks_ = [each for each in net.callbacks_ if isinstance(each[1], HARMLESS)]
            net.notify("on_train_begin", X=X, y=targets)
            net.fit_loop(X, targets, epochs=1)
            _run_schedules(net)
            net.notify("on_train_end", X=X, y=targets)
        release(net)
    except Exception as error:
        raise ValueError(
            f"the student cannot be {doing}: {type(error).__name__}: {error}. Check its "
            "parameters student__…."
        ) from error


def _run_schedules(net):
    """Run the learning-rate schedules of epochs to their end: some end before the training."""
    for _, callback in net.callbacks_:
        schedule = getattr(callback, "lr_scheduler_", None)
        by_loss = isinstance(schedule, torch.optim.lr_scheduler.ReduceLROnPlateau)
        if schedule is not None and callback.step_every == "epoch" and not by_loss:
            for _ in range(net.max_epochs - 1):
                schedule.step()


def check_cut(net, n_features, task):
    """Check that the table has the columns and outputs of the teacher that a net was cut from."""
    start = getattr(net, "start", None)
    if start is not None:
        n_columns = len(start["inputs"]["is_categorical"])
        n_outputs = len(start["arrays"]["out.bias"])
    elif net.module is LayerStack:
        linear = [m for m in net.module__layers.modules() if isinstance(m, torch.nn.Linear)]
        n_columns, n_outputs = linear[0].in_features, linear[-1].out_features
    else:
        return
    outputs = "classes" if task.kind == "classifier" else "outputs"
    for what, got, expected in (
        ("columns", n_features, n_columns),
        (outputs, task.n_outputs, n_outputs),
    ):
        if got != expected:
            raise ValueError(
                f"the net was cut from a teacher of {expected} {what}, but there are {got} "
                f"{what} here: cut it from a teacher that was fitted on such a table."
            )
