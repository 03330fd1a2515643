"""How regressors differ, and what each adds to the pool."""

import numpy as np

from skdistill.tasks.regression_pool import pool_values


def regression_diversity(
    predictions, y, names, weights, combination="mean", sample_weight=None, *, loss, find_weights
):
    """Measure how regressors differ, and what each adds to the pool.

    Parameters
    ----------
    predictions : ndarray of shape (n_teachers, n_samples, n_outputs)
        Out of fold.
    y : ndarray of shape (n_samples, n_outputs)
    names : list of str
        Names of the teachers.
    weights : "auto", None or ndarray of shape (n_teachers,)
    combination : {"mean", "median"}, default="mean"
    sample_weight : ndarray of shape (n_samples,), default=None
    loss : callable
        ``loss(y, predictions, sample_weight)`` returns a float.
    find_weights : callable
        As `value_weights`.

    Returns
    -------
    measures : dict
        "loss" of each teacher; "marginal_gain", the loss of the pool without it minus the loss of
        the pool with it, where a single teacher is compared with the mean of y; and of each pair
        "error_correlation", and "disagreement", the root of the mean squared difference of their
        predictions, relative to that of the errors of both.
    """
    row_weight = np.ones(len(y)) if sample_weight is None else sample_weight

    def pool_loss(teachers):
        if not len(teachers):
            mean = np.average(y, axis=0, weights=row_weight)
            return loss(y, np.broadcast_to(mean, y.shape).copy(), row_weight)
        some = weights if weights is None or isinstance(weights, str) else weights[teachers]
        some = None if isinstance(some, np.ndarray) and not some.any() else some
        fitted = find_weights(some, predictions[teachers], y, row_weight)
        return loss(y, pool_values(predictions[teachers], fitted, combination), row_weight)

    indices = np.arange(len(predictions))
    full = pool_loss(indices)
    gains = [pool_loss(np.delete(indices, t)) - full for t in indices]
    return {
        "loss": {name: loss(y, each, row_weight) for name, each in zip(names, predictions)},
        "marginal_gain": dict(zip(names, gains)),
        **measures_of_pairs(predictions - y, names, row_weight / row_weight.sum()),
    }


def measures_of_pairs(errors, names, row_weight):
    """Return how alike the errors of each pair of teachers are, as dicts of dicts.

    Parameters
    ----------
    errors : ndarray of shape (n_teachers, n_samples, n_outputs)
    names : list of str
    row_weight : ndarray of shape (n_samples,)
        They sum to one.
    """
    root = np.sqrt(row_weight)[:, None]
    flat = (errors * root).reshape(len(errors), -1)
    products = flat @ flat.T
    squares = np.diag(products)
    size = np.sqrt(np.outer(squares, squares))
    means = (errors * row_weight[:, None]).sum(1, keepdims=True)
    centered = ((errors - means) * root).reshape(len(errors), -1)
    covariance = centered @ centered.T
    deviation = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    difference = np.maximum(squares[:, None] + squares - 2 * products, 0)
    measures = {
        "disagreement": np.sqrt(_divide_or_zero(difference, size)),
        "error_correlation": _divide_or_zero(covariance, deviation),
    }
    return {
        measure: {
            one: {other: value for other, value in zip(names, row) if other != one}
            for one, row in zip(names, matrix.tolist())
        }
        for measure, matrix in measures.items()
    }


def _divide_or_zero(numerator, denominator):
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
