"""How far to trust the teachers, and whether to learn from synthetic rows."""

from functools import partial

import numpy as np
from sklearn.base import clone

from skdistill._parallel import in_parallel
from skdistill.nets.training import train_net

# On clean data the teachers' mistakes hurt, on noisy data the labels' noise does.
ALPHAS = (0.5, 0.0, 1.0)
# Each candidate is trained on a shorter schedule of its own, annealed to its end.
SHARE_OF_EPOCHS = 4
FEWEST_ROWS_TO_CHOOSE_BY = 150


def choose_alpha(net, rows, *, seed, temperature, n_jobs=None, max_time=None):
    """Try the teacher's share of the loss on short trainings, by held-out log loss.

    The net on labels alone is one of the candidates: where the teachers do not help,
    they are not listened to.

    Parameters
    ----------
    net : skorch.NeuralNet
        Sized and unfitted; it is cloned.
    rows : TransferSet
    seed : int
    temperature : float
    n_jobs : int, default=None
        Candidates trained at once.
    max_time : float, default=None
        Seconds for each candidate.

    Returns
    -------
    alpha : float
    rows : TransferSet
        `rows`, or only the labelled ones.
    candidates : list of dict
        ``alpha``, ``teachers`` (False for the net on labels alone) and
        ``valid_loss`` of each. Empty if fewer than 150 rows were held out: by so few the
        one that happens to be the surest wins, and .5 is taken.
    """
    if net.train_split is None or rows.held_out.sum() < FEWEST_ROWS_TO_CHOOSE_BY:
        return ALPHAS[0], rows, []
    trials = [(alpha, rows, True) for alpha in ALPHAS] + [(0.0, rows.labeled(), False)]
    training = {"seed": seed, "temperature": temperature, "max_time": max_time}
    calls = [
        partial(_valid_loss, clone(net), taught_on, alpha=alpha, **training)
        for alpha, taught_on, _ in trials
    ]
    losses = list(in_parallel(calls, n_jobs))
    alpha, taught_on, _ = trials[int(np.argmin(losses))]
    candidates = [
        {"alpha": alpha, "teachers": teachers, "valid_loss": loss}
        for (alpha, _, teachers), loss in zip(trials, losses)
    ]
    return alpha, taught_on, candidates


def _valid_loss(net, rows, **training):
    """The best held-out log loss of a short training."""
    net.set_params(max_epochs=max(1, net.max_epochs // SHARE_OF_EPOCHS), verbose=0)
    train_net(net, rows, **training)
    # A training that diverged is no candidate: NaN would win every comparison.
    losses = [epoch["valid_loss"] for epoch in net.history]
    return min((loss for loss in losses if np.isfinite(loss)), default=np.inf)
