"""Torch modules: `StudentMLP` with its embeddings and layers, and `LayerStack`."""

import copy
import math
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

MAX_PERIODIC_NUMBERS = 64
# Of the vector of a category, before training.
INITIAL_LENGTH = 0.1


class StudentMLP(nn.Module):
    """Multilayer perceptron with embeddings of a table's columns.

    A number with more than two values enters the net three times: as it is, through a periodic
    embedding, and through an embedding of its bin. A category enters through an embedding.

    Parameters
    ----------
    layout : InputLayout
        Meaning of each input column. `NetClassifier` and `DistilledClassifier` set it.
    n_classes : int
        Number of logits. `NetClassifier` and `DistilledClassifier` set it.
    hidden_sizes : tuple of int, default=(256, 256)
        Units of each hidden layer. Where none are set, `DistilledRegressor` takes (512, 256) for
        tables of up to 40 columns.
    dropout : float, default=0.1
        Dropout after each hidden layer, rounded to 256ths.
    n_frequencies : int, default=16
        Frequencies of the periodic embedding of a number; 0 disables it. It is also disabled
        for tables with more than 64 such numbers, and for sparse input.
    frequency_scale : float, default=0.1
        Standard deviation of the initial frequencies.
    bin_embedding_size : int, default=4
        Size of the embedding of a number's bin; 0 disables it. There are bins from 1,000 rows
        on, unless the table has more than 100 such numbers.
    bin_dropout : float, default=0.2
        Rate, below 1, at which training drops the embedding of a number's bin as a whole. It
        concerns classifiers, and numbers whose bins alone explain less than a tenth of the
        variance of the (soft) labels.
    category_embedding_size : int, default=8
        Size of the embedding of a category.
    sparse_units : int, default=64
        Largest number of units in the first layer for sparse input. It limits `hidden_sizes`,
        because most weights of a net over thousands of columns are in the first layer.

    Attributes
    ----------
    takes_sparse : bool
        Always True: `TensorNet` passes sparse batches unchanged. Other modules get dense ones.

    See Also
    --------
    NetClassifier : Trains the net on labels.
    StudentNet : Trains the net as a student.

    Notes
    -----
    The input has shape (n_samples, layout.width) and is float32. It may be sparse COO if
    ``layout.is_sparse``. The output has shape (n_samples, n_classes) and holds logits.

    The periodic embedding of a number x is a linear map of cos(2π(f x + φ)) over learned
    frequencies f and phases φ ([1]_, in the variant of [2]_). The embedding of a bin is the sum
    of learned increments up to that bin, centered over the bins. Many bins that say little alone
    can be combined to fit noise, which dropping them lessens.

    References
    ----------
    .. [1] Gorishniy et al., "On embeddings for numerical features in tabular deep learning",
       2022, arXiv:2203.05556.
    .. [2] Holzmüller et al., "Better by default: strong pre-tuned MLPs and boosted trees on
       tabular data", 2024, arXiv:2407.04491.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdistill import NetClassifier, StudentMLP, TensorNet
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TensorNet(StudentMLP, module__hidden_sizes=(32,), max_epochs=3)
    >>> clf = NetClassifier(net, random_state=0).fit(X, y)
    >>> clf.net_.module_.out
    Linear(in_features=32, out_features=3, bias=True)
    """

    takes_sparse = True

    def __init__(
        self,
        layout,
        n_classes,
        *,
        hidden_sizes=(256, 256),
        dropout=0.1,
        n_frequencies=16,
        frequency_scale=0.1,
        bin_embedding_size=4,
        bin_dropout=0.2,
        category_embedding_size=8,
        sparse_units=64,
    ):
        super().__init__()
        if not (isinstance(bin_dropout, (int, float, np.number)) and 0 <= bin_dropout < 1):
            raise ValueError(f"bin_dropout must be a number from 0 to below 1, got {bin_dropout!r}")
        self.layout = layout
        width = layout.n_numbers + layout.n_indicators
        width += self._add_embeddings(
            layout,
            n_frequencies,
            frequency_scale,
            bin_embedding_size,
            bin_dropout,
            category_embedding_size,
        )
        sizes = [width, *hidden_sizes]
        if layout.is_sparse and hidden_sizes:
            sizes[1] = min(sizes[1], sparse_units)
        kinds = [SparseLinear if layout.is_sparse else nn.Linear, *[nn.Linear] * len(hidden_sizes)]
        *hidden, self.out = (
            kind(a, b) for kind, (a, b) in zip(kinds, pairwise([*sizes, n_classes]))
        )
        self.hidden = nn.ModuleList(hidden)
        self.dropout = Dropout(dropout)

    def _add_embeddings(
        self, layout, n_frequencies, frequency_scale, bin_size, bin_dropout, category_size
    ):
        """Add the embeddings of the layout's columns; return their total width."""
        n_embedded, width = layout.n_embedded, 0
        self.periodic = self.bins = self.categories = None
        if n_frequencies and not layout.is_sparse and 0 < n_embedded <= MAX_PERIODIC_NUMBERS:
            self.periodic = PeriodicEmbedding(n_embedded, n_frequencies, frequency_scale)
            width += n_embedded * PeriodicEmbedding.SIZE
        if bin_size and layout.n_bins:
            self.bins = BinEmbedding(layout.n_bins, bin_size, bin_dropout, layout.weak_bins)
            width += n_embedded * bin_size
        if layout.n_categories:
            self.categories = CategoryEmbedding(layout.n_categories, category_size)
            width += len(layout.n_categories) * category_size
        return width

    @torch.no_grad()
    def scale_logits(self, scale):
        """Multiply the logits by a factor.

        Parameters
        ----------
        scale : float
        """
        self.out.weight.mul_(scale)
        self.out.bias.mul_(scale)

    @torch.no_grad()
    def round_weights(self):
        """Round the weight matrices to half precision, in which a student is stored.

        This halves the size of the file and changes probabilities in the fourth digit.
        """
        largest = torch.finfo(torch.float16).max
        for layer in (*self.hidden, self.out):
            layer.weight.copy_(layer.weight.clamp(-largest, largest).half())

    def arrays(self):
        """Return the trained net as plain arrays.

        Returns
        -------
        arrays : dict
            The arguments of `ForwardPass`.
        """
        periodic = None
        if self.periodic is not None:
            periodic = tuple(_numpy(part) for part in self.periodic.parameters())
        return {
            "layout": self.layout,
            "weights": [(_numpy(m.weight.T), _numpy(m.bias)) for m in (*self.hidden, self.out)],
            "periodic": periodic,
            "bins": None if self.bins is None else _numpy(self.bins.table()),
            "categories": None if self.categories is None else _numpy(self.categories.vector),
        }

    def forward(self, X):
        """Return the logits of encoded rows, shape (n_samples, n_classes)."""
        h = X if self.layout.is_sparse else self._embed(X)
        for layer in self.hidden:
            h = self.dropout(torch.relu(layer(h)))
        return self.out(h)

    def _embed(self, X):
        numbers, indicators, categories, bins = self.layout.split(X)
        parts = [numbers, indicators]
        if self.periodic is not None:
            parts.append(self.periodic(numbers[:, : self.layout.n_embedded]))
        if self.bins is not None:
            parts.append(self.bins(bins))
        if self.categories is not None:
            parts.append(self.categories(categories))
        return torch.cat(parts, 1)


