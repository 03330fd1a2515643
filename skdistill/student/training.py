"""Training of the student: choose alpha and temperature, train, keep the forward pass."""

from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from skdistill.jobs.clock import STUDENT, TRIALS, Clock
from skdistill.jobs.memory import remembered
from skdistill.jobs.processes import Processes
from skdistill.nets.cloning import clone_net
from skdistill.nets.interface import settle
from skdistill.nets.training import (
    CUT_SHORT,
    auto_batch_size,
    check_finite,
    epoch_records,
    how_it_ended,
    switch_off,
    train_net,
)
from skdistill.sklearn_private import safe_indexing
from skdistill.student.recipe import (
    SHARE_OF_EPOCHS,
    TEMPERATURES,
    Candidate,
    Trials,
    alpha_of_noise,
    choose_recipe,
    train_candidate,
)
from skdistill.student.student_net import fit_inputs, forward_pass
from skdistill.transfer.transfer_set import TransferSet
from skdistill.warn import warn_user

ROWS_TO_TIME = 1_000
SHARE_OF_DRAFT = 3  # a draft is trained for this many times fewer epochs


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
        What is known of each epoch, see `epoch_records`.
    ended : str
        Why training ended, see `how_it_ended`.
    warnings : list of str
        What the user is told of the training.
    seconds : tuple of float
        Of the trials, and of the training.
    """

    student: Any
    recipe: Candidate
    candidates: list
    history: list
    ended: str
    warnings: list
    seconds: tuple


def train_student(
    net,
    transfer_set,
    *,
    alpha,
    temperature,
    early_stopping,
    seed,
    effort,
    memory=None,
    n_jobs=None,
    verbose=0,
    clock=None,
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
    effort : Effort
        Gives the epochs of a net that leaves them open.
    memory : Memory, default=None
        Stores and recalls students. It is not used for nets with callbacks, which may have
        side effects.
    n_jobs : int, default=None
        Number of candidates trained at once.
    verbose : int, default=0
        1 reports each epoch.
    clock : Clock, default=None
        Gets the seconds of the trials and of the training, which ends with the epoch in which
        its time is over.

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
        "effort": effort,
        "seed": seed,
    }
    clock = Clock() if clock is None else clock
    make = partial(_train, net, transfer_set, settings, n_jobs, clock, verbose)
    if net.callbacks:
        memory = None
    training = remembered(memory, make, "student", net, transfer_set, settings, keep=_is_complete)
    for part, seconds in zip((TRIALS, STUDENT), training.seconds):
        clock.add(part, seconds)
    for message in training.warnings:
        warn_user(message)
    return training


def _train(net, transfer_set, settings, n_jobs, clock, verbose):
    early_stopping, effort, seed = (settings[key] for key in ("early_stopping", "effort", "seed"))
    started = perf_counter()
    trials = Trials(
        net,
        transfer_set,
        early_stopping=early_stopping,
        effort=effort,
        seed=seed,
        n_jobs=n_jobs,
        # Up to four trials use at most a sixth of the time.
        max_time=None if clock.max_time is None else clock.seconds_left() / 24,
    )
    alpha, temperature = settings["alpha"], settings["temperature"]
    chosen, candidates = choose_recipe(
        net, transfer_set, alpha=alpha, temperature=temperature, trials=trials
    )
    tried = perf_counter()
    to_the_end = chosen.teachers and not early_stopping
    noise = transfer_set.unexplained_variance()
    settle(net, early_stopping=not to_the_end, effort=effort, noise=noise)
    if to_the_end:
        transfer_set = transfer_set.for_final_training()
    messages = []
    max_time = clock.seconds_left()
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
    history = epoch_records(net.history, transfer_set.task.as_score)
    seconds = tried - started, perf_counter() - tried
    if not chosen.teachers:
        transfer_set = transfer_set.labeled()
    student = forward_pass(net, transfer_set, chosen.alpha)
    return Training(student, chosen, candidates, history, ended, messages, seconds)


def draft_student(net, transfer_set, *, alpha, temperature, effort, seed, max_time=None):
    """Train a clone of a net shortly, without its validation rows.

    Parameters
    ----------
    net : skorch.NeuralNet
        Sized and unfitted.
    transfer_set : TransferSet
    alpha : float or "auto"
    temperature : float, "auto" or None
    effort : Effort
    seed : int
    max_time : float, default=None
        Seconds, after which it ends with the epoch.

    Returns
    -------
    forward : callable
        Maps encoded rows to outputs, ndarray of shape (n_samples, n_outputs).
    """
    alpha = alpha_of_noise(transfer_set) if alpha == "auto" else alpha
    temperature = TEMPERATURES[0] if temperature == "auto" else temperature
    draft = settle(clone_net(net, shared=False), early_stopping=False, effort=effort)
    draft.set_params(max_epochs=max(1, draft.max_epochs // SHARE_OF_DRAFT), verbose=0)
    switch_off(draft, "early_stopping")
    candidate = Candidate(alpha, temperature)
    train_candidate(draft, candidate, transfer_set, seed=seed, max_time=max_time)
    check_finite(draft, "the student's draft", "student__lr")
    return lambda X: draft.forward(X, device="cpu").double().numpy()


def expected_seconds(net, data, early_stopping, effort):
    """Return how many seconds the student's trials and training will take at most.

    One epoch is made on the labels of a few rows, and timed. It is 0 if that fails.
    """
    try:
        return _expected_seconds(net, data, early_stopping, effort)
    except Exception:  # a forecast must not end a fit
        return 0.0


def _expected_seconds(net, data, early_stopping, effort):
    n_rows = len(data) + data.n_unlabeled + data.n_to_ask
    if Processes(net).count > 1:  # only a process that is asked would train
        return 0.0
    few = np.arange(min(len(data), ROWS_TO_TIME))
    trial = settle(clone_net(net), early_stopping=early_stopping, effort=effort)
    n_epochs = trial.max_epochs * (1 + 2 / SHARE_OF_EPOCHS)  # with trials
    batches = {"batch_size": auto_batch_size(n_rows)} if trial.batch_size == "auto" else {}
    trial.set_params(callbacks=None, max_epochs=1, train_split=None, verbose=0, **batches)
    part = replace(
        data, X=safe_indexing(data.X, few), y=data.y[few], sample_weight=None, unlabeled=[],
        held_out=np.zeros(len(few), dtype=bool),
    )  # fmt: skip
    targets = data.task.as_soft_targets(part.y)
    inputs = fit_inputs(trial, part, targets, np.random.RandomState(0))
    transfer_set = TransferSet.from_labels(inputs.transform(part.X), part)
    started = perf_counter()
    train_net(trial, transfer_set, seed=0)
    return (perf_counter() - started) / len(few) * n_rows * n_epochs


def _is_complete(training):
    """Tell whether neither the training nor a trial was cut short."""
    any_trial_cut = any(candidate["cut_short"] for candidate in training.candidates)
    return training.ended not in CUT_SHORT and not any_trial_cut
