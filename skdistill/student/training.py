"""The student's training: choose its recipe, train it, keep what predicts."""

import time
import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

from skdistill.jobs.memory import remembered
from skdistill.nets.training import CUT_SHORT, check_finite, how_it_ended
from skdistill.student.recipe import Candidate, Trials, choose_recipe, train_candidate
from skdistill.student.student_net import forward_pass


@dataclass
class Training:
    """A trained student, and how it was trained.

    Parameters
    ----------
    student : callable
        Encoded rows in, outputs such as logits out.
    recipe : Candidate
        The one it was trained by.
    candidates : list of dict
        What `choose_recipe` tried.
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


def train_student(
    net,
    transfer_set,
    *,
    alpha,
    temperature,
    early_stopping,
    seed,
    memory=None,
    n_jobs=None,
    deadline=None,
    verbose=0,
):
    """Choose `alpha` and `temperature` where they are "auto", and train the student.

    Parameters
    ----------
    net : skorch.NeuralNet
        Sized and unfitted; it is changed.
    transfer_set : TransferSet
    alpha, temperature : float or "auto"
    early_stopping : bool
        As `needs_early_stopping` says. If not, it is trained for all epochs on all rows.
    seed : int
    memory : Memory, default=None
        Where a student that was trained alike is found, unless it has callbacks: they are
        there for what they do meanwhile.
    n_jobs, verbose : int
    deadline : float, default=None
        By ``time.monotonic()``; the epoch in which it passes is the last.

    Returns
    -------
    training : Training

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C before one epoch is done; later the student is kept as it is, or as of its
        best epoch if rows are held out, with a warning.
    """
    recipe = {
        "alpha": alpha,
        "temperature": temperature,
        "early_stopping": early_stopping,
        "seed": seed,
    }
    make = partial(_train, net, transfer_set, recipe, n_jobs, deadline, verbose)
    if net.callbacks:
        return make()
    return remembered(memory, make, "student", net, transfer_set, recipe, keep=_is_whole)


def _train(net, transfer_set, recipe, n_jobs, deadline, verbose):
    early_stopping, seed = recipe["early_stopping"], recipe["seed"]
    trials = Trials(
        net,
        transfer_set,
        early_stopping=early_stopping,
        seed=seed,
        n_jobs=n_jobs,
        # Up to four trials are to leave two thirds of the time.
        max_time=None if deadline is None else _seconds_until(deadline) / 12,
    )
    alpha, temperature = recipe["alpha"], recipe["temperature"]
    chosen, candidates = choose_recipe(
        net, transfer_set, alpha=alpha, temperature=temperature, trials=trials
    )
    if chosen.teachers and not early_stopping:
        transfer_set = transfer_set.whole()
    max_time = None if deadline is None else _seconds_until(deadline)
    if max_time == 0:
        _warn(
            "max_time was over before the student's training began: it is trained for one "
            "epoch. Give more time, or fewer or smaller teachers."
        )
    limits = {"max_time": max_time, "verbose": verbose, "keep_interrupted": True}
    train_candidate(net, chosen, transfer_set, seed=seed, **limits)
    check_finite(net, "the student", "student__lr")
    ended = how_it_ended(net)
    if ended == "interrupt":
        _warn(
            f"training was interrupted in epoch {len(net.history)} of {net.max_epochs}: the "
            "student is usable, but not trained to the end."
        )
    history = [
        {key: epoch[key] for key in ("train_loss", "valid_loss") if key in epoch}
        for epoch in net.history
    ]
    return Training(forward_pass(net), chosen, candidates, history, ended)


def _is_whole(training):
    """Tell whether more time would have changed nothing: neither training nor choice."""
    hurried = any(candidate["cut_short"] for candidate in training.candidates)
    return training.ended not in CUT_SHORT and not hurried


def _seconds_until(deadline):
    return max(0.0, deadline - time.monotonic())


def _warn(message):
    warnings.warn(message, UserWarning, stacklevel=7)
