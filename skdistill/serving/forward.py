"""The forward pass of a student in numpy, which needs no torch, and the softmax after it."""

import numpy as np
from scipy.sparse import issparse

# Rows of a table that are encoded as floats at once.
ROWS_OF_TABLE = 65_536
# Rows that pass through the net at once: few enough that the activations stay in cache.
ROWS_AT_ONCE = 256
# With fewer rows, numpy is done before they have been copied to a GPU.
ROWS_WORTH_A_GPU = 20_000
ZERO = np.float32(0)  # np.maximum takes half the time that it takes with 0


def batched_outputs(inputs, student, X, *, checked, rows_of_table=ROWS_OF_TABLE):
    """Return the logits of a table of any length, in memory that does not grow with it.

    Parameters
    ----------
    inputs : skdistill.table.net_inputs.NetInputs
    student : ForwardPass, DeviceForward or callable
        A callable takes encoded rows and returns their logits.
    X : DataFrame, CSR matrix or ndarray of shape (n_samples, n_features)
        Validated by `check_table`.
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
    # The student may make sparse rows dense, which takes memory.
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
    """Return the logits of a few rows that `NetInputs.encode` has encoded."""
    if hasattr(student, "logits"):
        logits = student.logits(*inputs.parts(matrix))
    else:
        logits = student(inputs.pack(matrix))
    return logits.astype(np.float64)


def softmax(logits):
    """Return the probabilities of logits in float64; rows sum to one."""
    proba = np.exp(logits - logits.max(axis=1, keepdims=True))
    proba /= proba.sum(axis=1, keepdims=True)
    return proba


def log_softmax(logits):
    """Return the logarithm of `softmax`."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


class ForwardPass:
    """A trained `StudentMLP` as arrays.

    Parameters
    ----------
    layout : skdistill.table.net_inputs.InputLayout
    weights : list of (weight, bias)
        One pair for each layer, the weight of shape (n_in, n_out).
    periodic : (frequency, phase, weight, bias) or None, default=None
        Arrays of the `PeriodicEmbedding`.
    bins : ndarray of shape (n_bins, bin_embedding_size) or None, default=None
        Embedding of each bin, column after column; n_bins is the sum of ``layout.n_bins``.
    categories : ndarray of shape (n_codes, category_embedding_size) or None, default=None
        Embedding of each category code, column after column; n_codes is the sum of
        ``layout.n_categories``.
    """

    _folded: "Folded | None" = None

    def __init__(self, layout, weights, periodic=None, bins=None, categories=None):
        self.layout = layout
        self.weights = weights
        self.periodic = periodic
        self.bins = bins
        self.categories = categories

    def __repr__(self):
        """Return the sizes of the layers: encoded columns, hidden units, outputs."""
        sizes = [self.layout.width, *(bias.size for _, bias in self.weights)]
        return f"{type(self).__name__}({' -> '.join(map(str, sizes))})"

    def __call__(self, X):
        """Return the logits of encoded rows.

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
        """Return the logits of a few rows, given what `NetInputs.parts` returns."""
        folded = self.folded()
        if issparse(numbers):
            if folded.periodic is None:
                return _later_layers(folded, numbers @ folded.first_weight)
            numbers = numbers.toarray()  # the periodic embedding of a zero is not zero
        n_samples = len(numbers)
        parts = [numbers]
        if indicators.shape[1]:
            parts.append(indicators)
        if folded.periodic is not None:
            parts.append(_periodic(numbers[:, : self.layout.n_embedded], *folded.periodic))
        if folded.bins is not None:
            embedded = folded.bins.take(bins + folded.bin_offsets, axis=0)
            parts.append(embedded.reshape(n_samples, -1))
        if folded.categories is not None:
            embedded = folded.categories.take(categories + folded.category_offsets, axis=0)
            parts.append(embedded.reshape(n_samples, -1))
        h = np.concatenate(parts, axis=1)
        return _later_layers(folded, np.dot(h, folded.first_weight))

    def folded(self):
        """Return the arrays that `logits` multiplies; they are built on first use."""
        # Two threads may build them at the same time; they are equal, and one is kept.
        if self._folded is None:
            self._folded = Folded(self)
        return self._folded

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "_folded"}


class Folded:
    """Arrays of a `ForwardPass` in which all constants are multiplied out; never pickled."""

    def __init__(self, net):
        layout = net.layout
        self.weights = list(net.weights)
        self.periodic = self.bins = self.categories = None
        if net.periodic is not None:
            frequency, phase, weight, bias = net.periodic
            two_pi = np.float32(2 * np.pi)
            self.periodic = (two_pi * frequency, two_pi * phase, weight)
            # The bias of the embedding is constant, so the bias of the first layer absorbs it.
            first = layout.n_numbers + layout.n_indicators
            W, b = net.weights[0]
            self.weights[0] = (W, b + bias.ravel() @ W[first : first + bias.size])
        if net.bins is not None:
            self.bins = net.bins
            self.bin_offsets = np.cumsum([0, *layout.n_bins[:-1]])
        if net.categories is not None:
            self.categories = net.categories
            self.category_offsets = np.cumsum([0, *layout.n_categories[:-1]])
        # For a single row, adding a bias takes a quarter of the time of the product. So the
        # first layer gets one more unit that is always one, and the later layers take their
        # bias as the weight of that unit.
        (self.first_weight, self.first_bias), *later = self.weights
        self.later_weights = []
        if later:
            self.first_weight = np.pad(self.first_weight, ((0, 0), (0, 1)))
            self.first_bias = np.append(self.first_bias, np.float32(1))
            self.later_weights = [_with_unit(*layer) for layer in later[:-1]]
            self.later_weights.append(np.vstack(later[-1]))


def _later_layers(folded, h):
    """Return the logits, given the product of the rows and the first weights."""
    h += folded.first_bias
    for weight in folded.later_weights:
        np.maximum(h, ZERO, out=h)
        h = np.dot(h, weight)
    return h


def _with_unit(weight, bias):
    """Return the matrix of a layer that takes a unit that is one, and passes it on."""
    n_in, n_out = weight.shape
    out = np.zeros((n_in + 1, n_out + 1), dtype=np.float32)
    out[:n_in, :n_out], out[n_in, :n_out], out[n_in, n_out] = weight, bias, 1
    return out


def _periodic(x, frequency, phase, weight):
    """Return the periodic embedding without its bias, by one matrix product for each number."""
    periodic = x[:, :, None] * frequency
    periodic += phase
    embedded = np.matmul(np.cos(periodic, out=periodic).transpose(1, 0, 2), weight)
    return embedded.transpose(1, 0, 2).reshape(len(x), -1)
