"""The net: embeddings of numbers and categories, then a multilayer perceptron."""

import copy
import math
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

MOST_NUMBERS_WITH_WAVES = 64


class StudentMLP(nn.Module):
    """A multilayer perceptron over a table's columns.

    A number of more than two values enters three times: as it is, through a few learned
    waves (Gorishniy et al. 2022, arXiv:2203.05556; in the variant of RealMLP,
    arXiv:2407.04491), and as the step it stands on between the split points of `NetInputs`.
    A category enters as a learned vector.

    Parameters
    ----------
    layout : skdistill.table.net_inputs.InputLayout
        Which of the input's columns are what.
    n_classes : int
    n_samples : int, default=None
        Rows to be trained on, for `hidden_sizes`.
    hidden_sizes : tuple of int or "auto", default="auto"
        "auto": two layers; 32 and 32 up to 500 rows, 128 and 64 up to 1,000, else 256
        and 256.
    dropout : float, default=0.1
    n_frequencies : int, default=16
        Waves a number; 0 for none. A number of only two values has no use for them, and a table
        of more than 64 others gets none: its first layer is wide as it is.
    frequency_scale : float, default=0.1
        Standard deviation of the initial frequencies.
    step_size : int, default=4
        Length of the vector that a number's step is looked up as; 0 for none.
    level_size : int, default=8
        Length of the vector that a category is looked up as.
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
        step_size=4,
        level_size=8,
        sparse_units=64,
    ):
        super().__init__()
        self.layout = layout
        width = layout.n_numbers + layout.n_flags
        self.waves = self.steps = self.levels = None
        if (
            n_frequencies
            and not layout.is_sparse
            and 0 < layout.n_curved <= MOST_NUMBERS_WITH_WAVES
        ):
            self.waves = WaveEmbedding(layout.n_curved, n_frequencies, frequency_scale)
            width += layout.n_curved * WaveEmbedding.SIZE
        if step_size and layout.n_bins:
            self.steps = StepEmbedding(layout.n_curved, layout.n_bins, step_size)
            width += layout.n_curved * step_size
        if layout.n_levels:
            self.levels = LevelEmbedding(layout.n_levels, level_size)
            width += len(layout.n_levels) * level_size
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
        waves = self.waves
        return {
            "layout": self.layout,
            "weights": [(_numpy(m.weight.T), _numpy(m.bias)) for m in (*self.hidden, self.out)],
            "waves": waves
            and tuple(map(_numpy, (waves.frequency, waves.phase, waves.weight, waves.bias))),
            "steps": self.steps and _numpy(self.steps.table()),
            "levels": self.levels and _numpy(self.levels.vector),
        }

    def forward(self, X):
        h = X if self.layout.is_sparse else self._embed(X)
        for layer in self.hidden:
            h = self.dropout(torch.relu(layer(h)))
        return self.out(h)

    def _embed(self, X):
        numbers, flags, levels, bins = self.layout.split(X)
        parts = [numbers, flags]
        if self.waves is not None:
            parts.append(self.waves(numbers[:, : self.layout.n_curved]))
        if self.steps is not None:
            parts.append(self.steps(bins))
        if self.levels is not None:
            parts.append(self.levels(levels))
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


class WaveEmbedding(nn.Module):
    """Each number as a linear map of its waves, cos(2π(f x + phase))."""

    SIZE = 3

    def __init__(self, n_numbers, n_frequencies, frequency_scale):
        super().__init__()
        self.frequency = nn.Parameter(frequency_scale * torch.randn(n_numbers, n_frequencies))
        self.phase = nn.Parameter(torch.rand(n_numbers, n_frequencies) - 0.5)
        bound = 1 / math.sqrt(n_frequencies)
        self.weight = nn.Parameter(_uniform(bound, n_numbers, n_frequencies, self.SIZE))
        self.bias = nn.Parameter(_uniform(bound, n_numbers, self.SIZE))

    def forward(self, x):  # (n, p) -> (n, p * SIZE)
        waves = torch.cos(2 * math.pi * (x[:, :, None] * self.frequency + self.phase))
        embedded = torch.einsum("npf,pfs->nps", waves, self.weight) + self.bias
        return embedded.flatten(1)


class StepEmbedding(nn.Module):
    """Each number as the sum of the steps up to its bin.

    Learning the steps rather than the bins themselves lets neighbouring bins share
    what they have in common.
    """

    def __init__(self, n_numbers, n_bins, size):
        super().__init__()
        # Small: a step is there to be found in the data, not to be unlearned.
        self.step = nn.Parameter(0.1 * torch.randn(n_numbers, n_bins, size) / math.sqrt(n_bins))
        self.register_buffer("first", n_bins * torch.arange(n_numbers), persistent=False)

    def table(self):
        """One vector a bin, shape (n_numbers, n_bins, size)."""
        sums = self.step.cumsum(1)
        return sums - sums.mean(1, keepdim=True)

    def forward(self, bins):  # (n, p) -> (n, p * size)
        return F.embedding(bins.long() + self.first, self.table().flatten(0, 1)).flatten(1)


class LevelEmbedding(nn.Module):
    """Each category as a learned vector; a level never seen is the zero vector."""

    def __init__(self, n_levels, size):
        super().__init__()
        ends = torch.tensor(n_levels).cumsum(0)
        self.vector = nn.Parameter(torch.randn(int(ends[-1]), size) / math.sqrt(size))
        with torch.no_grad():
            self.vector[ends - 1] = 0  # a column's last level stands for missing and unseen
        self.register_buffer("first", ends - torch.tensor(n_levels), persistent=False)

    def forward(self, levels):  # (n, q) -> (n, q * size)
        return F.embedding(levels.long() + self.first, self.vector).flatten(1)


def _uniform(bound, *shape):
    return bound * (2 * torch.rand(*shape) - 1)


def _numpy(tensor):
    return np.array(tensor.detach().cpu().numpy(), dtype=np.float32, order="C")  # a copy
