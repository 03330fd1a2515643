"""The student's training: how much to listen, until when, and what remains."""

import time
import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from skdistill._memory import remembered
from skdistill.nets.training import CUT_SHORT, how_it_ended, train_net
from skdistill.student.search import choose_alpha
from skdistill.student.student_net import forward_pass


@dataclass
class Taught:
    """A trained student and how it came about.

    Parameters
    ----------
    student : callable
        Encoded rows in, logits out.
    alpha : float
    candidates : list of dict
        What `choose_alpha` tried.
    history : list of dict
        ``train_loss`` and ``valid_loss`` by epoch.
    ended : str
        As `how_it_ended` says.
    """

    student: Any
    alpha: float
    candidates: list
    history: list
    ended: str


def teach(net, rows, *, alpha, memory=None, n_jobs=None, deadline=None, verbose=0, **training):
    """Choose `alpha` if that is asked for, and train the student.

    Parameters
    ----------
    net : skorch.NeuralNet
        Sized and unfitted; it is changed.
    rows : TransferSet
    alpha : float or "auto"
    memory : Memory, default=None
        Where a student that was taught the same is found, unless it has callbacks: they
        are there for what they do meanwhile.
    n_jobs, verbose : int
    deadline : float, default=None
        By ``time.monotonic()``; the epoch in which it passes is the last.
    **training
        ``seed`` and ``temperature``.

    Returns
    -------
    taught : Taught

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C before one epoch is done; later the best epoch is kept, with a warning.
    """
    make = partial(_teach, net, rows, alpha, n_jobs, deadline, verbose, training)
    if net.callbacks:
        return make()
    return remembered(memory, make, "student", net, rows, alpha, training, keep=_is_whole)


def _teach(net, rows, alpha, n_jobs, deadline, verbose, training):
    candidates = []
    if alpha == "auto":
        # Four trials of a quarter of the epochs each are to leave as much as they take.
        share = None if deadline is None else _left(deadline) / 8
        alpha, rows, candidates = choose_alpha(net, rows, n_jobs=n_jobs, max_time=share, **training)
    max_time = None if deadline is None else _left(deadline)
    if max_time == 0:
        warnings.warn(
            "max_time was over before the student's training began: it is trained for one "
            "epoch. Give more time, or fewer or smaller teachers.",
            UserWarning,
            stacklevel=6,
        )
    train_net(net, rows, alpha=alpha, max_time=max_time, verbose=verbose, salvage=True, **training)
    _check_finite(net)
    ended = how_it_ended(net)
    if ended == "interrupt":
        warnings.warn(
            f"training was interrupted in epoch {len(net.history)} of {net.max_epochs}: the "
            "student is usable, but only as good as its best epoch so far.",
            UserWarning,
            stacklevel=6,
        )
    history = [
        {key: epoch[key] for key in ("train_loss", "valid_loss") if key in epoch}
        for epoch in net.history
    ]
    return Taught(forward_pass(net), alpha, candidates, history, ended)


def _check_finite(net):
    """Refuse a student that would answer NaN."""
    if not all(torch.isfinite(each).all() for each in net.module_.parameters()):
        raise ValueError(
            f"the student's training diverged: after {len(net.history)} epochs its weights are not "
            f"finite. Lower its learning rate (student__lr={net.lr}) or its temperature."
        )


def _is_whole(taught):
    return taught.ended not in CUT_SHORT


def _left(deadline):
    return max(0.0, deadline - time.monotonic())
