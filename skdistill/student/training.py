"""The student's training: how much to listen, until when, and what remains."""

import time
import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

from skdistill.jobs.memory import remembered
from skdistill.nets.training import CUT_SHORT, check_finite, how_it_ended
from skdistill.student.recipe import Candidate, choose, learns_from_all, train_as
from skdistill.student.student_net import forward_pass


@dataclass
class Taught:
    """A trained student and how it came about.

    Parameters
    ----------
    student : callable
        Encoded rows in, logits out.
    recipe : Candidate
        The one it was trained by.
    candidates : list of dict
        What `choose` tried.
    history : list of dict
        ``train_loss`` and ``valid_loss`` by epoch.
    ended : str
        As `how_it_ended` says.
    """

    student: Any
    recipe: Candidate
    candidates: list
    history: list
    ended: str


def teach(
    net, rows, *, alpha, temperature, seed, memory=None, n_jobs=None, deadline=None, verbose=0
):
    """Choose `alpha` and `temperature` where that is asked for, and train the student.

    Parameters
    ----------
    net : skorch.NeuralNet
        Sized and unfitted; it is changed.
    rows : TransferSet
    alpha, temperature : float or "auto"
    seed : int
    memory : Memory, default=None
        Where a student that was taught the same is found, unless it has callbacks: they
        are there for what they do meanwhile.
    n_jobs, verbose : int
    deadline : float, default=None
        By ``time.monotonic()``; the epoch in which it passes is the last.

    Returns
    -------
    taught : Taught

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C before one epoch is done; later the student is kept as it is, or as of its
        best epoch if rows are held out, with a warning.
    """
    recipe = {"alpha": alpha, "temperature": temperature, "seed": seed}
    make = partial(_teach, net, rows, recipe, n_jobs, deadline, verbose)
    if net.callbacks:
        return make()
    return remembered(memory, make, "student", net, rows, recipe, keep=_is_whole)


def _teach(net, rows, recipe, n_jobs, deadline, verbose):
    # Up to four trials are to leave two thirds of the time.
    share = None if deadline is None else _left(deadline) / 12
    chosen, candidates = choose(net, rows, **recipe, n_jobs=n_jobs, max_time=share)
    max_time = None if deadline is None else _left(deadline)
    if max_time == 0:
        warnings.warn(
            "max_time was over before the student's training began: it is trained for one "
            "epoch. Give more time, or fewer or smaller teachers.",
            UserWarning,
            stacklevel=6,
        )
    if chosen.teachers and learns_from_all(net, rows.mostly_unlabeled):
        rows = rows.whole()
    train_as(
        net, chosen, rows, seed=recipe["seed"], max_time=max_time, verbose=verbose, salvage=True
    )
    check_finite(net, "the student", "student__lr")
    ended = how_it_ended(net)
    if ended == "interrupt":
        warnings.warn(
            f"training was interrupted in epoch {len(net.history)} of {net.max_epochs}: the "
            "student is usable, but not trained to the end.",
            UserWarning,
            stacklevel=6,
        )
    history = [
        {key: epoch[key] for key in ("train_loss", "valid_loss") if key in epoch}
        for epoch in net.history
    ]
    return Taught(forward_pass(net), chosen, candidates, history, ended)


def _is_whole(taught):
    """Whether more time would have changed nothing: neither the training nor the choice."""
    hurried = any(candidate["cut_short"] for candidate in taught.candidates)
    return taught.ended not in CUT_SHORT and not hurried


def _left(deadline):
    return max(0.0, deadline - time.monotonic())
