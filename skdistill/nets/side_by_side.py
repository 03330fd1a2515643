"""Nets of one shape trained side by side on rows of their own, and stopped together."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from skdistill.nets.stack import Stack
from skdistill.nets.training import auto_batch_size, epoch_records, one_thread, seeded

EVALUATION_ROWS = 8192


@dataclass
class StackedRows:
    """The rows of a table as several nets see them.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_columns), float32
        Columns that all nets see alike.
    bins : ndarray of shape (n_nets, n_samples, n_embedded), or None
    y : ndarray of shape (n_samples, ...)
        Targets, such as class indices.
    losses : callable
        ``losses(outputs, y)`` returns the loss of each row, in tensors.
    sample_weight : ndarray of shape (n_samples,), or None
    train, valid : list of ndarray of int
        Training and validation rows of each net; a net may have no validation rows.
    """

    X: np.ndarray
    bins: np.ndarray | None
    y: np.ndarray
    losses: Callable
    sample_weight: np.ndarray | None
    train: list
    valid: list


def train_side_by_side(nets, rows, *, seed):
    """Train nets together, and keep the epoch of the lowest mean validation loss.

    All nets make as many steps an epoch, each with a share of its rows, so that the number of
    epochs that the folds have found is right for a net on all rows too.

    Parameters
    ----------
    nets : list of TensorNet
        Initialized, of one shape and with the same settings; their modules get the trained
        weights.
    rows : StackedRows
    seed : int
        For shuffling and dropout.

    Returns
    -------
    history : list of dict
        What is known of each epoch, see `epoch_records`; ``valid_loss`` is the mean over
        validation rows.
    diverged : list of int
        Nets whose weights are not finite; the others are not affected.
    """
    net = nets[0]
    with seeded(seed, net.device), one_thread(net.device):
        run = StackedTraining(nets, rows)
        history: list[dict] = []
        best, since = np.inf, 0
        for epoch in range(net.max_epochs):
            lr = net.lr * (1 + math.cos(math.pi * epoch / net.max_epochs)) / 2
            run.set_rate(lr)
            train_loss, valid_loss = run.train_epoch(), run.validate()
            history.append(
                {"epoch": epoch + 1, "train_loss": train_loss, "valid_loss": valid_loss, "lr": lr}
            )
            since += 1
            # Without validation rows the loss is NaN, and the last epoch is kept.
            if not valid_loss >= best:
                best, since = valid_loss, 0
                run.keep()
            if since >= net.patience:
                break
        run.stack.unstack([each.module_ for each in nets], run.kept)
    return epoch_records(history), run.diverged()


class StackedTraining:
    """One training of nets side by side, epoch by epoch.

    Parameters
    ----------
    nets : list of TensorNet
        As in `train_side_by_side`.
    rows : StackedRows
    """

    def __init__(self, nets, rows):
        net, device = nets[0], nets[0].device
        self.stack = Stack([each.module_ for each in nets]).to(device)
        self.parameters: list = list(self.stack.parameters())
        self.averaged = [each.detach().clone() for each in self.parameters]
        _, options = net.get_params_for_optimizer("optimizer", net.module_.named_parameters())
        self.optimizer = net.optimizer(self.parameters, **options)
        self.ema_decay, self.n_steps_done = net.ema_decay, 0
        self.X = torch.as_tensor(rows.X, device=device)
        self.bins = None if rows.bins is None else torch.as_tensor(rows.bins, device=device)
        dtype = torch.float32 if rows.y.dtype.kind == "f" else torch.int64
        self.y, self.losses = torch.as_tensor(rows.y, dtype=dtype, device=device), rows.losses
        weight = np.ones(len(rows.y)) if rows.sample_weight is None else rows.sample_weight
        # Each net's weights have mean one over its training rows.
        scale = np.array([[1 / weight[train].mean()] for train in rows.train])
        self.weight = torch.as_tensor(weight * scale, dtype=torch.float32, device=device)
        self.train = [torch.as_tensor(each, device=device) for each in rows.train]
        self.nets = torch.arange(len(nets), device=device)[:, None]
        n_rows = np.array([len(train) for train in rows.train])
        batch_size = net.batch_size
        if batch_size == "auto":
            batch_size = auto_batch_size(n_rows.min())
        self.n_batches = max(1, round(n_rows.min() / batch_size))
        self.batch_sizes = n_rows // self.n_batches
        self._lay_out_validation(rows.valid, device)

    def _lay_out_validation(self, valid, device):
        longest = max(map(len, valid))
        self.valid = torch.zeros((len(valid), longest), dtype=torch.int64, device=device)
        self.counts = torch.zeros((len(valid), longest), device=device)
        for m, indices in enumerate(valid):
            self.valid[m, : len(indices)] = torch.as_tensor(indices)
            self.counts[m, : len(indices)] = 1

    def set_rate(self, lr):
        for group in self.optimizer.param_groups:
            group["lr"] = lr

    def train_epoch(self):
        """Make one epoch; return the mean loss."""
        self.stack.train()
        longest = int(self.batch_sizes.max())
        shape = (len(self.train), self.n_batches, longest)
        order = torch.zeros(shape, dtype=torch.int64, device=self.X.device)
        share = torch.zeros((len(self.train), longest), device=self.X.device)
        for m, (rows, size) in enumerate(zip(self.train, self.batch_sizes.tolist())):
            drawn = rows[torch.randperm(len(rows), device=rows.device)[: self.n_batches * size]]
            order[m, :, :size] = drawn.view(self.n_batches, size)
            share[m, :size] = 1 / size  # a net with smaller batches has some rows of no weight
        total = torch.zeros((), device=self.X.device)
        for indices in order.unbind(1):
            loss = (self._losses(indices) * share).sum()
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            self._average()
            total += loss.detach()
        return total.item() / self.n_batches / len(order)

    @torch.inference_mode()
    def validate(self):
        """Return the averaged weights' mean loss on validation rows, of the nets that have some.

        A net that diverged does not count.
        """
        self._swap()
        self.stack.eval()
        sums = torch.zeros((2, len(self.valid)), device=self.X.device)
        step = max(1, EVALUATION_ROWS // len(self.valid))
        for start in range(0, self.valid.shape[1], step):
            part = slice(start, start + step)
            weight = self.counts[:, part] * self.weight.gather(1, self.valid[:, part])
            losses = self._losses(self.valid[:, part], weighted=False)
            sums += torch.stack([(losses * weight).sum(1), weight.sum(1)])
        self._swap()
        counts = sums[0].isfinite() & (sums[1] > 0)
        return (sums[0][counts].sum() / sums[1][counts].sum()).item()

    def diverged(self):
        """Return the nets whose weights are not finite."""
        finite = [each.isfinite().flatten(1).all(1) for each in self.parameters]
        return torch.stack(finite).all(0).logical_not().nonzero().flatten().tolist()

    def keep(self):
        """Remember the averaged weights."""
        self.kept = [each.clone() for each in self.averaged]

    def _losses(self, indices, weighted=True):
        bins = None if self.bins is None else self.bins[self.nets, indices]
        outputs = self.stack(self.X[indices], bins)
        losses = self.losses(outputs.flatten(0, 1), self.y[indices].flatten(0, 1))
        losses = losses.view(indices.shape)
        return losses * self.weight.gather(1, indices) if weighted else losses

    def _average(self):
        share = min(self.ema_decay, (1 + self.n_steps_done) / (10 + self.n_steps_done))
        share = share if self.n_steps_done else 0.0
        with torch.no_grad():
            torch._foreach_lerp_(self.averaged, list(self.parameters), 1 - share)
        self.n_steps_done += 1

    def _swap(self):
        for own, averaged in zip(self.parameters, self.averaged):
            own.data, averaged.data = averaged.data, own.data
