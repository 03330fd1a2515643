"""One training run, the same for the student and for the torch teachers."""

import time
from contextlib import contextmanager
from threading import RLock

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, EarlyStopping
from skorch.dataset import Dataset
from skorch.helper import predefined_split

from skdistill.jobs.progress import Progress
from skdistill.nets.losses import pack_targets

CUT_SHORT = ("time", "interrupt")
# torch's random numbers belong to the process: of two threads, one trains at a time.
_TRAINING = RLock()


def train_net(net, rows, *, seed, max_time=None, verbose=0, salvage=False, **loss):
    """Train a skorch net with the distillation loss.

    Parameters
    ----------
    net : skorch.NeuralNet
        Unfitted; it is changed and returned.
    rows : TransferSet
        The log loss of those held out decides when to stop. A net with
        ``train_split=None`` is trained on all.
    seed : int
        For initialisation, shuffling and dropout; torch's own seed is left alone.
    max_time : float, default=None
        Seconds; the epoch in which they are over is the last.
    verbose : int, default=0
        At 1, a line for each epoch.
    salvage : bool, default=False
        Return what Ctrl-C left, if one epoch is done.
    **loss
        Parameters of `DistillationLoss`.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, which skorch itself takes for early stopping: a net that is half
        trained would teach.
    """
    net.set_params(criterion=rows.task.criterion)
    net.set_params(**{f"criterion__{name}": value for name, value in loss.items()})
    if isinstance(net, NeuralNetClassifier) and "callbacks__valid_acc" in net.get_params():
        net.set_params(callbacks__valid_acc=None)  # it compares labels, and these are not
    if (max_time is not None or verbose) and net.callbacks != "disable":
        watch = Watch(max_time, verbose)
        net.set_params(callbacks=[*(net.callbacks or []), ("watch", watch)])
    split = None
    if net.train_split is not None and rows.held_out.any():
        split = predefined_split(Dataset(*_packed(rows.only(rows.held_out))))
        rows = rows.only(~rows.held_out)
    net.set_params(train_split=split)  # a table too small to hold out rows trains on all
    with seeded(seed, net.device), one_thread(net.device):
        net.fit(*_packed(rows))
    if how_it_ended(net) == "interrupt" and not (salvage and _has_an_epoch(net)):
        raise KeyboardInterrupt
    return net.set_params(train_split=None)  # a fitted net need not carry the rows


def _packed(rows):
    """A transfer set as a net takes it; the weights of these very rows have mean one."""
    return rows.X, pack_targets(rows.soft_targets, rows.y, rows.sample_weight)


class Watch(Callback):
    """Ends a training when its time is over, and says how far it is."""

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
            raise KeyboardInterrupt  # so skorch's callbacks say that it is enough

    def on_train_end(self, net, X=None, y=None, **kwargs):
        self.progress.close()


def how_it_ended(net):
    """Why a net's training ended: "epochs", "patience", "time" or "interrupt"."""
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
    """How many epochs the net was trained for that early stopping went back to.

    None where nothing was held out, or no early stopping was asked for.
    """
    losses = [epoch.get("valid_loss", np.nan) for epoch in net.history]
    stops = any(isinstance(callback, EarlyStopping) for _, callback in net.callbacks_)
    return int(np.nanargmin(losses)) + 1 if stops and np.isfinite(losses).any() else None


def cut_off(net, n_epochs):
    """An unfitted net that ends after so many epochs, its learning rate as it is by then."""
    params, length = net.get_params(), "callbacks__lr_scheduler__T_max"
    if length in params:  # which else follows the number of epochs
        net.set_params(**{length: params[length]})
    return net.set_params(max_epochs=n_epochs)


def _has_an_epoch(net):
    """Whether one epoch is done, and not only begun."""
    return len(net.history) > 1 or (len(net.history) == 1 and bool(_losses(net.history[0])))


def _losses(epoch):
    """What an epoch records at its end; one that was broken off lacks it."""
    return {"train_loss", "valid_loss"} & set(epoch)


def check_finite(net, what, rate):
    """Refuse a trained net that would answer NaN; `rate` is what its learning rate is called."""
    if not all(torch.isfinite(each).all() for each in net.module_.parameters()):
        raise ValueError(
            f"the training of {what} diverged: after {len(net.history)} epochs its weights are not "
            f"finite. Lower its learning rate ({rate}={net.lr}), or the temperature."
        )


def resolve_device(device):
    """Turn "auto" into "cuda" or "cpu", and refuse a GPU that is not there."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise ValueError(
            f"device={device!r} is none that torch knows: use 'auto', 'cpu' or 'cuda'."
        ) from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device={device!r} was asked for, but torch sees no CUDA device: use "
            "device='auto' or 'cpu', or install a CUDA build of torch."
        )
    return str(device)


@contextmanager
def seeded(seed, device):
    """Draw from a generator of our own, then give torch's back as it was."""
    on_gpu = torch.device(device).type == "cuda"
    with _TRAINING, torch.random.fork_rng(devices=[torch.device(device)] if on_gpu else []):
        if seed is not None:
            torch.manual_seed(seed)
        yield


@contextmanager
def one_thread(device):
    """Small matrix products lose more to two threads than they win."""
    threads = torch.get_num_threads()
    if torch.device(device).type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
