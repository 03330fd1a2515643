"""Check of a student against its table, before the teachers are fitted."""

import math

import numpy as np
import torch
from sklearn.base import clone
from skorch import NeuralNet

from skdistill.nets.interface import ROWS_TO_TRY, check_module, size_module
from skdistill.nets.modules import LayerStack, StudentMLP
from skdistill.sklearn_private import safe_indexing
from skdistill.student.student_net import fit_inputs


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
    if net.module is StudentMLP:
        data.encoder.encode(data.X)  # checks each column
        return
    targets = data.task.as_soft_targets(data.y)
    inputs = fit_inputs(net, data, targets, np.random.RandomState(0))
    trial = clone(net)
    size_module(trial, inputs.layout, n_outputs, len(data))
    few = safe_indexing(data.X, np.arange(min(len(data), ROWS_TO_TRY)))
    check_module(trial, inputs.transform(few), n_outputs)


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
