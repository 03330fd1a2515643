"""Checks of a student against its table, before hours go into its teachers."""

import math

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.base import clone
from skorch import NeuralNet

from skdistill.nets.interface import ROWS_TO_TRY, check_module, inputs_for, size_module
from skdistill.nets.modules import LayerStack, StudentMLP
from skdistill.sklearn_private import safe_indexing
from skdistill.table.net_inputs import NetInputs, UnscaledInputs


def fit_inputs(net: NeuralNet, data, soft_targets, rng):
    """Fit how a net sees the table: as `inputs_for` says, or as the teacher it was cut from.

    Parameters
    ----------
    net : skorch.NeuralNet
    data : TrainingData
    soft_targets : ndarray of shape (n_samples, n_outputs)
        What bins follow.
    rng : RandomState
    """
    start = _start_of(net)
    if start is not None:
        return NetInputs.from_arrays(**start["inputs"], is_sparse=issparse(data.X))
    inputs = inputs_for(net, data.X, data.categorical_features)
    if net.module is LayerStack:
        inputs = UnscaledInputs()
    return inputs.fit(data.X, soft_targets, rng, encoder=data.encoder)


def check_student(net: NeuralNet, data):
    """Refuse a net that cannot be trained on a table, before hours go into its teachers.

    Raises
    ------
    ValueError
        If it was cut from a teacher of other numbers of columns or classes, a column is neither
        numbers nor a category, or a module of one's own fails on a few rows or returns no logits.
    """
    n_outputs = data.task.n_outputs
    _check_start(net, math.prod(data.X.shape[1:]), n_outputs)
    if net.module is StudentMLP:
        data.encoder.encode(data.X)  # looks into each column
        return
    targets = data.task.as_soft_targets(data.y)
    inputs = fit_inputs(net, data, targets, np.random.RandomState(0))
    trial = clone(net)
    size_module(trial, inputs.layout, n_outputs, len(data))
    few = safe_indexing(data.X, np.arange(min(len(data), ROWS_TO_TRY)))
    check_module(trial, inputs.transform(few), n_outputs)


def _check_start(net, n_features, n_outputs):
    start = _start_of(net)
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
                f"{what} here: cut it from one that was fitted on such a table."
            )


def _start_of(net):
    return getattr(net, "start", None)
