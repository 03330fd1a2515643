"""A skorch net that trains from tensors already on the device."""

from inspect import signature

import numpy as np
import torch
from scipy.sparse import issparse
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping, LRScheduler, PrintLog

from skdistill.nets.averaging import RunningAverage
from skdistill.nets.losses import DistillationLoss

PATIENCE = 15
EVALUATION_BATCH = 8192
SPARSE_EVALUATION_BATCH = 512  # few enough to be dense for a module that knows no sparse rows


class TensorNet(NeuralNet):
    """A skorch net without `DataLoader`: batches are slices of one table.

    skorch's interface is kept (callbacks, history, nested parameters, any torch
    optimizer); what costs time for small nets is not: rows are moved to the device
    once, the loss is read once an epoch, and the optimizer is fused.

    Parameters
    ----------
    module : nn.Module class or instance
        Returns logits of shape (n_samples, n_classes).
    criterion : nn.Module class, default=DistillationLoss
    optimizer : torch.optim.Optimizer class, default=torch.optim.AdamW
    lr : float, default=2e-3
        Annealed to zero along half a cosine over `max_epochs`, unless `callbacks` has a
        `skorch.callbacks.LRScheduler` of yours.
    max_epochs : int, default=100
    batch_size : int or "auto", default="auto"
        "auto": a 64th of the rows, but at least 16 and at most 256.
    patience : int or None, default=15
        Stop after so many epochs without a better held-out log loss, and go back to
        the best. Without held-out rows all epochs are trained. None: 15 where some are held
        out, and `DistilledClassifier` may do without.
    ema_decay : float, default=0.998
        Decay of the running average of the weights, which is what is validated and kept;
        0 for the weights as they are.
    mixed_precision : bool, default=True
        Train in bfloat16 where the device is a GPU.
    device : str, default="cpu"
    **kwargs
        All else that `skorch.NeuralNet` takes, such as ``module__hidden_sizes``.
    """

    def __init__(
        self,
        module,
        criterion=DistillationLoss,
        *,
        optimizer=torch.optim.AdamW,
        lr=2e-3,
        max_epochs=100,
        batch_size="auto",
        patience=PATIENCE,
        ema_decay=0.998,
        mixed_precision=True,
        device="cpu",
        verbose=0,
        **kwargs,
    ):
        self.patience = patience
        self.ema_decay = ema_decay
        self.mixed_precision = mixed_precision
        super().__init__(
            module,
            criterion,
            optimizer=optimizer,
            lr=lr,
            max_epochs=max_epochs,
            batch_size=batch_size,
            device=device,
            verbose=verbose,
            **kwargs,
        )

    @property
    def _default_callbacks(self):
        annealing = LRScheduler(
            torch.optim.lr_scheduler.CosineAnnealingLR, T_max=self.max_epochs, event_name=None
        )
        users = [each[1] if isinstance(each, tuple) else each for each in self._users_callbacks()]
        # Two schedules would turn the same learning rate.
        schedule = [] if any(map(_is_schedule, users)) else [("lr_scheduler", annealing)]
        patience = PATIENCE if self.patience is None else self.patience
        stopping = EarlyStopping(patience=patience, load_best=True, sink=_silent)
        watched = [] if self.train_split is None else [("early_stopping", stopping)]
        return [*schedule, *watched, ("print_log", PrintLog())]

    def _users_callbacks(self):
        given = getattr(self, "callbacks", None)
        return given if isinstance(given, (list, tuple)) else []

    def get_iterator(self, dataset, training=False):
        rows = slice(None)
        if isinstance(dataset, torch.utils.data.Subset):  # skorch's own train_split makes these
            dataset, rows = dataset.dataset, dataset.indices
        X = _on_device(dataset.X[rows], self.device)
        y = torch.zeros(len(X)) if dataset.y is None else torch.as_tensor(dataset.y[rows])
        y = y.to(self.device)
        if not training:
            size = SPARSE_EVALUATION_BATCH if isinstance(X, SparseRows) else EVALUATION_BATCH
            return Batches(X, y, size, shuffle=False)
        size = self.batch_size
        if size == "auto":
            size = int(np.clip(len(X) // 64, 16, 256))
        return Batches(X, y, size, shuffle=True)

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """As skorch's, but the loss is read once an epoch: reading it waits for the GPU."""
        if iterator is None:
            return
        total = torch.zeros((), device=self.device)
        average = self._average if training else None
        if average is not None:
            average.take_back()
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            total += step["loss"].detach() * len(batch[0])
            if average is not None:
                average.step()
            self.notify("on_batch_end", batch=batch, training=training, **step)
        if average is not None:
            average.put()
        self.history.record(f"{prefix}_loss", total.item() / iterator.n_samples)

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        super().on_train_begin(net, X=X, y=y, **kwargs)
        self._average = RunningAverage(self.module_, self.ema_decay) if self.ema_decay else None

    def on_train_end(self, net, X=None, y=None, **kwargs):
        if self._average is not None:
            self._average.put()  # of an epoch that was broken off
        super().on_train_end(net, X=X, y=y, **kwargs)
        self._average = None

    def infer(self, x, **fit_params):
        if x.is_sparse and not getattr(self.module_, "takes_sparse", False):
            x = x.to_dense()
        with self._autocast():
            return super().infer(x, **fit_params)

    def get_params_for_optimizer(self, prefix, named_parameters):
        args, kwargs = super().get_params_for_optimizer(prefix, named_parameters)
        if "fused" in signature(self.optimizer).parameters:
            kwargs.setdefault("fused", True)
        return args, kwargs

    def _autocast(self):
        device_type = torch.device(self.device).type
        enabled = self.mixed_precision and device_type == "cuda"
        return torch.autocast(device_type, dtype=torch.bfloat16, enabled=enabled)


def _on_device(X, device):
    return SparseRows(X, device) if issparse(X) else torch.as_tensor(X, device=device)


class SparseRows:
    """A CSR matrix of which slices become sparse tensors on a device.

    Parameters
    ----------
    X : CSR matrix of shape (n_samples, n_features)
    device : str
    """

    def __init__(self, X, device):
        self.X, self.device = X, torch.device(device)

    def __len__(self):
        return self.X.shape[0]

    def __getitem__(self, rows):
        X = self.X[rows.cpu().numpy()].tocoo()
        # COO, because torch warns of its CSR tensors.
        return torch.sparse_coo_tensor(
            torch.as_tensor(np.stack([X.row, X.col])), torch.as_tensor(X.data), X.shape,
            device=self.device, check_invariants=False, is_coalesced=True,
        )  # fmt: skip

    def tensor_split(self, n):
        """As `torch.Tensor.tensor_split`, of the rows."""
        return (self[rows] for rows in torch.arange(len(self)).tensor_split(n))


class Batches:
    """Slices of a table on the device, in a new order each time round.

    All batches have nearly one size: a last batch of two rows would count them a
    hundred times over.
    """

    def __init__(self, X, y, batch_size, *, shuffle):
        self.X, self.y, self.shuffle = X, y, shuffle
        self.n_samples = len(X)
        self.n_batches = max(1, round(len(X) / batch_size))

    def __len__(self):
        return self.n_batches

    def __iter__(self):
        if not self.shuffle:
            yield from zip(self.X.tensor_split(self.n_batches), self.y.tensor_split(self.n_batches))
            return
        order = torch.randperm(self.n_samples, device=self.X.device)
        for rows in order.tensor_split(self.n_batches):
            yield self.X[rows], self.y[rows]


def _is_schedule(callback):
    kind = callback if isinstance(callback, type) else type(callback)
    return issubclass(kind, LRScheduler)


def _silent(*_):
    """What early stopping says when nobody asked it to speak."""
