"""Check of a student against its table, before the teachers are fitted."""

import math

import numpy as np
from sklearn.base import clone
from skorch import NeuralNet

from skdistill.nets.checks import check_cut, check_parameters, try_training
from skdistill.nets.interface import ROWS_TO_TRY, check_module, settle, size_module
from skdistill.nets.losses import pack_targets
from skdistill.nets.modules import StudentMLP
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
        holds neither numbers nor categories, if a parameter of the net is invalid, or if the net
        cannot be trained on a few rows or returns no logits.
    """
    n_outputs, criterion = data.task.n_outputs, data.task.criterion
    check_cut(net, math.prod(data.X.shape[1:]), n_outputs)
    trial = settle(clone(net), effort=effort).set_params(verbose=0)
    check_parameters(trial, criterion, "student")
    data.encoder.encode(data.X)  # checks each column
    X = _few_inputs(trial, data)
    check_module(trial, X, n_outputs)
    y = data.y[: X.shape[0]]
    try_training(trial, criterion, X, pack_targets(data.task.as_soft_targets(y), y))


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
