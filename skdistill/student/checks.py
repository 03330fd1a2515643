"""Check of a student against its table, before the teachers are fitted."""

import math
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import clone
from skorch import NeuralNet

from skdistill.nets.interface import ROWS_TO_TRY, check_module, settle, size_module
from skdistill.nets.modules import LayerStack, StudentMLP
from skdistill.nets.tensor_net import TensorNet
from skdistill.nets.training import seeded
from skdistill.sklearn_private import safe_indexing
from skdistill.student.student_net import fit_inputs
from skdistill.table.net_inputs import InputLayout


def check_student(net: NeuralNet, data):
    """Check that a net can be trained on a table.

    Parameters
    ----------
    net : skorch.NeuralNet
        Unfitted.
    data : TrainingData

    Raises
    ------
    ValueError
        If the net was cut from a teacher with another number of columns or classes, if a column
        holds neither numbers nor categories, or if a custom module fails on a few rows or
        returns no logits.
    """
    n_outputs = data.task.n_outputs
    _check_cut(net, math.prod(data.X.shape[1:]), n_outputs)
    _check_training_parameters(settle(clone(net)))
    trial = clone(net).set_params(verbose=0)
    if net.module is StudentMLP:
        data.encoder.encode(data.X)  # checks each column
        if getattr(net, "start", None) is None:
            _check_module_parameters(trial, n_outputs)
        return
    targets = data.task.as_soft_targets(data.y)
    inputs = fit_inputs(trial, data, targets, np.random.RandomState(0))
    few = safe_indexing(data.X, np.arange(min(len(data), ROWS_TO_TRY)))
    check_module(trial, inputs.transform(few), n_outputs)


def _check_training_parameters(net):
    """Check the parameters that skorch uses only in training."""
    if not (isinstance(net.lr, Real) and 0 <= float(net.lr) < math.inf):
        raise ValueError(f"student__lr must be a finite number of at least 0, got {net.lr!r}.")
    if not (isinstance(net.max_epochs, Integral) and int(net.max_epochs) > 0):
        raise ValueError(f"student__max_epochs must be an int above 0, got {net.max_epochs!r}.")
    size = net.batch_size
    is_auto = isinstance(size, str) and size == "auto" and isinstance(net, TensorNet)
    if not (is_auto or (isinstance(size, Integral) and (int(size) > 0 or size == -1))):
        raise ValueError(f"student__batch_size must be 'auto' or an int above 0, got {size!r}.")


def _check_module_parameters(trial, n_outputs):
    """Check that the module can be made, on a table of one column."""
    size_module(trial, InputLayout(1, 1, 0, (), 0), n_outputs, 1)
    try:
        with seeded(0, trial.device):
            trial.initialize()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"the student cannot be initialized: {type(error).__name__}: {error}. Check its "
            "parameters student__…."
        ) from error


def _check_cut(net, n_features, n_outputs):
    """Check that the table has the columns and classes of the teacher that a net was cut from."""
    start = getattr(net, "start", None)
    if start is not None:
        n_columns = len(start["inputs"]["is_categorical"])
        n_classes = len(start["arrays"]["out.bias"])
    elif net.module is LayerStack:
        linear = [m for m in net.module__layers.modules() if isinstance(m, torch.nn.Linear)]
        n_columns, n_classes = linear[0].in_features, linear[-1].out_features
    else:
        return
    for what, got, expected in (
        ("columns", n_features, n_columns),
        ("classes", n_outputs, n_classes),
    ):
        if got != expected:
            raise ValueError(
                f"the student was cut from a teacher of {expected} {what}, but there are {got} "
                f"{what} here: cut it from a teacher that was fitted on such a table."
            )
