"""How the outputs of a net become predictions of a target: a link, a scale and a center."""

from dataclasses import dataclass

import numpy as np

LOSSES = ("squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma")
# They predict positive means, through an exponential.
WITH_LOG_LINK = ("poisson", "gamma")
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
    def of(cls, y, link, sample_weight=None):
        """Fit the center and the scale of a target.

        They are its mean and standard deviation. With a logarithm as link, the center is 0 and
        the scale is the mean.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_targets)
        link : {"identity", "log"}
        sample_weight : ndarray of shape (n_samples,), default=None
        """
        # Of numbers up to 1, so that squares of huge ones do not overflow.
        unit = np.abs(y).max(axis=0)
        unit = np.where(unit > 0, unit, 1.0)
        y = y / unit
        mean = np.average(y, axis=0, weights=sample_weight)
        if link == "log":
            return cls(np.zeros(y.shape[1]), np.where(mean > 0, mean, 1.0) * unit, link)
        scale = np.sqrt(np.average(np.square(y - mean), axis=0, weights=sample_weight))
        counts = slice(None) if sample_weight is None else sample_weight > 0
        scale = np.where(np.ptp(y[counts], axis=0) > 0, scale, 1.0)
        return cls(mean * unit, scale * unit, link)

    def scaled(self, y):
        """Return targets or means in the unit of the net."""
        return (y - self.center) / self.scale

    def unscaled(self, y):
        """Return the inverse of `scaled`."""
        return self.center + self.scale * y

    def predictions(self, outputs):
        """Return the predictions of a net's outputs, ndarray of shape (n_samples, n_targets)."""
        if self.link == "log":
            outputs = np.exp(np.minimum(outputs, LARGEST_LOGARITHM))
        return self.unscaled(outputs)
