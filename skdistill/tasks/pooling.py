"""Several teachers' probabilities into one."""

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import logsumexp, softmax

COMBINATIONS = ("mean", "geometric", "median", "vote")
SMALLEST_PROBABILITY = 1e-7
# So many rows stand against a pool that is to be sharpened.
ROWS_FOR_NO_SHARPENING = 50


def pool(soft_targets, weights, combination="mean"):
    """Combine the teachers' probabilities.

    Parameters
    ----------
    soft_targets : ndarray of shape (n_teachers, n_samples, n_classes)
    weights : array-like of shape (n_teachers,)
        Non-negative; only ratios matter.
    combination : {"mean", "geometric", "median", "vote"}, default="mean"
        The weighted arithmetic mean; the weighted geometric mean, which lets a
        teacher veto; the weighted median of each class; or the weight of those
        who think the class the most probable.

    Returns
    -------
    pooled : ndarray of shape (n_samples, n_classes), float64
        Rows sum to one.

    Raises
    ------
    ValueError
        If the weights are of another number than the teachers, negative, not finite or all
        zero, or there is no such combination.
    """
    P = np.asarray(soft_targets, dtype=np.float64)
    weights = _given_weights(weights, len(P))
    if combination == "mean":
        pooled = np.einsum("t,tnk->nk", weights, P)
    elif combination == "geometric":
        pooled = _geometric(_log(P), weights)
    elif combination == "median":
        pooled = _weighted_median(P, weights)
    elif combination == "vote":
        votes = np.eye(P.shape[2])[P.argmax(2)]
        pooled = np.einsum("t,tnk->nk", weights, votes)
    else:
        raise ValueError(f"combination must be one of {COMBINATIONS}, got {combination!r}.")
    return pooled / pooled.sum(1, keepdims=True)


def _log(P):
    return np.log(np.maximum(P, SMALLEST_PROBABILITY))


def _geometric(log_P, weights):
    return softmax(np.einsum("t,tnk->nk", weights, log_P), axis=1)


def _weighted_median(P, weights):
    """The lowest probability at which half the weight is reached, class by class."""
    order = P.argsort(0)
    reached = np.cumsum(np.asarray(weights)[order], axis=0) >= 0.5 - 1e-12
    half = reached.argmax(0)[None]
    median = np.take_along_axis(np.take_along_axis(P, order, 0), half, 0)[0]
    # Where the medians of all classes are zero nothing is left to divide by.
    return np.where(median.sum(1, keepdims=True) > 0, median, P.mean(0))


def pool_weights(weights, soft_targets, y, *, combination="mean", sample_weight=None):
    """Resolve the parameter `weights` into an array of sum one.

    Parameters
    ----------
    weights : "auto", None, or array-like of shape (n_teachers,)
        "auto": the weights whose pool has the lowest log loss on these rows, which no
        teacher has seen; of the geometric mean if that is the combination, else of
        the arithmetic one. None: equal.
    soft_targets : ndarray of shape (n_teachers, n_samples, n_classes)
        Out of fold.
    y : ndarray of shape (n_samples,), int
        Class indices.
    combination : str, default="mean"
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    weights : ndarray of shape (n_teachers,)

    Raises
    ------
    ValueError
        If the weights are of another number than the teachers, negative, not finite,
        or all zero.
    """
    n_teachers = len(soft_targets)
    if weights is None:
        return np.full(n_teachers, 1 / n_teachers)
    if not isinstance(weights, str):
        return _given_weights(weights, n_teachers)
    if weights != "auto":
        raise ValueError(f"weights must be 'auto', None or an array, got {weights!r}.")
    row_weight = np.ones(len(y)) if sample_weight is None else sample_weight
    if combination == "geometric":
        return _geometric_weights(soft_targets, y, row_weight / row_weight.sum())
    return _mixture_weights(soft_targets[:, np.arange(len(y)), y], row_weight)


def pool_sharpness(pooled, y, *, sample_weight=None):
    """The power to which pooled probabilities have the lowest log loss.

    Where classifiers disagree their mean is less sure than each, and less than it should be:
    on clean labels it pays to sharpen it. On few rows the power stays near one.

    Parameters
    ----------
    pooled : ndarray of shape (n_samples, n_classes)
        Out of fold.
    y : ndarray of shape (n_samples,), int
        Class indices.
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    sharpness : float
        Between 1/2 and 2; one for a pool that is as sure as it may be.

    References
    ----------
    Ranjan and Gneiting, "Combining probability forecasts", 2010.
    """
    row_weight = np.ones(len(y)) if sample_weight is None else sample_weight
    row_weight, log_p = row_weight / row_weight.sum(), _log(pooled)
    imagined = ROWS_FOR_NO_SHARPENING * (row_weight @ row_weight)

    def loss(log_power):
        scores = np.exp(log_power) * log_p
        of_rows = logsumexp(scores, axis=1) - scores[np.arange(len(y)), y]
        return row_weight @ of_rows + imagined * log_power**2

    found = minimize_scalar(loss, bounds=(-np.log(2), np.log(2)), method="bounded")
    return round(float(np.exp(found.x)), 3)


def sharpen(proba, sharpness):
    """Probabilities to a power, made to sum to one; shape (n_samples, n_classes)."""
    if sharpness == 1:
        return proba
    powers = proba**sharpness
    return powers / powers.sum(1, keepdims=True)


def _given_weights(weights, n_teachers):
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != (n_teachers,):
        raise ValueError(
            f"weights has shape {weights.shape}, but there are {n_teachers} teachers: "
            "give one weight for each."
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or weights.sum() == 0:
        raise ValueError(
            f"weights must be finite, non-negative and not all zero, got {weights.tolist()}."
        )
    return weights / weights.sum()


def _mixture_weights(p_of_label, row_weight):
    """Minimise -sum_i row_weight_i log(sum_t w_t p_ti), which is convex in w.

    Every teacher starts with one imagined row to its credit, which a few rows cannot
    outweigh and many do not notice.
    """
    p = np.maximum(p_of_label, SMALLEST_PROBABILITY)
    row_weight = row_weight / row_weight.sum()
    imagined = 1 / p.shape[1]

    def loss_and_slope(w):
        mixture = w @ p
        loss = -row_weight @ np.log(mixture) - imagined * np.log(w).sum()
        return loss, -p @ (row_weight / mixture) - imagined / w

    return _best_weights(loss_and_slope, len(p))


def _geometric_weights(soft_targets, y, row_weight):
    """The same for the geometric mean."""
    log_P = _log(np.asarray(soft_targets, dtype=np.float64))
    rows = np.arange(len(y))

    def loss_and_slope(w):
        p = _geometric(log_P, w)
        residual = log_P[:, rows, y] - np.einsum("nk,tnk->tn", p, log_P)
        return -row_weight @ np.log(p[rows, y]), -residual @ row_weight

    return _best_weights(loss_and_slope, len(log_P))


def _best_weights(loss_and_slope, n_teachers):
    """Weights of the lowest loss, as a softmax of free numbers."""

    def of_free(free):
        w = softmax(free)
        loss, slope = loss_and_slope(w)
        return loss, w * (slope - w @ slope)

    found = minimize(
        of_free, np.zeros(n_teachers), jac=True, method="L-BFGS-B", options={"ftol": 1e-12}
    )
    return softmax(found.x)
