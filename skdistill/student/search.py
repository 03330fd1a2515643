"""How far to trust the teachers, how sharply, and whether to learn from synthetic rows."""

from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from sklearn.base import clone

from skdistill._parallel import in_parallel
from skdistill.nets.training import how_it_ended, train_net

# On clean data the teachers' mistakes hurt, on noisy data the labels' noise does.
ALPHAS = (0.5, 0.0, 1.0)
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
        Held-out log loss of a short training; NaN while it is not tried.
    cut_short : bool
        Whether that training ran out of time.
    """

    alpha: float
    temperature: float
    teachers: bool = True
    valid_loss: float = np.nan
    cut_short: bool = False


def choose(net, rows, *, alpha, temperature, seed, n_jobs=None, max_time=None):
    """Try what is "auto" on short trainings, by held-out log loss.

    First the teachers' share of the loss, then, if they are listened to, the temperature.
    The net on labels alone is one of the candidates: where the teachers do not help, they
    are not listened to.

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
        that happens to be the surest wins, and .5 and 1 are taken.
    """
    first = Candidate(_first(alpha, ALPHAS), _first(temperature, TEMPERATURES))
    if net.train_split is None or rows.held_out.sum() < FEWEST_ROWS_TO_CHOOSE_BY:
        return first, []
    training = {"seed": seed, "max_time": max_time}
    chosen, tried = first, []
    unlabeled = (rows.labels < 0).any()  # rows that are the teachers' whatever alpha is
    if alpha == "auto":
        alphas = ALPHAS if unlabeled else ALPHAS[::2]  # else 0 is labels alone
        tried = [Candidate(share, first.temperature) for share in alphas]
        tried.append(Candidate(0.0, first.temperature, teachers=False))
        chosen = _best(net, rows, tried, n_jobs, training)
    if temperature == "auto" and chosen.teachers and (chosen.alpha > 0 or unlabeled):
        others = [Candidate(chosen.alpha, other) for other in TEMPERATURES]
        if tried:
            others[0] = chosen
        chosen = _best(net, rows, others, n_jobs, training)
        tried = tried + [each for each in others if each not in tried]
    return chosen, [asdict(each) for each in tried]


def _first(value, choices):
    return choices[0] if value == "auto" else value


def _best(net, rows, candidates, n_jobs, training):
    """Train those that have not been, and name the one with the lowest loss."""
    untried = [each for each in candidates if np.isnan(each.valid_loss)]
    calls = [
        partial(
            _try, clone(net), taught_on(rows, each), alpha=each.alpha,
            temperature=each.temperature, **training,
        )
        for each in untried
    ]  # fmt: skip
    for each, outcome in zip(untried, in_parallel(calls, n_jobs)):
        each.valid_loss, each.cut_short = outcome
    return min(candidates, key=lambda each: each.valid_loss)


def taught_on(rows, candidate):
    """The rows that a candidate learns from: all, or only the labelled ones."""
    return rows if candidate.teachers else rows.labeled()


def _try(net, rows, **training):
    """The best held-out log loss of a short training, and whether it ran out of time."""
    net.set_params(max_epochs=max(1, net.max_epochs // SHARE_OF_EPOCHS), verbose=0)
    train_net(net, rows, **training)
    # A training that diverged is no candidate: NaN would win every comparison.
    losses = [epoch["valid_loss"] for epoch in net.history]
    best = min((loss for loss in losses if np.isfinite(loss)), default=np.inf)
    return best, how_it_ended(net) == "time"
