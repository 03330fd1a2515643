"""Estimators of scikit-learn as students of soft targets: what they are fitted to."""

import numpy as np
from sklearn import config_context
from sklearn.multioutput import MultiOutputRegressor
from sklearn.utils import get_tags

from skdistill.tasks.sample_weights import fit_with_weights, weight_parameter

# A copy of a row with a class that counts less is left out: it would change next to nothing.
NEGLIGIBLE = 1e-3
# Over the number of classes, the smallest probability that a regressor is fitted to: squared
# errors of the logits of smaller ones would outweigh all others.
LEAST = 0.02


def weighted_copies(proba):
    """Return copies of rows, one for each class that is not negligible, and their weights.

    The log loss of the copies is the cross-entropy of the rows. Each class has a copy.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    rows, classes : ndarray of int of shape (n_copies,)
    weight : ndarray of shape (n_copies,)
    """
    is_copied = proba > NEGLIGIBLE
    is_copied[proba.argmax(0), np.arange(proba.shape[1])] = True
    rows, classes = np.nonzero(is_copied)
    return rows, classes, proba[rows, classes]


def centered_logits(proba, least):
    """Return the logits of probabilities of at least `least`; those of a row sum to zero."""
    logits = np.log(np.maximum(proba, least))
    return logits - logits.mean(axis=1, keepdims=True)


def takes_weights(estimator):
    """Tell whether an estimator accepts sample weights."""
    return bool(weight_parameter(estimator, ()))


def check_weights_reach(student, has_weights):
    """Check that a student takes sample weights, if there are any."""
    if has_weights and not takes_weights(student):
        raise ValueError(
            f"student ({type(student).__name__}) takes no sample_weight, but fit was given weights "
            "of rows or classes: use an estimator that takes them."
        )


def fit_outputs(regressor, X, outputs, sample_weight=None):
    """Fit a regressor, or one clone for each output if it takes only one, and return it.

    Parameters
    ----------
    regressor : regressor
    X : ndarray or CSR matrix of shape (n_samples, n_inputs)
    outputs : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    fitted : regressor or MultiOutputRegressor
    """
    if outputs.shape[1] == 1:
        return fit_with_weights(regressor, X, outputs[:, 0], sample_weight)
    if get_tags(regressor).target_tags.multi_output:
        return fit_with_weights(regressor, X, outputs, sample_weight)
    several, weight = MultiOutputRegressor(regressor), weight_parameter(regressor, sample_weight)
    with config_context(enable_metadata_routing=False):
        return several.fit(X, outputs, **weight)
