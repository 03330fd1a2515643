"""`TensorNet`, a skorch net that trains on batches already on the device."""

from inspect import Parameter, signature

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping, LRScheduler, PrintLog
from skorch.dataset import ValidSplit
from skorch.utils import to_device

from skdistill.jobs.processes import Processes, device_of
from skdistill.nets.averaging import RunningAverage
from skdistill.nets.cloning import clone_net, leave_unpicklable
from skdistill.nets.losses import DistillationLoss
from skdistill.nets.modules import StudentMLP
from skdistill.nets.training import auto_batch_size
from skdistill.sklearn_private import DocumentationLink

PATIENCE = 15
EVALUATION_BATCH = 8192
SPARSE_EVALUATION_BATCH = 512  # small, as most modules need it dense


class Log(PrintLog):
    """skorch's table of epochs, which an accelerator would print at any verbosity."""

    def on_epoch_end(self, net, **kwargs):
        """Print a row of the table if the net is verbose."""
        if net.verbose:
            super().on_epoch_end(net, **kwargs)


class Stopping(EarlyStopping):
    """Early stopping that restores the best epoch of a net whose accelerator has unwrapped it."""

    def on_train_end(self, net, **kwargs):
        """Restore the best epoch."""
        best = vars(self)["best_model_weights_"]
        if best is not None and best.keys() != net.module_.state_dict().keys():
            unwrapped = {name.removeprefix("module."): each for name, each in best.items()}
            self.best_model_weights_ = unwrapped
        super().on_train_end(net, **kwargs)


class OneInFive(ValidSplit):
    """skorch's default split. Its copies look alike, so that `repr` leaves them out."""

    def __repr__(self):
        return "ValidSplit(5)"


def name_parameters(net_class, base):
    """Add the base's parameters to the signature of a net, for `repr` and for editors.

    `repr` shows what differs from the signature's defaults: without this, everything that a
    net passes on to its base.
    """
    own = signature(net_class.__init__)
    *named, kwargs = own.parameters.values()
    more = [
        each.replace(kind=Parameter.KEYWORD_ONLY)
        for name, each in signature(base.__init__).parameters.items()
        if name not in own.parameters
    ]
    net_class.__init__.__signature__ = own.replace(parameters=[*named, *more, kwargs])


