"""Training of the student: choose alpha and temperature, train, keep the forward pass."""

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
        Maps encoded rows to outputs such as logits.
    recipe : Candidate
        The alpha and temperature of the training.
    candidates : list of dict
        All candidates that `choose_recipe` tried.
    history : list of dict
        ``train_loss`` and ``valid_loss`` of each epoch.
    ended : str
        Why training ended, see `how_it_ended`.
    warnings : list of str
        What the user is told of the training.
    """

    student: Any
    recipe: Candidate
    candidates: list
    history: list
    ended: str
    warnings: list


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
        From `needs_early_stopping`. If False, the student is trained for all epochs on all rows.
    seed : int
    memory : Memory, default=None
        Stores and recalls students. It is not used for nets with callbacks, which may have
        side effects.
    n_jobs : int, default=None
        Number of candidates trained at once.
    deadline : float, default=None
        In terms of ``time.monotonic()``. Training ends with the epoch in which it passes.
    verbose : int, default=0
        1 reports each epoch.

    Returns
    -------
    training : Training

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C before the first epoch is completed. After it, the student of the best epoch
        so far is kept with a warning, or of the last epoch without validation rows.
    """
    settings = {
        "alpha": alpha,
        "temperature": temperature,
        "early_stopping": early_stopping,
        "seed": seed,
    }
    make = partial(_train, net, transfer_set, settings, n_jobs, deadline, verbose)
    if net.callbacks:
        memory = None
    training = remembered(memory, make, "student", net, transfer_set, settings, keep=_is_complete)
    for message in training.warnings:
        warnings.warn(message, UserWarning, stacklevel=3)
    return training


def _train(net, transfer_set, settings, n_jobs, deadline, verbose):
    early_stopping, seed = settings["early_stopping"], settings["seed"]
    trials = Trials(
        net,
        transfer_set,
        early_stopping=early_stopping,
        seed=seed,
        n_jobs=n_jobs,
        # Up to four trials use at most a third of the time.
        max_time=None if deadline is None else _seconds_until(deadline) / 12,
    )
    alpha, temperature = settings["alpha"], settings["temperature"]
    chosen, candidates = choose_recipe(
        net, transfer_set, alpha=alpha, temperature=temperature, trials=trials
    )
    if chosen.teachers and not early_stopping:
        transfer_set = transfer_set.for_final_training()
    messages = []
    max_time = None if deadline is None else _seconds_until(deadline)
    if max_time == 0:
        messages.append(
            "max_time was over before the student's training began, so it is trained for one "
            "epoch only. Increase max_time, or use fewer or smaller teachers."
        )
    limits = {"max_time": max_time, "verbose": verbose, "keep_interrupted": True}
    train_candidate(net, chosen, transfer_set, seed=seed, **limits)
    check_finite(net, "the student", "student__lr")
    ended = how_it_ended(net)
    if ended == "interrupt":
        messages.append(
            f"training was interrupted in epoch {len(net.history)} of {net.max_epochs}: the "
            "student is usable, but its training is incomplete. Fit again to complete it."
        )
    history = [
        {key: epoch[key] for key in ("train_loss", "valid_loss") if key in epoch}
        for epoch in net.history
    ]
    return Training(forward_pass(net), chosen, candidates, history, ended, messages)


def _is_complete(training):
    """Tell whether neither the training nor a trial was cut short."""
    any_trial_cut = any(candidate["cut_short"] for candidate in training.candidates)
    return training.ended not in CUT_SHORT and not any_trial_cut


def _seconds_until(deadline):
    return max(0.0, deadline - time.monotonic())
