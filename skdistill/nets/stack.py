"""Several nets of one shape, trained side by side: one batched product for all of them."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from skdistill.nets.modules import centered_sums, drop_embeddings, dropout_mask


class Stack(nn.Module):
    """Copies of a `StudentMLP` with weights of their own, as one module.

    Parameters
    ----------
    modules : list of StudentMLP
        Initialized; of one layout and size, and not for sparse rows.

    Notes
    -----
    Shape: input (n_nets, n_samples, layout.width without the bins) and bins (n_nets, n_samples,
    layout.n_embedded); output (n_nets, n_samples, n_classes).
    """

    def __init__(self, modules):
        super().__init__()
        first = modules[0]
        self.layout, self.n_nets = first.layout, len(modules)
        self.n_hidden, self.rate = len(first.hidden), first.dropout.p
        self.names = [name for name, _ in first.named_parameters()]
        states = [dict(module.named_parameters()) for module in modules]
        # Inputs before outputs, so that the gradient of a batched product need not be copied.
        self.stacked = nn.ParameterList(
            torch.stack([_as_in_product(name, state[name].detach()) for state in states])
            for name in self.names
        )
        device = self.stacked[0].device
        nets = torch.arange(self.n_nets, device=device)[:, None, None]
        if first.bins is not None:
            places = first.bins.first + sum(self.layout.n_bins) * nets
            self.register_buffer("first_bin", places, persistent=False)
            self.register_buffer("column", first.bins.column, persistent=False)
            self.register_buffer("share", first.bins.share, persistent=False)
            self.register_buffer("drop_rates", first.bins.drop_rates, persistent=False)
        if first.categories is not None:
            n_rows = sum(self.layout.n_categories)
            places = first.categories.first + n_rows * nets
            self.register_buffer("first_category", places, persistent=False)

    def unstack(self, modules, tensors=None):
        """Give modules the weights of this stack, or such tensors."""
        tensors = list(self.stacked) if tensors is None else tensors
        for m, module in enumerate(modules):
            own = {name: each[m].detach() for name, each in zip(self.names, tensors)}
            state = {name: _as_in_product(name, each) for name, each in own.items()}
            module.load_state_dict(state, strict=False)

    def forward(self, X, bins=None):
        """Return logits of columns that all nets see alike, and of bins that each has found."""
        weights = dict(zip(self.names, self.stacked))
        h = self._embed(X, bins, weights)
        for i in range(self.n_hidden):
            h = F.relu_(_linear(h, weights[f"hidden.{i}.weight"], weights[f"hidden.{i}.bias"]))
            if self.training and self.rate:
                h = h * dropout_mask(h, self.rate)
        return _linear(h, weights["out.weight"], weights["out.bias"])

    def _embed(self, X, bins, weights):
        layout = self.layout
        a = layout.n_numbers + layout.n_indicators
        parts = [X[..., :a]]
        if "periodic.frequency" in weights:
            numbers = X[..., : layout.n_embedded, None]
            angles = numbers * weights["periodic.frequency"][:, None]
            angles = 2 * math.pi * (angles + weights["periodic.phase"][:, None])
            embedded = torch.einsum("mnpf,mpfs->mnps", angles.cos(), weights["periodic.weight"])
            parts.append((embedded + weights["periodic.bias"][:, None]).flatten(2))
        if "bins.increment" in weights:
            table = centered_sums(
                weights["bins.increment"], self.column, self.share, layout.n_embedded
            )
            embedded = F.embedding(bins.long() + self.first_bin, table.flatten(0, 1))
            if self.training:
                embedded = drop_embeddings(embedded, self.drop_rates)
            parts.append(embedded.flatten(2))
        if "categories.vector" in weights:
            table = weights["categories.vector"].flatten(0, 1)
            codes = X[..., a:].long() + self.first_category
            parts.append(F.embedding(codes, table).flatten(2))
        return torch.cat(parts, 2)


def _linear(h, weight, bias):
    return torch.baddbmm(bias[:, None], h, weight)


def _as_in_product(name, parameter):
    """Transpose the weights of a linear layer, there and back; copy other parameters."""
    is_matrix = name.startswith(("hidden.", "out.")) and name.endswith(".weight")
    return (parameter.T if is_matrix else parameter).clone(memory_format=torch.contiguous_format)
