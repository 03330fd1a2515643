"""What `NetClassifier` and `NetRegressor` share: a torch net trained on the targets of a table."""

import math
from abc import abstractmethod
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skdistill.jobs.processes import check_alike
from skdistill.jobs.seeds import draw_seed
from skdistill.nets.checks import check_cut, check_parameters, watches_validation
from skdistill.nets.cloning import clone_net
from skdistill.nets.interface import check_module, fit_inputs, settle, size_module
from skdistill.nets.modules import StudentMLP
from skdistill.nets.side_by_side import StackedRows, train_side_by_side
from skdistill.nets.tensor_net import TensorNet
from skdistill.nets.training import (
    best_epoch,
    check_finite,
    cut_off,
    epoch_records,
    place,
    seeded,
    train_net,
    within_memory,
)
from skdistill.sklearn_private import DocumentationLink, safe_indexing
from skdistill.table.net_inputs import NetInputs
from skdistill.table.splits import hold_out
from skdistill.table.training_data import TrainingData
from skdistill.table.validation import check_table
from skdistill.transfer.transfer_set import TransferSet

# Optimizers that treat each weight by itself, and so a stack of nets like each of them.
ELEMENTWISE = (torch.optim.AdamW, torch.optim.Adam, torch.optim.SGD, torch.optim.RMSprop)


