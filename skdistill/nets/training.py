"""Training of a net, student or torch teacher: the run, its end, its device and its seed."""

import math
import time
from contextlib import contextmanager

import numpy as np
import torch
from skorch import NeuralNet, NeuralNetClassifier
from skorch.callbacks import Callback, EarlyStopping
from skorch.dataset import Dataset
from skorch.helper import predefined_split

from skdistill.jobs.locks import ForkSafeLock
from skdistill.jobs.processes import device_of, is_placed, release
from skdistill.jobs.progress import Progress
from skdistill.nets.losses import pack_targets
from skdistill.warn import warn_user

SMALLEST_BATCH = 16
CUT_SHORT = ("time", "interrupt")
# torch has one global random generator, so only one thread trains at a time.
_TRAINING = ForkSafeLock()


def train_net(net, transfer_set, *, seed, max_time=None, verbose=0, keep_interrupted=False, **loss):
    """Train a skorch net with the loss of the task, such as the distillation loss.

    Parameters
    ----------
    net : skorch.NeuralNet
        Unfitted; it is changed and returned.
    transfer_set : TransferSet
        The loss of its validation rows decides when to stop. A net with ``train_split=None``
        is trained on all rows.
    seed : int
        Seed of initialization, shuffling and dropout. The global seed of torch is unchanged.
    max_time : float, default=None
        Seconds. Training ends with the epoch in which this time has passed.
    verbose : int, default=0
        1 reports each epoch.
    keep_interrupted : bool, default=False
        Return the net after Ctrl-C if it has completed one epoch.
    **loss
        Parameters of the criterion, such as `alpha` and `temperature`.

    Returns
    -------
    net : skorch.NeuralNet

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C. skorch itself only ends the training, and would return a half-trained net.
    """
    task = transfer_set.task
    loss = task.criterion_parameters | loss
    net.set_params(criterion=task.criterion)
    net.set_params(**{f"criterion__{name}": value for name, value in loss.items()})
    if isinstance(net, NeuralNetClassifier):
        switch_off(net, "valid_acc")  # accuracy needs labels, not packed targets
    users = net.callbacks
    if users != "disable":
        own = [("record_rate", RecordRate())]
        if max_time is not None or verbose:
            own.append(("watch", Watch(max_time, verbose)))
        net.set_params(callbacks=[*(users or []), *own])
    split = None
    if net.train_split is not None and transfer_set.held_out.any():
        validation = transfer_set.subset(transfer_set.held_out)
        split = predefined_split(Dataset(*_packed(validation)))
        transfer_set = transfer_set.subset(~transfer_set.held_out)
    net.set_params(train_split=split)  # None without validation rows: train on all rows

    def fit():
        _join_single_row(net, len(packed[1]))
        device = device_of(net)
        with seeded(seed, device), one_thread(device):
            net.fit(*packed)

    packed = _packed(transfer_set)
    within_memory(fit, net, len(packed[1]))
    release(net)
    net.callbacks = users  # as it was given, to be trained or shown again
    if how_it_ended(net) == "interrupt" and not (keep_interrupted and _has_an_epoch(net)):
        raise KeyboardInterrupt
    return net.set_params(train_split=None)  # a fitted net need not carry the validation rows


def switch_off(net, name):
    """Switch off a callback of an unfitted net, if it has one of this name."""
    if _has_callback(net, name):
        net.set_params(**{f"callbacks__{name}": None})


def _has_callback(net, name):
    """Tell whether an unfitted net has a callback of this name that is not switched off."""
    key = f"callbacks__{name}"
    is_off = net.callbacks == "disable" or getattr(net, key, name) is None
    return not is_off and key in net.get_params()


