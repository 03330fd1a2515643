"""How good and how honest probabilities are."""

import numpy as np


def expected_calibration_error(y_true, proba, *, n_bins=15):
    """Mean gap between how sure the model is and how often it is right.

    Rows are put into bins of equal width by the probability of their most probable
    class; each bin's gap counts by its share of the rows.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,), int
        Indices of the true classes, as columns of `proba`.
    proba : array-like of shape (n_samples, n_classes)
    n_bins : int, default=15

    Returns
    -------
    error : float
        Between 0, calibrated, and 1.

    References
    ----------
    Guo et al., "On calibration of modern neural networks", 2017, arXiv:1706.04599.

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill import expected_calibration_error
    >>> sure = np.array([[1.0, 0.0], [1.0, 0.0]])
    >>> expected_calibration_error([0, 1], sure)
    0.5
    """
    counts, confidence, accuracy = reliability(y_true, proba, n_bins=n_bins)
    return float(np.sum(counts * abs(confidence - accuracy)) / counts.sum())


def reliability(y_true, proba, *, n_bins=15):
    """Rows, mean confidence and accuracy of each bin that has rows."""
    proba = np.asarray(proba)
    confidence = proba.max(1)
    right = proba.argmax(1) == np.asarray(y_true)
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    counts = np.bincount(bins, minlength=n_bins)
    used = counts > 0
    mean_confidence = np.bincount(bins, confidence, n_bins)[used] / counts[used]
    accuracy = np.bincount(bins, right, n_bins)[used] / counts[used]
    return counts[used], mean_confidence, accuracy


def agreement(proba, other):
    """Share of rows for which two models name the same class."""
    return float(np.mean(proba.argmax(1) == other.argmax(1)))


def brier_score(y_true, proba):
    """Mean squared distance of each row's probabilities to its label's 0 and 1, in [0, 2]."""
    return float(np.mean(((proba - np.eye(proba.shape[1])[y_true]) ** 2).sum(1)))
