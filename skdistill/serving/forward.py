"""The student as plain arrays, and its forward pass in numpy: no torch here."""

import numpy as np

ROWS_AT_ONCE = 4096


class ForwardPass:
    """A trained `StudentMLP` as arrays.

    Parameters
    ----------
    layout : skdistill._table.InputLayout
    weights : list of (weight, bias)
        Of each layer, weight of shape (n_in, n_out).
    waves : (frequency, phase, weight, bias) or None
        Of the `WaveEmbedding`.
    steps : ndarray of shape (n_numbers, n_bins, step_size) or None
        One vector a bin.
    levels : ndarray of shape (sum(layout.n_levels), level_size) or None
        One vector a level, column after column.
    """

    def __init__(self, layout, weights, waves=None, steps=None, levels=None):
        self.layout = layout
        self.weights = weights
        self.waves = waves
        self.steps = steps
        self.levels = levels
        self.first_levels = np.cumsum([0, *layout.n_levels[:-1]])

    def __call__(self, X):
        """Logits of encoded rows.

        Parameters
        ----------
        X : ndarray of shape (n_samples, layout.width), float32

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes), float32
        """
        if len(X) <= ROWS_AT_ONCE:
            return self._logits(X)
        starts = range(0, len(X), ROWS_AT_ONCE)
        return np.concatenate([self._logits(X[i : i + ROWS_AT_ONCE]) for i in starts])

    def _logits(self, X):
        numbers, flags, levels, bins = self.layout.split(X)
        parts = [numbers, flags]
        if self.waves is not None:
            parts.append(_waves(numbers, *self.waves))
        if self.steps is not None:
            columns = np.arange(bins.shape[1])
            parts.append(self.steps[columns, bins.astype(np.intp)].reshape(len(X), -1))
        if self.levels is not None:
            rows = levels.astype(np.intp) + self.first_levels
            parts.append(self.levels[rows].reshape(len(X), -1))
        h = np.concatenate(parts, axis=1)
        for weight, bias in self.weights[:-1]:
            h = h @ weight
            h += bias
            np.maximum(h, 0, out=h)
        weight, bias = self.weights[-1]
        return h @ weight + bias


def _waves(x, frequency, phase, weight, bias):
    """A `WaveEmbedding`, as one matrix product a number."""
    waves = np.cos(np.float32(2 * np.pi) * (x[:, :, None] * frequency + phase))
    embedded = np.matmul(waves.transpose(1, 0, 2), weight) + bias[:, None]
    return embedded.transpose(1, 0, 2).reshape(len(x), -1)