def within_memory(train, net, n_samples):
    """Call `train`, and again with half the batch each time that the GPU's memory is exhausted.

    Parameters
    ----------
    train : callable
        Trains with the `batch_size` of `net`, from the beginning.
    net : skorch.NeuralNet
    n_samples : int
        Number of training rows.

    Returns
    -------
    result : object
        What `train` returns.
    """
    while True:
        try:
            return train()
        except torch.cuda.OutOfMemoryError:  # torch.OutOfMemoryError comes with torch 2.5
            name, size = _batch_size(net)
            sizes = {"auto": auto_batch_size(n_samples), -1: n_samples}  # -1: skorch's all rows
            size = min(sizes.get(size, size), n_samples)
            if size < 2 * SMALLEST_BATCH:
                raise
            warn_user(
                f"the memory of {net.device!r} is exhausted by batches of {size} rows: training "
                f"starts again with batches of {size // 2}."
            )
            net.set_params(**{name: size // 2})
            torch.cuda.empty_cache()


def _join_single_row(net, n_samples):
    """Enlarge the batches of skorch's loader where the last one would be a single row.

    Batch norm cannot be trained on one row.
    """
    loader = net.get_params_for("iterator_train")
    name, size = _batch_size(net)
    is_skorchs = type(net).get_iterator is NeuralNet.get_iterator
    if not is_skorchs or loader.get("drop_last") or not 1 < size < n_samples:
        return
    while n_samples % size == 1:
        size += 1
    net.set_params(**{name: size})


def _batch_size(net):
    """Return the parameter that sets the batch size of the training, and its value."""
    loader = net.get_params_for("iterator_train")
    if "batch_size" in loader:
        return "iterator_train__batch_size", loader["batch_size"]
    return "batch_size", net.batch_size


def auto_batch_size(n_samples):
    """Return the batch size "auto" for a number of training rows."""
    return int(np.clip(n_samples // 64, SMALLEST_BATCH, 256))


def _packed(transfer_set):
    """Return the inputs and packed targets of a transfer set; their weights have mean one."""
    targets = pack_targets(transfer_set.soft_targets, transfer_set.y, transfer_set.sample_weight)
    return transfer_set.X, targets


class RecordRate(Callback):
    """Callback that records the learning rate of each epoch, as "lr"."""

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        optimizer = getattr(net, "optimizer_", None)  # a net of one's own may have several
        if optimizer is not None:
            net.history.record("lr", float(optimizer.param_groups[0]["lr"]))


class Watch(Callback):
    """Callback that ends the training when its time is over, and reports its progress."""

    def __init__(self, max_time=None, verbose=0):
        self.max_time = max_time
        self.verbose = verbose

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.started, self.is_over = time.monotonic(), False
        epochs = [f"epoch {k}" for k in range(1, net.max_epochs + 1)]
        self.progress = Progress("student", epochs, self.verbose)

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        losses = [f"{key} {net.history[-1][key]:.4f}" for key in sorted(_losses(net.history[-1]))]
        self.progress.step(" ".join(losses))
        self.is_over = self.max_time is not None and (
            time.monotonic() - self.started >= self.max_time
        )
        if self.is_over:
            raise KeyboardInterrupt  # skorch ends the training on it

    def on_train_end(self, net, X=None, y=None, **kwargs):
        self.progress.close()


def epoch_records(history, as_score=float):
    """Return what is known of each epoch of a training, as plain values that JSON can hold.

    Parameters
    ----------
    history : list of dict
        Of a trained skorch net.
    as_score : callable, default=float
        Turns a validation loss into the unit of scores.

    Returns
    -------
    records : list of dict
        "epoch", from 1, and, where they were recorded and are finite, "train_loss",
        "valid_loss" and "lr". An epoch that was interrupted lacks some.
    """
    return [_record(number, epoch, as_score) for number, epoch in enumerate(history, 1)]


def _record(number, epoch, as_score):
    write = {"train_loss": float, "valid_loss": as_score, "lr": float}
    values = {key: float(write[key](epoch[key])) for key in write if key in epoch}
    return {"epoch": number} | {k: value for k, value in values.items() if math.isfinite(value)}


def how_it_ended(net):
    """Return why a net's training ended: "epochs", "patience", "time" or "interrupt"."""
    callbacks = [callback for _, callback in net.callbacks_]
    if any(isinstance(each, Watch) and each.is_over for each in callbacks):
        return "time"
    if any(isinstance(each, EarlyStopping) and each.misses_ == each.patience for each in callbacks):
        return "patience"
    whole = len(net.history) >= net.max_epochs and (
        not net.history or _losses(net.history[0]) == _losses(net.history[-1])
    )
    return "epochs" if whole else "interrupt"


def best_epoch(net):
    """Return the number of epochs after which early stopping restored the net.

    It is None without validation rows, or without early stopping.
    """
    losses = [epoch.get("valid_loss", np.nan) for epoch in net.history]
    stops = any(isinstance(callback, EarlyStopping) for _, callback in net.callbacks_)
    return int(np.nanargmin(losses)) + 1 if stops and np.isfinite(losses).any() else None


def cut_off(net, n_epochs):
    """Set an unfitted net to end after so many epochs, with an unchanged learning-rate schedule."""
    params, length = net.get_params(), "callbacks__lr_scheduler__T_max"
    if length in params and _has_callback(net, "lr_scheduler"):
        net.set_params(**{length: params[length]})  # fix it, as it follows `max_epochs` by default
    return net.set_params(max_epochs=n_epochs)


def _has_an_epoch(net):
    """Tell whether the net has completed one epoch."""
    return len(net.history) > 1 or (len(net.history) == 1 and bool(_losses(net.history[0])))


def _losses(epoch):
    """Return the names of the losses in an epoch's record; an interrupted epoch lacks some."""
    return {"train_loss", "valid_loss"} & set(epoch)


def check_finite(net, what, rate):
    """Check that the weights of a trained net are finite.

    Parameters
    ----------
    net : skorch.NeuralNet
    what : str
        Name of the net in the message.
    rate : str
        Name of its learning rate in the message.

    Raises
    ------
    ValueError
        If a weight is NaN or infinite.
    """
    if not all(torch.isfinite(each).all() for each in net.module_.parameters()):
        raise ValueError(
            f"training of {what} diverged: its weights are not finite after {len(net.history)} "
            f"epochs. Lower the learning rate ({rate}={net.lr}) or the temperature."
        )


def place(net, device):
    """Set the device of a net; "auto" is "cuda" or "cpu". An accelerator places its net itself."""
    if not is_placed(net):
        net.set_params(device=resolve_device(device))


def resolve_device(device):
    """Resolve "auto" to "cuda" or "cpu", and check that a requested GPU is available."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise ValueError(
            f"device={device!r} is not a torch device: use 'auto', 'cpu' or 'cuda'."
        ) from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device={device!r} is not available: torch finds no CUDA device. Use "
            "device='auto' or 'cpu', or install a CUDA build of torch."
        )
    return str(device)


@contextmanager
def seeded(seed, device):
    """Seed torch within the block, and restore the state of its generators afterwards."""
    on_gpu = torch.device(device).type == "cuda"
    with _TRAINING.held(), torch.random.fork_rng(devices=[torch.device(device)] if on_gpu else []):
        if seed is not None:
            torch.manual_seed(seed)
        yield


@contextmanager
def one_thread(device):
    """Use one thread of the CPU within the block: small matrix products are faster so."""
    threads = torch.get_num_threads()
    if torch.device(device).type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
