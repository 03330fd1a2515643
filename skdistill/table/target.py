"""How the outputs of a net become predictions of a target: a link, a scale and a center."""

from dataclasses import dataclass

import numpy as np

LOSSES = ("squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma")
# They predict positive means, through an exponential.
WITH_LOG_LINK = ("poisson", "gamma")
ROBUST = ("absolute_error", "huber", "quantile")
# The distance of the quartiles of a standard normal distribution.
QUARTILES_OF_NORMAL = 1.349
# Means of zero have no logarithm: the smallest one, relative to the mean of the target.
SMALLEST_MEAN = 1e-6
# Of a prediction in units of the scale. Its exponential, 1e130, can be multiplied by any scale.
LARGEST_LOGARITHM = 300.0


@dataclass
class Target:
    """How outputs become predictions: ``center + scale * inverse link(output)``.

    Parameters
    ----------
    center, scale : ndarray of shape (n_targets,)
    link : {"identity", "log"}
    """

    center: np.ndarray
    scale: np.ndarray
    link: str

    @classmethod
    def of(cls, y, loss, sample_weight=None):
        """Fit the center and the scale of a target.

        They are its mean and standard deviation; for a loss that outliers hardly move, its median
        and the standard deviation that its quartiles have under a normal distribution. With a
        logarithm as link, the center is 0 and the scale is the mean.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_targets)
        loss : str
            One of `LOSSES`.
        sample_weight : ndarray of shape (n_samples,), default=None
        """
        link = "log" if loss in WITH_LOG_LINK else "identity"
        if sample_weight is not None:
            y, sample_weight = y[sample_weight > 0], sample_weight[sample_weight > 0]
        # Of numbers up to 1, so that squares of huge ones do not overflow.
        unit = np.abs(y).max(axis=0)
        unit = np.where(unit > 0, unit, 1.0)
        y = y / unit
        mean = np.average(y, axis=0, weights=sample_weight)
        if link == "log":
            return cls(np.zeros(y.shape[1]), np.where(mean > 0, mean, 1.0) * unit, link)
        scale = np.sqrt(np.average(np.square(y - mean), axis=0, weights=sample_weight))
        if loss in ROBUST:
            quartiles = [weighted_quantiles(each, (0.25, 0.5, 0.75), sample_weight) for each in y.T]
            low, mean, high = np.transpose(quartiles)
            scale = np.where(high > low, (high - low) / QUARTILES_OF_NORMAL, scale)
        scale = np.where(np.ptp(y, axis=0) > 0, scale, 1.0)
        return cls(mean * unit, scale * unit, link)

    def scaled(self, y):
        """Return targets or means in the unit of the net."""
        return (y - self.center) / self.scale

    def unscaled(self, y):
        """Return the inverse of `scaled`."""
        return self.center + self.scale * y

    def outputs(self, y):
        """Return the outputs whose predictions these are, ndarray of shape (n_samples, n_targets).

        A mean that has no logarithm counts as a small one.
        """
        y = self.scaled(y)
        return np.log(np.maximum(y, SMALLEST_MEAN)) if self.link == "log" else y

    def predictions(self, outputs):
        """Return the predictions of a net's outputs, ndarray of shape (n_samples, n_targets)."""
        if self.link == "log":
            outputs = np.exp(np.minimum(outputs, LARGEST_LOGARITHM))
        return self.unscaled(outputs)

    def quantiles(self, outputs):
        """Return the quantiles of a net's outputs, sorted; not below 0 where means are positive.

        Parameters
        ----------
        outputs : ndarray of shape (n_samples, n_quantiles)
            Linear in the target, whatever the link.
        """
        values = self.unscaled(outputs)
        return np.sort(np.maximum(values, 0.0) if self.link == "log" else values, axis=1)


def weighted_quantiles(values, levels, sample_weight=None):
    """Return the lowest values at which shares of the weight are reached.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
    levels : sequence of float
    sample_weight : ndarray of shape (n_samples,), default=None
        A row of weight zero plays no part, one of weight two counts as two rows.

    Returns
    -------
    quantiles : ndarray of shape (n_levels,)
    """
    weight = np.ones(len(values)) if sample_weight is None else sample_weight
    values, weight = values[weight > 0], weight[weight > 0]
    order = values.argsort(kind="stable")
    reached = weight[order].cumsum()
    places = np.searchsorted(reached, np.asarray(levels) * reached[-1] * (1 - 1e-12))
    return values[order[np.minimum(places, len(order) - 1)]]