class TensorNet(DocumentationLink, NeuralNet):
    """A skorch net without `DataLoader`: batches are slices of one table on the device.

    It has skorch's interface: callbacks, history, nested parameters and any torch optimizer.
    It is faster for small nets, because it moves the rows to the device once, reads the loss
    once an epoch and uses a fused optimizer.

    Parameters
    ----------
    module : nn.Module class or instance
        Returns logits of shape (n_samples, n_classes).
    criterion : nn.Module class, default=DistillationLoss
        The loss.
    optimizer : torch.optim.Optimizer class, default=torch.optim.AdamW
        ``optimizer__weight_decay`` and the like set its parameters.
    lr : float, default=2e-3
        Initial learning rate. A cosine schedule anneals it to zero over `max_epochs`, unless
        `callbacks` contains a `skorch.callbacks.LRScheduler`.
    max_epochs : int, default=100
        Largest number of epochs.
    batch_size : int or "auto", default="auto"
        "auto": 1/64 of the rows, but at least 16 and at most 256.
    patience : int or None, default=15
        Stop after so many epochs without a lower validation loss, and restore the best epoch.
        Without validation rows, training runs for all epochs. None: 15 if there are validation
        rows; `DistilledClassifier` then decides whether to use any.
    ema_decay : float, default=0.998
        Decay of the exponential moving average of the weights. The averaged weights are
        validated and kept. 0 disables averaging.
    mixed_precision : bool or "auto", default="auto"
        Train in bfloat16. "auto": only on a GPU, and not a `StudentMLP`, whose steps are too
        short to gain. It also pays on CPUs that multiply bfloat16 in hardware. A net with an
        accelerator follows the accelerator.
    train_split : callable or None, default=ValidSplit(5)
        As in `skorch.NeuralNet`: holds out validation rows.
    device : str, default="cpu"
        Device of training and prediction.
    verbose : int, default=0
        1 prints skorch's table of epochs.
    **kwargs
        Further parameters of `skorch.NeuralNet`, such as ``module__hidden_sizes``.

    See Also
    --------
    NetClassifier : Trains the net on labels, from tables with categories.
    StudentNet : The default student, a `TensorNet` over `StudentMLP`.

    Notes
    -----
    All batches of an epoch have nearly the same size, because each counts as one step of the
    optimizer: a last batch of two rows would give each of them too much weight. A CSR matrix is
    moved to the device batch by batch. The module gets it dense, unless the module's attribute
    ``takes_sparse`` is True.

    Examples
    --------
    >>> import numpy as np
    >>> from torch import nn
    >>> from skdistill import TensorNet
    >>> X = np.random.RandomState(0).normal(size=(60, 4)).astype(np.float32)
    >>> y = (X[:, 0] > 0).astype(np.int64)
    >>> net = TensorNet(
    ...     nn.Linear(4, 2), nn.CrossEntropyLoss, max_epochs=20, train_split=None
    ... ).fit(X, y)
    >>> net.forward(X).shape
    torch.Size([60, 2])
    >>> len(net.history)
    20
    """

    _defined_by_params = True  # its clone is an ordinary one, but for callbacks

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
        mixed_precision="auto",
        train_split=OneInFive(),  # noqa: B008, as skorch does
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
            train_split=train_split,
            device=device,
            verbose=verbose,
            **kwargs,
        )

    __repr__ = BaseEstimator.__repr__  # skorch's is too long within another estimator

    def get_params(self, deep=True, **kwargs):
        """Get the parameters, without private attributes, which skorch would include."""
        params = super().get_params(deep=deep, **kwargs)
        return {name: value for name, value in params.items() if not name.startswith("_")}

    def __sklearn_clone__(self):
        return clone_net(self)

    def __getstate__(self):
        return leave_unpicklable(super().__getstate__())

    @property
    def _default_callbacks(self):
        annealing = LRScheduler(
            torch.optim.lr_scheduler.CosineAnnealingLR, T_max=self.max_epochs, event_name=None
        )
        users = [each[1] if isinstance(each, tuple) else each for each in self._users_callbacks()]
        # Two schedules would change the same learning rate.
        schedule = [] if any(map(_is_schedule, users)) else [("lr_scheduler", annealing)]
        patience = PATIENCE if self.patience is None else self.patience
        stopping = Stopping(patience=patience, load_best=True, sink=_silent)
        stoppers = [] if self.train_split is None else [("early_stopping", stopping)]
        return [*schedule, *stoppers, ("print_log", Log())]

    def _users_callbacks(self):
        given = getattr(self, "callbacks", None)
        return given if isinstance(given, (list, tuple)) else []

    def initialize_criterion(self):
        """Create the criterion. It has no parameters, so that no accelerator may wrap it."""
        super().initialize_criterion()
        self.criterion_._is_accelerate_prepared = True
        return self

    def get_iterator(self, dataset, training=False):
        """Move a dataset to the device and return its `Batches`."""
        indices = slice(None)
        if isinstance(dataset, torch.utils.data.Subset):  # from skorch's own train_split
            dataset, indices = dataset.dataset, dataset.indices
        device = device_of(self)
        X = _on_device(dataset.X[indices], device)
        y = np.zeros(len(X), np.float32) if dataset.y is None else dataset.y[indices]
        y = _on_device(y, device)
        has_groups = dataset.y is not None and hasattr(self.criterion_, "groups")
        groups = self.criterion_.groups(y) if has_groups else None
        if not training:
            size = SPARSE_EVALUATION_BATCH if isinstance(X, SparseRows) else EVALUATION_BATCH
            return Batches(X, y, size, shuffle=False, groups=groups)
        size = self.batch_size
        size = auto_batch_size(len(X)) if size == "auto" else size
        return Batches(X, y, size, shuffle=True, groups=groups, processes=Processes(self))

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run one epoch and record its mean loss."""
        if iterator is None:
            return
        # skorch reads the loss of each batch; each reading waits for the GPU.
        total, n_rows = torch.zeros((), device=device_of(self)), 0
        average = self._average if training else None
        if average is not None:
            average.restore()
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            total += step["loss"].detach() * len(batch[0])
            n_rows += len(batch[0])
            if average is not None:
                average.step()
            self.notify("on_batch_end", batch=batch, training=training, **step)
        if average is not None:
            average.swap_in()
        # The same in all processes, so that they stop together.
        self._record_loss(f"{prefix}_loss", Processes(self).mean(total / n_rows).item())

    def _record_loss(self, name, loss):
        """Record a loss of the epoch, and whether it is the lowest, as skorch does."""
        is_lowest = all(loss < epoch.get(name, np.inf) for epoch in self.history[:-1])
        self.history.record(name, loss)
        self.history.record(f"{name}_best", is_lowest)

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Start the moving average of the weights."""
        super().on_train_begin(net, X=X, y=y, **kwargs)
        self._average = RunningAverage(self.module_, self.ema_decay) if self.ema_decay else None

    def on_train_end(self, net, X=None, y=None, **kwargs):
        """Keep the averaged weights."""
        if self._average is not None:
            self._average.swap_in()  # also after an interrupted epoch
        super().on_train_end(net, X=X, y=y, **kwargs)
        self._average = None

    def infer(self, x, **fit_params):
        """Run the module on a batch, in mixed precision if it is trained so.

        Predictions are in single precision: NumPy has no bfloat16, whose three digits are few.
        """
        if x.is_sparse and not getattr(self.module_, "takes_sparse", False):
            x = x.to_dense()
        with self._autocast():
            return super().infer(x, **fit_params)

    def forward_iter(self, X, training=False, device="cpu"):
        """Yield the outputs of batches, all of them in each process.

        skorch's `AccelerateMixin` would gather those of all processes.

        Yields
        ------
        outputs : Tensor
        """
        for batch in self.get_iterator(self.get_dataset(X)):
            yield to_device(NeuralNet.evaluation_step(self, batch, training), device=device)

    def get_params_for_optimizer(self, prefix, named_parameters):
        """Return the arguments of the optimizer, which is fused if it can be."""
        args, kwargs = super().get_params_for_optimizer(prefix, named_parameters)
        if "fused" in signature(self.optimizer).parameters:
            kwargs.setdefault("fused", True)
        return args, kwargs

    def _autocast(self):
        device_type = torch.device(device_of(self)).type
        if not self.module_.training:
            return torch.autocast(device_type, enabled=False)
        if getattr(self, "accelerator", None) is not None:
            return self.accelerator.autocast()
        enabled = self.mixed_precision
        if enabled == "auto":
            enabled = device_type == "cuda" and not isinstance(self.module_, StudentMLP)
        return torch.autocast(device_type, dtype=torch.bfloat16, enabled=enabled)


