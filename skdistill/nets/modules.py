"""The net: embeddings of numbers and categories, then a multilayer perceptron."""

import copy
import math
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

MAX_PERIODIC_NUMBERS = 64


class StudentMLP(nn.Module):
    """A multilayer perceptron over a table's columns.

    A number of more than two values enters three times: as it is, through a periodic
    embedding (Gorishniy et al. 2022, arXiv:2203.05556; in the variant of RealMLP,
    arXiv:2407.04491), and through the embedding of its bin between the split points of
    `NetInputs`. A category enters through an embedding too.

    Parameters
    ----------
    layout : skdistill.table.net_inputs.InputLayout
        Which of the input's columns are what.
    n_classes : int
    n_samples : int, default=None
        Training rows, for `hidden_sizes`.
    hidden_sizes : tuple of int or "auto", default="auto"
        "auto": two layers; 32 and 32 up to 500 rows, 128 and 64 up to 1,000, else 256
        and 256.
    dropout : float, default=0.1
    n_frequencies : int, default=16
        Frequencies of a number's periodic embedding; 0 for none. A number of only two values
        needs none, and a table of more than 64 others gets none: its first layer is wide anyway.
    frequency_scale : float, default=0.1
        Standard deviation of the initial frequencies.
    bin_embedding_size : int, default=4
        Length of the embedding of a number's bin; 0 for none.
    category_embedding_size : int, default=8
        Length of the embedding of a category.
    sparse_units : int, default=64
        Most units of the first layer where the input is sparse, whatever `hidden_sizes`
        says: a text's ten thousand columns make it the net's weight and time.

    Attributes
    ----------
    takes_sparse : bool
        Tells `TensorNet` to hand on sparse batches as such; other modules get them dense.

    Notes
    -----
    Shape: input (n_samples, layout.width) float32, where `layout.is_sparse` also sparse
    COO; output (n_samples, n_classes), logits.
    """

    takes_sparse = True

    def __init__(
        self,
        layout,
        n_classes,
        n_samples=None,
        *,
        hidden_sizes="auto",
        dropout=0.1,
        n_frequencies=16,
        frequency_scale=0.1,
        bin_embedding_size=4,
        category_embedding_size=8,
        sparse_units=64,
    ):
        super().__init__()
        self.layout = layout
        width = layout.n_numbers + layout.n_indicators
        width += self._add_embeddings(
            layout, n_frequencies, frequency_scale, bin_embedding_size, category_embedding_size
        )
        if isinstance(hidden_sizes, str):
            hidden_sizes = _sizes_for(n_samples)
        sizes = [width, *hidden_sizes]
        if layout.is_sparse and hidden_sizes:
            sizes[1] = min(sizes[1], sparse_units)
        kinds = [SparseLinear if layout.is_sparse else nn.Linear, *[nn.Linear] * len(hidden_sizes)]
        *hidden, self.out = (
            kind(a, b) for kind, (a, b) in zip(kinds, pairwise([*sizes, n_classes]))
        )
        self.hidden = nn.ModuleList(hidden)
        self.dropout = nn.Dropout(dropout)

    def _add_embeddings(self, layout, n_frequencies, frequency_scale, bin_size, category_size):
        """Add the embeddings that the layout has columns for; return their width."""
        n_embedded, width = layout.n_embedded, 0
        self.periodic = self.bins = self.categories = None
        if n_frequencies and not layout.is_sparse and 0 < n_embedded <= MAX_PERIODIC_NUMBERS:
            self.periodic = PeriodicEmbedding(n_embedded, n_frequencies, frequency_scale)
            width += n_embedded * PeriodicEmbedding.SIZE
        if bin_size and layout.n_bins:
            self.bins = BinEmbedding(n_embedded, layout.n_bins, bin_size)
            width += n_embedded * bin_size
        if layout.n_categories:
            self.categories = CategoryEmbedding(layout.n_categories, category_size)
            width += len(layout.n_categories) * category_size
        return width

    @torch.no_grad()
    def round_weights(self):
        """Round the layers' matrices to half precision, which is how a student is stored.

        Its file is half as long, and its probabilities differ in the fourth digit.
        """
        largest = torch.finfo(torch.float16).max
        for layer in (*self.hidden, self.out):
            layer.weight.copy_(layer.weight.clamp(-largest, largest).half())

    def arrays(self):
        """The trained net as the arguments of `skdistill.serving.forward.ForwardPass`."""
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
    """Whether a module computes what `StudentMLP` does, so that its arrays tell all of it.

    A subclass with a forward pass of its own does not.
    """
    kind = type(module)
    methods = ("forward", "_embed", "arrays")
    return isinstance(module, StudentMLP) and all(
        getattr(kind, name) is getattr(StudentMLP, name) for name in methods
    )


