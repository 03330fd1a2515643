"""The student as plain arrays, and its forward pass in numpy: no torch here."""

import numpy as np
from scipy.sparse import issparse

# Rows of a table whose numbers and categories are made into floats at once.
ROWS_OF_TABLE = 65_536
# Rows through the net at once: few enough that what is between its layers stays in cache.
ROWS_AT_ONCE = 256
# Fewer rows numpy has answered before a GPU has got them.
ROWS_WORTH_A_GPU = 20_000
ZERO = np.float32(0)  # half as dear to numpy as its own 0


def batched_outputs(inputs, student, X, *, checked, rows_of_table=ROWS_OF_TABLE):
    """Logits of a table of any length, in memory that does not grow with it.

    Parameters
    ----------
    inputs : skdistill.table.net_inputs.NetInputs
    student : ForwardPass, its like on a device, or any callable of encoded rows
    X : DataFrame, CSR matrix or ndarray of shape (n_samples, n_features)
        Been through `check_table`.
    checked : bool
        As in `TableEncoder.encode`.

    Returns
    -------
    logits : ndarray of shape (n_samples, n_classes), float64
    """
    n_samples = X.shape[0]
    if n_samples <= ROWS_AT_ONCE:
        return _logits(inputs, student, inputs.encode(X, checked=checked))
    slices = X.iloc if hasattr(X, "iloc") else X
    rows_at_once = getattr(student, "rows_at_once", ROWS_AT_ONCE)
    # A student of dense rows makes sparse ones dense, and that takes memory.
    rows_of_table = rows_at_once if issparse(X) else rows_of_table
    logits = None
    for start in range(0, n_samples, rows_of_table):
        matrix = inputs.encode(slices[start : start + rows_of_table], checked=checked)
        for i in range(0, matrix.shape[0], rows_at_once):
            block = _logits(inputs, student, matrix[i : i + rows_at_once])
            if logits is None:
                logits = np.empty((n_samples, block.shape[1]))
            logits[start + i : start + i + len(block)] = block
    return logits


def _logits(inputs, student, matrix):
    if hasattr(student, "logits"):
        logits = student.logits(*inputs.parts(matrix))
    else:
        logits = student(inputs.pack(matrix))
    return logits.astype(np.float64)


def softmax(logits):
    """Probabilities of logits in float64; rows sum to one."""
    proba = np.exp(logits - logits.max(axis=1, keepdims=True))
    proba /= proba.sum(axis=1, keepdims=True)
    return proba


def log_softmax(logits):
    """Logarithm of `softmax`."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


class ForwardPass:
    """A trained `StudentMLP` as arrays.

    Parameters
    ----------
    layout : skdistill.table.net_inputs.InputLayout
    weights : list of (weight, bias)
        Of each layer, weight of shape (n_in, n_out).
    periodic : (frequency, phase, weight, bias) or None
        Of the `PeriodicEmbedding`.
    bins : ndarray of shape (n_embedded, n_bins, bin_embedding_size) or None
        One vector a bin.
    categories : ndarray of shape (sum(layout.n_categories), category_embedding_size) or None
        One vector a level, column after column.
    """

    _ready: "Folded | None" = None

    def __init__(self, layout, weights, periodic=None, bins=None, categories=None):
        self.layout = layout
        self.weights = weights
        self.periodic = periodic
        self.bins = bins
        self.categories = categories

    def __call__(self, X):
        """Logits of encoded rows.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, layout.width), float32

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes), float32
        """
        starts = range(0, max(X.shape[0], 1), ROWS_AT_ONCE)
        blocks = (X[i : i + ROWS_AT_ONCE] for i in starts)
        return np.concatenate([self._logits_of_encoded(block) for block in blocks])

    def _logits_of_encoded(self, X):
        numbers, indicators, categories, bins = self.layout.split(X)
        return self.logits(numbers, indicators, categories.astype(np.intp), bins.astype(np.intp))

    def logits(self, numbers, indicators, categories, bins):
        """Logits of a few rows, from what `NetInputs.parts` returns."""
        folded = self.folded()
        if issparse(numbers):
            if folded.periodic is None:
                return _later_layers(folded, numbers @ folded.first_weight)
            numbers = numbers.toarray()  # of a dense fit, whose periodic are not zero anywhere
        n_samples = len(numbers)
        parts = [numbers]
        if indicators.shape[1]:
            parts.append(indicators)
        if folded.periodic is not None:
            parts.append(_periodic(numbers[:, : self.layout.n_embedded], *folded.periodic))
        if folded.bins is not None:
            vectors = folded.bins.take(bins + folded.bin_offsets, axis=0)
            parts.append(vectors.reshape(n_samples, -1))
        if folded.categories is not None:
            vectors = folded.categories.take(categories + folded.category_offsets, axis=0)
            parts.append(vectors.reshape(n_samples, -1))
        h = np.concatenate(parts, axis=1)
        return _later_layers(folded, np.dot(h, folded.first_weight))

    def folded(self):
        """The arrays as `logits` multiplies them, built on first use and never pickled."""
        # Built by whoever comes first; two threads at once build the same and one is kept.
        if self._ready is None:
            self._ready = Folded(self)
        return self._ready

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "_ready"}


class Folded:
    """The arrays of a `ForwardPass` with all constants multiplied out; never pickled."""

    def __init__(self, net):
        layout = net.layout
        self.weights = list(net.weights)
        self.periodic = self.bins = self.categories = None
        if net.periodic is not None:
            frequency, phase, weight, bias = net.periodic
            turn = np.float32(2 * np.pi)
            self.periodic = (turn * frequency, turn * phase, weight)
            # What a wave adds at all times goes into the first layer's bias.
            first = layout.n_numbers + layout.n_indicators
            W, b = net.weights[0]
            self.weights[0] = (W, b + bias.ravel() @ W[first : first + bias.size])
        if net.bins is not None:
            n_embedded, n_bins, size = net.bins.shape
            self.bins = net.bins.reshape(n_embedded * n_bins, size)
            self.bin_offsets = n_bins * np.arange(n_embedded)
        if net.categories is not None:
            self.categories = net.categories
            self.category_offsets = np.cumsum([0, *layout.n_categories[:-1]])
        # For one row adding a bias costs numpy a quarter of the product. So the first layer
        # gets one more unit, which is always one, and the later ones multiply it by theirs.
        (self.first_weight, self.first_bias), *later = self.weights
        self.later_weights = []
        if later:
            self.first_weight = np.pad(self.first_weight, ((0, 0), (0, 1)))
            self.first_bias = np.append(self.first_bias, np.float32(1))
            self.later_weights = [_with_unit(*layer) for layer in later[:-1]]
            self.later_weights.append(np.vstack(later[-1]))


def _later_layers(folded, h):
    """Logits, of the rows' product with the first weights."""
    h += folded.first_bias
    for weight in folded.later_weights:
        np.maximum(h, ZERO, out=h)
        h = np.dot(h, weight)
    return h


def _with_unit(weight, bias):
    """A layer that takes a unit of one, and hands it on."""
    n_in, n_out = weight.shape
    out = np.zeros((n_in + 1, n_out + 1), dtype=np.float32)
    out[:n_in, :n_out], out[n_in, :n_out], out[n_in, n_out] = weight, bias, 1
    return out


def _periodic(x, frequency, phase, weight):
    """A `PeriodicEmbedding` without its bias, as one matrix product a number."""
    periodic = x[:, :, None] * frequency
    periodic += phase
    embedded = np.matmul(np.cos(periodic, out=periodic).transpose(1, 0, 2), weight)
    return embedded.transpose(1, 0, 2).reshape(len(x), -1)