class BaseNetEstimator(DocumentationLink, BaseEstimator):
    """A torch net trained on the targets of a table, through skorch.

    A subclass names its task by `_task`, its loss by `_criterion`, and turns outputs into
    predictions.
    """

    _task: Any
    net: Any
    categorical_features: Any
    device: str
    side_by_side: bool
    random_state: Any

    @property
    @abstractmethod
    def _criterion(self):
        """The loss of the training, an nn.Module class."""

    def _own(self, data):
        """Return rows with targets as this estimator's own task encodes them."""
        return data

    @abstractmethod
    def _keep(self, task, inputs, net):
        """Keep a trained net, and what predicting needs of the task."""

    def fit(self, X, y, sample_weight=None):
        """Find the number of epochs on validation rows, then train on all rows.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Or (n_samples, ...), which a module without a layout gets unchanged.
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Only ratios matter.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If the data is invalid, the module returns other outputs, the device is unavailable, or
            training diverges.
        """
        return self._fit(X, y, sample_weight)

    def _fit(self, X, y, sample_weight, groups=None):
        check_alike(self)
        data = TrainingData.check(self, self._task, X, y, sample_weight, groups=groups)
        rng = check_random_state(self.random_state)
        rows = {"groups": data.groups, "sample_weight": data.sample_weight}
        held_out = hold_out(data.task.strata(data.y), rng, **rows)
        net = self._checked_net()
        check_cut(net, math.prod(data.X.shape[1:]), data.task)
        place(net, self.device)
        seed, trial = draw_seed(rng), clone_net(net)
        inputs = self._train(trial, replace(data, held_out=held_out), seed)
        self.history_ = epoch_records(trial.history)
        n_epochs = None if watches_validation(net) else best_epoch(trial)
        if n_epochs is None:
            net = trial
        else:
            inputs = self._train(cut_off(net, n_epochs), data, seed)
        net.trim_for_prediction()
        self._keep(data.task, inputs, net)
        return self

    def check_parameters(self):
        """Check the parameters of the net, before anything is fitted.

        Raises
        ------
        ValueError
            If a parameter of the net's training is invalid.
        """
        self._checked_net()

    def _checked_net(self):
        net = TensorNet(StudentMLP) if self.net is None else settle(clone_net(self.net))
        check_parameters(net, self._criterion, "net")
        return net

    def can_fit_folds(self, X):
        """Tell whether folds are fitted side by side: a `StudentMLP` without callbacks can be.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)

        Returns
        -------
        can_fit : bool
        """
        net = TensorNet(StudentMLP) if self.net is None else self.net
        return (
            self.side_by_side
            and type(net) is TensorNet
            and net.module is StudentMLP
            and not net.callbacks
            and net.patience is not None
            and net.mixed_precision is not True
            and net.optimizer in ELEMENTWISE
            and "optimizer__param_groups" not in net.get_params()
            and not issparse(X)
        )

    def fit_folds(self, data, splits, names):
        """Fit a clone on the training rows of each split, all side by side.

        The number of epochs is found once, by the mean loss of the splits' test rows.

        Parameters
        ----------
        data : TrainingData
            Its y are as its task encodes them.
        splits : list of (train, test)
            Test rows may be empty.
        names : list of str
            Names of the splits, for errors.

        Returns
        -------
        fitted : list of estimator

        Raises
        ------
        ValueError
            If the training of a net diverges; the message names its split.
        """
        rng = check_random_state(self.random_state)
        net, data = self._checked_net(), self._own(data)
        place(net, self.device)
        seed = draw_seed(rng)
        inputs, rows = self._rows_of_folds(data, splits, seed)
        size_module(net, inputs[0].layout, data.task.n_targets)

        def train():
            nets = [clone_net(net) for _ in splits]
            with seeded(seed, net.device):
                for each in nets:
                    each.initialize()
            return nets, *train_side_by_side(nets, rows, seed=seed)

        nets, history, diverged = within_memory(train, net, len(splits[0][0]))
        if diverged:
            raise ValueError(
                f"the training diverged on {', '.join(names[k] for k in diverged)}: the weights "
                f"are not finite. Decrease the learning rate (net__lr={net.lr})."
            )
        return [self._fitted(own, each, history, data) for own, each in zip(nets, inputs)]

    def _rows_of_folds(self, data, splits, seed):
        """Encode the table once, with bins by the targets of each split's training rows."""
        rng = np.random.RandomState(seed)
        common = NetInputs(self.categorical_features, max_bins=0).fit(data.X, None, rng)
        matrix, targets = common.encode(data.X), data.task.as_soft_targets(data.y)
        common.max_bins = "auto"
        inputs = [common.with_bins_of(matrix, targets, train, rng) for train, _ in splits]
        _pad_bins(inputs)
        layout = inputs[0].layout
        n_alike = layout.width - len(layout.n_bins)
        bins = None
        if layout.n_bins:
            bins = np.stack([each.pack(matrix)[:, n_alike:] for each in inputs]).astype(np.int16)
        rows = StackedRows(
            inputs[0].pack(matrix)[:, :n_alike],
            bins,
            data.y,
            data.task.label_losses,
            data.sample_weight,
            train=[train for train, _ in splits],
            valid=[test for _, test in splits],
        )
        return inputs, rows

    def _fitted(self, net, inputs, history, data):
        net.trim_for_prediction()
        fitted = clone(self)
        data.set_columns(fitted)
        fitted._keep(data.task, inputs, net)
        fitted.history_ = history
        return fitted

    def _train(self, net, data, seed):
        """Train a net on the rows that are not held out; return its fitted inputs."""
        # Bins depend on targets, so they are fitted on the training rows only.
        is_training = data.training_rows
        targets = data.task.as_soft_targets(data.y[is_training])
        X = safe_indexing(data.X, is_training)
        rng = np.random.RandomState(seed)
        inputs = fit_inputs(net, X, self.categorical_features, targets, rng)
        size_module(net, inputs.layout, data.task.n_targets)
        transfer_set = TransferSet.from_labels(inputs.transform(data.X), data)
        check_module(net, transfer_set.X, data.task)
        train_net(net, transfer_set, seed=seed, alpha=0.0)
        check_finite(net, "the net", "net__lr")
        return inputs

    def _outputs(self, X):
        """Return the net's outputs of any table, a tensor of shape (n_samples, n_outputs)."""
        check_is_fitted(self)
        X = self.inputs_.transform(check_table(self, X, reset=False))
        return torch.cat([outputs.double().cpu() for outputs in self.net_.forward_iter(X)])

    def __sklearn_is_fitted__(self):
        return hasattr(self, "net_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def _pad_bins(inputs):
    """Give all inputs as many bins of each column, of which the last may stay empty.

    A column's bins are weak if they are so for all inputs that have bins.
    """
    are_weak = [each.weak_bins for each in inputs if each.layout.n_bins]
    most = [max(map(len, points)) for points in zip(*(each.split_points for each in inputs))]
    for each in inputs:
        each.split_points = [
            np.pad(points, (0, n_points - len(points)), constant_values=np.inf)
            for points, n_points in zip(each.split_points, most)
        ]
        each.weak_bins = tuple(map(all, zip(*are_weak)))
        each._lay_out()