class SparseLinear(nn.Linear):
    """A linear layer for rows that are mostly zeros, sparse COO or dense.

    Its matrix lies in memory column by column, so that a value's weights are neighbours:
    to torch's sparse product, and to its gradient, that is worth a factor of ten.
    """

    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out)
        self.weight = nn.Parameter(self.weight.detach().t().contiguous().t())

    def forward(self, X):
        with torch.autocast(X.device.type, enabled=False):  # sparse products are in float32
            return torch.addmm(self.bias, X, self.weight.t())


class LayerStack(nn.Module):
    """Layers that are there already: each instance begins with a copy of them.

    Parameters
    ----------
    layers : nn.Module
        Takes what `UnscaledInputs` gives, and returns logits.
    """

    def __init__(self, layers):
        super().__init__()
        self.layers = copy.deepcopy(layers)

    def forward(self, X):
        return self.layers(X)


def _sizes_for(n_samples):
    """Sizes that neither starve a large table nor outweigh a small one."""
    if n_samples is None or n_samples > 1000:
        return (256, 256)
    return (128, 64) if n_samples > 500 else (32, 32)


class PeriodicEmbedding(nn.Module):
    """Each number as a linear map of a few cosines, cos(2π(f x + phase))."""

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
    """Each number as the embedding of its bin, which is a sum of increments up to that bin.

    Learning increments rather than embeddings lets neighbouring bins share what they have
    in common.
    """

    def __init__(self, n_numbers, n_bins, size):
        super().__init__()
        # Small: an increment is there to be found in the data, not to be unlearned.
        scale = 0.1 * torch.randn(n_numbers, n_bins, size) / math.sqrt(n_bins)
        self.increment = nn.Parameter(scale)
        self.register_buffer("first", n_bins * torch.arange(n_numbers), persistent=False)

    def table(self):
        """Return one vector a bin, shape (n_numbers, n_bins, size)."""
        sums = self.increment.cumsum(1)
        return sums - sums.mean(1, keepdim=True)

    def forward(self, bins):  # (n, p) -> (n, p * size)
        return F.embedding(bins.long() + self.first, self.table().flatten(0, 1)).flatten(1)


class CategoryEmbedding(nn.Module):
    """Each category as an embedding; a category never seen is the zero vector."""

    def __init__(self, n_categories, size):
        super().__init__()
        ends = torch.tensor(n_categories).cumsum(0)
        self.vector = nn.Parameter(torch.randn(int(ends[-1]), size) / math.sqrt(size))
        with torch.no_grad():
            self.vector[ends - 1] = 0  # a column's last code stands for missing and unseen
        self.register_buffer("first", ends - torch.tensor(n_categories), persistent=False)

    def forward(self, categories):  # (n, q) -> (n, q * size)
        return F.embedding(categories.long() + self.first, self.vector).flatten(1)


def _uniform(bound, *shape):
    return bound * (2 * torch.rand(*shape) - 1)


def _numpy(tensor):
    return np.array(tensor.detach().cpu().numpy(), dtype=np.float32, order="C")  # a copy
