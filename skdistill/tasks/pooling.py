"""Pool the probabilities of several teachers: weights, combination and sharpness."""

from collections.abc import Mapping
from numbers import Real

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import logsumexp, softmax

COMBINATIONS = ("mean", "geometric", "median", "vote")
SMALLEST_PROBABILITY = 1e-7
# Strength of the prior on no sharpening, in rows.
ROWS_FOR_NO_SHARPENING = 50


def pool(soft_targets, weights, combination="mean"):
    """Combine the probabilities of several teachers.

    Parameters
    ----------
    soft_targets : array-like of shape (n_teachers, n_samples, n_classes)
        Probabilities of each teacher; rows sum to one.
    weights : array-like of shape (n_teachers,)
        Weight of each teacher, non-negative. Only ratios matter.
    combination : {"mean", "geometric", "median", "vote"}, default="mean"
        How to combine the teachers.

        - "mean": weighted arithmetic mean.
        - "geometric": weighted geometric mean, which is low where a single teacher is sure that
          a class is wrong.
        - "median": weighted median of each class.
        - "vote": total weight of the teachers for which the class is the most probable one.

    Returns
    -------
    pooled : ndarray of shape (n_samples, n_classes), float64
        Pooled probabilities; rows sum to one.

    Raises
    ------
    ValueError
        If there is not one weight per teacher, if weights are negative, not finite or all zero,
        or if `combination` is unknown.

    See Also
    --------
    diversity : Measures how teachers differ, and what each adds to the pool.
    TeacherEnsemble : Fits teachers and pools them.

    Notes
    -----
    With weights w_t that sum to one and the probability p_tk that teacher t gives to class k,
    the pool q_k of a row is, up to a factor that makes it sum to one,

    - "mean": sum_t w_t p_tk
    - "geometric": prod_t p_tk ** w_t, where p_tk is at least 1e-7
    - "median": the lowest p_tk at which half of the weight is reached
    - "vote": the sum of w_t over teachers with k = argmax_j p_tj

    If the medians of all classes are zero, the pool is the unweighted arithmetic mean.

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill import pool
    >>> first, second = np.array([[0.9, 0.1]]), np.array([[0.5, 0.5]])
    >>> pool([first, second], weights=[1, 1]).round(2)
    array([[0.7, 0.3]])
    >>> pool([first, second], weights=[1, 1], combination="geometric").round(2)
    array([[0.75, 0.25]])
    """
    P = np.asarray(soft_targets, dtype=np.float64)
    weights = as_weights(weights, len(P))
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
    """Return the lowest probability at which half of the weight is reached, for each class."""
    order = P.argsort(0)
    reached = np.cumsum(np.asarray(weights)[order], axis=0) >= 0.5 - 1e-12
    half = reached.argmax(0)[None]
    median = np.take_along_axis(np.take_along_axis(P, order, 0), half, 0)[0]
    # If the medians of all classes are zero, they cannot be normalized.
    return np.where(median.sum(1, keepdims=True) > 0, median, P.mean(0))


def weights_by_name(weights, names):
    """Return the parameter `weights`; a dict by name becomes an array in the teachers' order.

    Raises
    ------
    ValueError
        If a dict names other teachers, or a weight is no number.
    """
    if not isinstance(weights, Mapping):
        return weights
    if set(weights) != set(names):
        raise ValueError(
            f"weights names the teachers {sorted(map(str, weights))}, expected {names}: pass one "
            "weight for each."
        )
    for name, weight in weights.items():
        if not isinstance(weight, Real):
            raise ValueError(f"the weight of teacher {name!r} must be a number, got {weight!r}.")
    return np.array([weights[name] for name in names], dtype=np.float64)


def weights_of(chosen, weights, names):
    """Return the parameter `weights` of some of the teachers; equal ones if all are zero."""
    if weights is None or isinstance(weights, str):
        return weights
    some = np.asarray(weights, dtype=np.float64)[[names.index(name) for name in chosen]]
    return some if some.any() else None


def pool_weights(weights, soft_targets, y, *, combination="mean", sample_weight=None):
    """Turn the parameter `weights` into an array that sums to one.

    Parameters
    ----------
    weights : "auto", None, or array-like of shape (n_teachers,)
        "auto": minimize the log loss of the pool on these rows; the pool is the geometric mean
        if `combination` is "geometric", else the arithmetic mean. None: equal weights.
    soft_targets : ndarray of shape (n_teachers, n_samples, n_classes)
        Out-of-fold probabilities.
    y : ndarray of shape (n_samples,), int
        Class indices.
    combination : {"mean", "geometric", "median", "vote"}, default="mean"
        As in `pool`.
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    weights : ndarray of shape (n_teachers,)

    Raises
    ------
    ValueError
        If there is not one weight per teacher, or if weights are negative, not finite or all
        zero.
    """
    n_teachers = len(soft_targets)
    if weights is None:
        return np.full(n_teachers, 1 / n_teachers)
    if not isinstance(weights, str):
        return as_weights(weights, n_teachers)
    if weights != "auto":
        raise ValueError(f"weights must be 'auto', None or an array, got {weights!r}.")
    row_weight = np.ones(len(y)) if sample_weight is None else sample_weight
    if combination == "geometric":
        return _geometric_weights(soft_targets, y, row_weight / row_weight.sum())
    return _mixture_weights(soft_targets[:, np.arange(len(y)), y], row_weight)


