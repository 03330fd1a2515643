"""`NetClassifier`, a torch net trained on labels as a scikit-learn classifier."""

from dataclasses import replace

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skdistill.jobs.seeds import draw_seed
from skdistill.nets.interface import check_module, inputs_for, size_module
from skdistill.nets.modules import StudentMLP
from skdistill.nets.tensor_net import TensorNet
from skdistill.nets.training import (
    best_epoch,
    check_finite,
    cut_off,
    resolve_device,
    train_net,
)
from skdistill.sklearn_private import safe_indexing
from skdistill.table.splits import hold_out
from skdistill.table.training_data import TrainingData
from skdistill.table.validation import check_table
from skdistill.tasks.classification import Classification
from skdistill.transfer.transfer_set import TransferSet


class NetClassifier(ClassifierMixin, BaseEstimator):
    """A torch net trained on the labels of a table, through skorch.

    The default torch teachers are instances of this class. With the student's net, it is the
    baseline of distillation: the same net without teachers.

    Parameters
    ----------
    net : skorch.NeuralNet, default=None
        A `TensorNet`, or another skorch net whose module returns logits. It is cloned and
        trained. None uses ``TensorNet(StudentMLP)``.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        As in `DistilledClassifier`.
    device : str, default="auto"
        Device of the training. "auto" uses the GPU if there is one.
    random_state : int, RandomState or None, default=None
        Seed of the validation rows, the initial weights, shuffling and dropout.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted labels.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if X has string column names.
    net_ : skorch.NeuralNet
        The trained net, without its optimizer.
    history_ : list of dict
        ``train_loss`` and ``valid_loss`` of each epoch of the first training, see Notes.

    See Also
    --------
    TensorNet : The net, with the parameters of its training.
    StudentMLP : The default module.
    DistilledClassifier : Trains such a net on soft targets and labels.

    Notes
    -----
    A net with early stopping is trained twice. The first training holds out a tenth to a fifth
    of the rows and finds the number of epochs. The second trains for so many epochs on all
    rows.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdistill import NetClassifier, StudentMLP, TensorNet
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = NetClassifier(TensorNet(StudentMLP, max_epochs=5), random_state=0).fit(X, y)
    >>> clf.predict_proba(X).shape
    (150, 3)
    """

    def __init__(
        self, net=None, *, categorical_features="from_dtype", device="auto", random_state=None
    ):
        self.net = net
        self.categorical_features = categorical_features
        self.device = device
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Find the number of epochs on validation rows, then train on all rows.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Or (n_samples, ...), which a module without a layout gets unchanged.
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Only ratios matter.

        Returns
        -------
        self : NetClassifier

        Raises
        ------
        ValueError
            If the data is invalid, the module returns no logits, the device is unavailable, or
            training diverges.
        """
        data = TrainingData.check(self, Classification, X, y, sample_weight)
        rng = check_random_state(self.random_state)
        held_out = hold_out(data.y, rng, sample_weight=data.sample_weight)
        net = TensorNet(StudentMLP) if self.net is None else clone(self.net)
        net.set_params(device=resolve_device(self.device))
        seed, trial = draw_seed(rng), clone(net)
        inputs = self._train(trial, replace(data, held_out=held_out), seed)
        self.history_ = list(trial.history)
        n_epochs = best_epoch(trial)
        if n_epochs is None:
            net = trial
        else:
            inputs = self._train(cut_off(net, n_epochs), data, seed)
        net.trim_for_prediction()
        self.classes_, self.inputs_, self.net_ = data.task.classes, inputs, net
        return self

    def _train(self, net, data, seed):
        """Train a net on the rows that are not held out; return its fitted inputs."""
        # Bins depend on labels, so they are fitted on the training rows only.
        is_training = data.training_rows
        targets = data.task.as_soft_targets(data.y[is_training])
        inputs = inputs_for(net, data.X, self.categorical_features).fit(
            safe_indexing(data.X, is_training), targets, np.random.RandomState(seed)
        )
        n_classes = data.task.n_outputs
        size_module(net, inputs.layout, n_classes, len(data))
        transfer_set = TransferSet.from_labels(inputs.transform(data.X), data)
        check_module(net, transfer_set.X, n_classes)
        train_net(net, transfer_set, seed=seed, alpha=0.0)
        check_finite(net, "the net", "net__lr")
        return inputs

    def predict_proba(self, X):
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns follow `classes_`.
        """
        check_is_fitted(self)
        X = self.inputs_.transform(check_table(self, X, reset=False))
        logits = [torch.softmax(z.double(), 1).cpu() for z in self.net_.forward_iter(X)]
        return torch.cat(logits).numpy()

    def predict(self, X):
        """Predict the most probable class of each row.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(1)]

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
