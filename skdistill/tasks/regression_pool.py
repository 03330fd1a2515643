"""Pool the predictions of several regressors, and tell how far the target strays from them."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from sklearn.isotonic import IsotonicRegression

from skdistill.tasks.pooling import as_weights

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


def value_weights(weights, predictions, y, sample_weight=None):
    """Return the weights of the teachers, which sum to one.

    Parameters
    ----------
    weights : "auto", None or array-like of shape (n_teachers,)
        "auto": those of the lowest squared error of the weighted mean, see Notes.
    predictions : ndarray of shape (n_teachers, n_samples, n_outputs)
        Out of fold.
    y : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    weights : ndarray of shape (n_teachers,)

    Notes
    -----
    "auto" is non-negative least squares of y on the predictions [1]_, with weights that sum to
    one, and a prior of one row on equal weights.

    References
    ----------
    .. [1] Breiman, "Stacked regressions", 1996.
    """
    if weights is None:
        return np.full(len(predictions), 1 / len(predictions))
    if not isinstance(weights, str):
        return as_weights(weights, len(predictions))
    row_weight = np.ones(len(y)) if sample_weight is None else sample_weight
    row_weight = np.sqrt(row_weight / row_weight.mean())[:, None]
    # Weights that sum to one weight errors: y - sum_t w_t p_t = sum_t w_t (y - p_t).
    errors = np.stack([((y - each) * row_weight).ravel() for each in predictions], axis=1)
    n_teachers = errors.shape[1]
    gram = errors.T @ errors
    unit = max(np.trace(gram) / n_teachers, np.finfo(float).tiny)
    prior = ROWS_FOR_EQUAL_WEIGHTS * unit / len(y)
    # The sum is held by an equation that outweighs all others.
    factor = np.linalg.cholesky(gram / unit + (prior / unit + 1e-12) * np.eye(n_teachers)).T
    large = 1e3 * np.abs(factor).max()
    matrix = np.vstack([factor, np.full(n_teachers, large)])
    found, _ = nnls(matrix, np.append(np.zeros(n_teachers), large))
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
        return cls(_weighted_quantiles(scaled, levels, sample_weight), spreads, scales)

    def predict(self, pooled, spread):
        """Return the quantiles of the target, ndarray of shape (n_samples, n_quantiles)."""
        scale = np.interp(spread, self.spreads, self.scales)
        return pooled[:, None] + scale[:, None] * self.quantiles


def _weighted_quantiles(values, levels, sample_weight):
    if sample_weight is None:
        return np.quantile(values, levels)
    order = values.argsort()
    reached = sample_weight[order].cumsum() - sample_weight[order] / 2
    return np.interp(levels, reached / sample_weight.sum(), values[order])
