"""A torch net on labels, as a scikit-learn classifier."""

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import check_is_fitted

from skdistill._held_out import hold_out, learnt_from
from skdistill._table import check_table, check_training_rows
from skdistill.nets.modules import StudentMLP
from skdistill.nets.tensor_net import TensorNet
from skdistill.nets.training import (
    MAX_SEED,
    check_module,
    inputs_for,
    resolve_device,
    size_module,
    train_net,
)
from skdistill.transfer.transfer_set import TransferSet


class NetClassifier(ClassifierMixin, BaseEstimator):
    """A torch net trained on labels through skorch, from mixed tables.

    The default torch teachers are such; with the student's net it is the baseline that
    every student is compared with: the same net without teachers.

    Parameters
    ----------
    net : TensorNet, default=None
        Cloned and trained; by default ``TensorNet(StudentMLP)``.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        As in `DistilledClassifier`.
    device : str, default="auto"
        "auto": the GPU where there is one.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    net_ : TensorNet
        Trained, without its optimizer.
    history_ : list of dict
        ``train_loss`` and ``valid_loss`` of each epoch.
    """

    def __init__(
        self, net=None, *, categorical_features="from_dtype", device="auto", random_state=None
    ):
        self.net = net
        self.categorical_features = categorical_features
        self.device = device
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Train the net; a tenth or so of the rows decide when to stop."""
        X, y, classes, sample_weight = check_training_rows(self, X, y, sample_weight)
        rng = check_random_state(self.random_state)
        n_classes = len(classes)
        held_out = hold_out(y, rng, sample_weight=sample_weight)
        net = TensorNet(StudentMLP) if self.net is None else clone(self.net)
        net.set_params(device=resolve_device(self.device))
        # The steps follow labels, and those of rows that judge the net, or weigh nothing, are
        # not for it.
        learnt = learnt_from(held_out, sample_weight)
        inputs = inputs_for(net, X, self.categorical_features).fit(
            _safe_indexing(X, learnt), np.eye(n_classes)[y[learnt]], rng
        )
        size_module(net, layout=inputs.layout, n_classes=n_classes, n_samples=len(y))
        rows = TransferSet.from_labels(inputs.transform(X), y, n_classes, sample_weight, held_out)
        check_module(net, rows.X, n_classes)
        train_net(net, rows, seed=rng.randint(MAX_SEED), alpha=0.0)
        self.history_ = list(net.history)
        net.trim_for_prediction()
        self.classes_, self.inputs_, self.net_ = classes, inputs, net
        return self

    def predict_proba(self, X):
        """Class probabilities, ndarray of shape (n_samples, n_classes)."""
        check_is_fitted(self)
        X = self.inputs_.transform(check_table(self, X, reset=False))
        logits = [torch.softmax(z.double(), 1).cpu() for z in self.net_.forward_iter(X)]
        return torch.cat(logits).numpy()

    def predict(self, X):
        """The most probable class of each row, ndarray of shape (n_samples,)."""
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
