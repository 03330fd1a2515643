"""Check of a student against its table, before the teachers are fitted."""

import math

import numpy as np
from skorch import NeuralNet

from skdistill.nets.checks import (
    check_cut,
    check_parameters,
    try_training,
    watches_validation,
)
from skdistill.nets.cloning import clone_net
from skdistill.nets.interface import ROWS_TO_TRY, check_module, settle, size_module
from skdistill.nets.losses import pack_targets
from skdistill.nets.modules import StudentMLP
from skdistill.nets.tensor_net import PATIENCE
from skdistill.sklearn_private import safe_indexing
from skdistill.student.student_net import fit_inputs
from skdistill.table.net_inputs import InputLayout


def check_student(net: NeuralNet, data, effort):
    """Check that a net can be trained on a table.

    Parameters
    ----------
    net : skorch.NeuralNet
        Unfitted.
    data : TrainingData
    effort : Effort

    Raises
    ------
    ValueError
        If the net was cut from a teacher with another number of columns or classes, if a column
        holds neither numbers nor categories, if a parameter of the net is invalid, if callbacks
        are switched off that the training needs, or if the net cannot be trained on a few rows or
        returns no logits.
    """
    task = data.task
    check_cut(net, math.prod(data.X.shape[1:]), task)
    trial = settle(clone_net(net), effort=effort).set_params(verbose=0)
    check_parameters(trial, task.criterion, "student")
    _check_callbacks(trial)
    data.encoder.encode(data.X)  # checks each column
    X = _few_inputs(trial, data)
    check_module(trial, X, task)
    y = data.y[: X.shape[0]]
    try_training(trial, task, X, pack_targets(task.as_soft_targets(y), y))


def _check_callbacks(net):
    """Check that nothing is switched off that ends the training in time, or records it."""
    params = net.get_params(deep=False)
    if net.callbacks == "disable":
        raise ValueError(
            "student__callbacks='disable' would switch off what stops the student early, ends its "
            "training with max_time and records its losses, too: leave student__callbacks at "
            "None, and switch off a single one, such as student__callbacks__print_log=None."
        )
    for name in ("train_loss", "valid_loss"):
        if params.get(f"callbacks__{name}", name) is None:
            raise ValueError(
                f"student__callbacks__{name}=None would switch off what records history_ and "
                "compares candidates for alpha: leave it as it is."
            )


def check_validation(net: NeuralNet, data, fraction):
    """Check that the student can be validated as requested, and let it stop early then.

    Parameters
    ----------
    net : skorch.NeuralNet
        Unfitted. One without `patience` gets the usual one if validation rows are requested.
    data : TrainingData
    fraction : float, int, "auto" or None
        As `validation_fraction` of `DistilledClassifier`.

    Raises
    ------
    ValueError
        If validation rows are requested in two ways, of a net that takes none, or refused while
        the net needs them.
    """
    is_auto = isinstance(fraction, str)
    given = data.validation is not None
    if given and not is_auto:
        raise ValueError(
            f"got X_val and validation_fraction={fraction!r}: X_val holds the validation rows, so "
            "leave validation_fraction at 'auto'."
        )
    if fraction is None:
        if getattr(net, "patience", None) is not None or watches_validation(net):
            raise ValueError(
                "validation_fraction=None holds no rows out, but the student stops early, or has "
                "a callback that watches 'valid_loss': drop one of the two."
            )
    elif given or not is_auto:
        if net.train_split is None:
            request = "X_val" if given else f"validation_fraction={fraction!r}"
            raise ValueError(
                f"{request} asks for validation rows, but the student has train_split=None and "
                "takes none: leave train_split as it is."
            )
        if getattr(net, "patience", 0) is None:
            net.set_params(patience=PATIENCE)


def _few_inputs(net, data):
    """Size an unfitted net, and return a few encoded rows for it.

    The default student is tried on a table of one column: its own inputs take longer to fit.
    """
    n_rows = min(len(data), ROWS_TO_TRY)
    if net.module is StudentMLP and getattr(net, "start", None) is None:
        size_module(net, InputLayout(1, 1, 0, ()), data.task.n_outputs)
        return np.zeros((n_rows, 1), dtype=np.float32)
    targets = data.task.as_soft_targets(data.y)
    inputs = fit_inputs(net, data, targets, np.random.RandomState(0))
    return inputs.transform(safe_indexing(data.X, np.arange(n_rows)))
