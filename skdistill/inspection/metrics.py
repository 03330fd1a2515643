"""Measures of predicted probabilities: calibration, Brier score, agreement."""

import numpy as np
from scipy.special import rel_entr
from scipy.stats import kendalltau
from sklearn.metrics import roc_auc_score


def expected_calibration_error(y_true, proba, *, n_bins=15):
    """Measure the mean gap between confidence and accuracy.

    The confidence of a row is the probability of its most probable class. The rows are binned
    by confidence.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,), int
        Indices of the true classes, as columns of `proba`.
    proba : array-like of shape (n_samples, n_classes)
        Predicted probabilities. Rows sum to one.
    n_bins : int, default=15
        Number of bins, of equal width in [0, 1].

    Returns
    -------
    error : float
        In [0, 1]; 0 is calibrated.

    See Also
    --------
    compare : Measures several models at once.

    Notes
    -----
    The error is ``sum(n_b / n * abs(accuracy_b - confidence_b))`` over the bins b, with n_b of
    the n rows in bin b, the share of them that are predicted correctly, and their mean
    confidence. It depends on the number of bins, and on few rows it is biased upward. It
    measures only the most probable class.

    References
    ----------
    Guo et al., "On calibration of modern neural networks", 2017, arXiv:1706.04599.

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill import expected_calibration_error
    >>> overconfident = np.array([[1.0, 0.0], [1.0, 0.0]])
    >>> expected_calibration_error([0, 1], overconfident)
    0.5
    """
    counts, confidence, accuracy = reliability(y_true, proba, n_bins=n_bins)
    return float(np.sum(counts * abs(confidence - accuracy)) / counts.sum())


def reliability(y_true, proba, *, n_bins=15):
    """Return counts, mean confidence and accuracy in bins of equal width.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,), int
        Indices of the true classes, as columns of `proba`.
    proba : array-like of shape (n_samples, n_classes)
    n_bins : int, default=15
        Number of bins, of equal width in [0, 1].

    Returns
    -------
    counts, confidence, accuracy : ndarray of shape (n_used_bins,)
        Empty bins are left out.
    """
    confidence, is_right = _confidence(y_true, proba)
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    return _bin_means(bins, confidence, is_right)