name_parameters(TensorNet, NeuralNet)


def _on_device(X, device):
    if issparse(X):
        return SparseRows(X, device)
    if isinstance(X, np.ndarray):
        X = np.require(X, requirements=["C", "W"])  # torch takes no negative strides
    return torch.as_tensor(X, device=device)


class SparseRows:
    """A CSR matrix whose slices are sparse tensors on a device.

    Parameters
    ----------
    X : CSR matrix of shape (n_samples, n_features)
    device : str
    """

    def __init__(self, X, device):
        self.X, self.device = X, torch.device(device)

    def __len__(self):
        return self.X.shape[0]

    def __getitem__(self, indices):
        X = self.X[indices.cpu().numpy()].tocoo()
        # COO, because torch warns that its CSR tensors are in beta.
        return torch.sparse_coo_tensor(
            torch.as_tensor(np.stack([X.row, X.col])), torch.as_tensor(X.data), X.shape,
            device=self.device, check_invariants=False, is_coalesced=True,
        )  # fmt: skip

    def tensor_split(self, n):
        """Split the rows into n parts, as `torch.Tensor.tensor_split` does."""
        return (self[indices] for indices in torch.arange(len(self)).tensor_split(n))


class Batches:
    """Batches of a table on the device, shuffled anew in each epoch.

    All batches have nearly the same size, since each batch counts as one step: in a last batch
    of two rows, each row would weigh a hundred times more than elsewhere.

    Parameters
    ----------
    X : tensor or SparseRows of shape (n_samples, ...)
    y : tensor of shape (n_samples, ...)
    batch_size : int
    shuffle : bool
    groups : tensor of shape (n_samples,), default=None
        Rows of one group are in one batch. NaN: a row of its own.
    processes : Processes, default=None
        Those that share each shuffled batch, unless it has groups.
    """

    def __init__(self, X, y, batch_size, *, shuffle, groups=None, processes=None):
        self.X, self.y, self.shuffle = X, y, shuffle
        self.processes = Processes(None) if processes is None else processes
        # Of two rows or more each, as batch norm cannot be trained on one row.
        n_own = len(self.processes.share(range(len(X)))) if groups is None else len(X)
        most = n_own if batch_size == 1 else n_own // 2
        self.n_batches = max(1, min(round(len(X) / batch_size), most))
        self.groups = None if groups is None else _numbered(groups)

    def __len__(self):
        return self.n_batches

    def __iter__(self):
        if self.groups is not None:
            for indices in self._whole(self.groups):
                yield self.X[indices], self.y[indices]
            return
        if not self.shuffle:
            yield from zip(self.X.tensor_split(self.n_batches), self.y.tensor_split(self.n_batches))
            return
        own = self.processes.share(self._permutation(len(self.X)))
        for indices in own.tensor_split(self.n_batches):
            yield self.X[indices], self.y[indices]

    def _permutation(self, n):
        return self.processes.agree(torch.randperm(n, device=self.X.device))

    def _whole(self, groups):
        """Return the rows of each batch, cut where a group ends."""
        if self.shuffle:
            groups = self._permutation(int(groups.max()) + 1)[groups]
        ordered, order = groups.sort(stable=True)
        is_end = torch.ones_like(ordered, dtype=torch.bool)
        is_end[:-1] = ordered[1:] != ordered[:-1]
        ends = is_end.nonzero().flatten() + 1
        wanted = torch.arange(1, self.n_batches, device=ends.device)
        wanted = wanted * len(self.X) // self.n_batches
        cuts = ends[torch.searchsorted(ends, wanted)].unique()
        return order.tensor_split(cuts[cuts < len(self.X)].cpu())


def _numbered(groups):
    """Number groups from 0; each NaN is a group of its own."""
    alone = groups.isnan()
    numbers = torch.empty(len(groups), dtype=torch.int64, device=groups.device)
    values, numbers[~alone] = groups[~alone].unique(return_inverse=True)
    numbers[alone] = torch.arange(int(alone.sum()), device=groups.device) + len(values)
    return numbers


def _is_schedule(callback):
    kind = callback if isinstance(callback, type) else type(callback)
    return issubclass(kind, LRScheduler)


def _silent(*_):
    """Print nothing: the sink of early stopping."""