def is_student_mlp(module):
    """Tell whether a module computes what `StudentMLP` does, so that its arrays suffice.

    A subclass that overrides the forward pass does not.
    """
    kind = type(module)
    methods = ("forward", "_embed", "arrays")
    return isinstance(module, StudentMLP) and all(
        getattr(kind, name) is getattr(StudentMLP, name) for name in methods
    )


class SparseLinear(nn.Linear):
    """Linear layer for rows that are mostly zeros, sparse COO or dense.

    The weight matrix is stored in column-major order, which keeps the weights of one input
    contiguous. It makes torch's sparse product and its gradient about ten times faster.
    """

    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out)
        self.weight = nn.Parameter(self.weight.detach().t().contiguous().t())

    def forward(self, X):
        with torch.autocast(X.device.type, enabled=False):  # sparse products need float32
            return torch.addmm(self.bias, X, self.weight.t())


class Dropout(nn.Dropout):
    """Dropout whose mask is drawn from random bytes, several times as fast as torch's own."""

    def forward(self, h):
        return h * dropout_mask(h, self.p) if self.training and self.p else h


def dropout_mask(h, rate):
    """Draw a mask of 0 and a constant above 1, which keeps the mean of h.

    The rate is rounded to 256ths.
    """
    if rate >= 1 or h.device.type not in ("cpu", "cuda"):
        return F.dropout(torch.ones_like(h), rate)
    n_words = h.numel() // 8 + 1
    words = torch.empty(n_words, dtype=torch.int64, device=h.device).random_(-(2**63), None)
    random_bytes = words.view(torch.uint8)[: h.numel()].view(h.shape)
    n_dropped = min(round(256 * rate), 255)
    return (random_bytes >= n_dropped).to(h.dtype).mul_(256 / (256 - n_dropped))


class LayerStack(nn.Module):
    """Existing layers as a module; each instance starts from a copy of them.

    Parameters
    ----------
    layers : nn.Module
        Maps the rows of `UnscaledInputs` to logits.
    """

    def __init__(self, layers):
        super().__init__()
        self.layers = copy.deepcopy(layers)

    def forward(self, X):
        return self.layers(X)


