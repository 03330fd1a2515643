"""How far to trust the teachers, how sharply, and whether to learn from synthetic rows."""

from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import torch
from sklearn.base import clone
from torch.nn.functional import cross_entropy

from skdistill.jobs.parallel import in_parallel
from skdistill.nets.training import how_it_ended, train_net

TEMPERATURES = (1.0, 2.0, 4.0)
# Each candidate is trained on a shorter schedule of its own, annealed to its end.
SHARE_OF_EPOCHS = 4
FEWEST_ROWS_TO_CHOOSE_BY = 150


@dataclass
class Candidate:
    """One way to teach.

    Parameters
    ----------
    alpha, temperature : float
        As in `distillation_loss`.
    teachers : bool
        False: the net on labels alone.
    valid_loss : float
        Held-out log loss of a short training: at its end, or the lowest of a training that
        is to stop early. NaN while it is not tried.
    cut_short : bool
        Whether that training ran out of time.
    """

    alpha: float
    temperature: float
    teachers: bool = True
    valid_loss: float = np.nan
    cut_short: bool = False


def choose(net, rows, *, alpha, temperature, seed, n_jobs=None, max_time=None):
    """Choose what is "auto".

    The teachers' share of the loss is as `share_of_teachers` says. Then short trainings are
    compared by held-out log loss: with the teachers, and the net on labels alone, so that
    where the teachers do harm they are not listened to; labels alone, at the best of their
    epochs by the same rows, have to win by three standard errors. Then, if that is "auto"
    too, those of several temperatures.

    Parameters
    ----------
    net : skorch.NeuralNet
        Sized and unfitted; it is cloned.
    rows : TransferSet
    alpha, temperature : float or "auto"
    seed : int
    n_jobs : int, default=None
        Candidates trained at once.
    max_time : float, default=None
        Seconds for each candidate.

    Returns
    -------
    chosen : Candidate
    candidates : list of dict
        All that were tried. Empty if fewer than 150 rows were held out: by so few the one
        that happens to be the surest wins.
    """
    share = share_of_teachers(rows) if alpha == "auto" else alpha
    degrees = TEMPERATURES if temperature == "auto" else [temperature]
    # Rows without a label are the teachers' whatever alpha is.
    first = Candidate(share, degrees[0], teachers=share > 0 or rows.has_unlabeled)
    if net.train_split is None or rows.held_out.sum() < FEWEST_ROWS_TO_CHOOSE_BY:
        return first, []
    training = {"seed": seed, "max_time": max_time}
    chosen, tried = first, []
    if alpha == "auto":
        tried = [first, Candidate(0.0, degrees[0], teachers=False)]
        with_teachers, on_labels = _try_each(net, rows, tried, n_jobs, training)
        if _is_clearly_lower(on_labels, with_teachers, rows.only(rows.held_out).sample_weight):
            chosen = tried[1]
    if temperature == "auto" and chosen.teachers:
        others = [chosen, *(Candidate(chosen.alpha, other) for other in degrees[1:])]
        untried = [each for each in others if each not in tried]
        _try_each(net, rows, untried, n_jobs, training)
        chosen = min(others, key=lambda each: each.valid_loss)
        tried = tried + untried
    return chosen, [{**asdict(each), "chosen": each is chosen} for each in tried]


def share_of_teachers(rows):
    """`alpha` from how well the teachers know the labels, out of fold.

    Without unlabelled rows it is the share of the labels' variance that they leave
    unexplained, 1 - R²: on noisy labels they know better, on clean ones their mistakes are
    most of the difference. Beside many unlabelled rows, which say what the teachers know
    anyway, it goes sooner to 0 and 1: 1 / (1 + SNRᵖ), where SNR = R² / (1 - R²) is the
    labels' ratio of signal to noise, and p is 1 + the share of such rows.

    Parameters
    ----------
    rows : TransferSet

    Returns
    -------
    alpha : float
    """
    power = 1 + np.mean(rows.labels < 0)
    noise = rows.unexplained()
    return float(noise**power / (noise**power + (1 - noise) ** power))


def learns_from_all(net, mostly_unlabeled):
    """Whether a student is trained to the end, on all rows.

    Beside as many rows that only the teachers have a word on there is little to overfit, and
    what a few held-out labels would say of when to stop is mostly noise.
    """
    return mostly_unlabeled and getattr(net, "patience", 0) is None


def rows_that_judge(held_out, net, mostly_unlabeled):
    """The rows held out, or none where they are too few to decide anything.

    Whether there is something to decide does not matter: a search over `alpha` with "auto"
    among its values is to fit the teachers once.

    Parameters
    ----------
    held_out : ndarray of bool of shape (n_samples,)
    net : skorch.NeuralNet
    mostly_unlabeled : bool
        Whether there will be as many rows that only the teachers have a word on as others.
    """
    enough = held_out.sum() >= FEWEST_ROWS_TO_CHOOSE_BY
    if enough or not learns_from_all(net, mostly_unlabeled):
        return held_out
    return np.zeros_like(held_out)


def _try_each(net, rows, candidates, n_jobs, training):
    """Train each shortly and note its loss; the losses of the rows held out, of each."""
    calls = [partial(_try, clone(net), rows, each, training) for each in candidates]
    of_rows = []
    for each, outcome in zip(candidates, in_parallel(calls, n_jobs)):
        each.valid_loss, each.cut_short, losses = outcome
        of_rows.append(losses)
    return of_rows


def _is_clearly_lower(losses, others, sample_weight):
    """Whether the mean is lower by more than three standard errors of the rows' differences."""
    if not np.isfinite(others).all():
        return True
    gain = others - losses
    weight = np.ones(len(gain)) if sample_weight is None else sample_weight
    mean = np.average(gain, weights=weight)
    error = np.sqrt(np.square(weight * (gain - mean)).sum()) / weight.sum()
    return bool(mean > 3 * error)  # also where a loss is not a number


def train_as(net, candidate, rows, **training):
    """Train a net as a candidate says: on all of these rows, or only on the labelled ones."""
    rows = rows if candidate.teachers else rows.labeled()
    loss = {"alpha": candidate.alpha, "temperature": candidate.temperature}
    return train_net(net, rows, **loss, **training)


def _try(net, rows, candidate, training):
    """What a short training comes to.

    Returns
    -------
    valid_loss : float
    cut_short : bool
    of_rows : ndarray of shape (n_held_out,)
        The log loss of each of the rows held out.
    """
    net.set_params(max_epochs=max(1, net.max_epochs // SHARE_OF_EPOCHS), verbose=0)
    to_the_end = candidate.teachers and learns_from_all(net, rows.mostly_unlabeled)
    if to_the_end and "callbacks__early_stopping" in net.get_params():
        net.set_params(callbacks__early_stopping=None)  # judged as it will be trained
    train_as(net, candidate, rows, **training)
    losses = [epoch["valid_loss"] for epoch in net.history]
    losses = losses[-1:] if to_the_end else losses
    # A training that diverged is no candidate: NaN would win every comparison.
    best = min((loss for loss in losses if np.isfinite(loss)), default=np.inf)
    judges = rows.only(rows.held_out)
    logits = net.forward(judges.X, device="cpu").double()
    of_rows = cross_entropy(logits, torch.as_tensor(judges.labels), reduction="none").numpy()
    return best, how_it_ended(net) == "time", of_rows
