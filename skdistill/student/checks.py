"""Checks of a student against its table, before hours go into its teachers."""

import math

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils import _safe_indexing
from skorch import NeuralNet

from skdistill.nets.interface import ROWS_TO_TRY, check_module, inputs_for, size_module
from skdistill.nets.modules import LayerStack, StudentMLP
from skdistill.table.encoder import TableEncoder
from skdistill.table.net_inputs import NetInputs, UnscaledInputs


def fitted_inputs(net: NeuralNet, categorical_features, X, soft_targets, rng):
    """How a net wants the table: as `inputs_for` says, or as the teacher that it was cut from."""
    start = _start_of(net)
    if start is not None:
        return NetInputs.from_arrays(**start["inputs"], is_sparse=issparse(X))
    if net.module is LayerStack:
        return UnscaledInputs().fit(X, soft_targets, rng)
    return inputs_for(net, X, categorical_features).fit(X, soft_targets, rng)


def check_student(net: NeuralNet, X, y, n_classes, categorical_features):
    """Refuse a net that cannot be trained on a table, before hours go into its teachers.

    Raises
    ------
    ValueError
        If it was cut from a teacher of other numbers of columns or classes, a column is neither
        numbers nor a category, or a module of one's own fails on a few rows or returns no logits.
    """
    _check_start(net, math.prod(X.shape[1:]), n_classes)
    if net.module is StudentMLP:
        TableEncoder(categorical_features).fit(X).encode(X)  # looks into each column
        return
    rng = np.random.RandomState(0)
    inputs = fitted_inputs(net, categorical_features, X, np.eye(n_classes)[y], rng)
    trial = clone(net)
    size_module(trial, inputs.layout, n_classes, len(y))
    few = _safe_indexing(X, np.arange(min(len(y), ROWS_TO_TRY)))
    check_module(trial, inputs.transform(few), n_classes)


def _check_start(net, n_features, n_classes):
    start = _start_of(net)
    if start is not None:
        n_columns = len(start["inputs"]["is_categorical"])
        n_outputs = len(start["arrays"]["out.bias"])
    elif net.module is LayerStack:
        linear = [m for m in net.module__layers.modules() if isinstance(m, torch.nn.Linear)]
        n_columns, n_outputs = linear[0].in_features, linear[-1].out_features
    else:
        return
    for what, got, expected in (
        ("columns", n_features, n_columns),
        ("classes", n_classes, n_outputs),
    ):
        if got != expected:
            raise ValueError(
                f"the student was cut from a teacher of {expected} {what}, but there are {got} "
                f"{what} here: cut it from one that was fitted on such a table."
            )


def _start_of(net):
    return getattr(net, "start", None)