class PeriodicEmbedding(nn.Module):
    """Embedding of a number: a linear map of the cosines cos(2π(f x + phase))."""

    SIZE = 3

    def __init__(self, n_numbers, n_frequencies, frequency_scale):
        super().__init__()
        self.frequency = nn.Parameter(frequency_scale * torch.randn(n_numbers, n_frequencies))
        self.phase = nn.Parameter(torch.rand(n_numbers, n_frequencies) - 0.5)
        bound = 1 / math.sqrt(n_frequencies)
        self.weight = nn.Parameter(_uniform(bound, n_numbers, n_frequencies, self.SIZE))
        self.bias = nn.Parameter(_uniform(bound, n_numbers, self.SIZE))

    def forward(self, x):  # (n, p) -> (n, p * SIZE)
        cosines = torch.cos(2 * math.pi * (x[:, :, None] * self.frequency + self.phase))
        embedded = torch.einsum("npf,pfs->nps", cosines, self.weight) + self.bias
        return embedded.flatten(1)


class BinEmbedding(nn.Module):
    """Embedding of a number's bin: the sum of learned increments up to that bin.

    With increments, neighboring bins share what they have in common.
    """

    first: torch.Tensor

    def __init__(self, n_bins, size, dropout=0.0, is_weak=()):
        super().__init__()
        counts = torch.tensor(n_bins)
        column = torch.repeat_interleave(torch.arange(len(n_bins)), counts)
        # Small, so that training need not undo the initial increments.
        scale = 0.1 / counts.sqrt()[column, None]
        self.increment = nn.Parameter(scale * torch.randn(len(column), size))
        self.register_buffer("first", counts.cumsum(0) - counts, persistent=False)
        self.register_buffer("column", column, persistent=False)
        self.register_buffer("share", 1 / counts[column, None], persistent=False)
        self.register_buffer("drop_rates", _drop_rates(dropout, is_weak), persistent=False)

    def table(self):
        """Return one vector per bin of all columns, shape (sum of n_bins, size)."""
        return centered_sums(self.increment, self.column, self.share, len(self.first))

    def forward(self, bins):  # (n, p) -> (n, p * size)
        embedded = F.embedding(bins.long() + self.first, self.table())
        if self.training:
            embedded = drop_embeddings(embedded, self.drop_rates)
        return embedded.flatten(1)


def _drop_rates(dropout, is_weak):
    """Return the rate of each column, or None if none is dropped."""
    is_weak = torch.tensor(is_weak, dtype=torch.float32)
    return dropout * is_weak if dropout and is_weak.any() else None


def centered_sums(increment, column, share, n_columns):
    """Return the sums of increments up to each bin, with a mean of zero in each column.

    Parameters
    ----------
    increment : Tensor of shape (..., n_bins, size)
        Increments of the bins of one column after the other.
    column : Tensor of shape (n_bins,), int64
        The column of each bin.
    share : Tensor of shape (n_bins, 1)
        1 / the number of the column's bins.
    n_columns : int

    Returns
    -------
    sums : Tensor of shape (..., n_bins, size)
    """
    sums = increment.cumsum(-2)  # what earlier columns add vanishes with the mean
    means = sums.new_zeros(*sums.shape[:-2], n_columns, sums.shape[-1])
    means = means.index_add(-2, column, sums * share)
    return sums - means.index_select(-2, column)


def drop_embeddings(embedded, rates):
    """Drop whole embeddings, and scale the others so that their mean is kept.

    Parameters
    ----------
    embedded : Tensor of shape (..., n_columns, size)
    rates : Tensor of shape (n_columns,), or None
        Rate of each column; None drops nothing.
    """
    if rates is None:
        return embedded
    is_kept = torch.rand(embedded.shape[:-1], device=embedded.device) >= rates
    return embedded * (is_kept / (1 - rates)).to(embedded.dtype)[..., None]


class CategoryEmbedding(nn.Module):
    """Embedding of a category; an unseen category starts as the zero vector.

    The vectors start small: that of a rare category changes little, so it stays near that of an
    unseen one instead of adding noise.
    """

    def __init__(self, n_categories, size):
        super().__init__()
        ends = torch.tensor(n_categories).cumsum(0)
        scale = INITIAL_LENGTH / math.sqrt(size)
        self.vector = nn.Parameter(scale * torch.randn(int(ends[-1]), size))
        with torch.no_grad():
            self.vector[ends - 1] = 0  # the last code of a column: missing or unseen
        self.register_buffer("first", ends - torch.tensor(n_categories), persistent=False)

    def forward(self, categories):  # (n, q) -> (n, q * size)
        return F.embedding(categories.long() + self.first, self.vector).flatten(1)


def _uniform(bound, *shape):
    return bound * (2 * torch.rand(*shape) - 1)


def _numpy(tensor):
    return np.array(tensor.detach().cpu().numpy(), dtype=np.float32, order="C")  # a copy