def pool_sharpness(pooled, y, *, sample_weight=None):
    """Return the power of pooled probabilities that minimizes their log loss.

    The mean of teachers that disagree is under-confident, so on clean labels sharpening it
    lowers the log loss. On few rows the power stays close to one.

    Parameters
    ----------
    pooled : ndarray of shape (n_samples, n_classes)
        Out-of-fold probabilities.
    y : ndarray of shape (n_samples,), int
        Class indices.
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    sharpness : float
        Between 1/2 and 2; 1 for a calibrated pool.

    Notes
    -----
    The sharpness s gives probabilities proportional to p ** s, so it is the 1/T of temperature
    scaling. It minimizes ``-sum_i v_i log q_i(s) + 50 sum_i v_i² log(s)²``, where the
    normalized sample weights v_i sum to one and q_i is the sharpened probability of the label.
    With equal weights the second term is 50/n log(s)².

    References
    ----------
    Ranjan and Gneiting, "Combining probability forecasts", 2010.
    """
    log_p = _log(pooled)
    return best_scale(log_p, log_p[np.arange(len(y)), y], sample_weight)


def best_scale(logits, of_targets, sample_weight=None):
    """Return the factor of logits that has the lowest log loss, with a prior on 1.

    Parameters
    ----------
    logits : ndarray of shape (n_samples, n_classes)
    of_targets : ndarray of shape (n_samples,)
        The logit of the label, or the mean logit under soft targets.
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    scale : float
        Between 1/2 and 2.
    """
    row_weight = np.ones(len(logits)) if sample_weight is None else sample_weight
    row_weight = row_weight / row_weight.sum()
    penalty = ROWS_FOR_NO_SHARPENING * (row_weight @ row_weight)

    def loss(log_scale):
        scale = np.exp(log_scale)
        losses = logsumexp(scale * logits, axis=1) - scale * of_targets
        return row_weight @ losses + penalty * log_scale**2

    found = minimize_scalar(loss, bounds=(-np.log(2), np.log(2)), method="bounded")
    return round(float(np.exp(found.x)), 3)


def sharpen(proba, sharpness):
    """Return probabilities to a power, normalized, of shape (n_samples, n_classes)."""
    if sharpness == 1:
        return proba
    powers = proba**sharpness
    return powers / powers.sum(1, keepdims=True)


def as_weights(weights, n_teachers):
    """Check weights, and normalize them to sum to one, ndarray of shape (n_teachers,)."""
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
    """Minimize -sum_i row_weight_i log(sum_t w_t p_ti) - 1/n sum_t log(w_t), convex in w.

    The second term is a prior of one row per teacher: it keeps weights above zero on few rows
    and has little effect on many.
    """
    p = np.maximum(p_of_label, SMALLEST_PROBABILITY)
    row_weight = row_weight / row_weight.sum()
    prior = 1 / p.shape[1]

    def loss_and_gradient(w):
        mixture = w @ p
        loss = -row_weight @ np.log(mixture) - prior * np.log(w).sum()
        return loss, -p @ (row_weight / mixture) - prior / w

    return best_weights(loss_and_gradient, len(p))


def _geometric_weights(soft_targets, y, row_weight):
    """Minimize the log loss of the weighted geometric mean."""
    log_P = _log(np.asarray(soft_targets, dtype=np.float64))
    indices = np.arange(len(y))

    def loss_and_gradient(w):
        p = _geometric(log_P, w)
        residual = log_P[:, indices, y] - np.einsum("nk,tnk->tn", p, log_P)
        return -row_weight @ np.log(p[indices, y]), -residual @ row_weight

    return best_weights(loss_and_gradient, len(log_P))


def best_weights(loss_and_gradient, n_teachers):
    """Return the weights of the lowest loss, which sum to one.

    They are the softmax of free parameters.

    Parameters
    ----------
    loss_and_gradient : callable
        Of an ndarray of shape (n_teachers,).
    n_teachers : int
    """

    def loss_of_parameters(parameters):
        w = softmax(parameters)
        loss, gradient = loss_and_gradient(w)
        return loss, w * (gradient - w @ gradient)

    options = {"ftol": 1e-12}
    found = minimize(
        loss_of_parameters, np.zeros(n_teachers), jac=True, method="L-BFGS-B", options=options
    )
    return softmax(found.x)