def equal_count_reliability(y_true, proba, *, n_bins=10, min_rows=50):
    """Return counts, mean confidence and accuracy in bins of about equal count.

    In bins of equal width, a good model has only a few rows in most bins, and their accuracy
    is noise. These bins have at least `min_rows` rows each. Rows of the same confidence share
    a bin.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,), int
        Indices of the true classes, as columns of `proba`.
    proba : array-like of shape (n_samples, n_classes)
    n_bins : int, default=10
        Largest number of bins.
    min_rows : int, default=50
        Smallest number of rows in a bin.

    Returns
    -------
    counts, confidence, accuracy : ndarray of shape (n_used_bins,)
        Sorted by confidence. Empty if there are fewer than `min_rows` rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill.inspection.metrics import equal_count_reliability
    >>> p = np.linspace(0.6, 0.9, 4)
    >>> proba = np.column_stack([p, 1 - p])
    >>> counts, confidence, accuracy = equal_count_reliability([0, 1, 0, 0], proba, min_rows=2)
    >>> counts
    array([2, 2])
    >>> confidence.round(2), accuracy
    (array([0.65, 0.85]), array([0.5, 1. ]))
    """
    confidence, is_right = _confidence(y_true, proba)
    ranked = np.sort(confidence)
    n_bins = min(n_bins, len(ranked) // min_rows)
    if n_bins == 0:
        return np.array([], int), np.array([]), np.array([])
    lasts = len(ranked) * np.arange(1, n_bins + 1) // n_bins - 1
    ends = [0]
    for end in np.searchsorted(ranked, ranked[lasts], side="right"):
        if end - ends[-1] >= min_rows:
            ends.append(end)
    # A remainder of too few rows joins the bin below it.
    edges = ranked[ends[1:-1]]
    return _bin_means(np.searchsorted(edges, confidence, side="right"), confidence, is_right)


def wilson_interval(share, counts, *, z=1.96):
    """Return Wilson's score interval for the probability behind an observed share.

    Parameters
    ----------
    share : array-like of float
        Share of successes, in [0, 1].
    counts : array-like of int
        Number of trials.
    z : float, default=1.96
        Quantile of the normal distribution; 1.96 gives a 95 % interval.

    Returns
    -------
    low, high : ndarray of float
        Ends of the interval, in [0, 1].

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference", 1927.

    Examples
    --------
    >>> from skdistill.inspection.metrics import wilson_interval
    >>> low, high = wilson_interval(1.0, 50)
    >>> round(float(low), 3), round(float(high), 3)
    (0.929, 1.0)
    """
    share, counts = np.asarray(share), np.asarray(counts)
    center = share + z**2 / (2 * counts)
    spread = z * np.sqrt(share * (1 - share) / counts + z**2 / (4 * counts**2))
    scale = 1 + z**2 / counts
    low, high = (center - spread) / scale, (center + spread) / scale
    return np.clip(low, 0, share), np.clip(high, share, 1)  # a rounding error may exclude 0 or 1


def agreement(proba, other):
    """Return the share of rows for which two models predict the same class."""
    return float(np.mean(proba.argmax(1) == other.argmax(1)))


def brier_score(y_true, proba):
    """Return the mean squared distance of probabilities to one-hot labels, in [0, 2]."""
    return float(np.mean(((proba - np.eye(proba.shape[1])[y_true]) ** 2).sum(1)))


def macro_auc(y_true, proba):
    """Return the mean area under the ROC curves of each class against the others.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Indices of the true classes, as columns of `proba`.
    proba : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    auc : float or None
        The mean over the classes that have rows; None if there are fewer than two of them.

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill.inspection.metrics import macro_auc
    >>> proba = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    >>> macro_auc(np.array([0, 0, 1]), proba)
    1.0
    """
    present = np.unique(y_true)
    if len(present) < 2:
        return None
    if proba.shape[1] == 2:  # the other class has the same
        present = present[1:]
    return float(np.mean([roc_auc_score(y_true == k, proba[:, k]) for k in present]))


def kl_divergence(proba, other):
    """Return KL(proba ‖ other) of each row, where `other` is at least 2e-16.

    Parameters
    ----------
    proba, other : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    divergence : ndarray of shape (n_samples,)

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill.inspection.metrics import kl_divergence
    >>> kl_divergence(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])).round(4)
    array([0.6931])
    """
    proba = np.asarray(proba, dtype=np.float64)
    other = np.maximum(np.asarray(other, dtype=np.float64), np.finfo(np.float64).eps)
    return np.maximum(rel_entr(proba, other).sum(1), 0)


def mean_tau(scores, other, queries):
    """Return the mean Kendall's tau-b within queries, of two rankings.

    Queries in which one of them has all rows equal are left out.

    Parameters
    ----------
    scores, other : ndarray of shape (n_samples,)
    queries : ndarray of shape (n_samples,), int

    Returns
    -------
    tau : float
        In [-1, 1]; NaN if no query is left.

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill.inspection.metrics import mean_tau
    >>> round(mean_tau(np.array([1, 2, 3]), np.array([1, 3, 2]), np.zeros(3, int)), 3)
    0.333
    """
    order = np.argsort(queries, kind="stable")
    starts = np.flatnonzero(np.diff(queries[order])) + 1
    taus = [
        float(kendalltau(scores[rows], other[rows]).statistic)
        for rows in np.split(order, starts)
        if np.ptp(scores[rows]) > 0 and np.ptp(other[rows]) > 0
    ]
    return float(np.mean(taus)) if taus else float("nan")


def log_losses(y_true, proba):
    """Return the negative logarithm of each row's probability of its true class."""
    chosen = proba[np.arange(len(y_true)), y_true].astype(np.float64)
    return -np.log(np.maximum(chosen, np.finfo(np.float64).eps))


def _confidence(y_true, proba):
    """Return the highest probability of each row, and whether its class is the true one."""
    proba = np.asarray(proba)
    return proba.max(1), proba.argmax(1) == np.asarray(y_true)


def _bin_means(bins, confidence, is_right):
    """Return counts, mean confidence and accuracy of the bins that have rows."""
    counts = np.bincount(bins)
    used = counts > 0
    sums = np.bincount(bins, confidence), np.bincount(bins, is_right)
    return counts[used], *(each[used] / counts[used] for each in sums)
