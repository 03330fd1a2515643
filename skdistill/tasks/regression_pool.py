"""Pool the predictions of several regressors, and tell how far the target strays from them."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from sklearn.isotonic import IsotonicRegression

from skdistill.table.target import weighted_quantiles
from skdistill.tasks.pooling import as_weights, best_weights

COMBINATIONS = ("mean", "median")
# Strength of the prior on equal weights, in rows.
ROWS_FOR_EQUAL_WEIGHTS = 1.0
FEWEST_ROWS_OF_SPREAD = 100


def pool_values(predictions, weights, combination="mean"):
    """Combine the predictions of several regressors.

    Parameters
    ----------
    predictions : ndarray of shape (n_teachers, n_samples, n_outputs)
    weights : ndarray of shape (n_teachers,)
        They sum to one.
    combination : {"mean", "median"}, default="mean"
        The weighted mean, or the weighted median of each output.

    Returns
    -------
    pooled : ndarray of shape (n_samples, n_outputs)
    """
    if combination == "mean":
        return np.einsum("t,tnk->nk", weights, predictions)
    order = predictions.argsort(0)
    ordered = np.take_along_axis(predictions, order, 0)
    reached = np.cumsum(np.asarray(weights)[order], axis=0)
    # The mean of the lower and the upper median, which differ where half the weight is reached.
    lower, upper = (reached >= 0.5 - 1e-12).argmax(0), (reached > 0.5 + 1e-12).argmax(0)
    of = (np.take_along_axis(ordered, each[None], 0)[0] for each in (lower, upper))
    return sum(of) / 2


def value_weights(weights, predictions, y, sample_weight=None, *, loss_and_gradient=None):
    """Return the weights of the teachers, which sum to one.

    Parameters
    ----------
    weights : "auto", None or array-like of shape (n_teachers,)
        "auto": those of the lowest loss of the weighted mean, see Notes.
    predictions : ndarray of shape (n_teachers, n_samples, n_outputs)
        Out of fold.
    y : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,), default=None
    loss_and_gradient : callable, default=None
        ``loss_and_gradient(pooled)`` returns the mean loss and its gradient, of the shape of
        `pooled`. None: the squared error.

    Returns
    -------
    weights : ndarray of shape (n_teachers,)

    Notes
    -----
    For squared errors, "auto" is non-negative least squares of y on the predictions [1]_, with
    weights that sum to one. A prior of one row with the error of the best teacher is on equal
    weights. Other losses are minimized over the same weights.

    References
    ----------
    .. [1] Breiman, "Stacked regressions", 1996.
    """
    if weights is None:
        return np.full(len(predictions), 1 / len(predictions))
    if not isinstance(weights, str):
        return as_weights(weights, len(predictions))
    if loss_and_gradient is not None:
        return _of_lowest_loss(predictions, loss_and_gradient)
    return _least_squares(predictions, y, sample_weight)


def _of_lowest_loss(predictions, loss_and_gradient):
    """Minimize a loss, with a prior of one row per teacher that keeps weights above zero."""
    n_teachers, n_samples = predictions.shape[:2]
    prior = ROWS_FOR_EQUAL_WEIGHTS / n_samples
    unit = max(min(loss_and_gradient(each)[0] for each in predictions), np.finfo(float).tiny)

    def of_weights(w):
        loss, gradient = loss_and_gradient(np.einsum("t,tnk->nk", w, predictions))
        w = np.maximum(w, np.finfo(float).tiny)
        of_prior = prior * (np.log(w).sum() / n_teachers)
        gradient = np.einsum("tnk,nk->t", predictions, gradient) / unit
        return loss / unit - of_prior, gradient - prior / n_teachers / w

    return best_weights(of_weights, n_teachers)


def _least_squares(predictions, y, sample_weight):
    """Minimize the squared error of the weighted mean."""
    row_weight = np.ones(len(y)) if sample_weight is None else sample_weight
    row_weight = np.sqrt(row_weight / row_weight.mean())[:, None]
    # Weights that sum to one weight errors: y - sum_t w_t p_t = sum_t w_t (y - p_t).
    errors = np.stack([((y - each) * row_weight).ravel() for each in predictions], axis=1)
    n_teachers = errors.shape[1]
    size = np.sqrt(np.square(errors).mean(axis=0))
    smallest = max(size.min(), np.finfo(float).tiny)
    # In the unit of each teacher's own error, so that one that has diverged does no harm.
    ratio = np.maximum(size / smallest, 1.0)
    errors = errors / np.maximum(size, np.finfo(float).tiny)
    gram = errors.T @ errors / len(errors)
    prior = np.sqrt(ROWS_FOR_EQUAL_WEIGHTS / len(y))
    large = 1e3
    factor = np.linalg.cholesky(gram + 1e-12 * np.eye(n_teachers)).T
    matrix = np.vstack([factor, np.diag(prior / ratio), large / ratio])
    wanted = np.r_[np.zeros(n_teachers), np.full(n_teachers, prior / n_teachers), large]
    found = nnls(matrix, wanted)[0] / ratio
    return found / found.sum()


@dataclass
class Residuals:
    """How the target strays from the pooled mean: residuals out of fold, by the teachers' spread.

    The scale of a residual is an increasing function of the standard deviation of the teachers'
    predictions, found by isotonic regression. A quantile of the target is that of the scaled
    residuals, times the scale, above the pooled mean.

    Parameters
    ----------
    quantiles : ndarray of shape (n_quantiles,)
        Of the scaled residuals.
    spreads, scales : ndarray of shape (n_points,)
        Points of the function.
    """

    quantiles: np.ndarray
    spreads: np.ndarray
    scales: np.ndarray

    @classmethod
    def fit(cls, levels, pooled, spread, y, sample_weight=None):
        """Fit the function and the quantiles.

        Parameters
        ----------
        levels : sequence of float
            Between 0 and 1.
        pooled, spread, y : ndarray of shape (n_samples,)
            Pooled means and standard deviations of the teachers, out of fold, and the targets.
        sample_weight : ndarray of shape (n_samples,), default=None
        """
        residual = y - pooled
        size = np.abs(residual)
        if len(y) < FEWEST_ROWS_OF_SPREAD or np.ptp(spread) == 0:
            spreads, scales = np.zeros(1), np.array([np.average(size, weights=sample_weight)])
        else:
            isotonic = IsotonicRegression(out_of_bounds="clip")
            isotonic.fit(spread, size, sample_weight=sample_weight)
            spreads, scales = isotonic.X_thresholds_, isotonic.y_thresholds_
        # A few rows of no error must not say that others have none.
        smallest = max(0.05 * np.average(size, weights=sample_weight), np.finfo(float).tiny)
        scales = np.maximum(scales, smallest)
        scaled = residual / np.interp(spread, spreads, scales)
        return cls(weighted_quantiles(scaled, levels, sample_weight), spreads, scales)

    def predict(self, pooled, spread):
        """Return the quantiles of the target, ndarray of shape (n_samples, n_quantiles)."""
        scale = np.interp(spread, self.spreads, self.scales)
        return pooled[:, None] + scale[:, None] * self.quantiles
