"""How the student is trained: alpha, temperature, and whether it stops early."""

from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from sklearn.base import clone

from skdistill.jobs.parallel import in_parallel
from skdistill.nets.training import how_it_ended, train_net
from skdistill.table.splits import hold_out

TEMPERATURES = (1.0, 2.0, 4.0)
# Each candidate is trained on a shorter schedule of its own, annealed to its end.
SHARE_OF_EPOCHS = 4
FEWEST_VALIDATION_ROWS = 150


@dataclass
class Candidate:
    """One way to train the student.

    Parameters
    ----------
    alpha, temperature : float
        As in `distillation_loss`.
    teachers : bool
        False: the net on labels alone.
    valid_loss : float
        Validation loss of a short training: at its end, or the lowest of a training that
        stops early. NaN while it is not tried.
    cut_short : bool
        Whether that training ran out of time.
    """

    alpha: float
    temperature: float
    teachers: bool = True
    valid_loss: float = np.nan
    cut_short: bool = False


def needs_early_stopping(net, n_labeled, n_unlabeled):
    """Decide whether the student stops early, by the loss of validation rows.

    Beside as many unlabeled rows as labeled ones there is little to overfit, and what a few
    validation labels say of when to stop is mostly noise: such a student is trained for all
    epochs, on all rows. A net with a `patience` of its own always stops early.
    """
    return n_unlabeled < n_labeled or getattr(net, "patience", 0) is not None


def choose_validation_rows(data, rng, *, optional):
    """Hold out rows to validate the student by.

    Parameters
    ----------
    data : TrainingData
    rng : RandomState
    optional : bool
        Whether to hold out none rather than too few to choose between candidates by. It does
        not matter whether there is something to choose: a search over `alpha` with "auto" among
        its values is to fit the teachers once.

    Returns
    -------
    held_out : ndarray of bool of shape (n_samples,)
    """
    strata = data.task.strata(data.y)
    held_out = hold_out(strata, rng, groups=data.groups, sample_weight=data.sample_weight)
    if optional and held_out.sum() < FEWEST_VALIDATION_ROWS:
        return np.zeros_like(held_out)
    return held_out


def choose_recipe(net, transfer_set, *, alpha, temperature, trials):
    """Choose what is "auto".

    Parameters
    ----------
    net : skorch.NeuralNet
        Sized and unfitted; it is cloned.
    transfer_set : TransferSet
    alpha, temperature : float or "auto"
    trials : Trials
        How candidates are tried.

    Returns
    -------
    chosen : Candidate
    candidates : list of dict
        All that were tried. Empty if fewer than 150 rows were held out: of those few the
        luckiest candidate would win.
    """
    share = alpha_of_noise(transfer_set) if alpha == "auto" else alpha
    degrees = TEMPERATURES if temperature == "auto" else (temperature,)
    # Rows without a label are the teachers' whatever alpha is.
    has_teachers = share > 0 or not transfer_set.is_labeled.all()
    chosen = Candidate(share, degrees[0], has_teachers)
    tried: list[Candidate] = []
    if net.train_split is None or transfer_set.held_out.sum() < FEWEST_VALIDATION_ROWS:
        return chosen, tried
    if alpha == "auto":
        chosen, tried = choose_teachers_or_labels(trials, chosen)
    if temperature == "auto" and chosen.teachers:
        chosen, tried = choose_temperature(trials, chosen, tried, degrees)
    return chosen, [{**asdict(each), "chosen": each is chosen} for each in tried]


def choose_teachers_or_labels(trials, candidate):
    """Compare a candidate with the net on labels alone, which must be clearly better to win.

    It has to win by three standard errors: its loss is that of the best of its epochs by the
    same validation rows.

    Returns
    -------
    chosen : Candidate
    tried : list of Candidate
    """
    tried = [candidate, Candidate(0.0, candidate.temperature, teachers=False)]
    with_teachers, on_labels = trials.run(tried)
    labels_win = _is_clearly_lower(on_labels, with_teachers, trials.validation.sample_weight)
    return tried[int(labels_win)], tried


def choose_temperature(trials, candidate, tried, temperatures):
    """Take the temperature of the lowest validation loss.

    Returns
    -------
    chosen : Candidate
    tried : list of Candidate
        Those that were tried before and now.
    """
    others = [Candidate(candidate.alpha, other) for other in temperatures[1:]]
    untried = [each for each in (candidate, *others) if each not in tried]
    trials.run(untried)
    chosen = min((candidate, *others), key=lambda each: each.valid_loss)
    return chosen, tried + untried


def alpha_of_noise(transfer_set):
    """Return `alpha` from how well the teachers predict the labels, out of fold.

    Without unlabeled rows it is the share of the labels' variance that they leave unexplained,
    1 - R²: of noisy labels they know more than the labels say, of clean ones their mistakes are
    most of the difference. Many unlabeled rows already say what the teachers know, so beside
    them it goes sooner to 0 and 1: 1 / (1 + SNRᵖ), where SNR = R² / (1 - R²) is the labels'
    ratio of signal to noise, and p is 1 + the share of such rows.

    Parameters
    ----------
    transfer_set : TransferSet

    Returns
    -------
    alpha : float
    """
    power = 1 + np.mean(~transfer_set.is_labeled)
    noise = transfer_set.unexplained_variance()
    return float(noise**power / (noise**power + (1 - noise) ** power))


class Trials:
    """Short trainings of candidates, compared by their loss on the validation rows.

    Parameters
    ----------
    net : skorch.NeuralNet
        Sized and unfitted; it is cloned.
    transfer_set : TransferSet
    early_stopping : bool
        Whether the student is to stop early; one on labels alone always does.
    seed : int
    n_jobs : int, default=None
        Candidates trained at once.
    max_time : float, default=None
        Seconds for each candidate.
    """

    def __init__(self, net, transfer_set, *, early_stopping, seed, n_jobs=None, max_time=None):
        self.net = net
        self.transfer_set = transfer_set
        self.validation = transfer_set.only(transfer_set.held_out)
        self.early_stopping = early_stopping
        self.training = {"seed": seed, "max_time": max_time}
        self.n_jobs = n_jobs

    def run(self, candidates):
        """Train each candidate shortly, and note its loss.

        Returns
        -------
        row_losses : list of ndarray of shape (n_validation,)
        """
        calls = [partial(self._try, each) for each in candidates]
        row_losses = []
        for each, outcome in zip(candidates, in_parallel(calls, self.n_jobs)):
            each.valid_loss, each.cut_short, losses = outcome
            row_losses.append(losses)
        return row_losses

    def _try(self, candidate):
        """Train a candidate shortly; return its loss, whether time was over, and rows' losses."""
        net = clone(self.net)
        net.set_params(max_epochs=max(1, net.max_epochs // SHARE_OF_EPOCHS), verbose=0)
        to_the_end = candidate.teachers and not self.early_stopping
        if to_the_end and "callbacks__early_stopping" in net.get_params():
            net.set_params(callbacks__early_stopping=None)  # tried as it will be trained
        train_candidate(net, candidate, self.transfer_set, **self.training)
        losses = [epoch["valid_loss"] for epoch in net.history]
        losses = losses[-1:] if to_the_end else losses
        # A training that diverged is no candidate: NaN would win every comparison.
        best = min((loss for loss in losses if np.isfinite(loss)), default=np.inf)
        rows = self.validation
        outputs = net.forward(rows.X, device="cpu").double()
        return best, how_it_ended(net) == "time", rows.task.row_losses(outputs, rows.y)


def train_candidate(net, candidate, transfer_set, **training):
    """Train a net as a candidate says: on all of these rows, or only on the labeled ones."""
    rows = transfer_set if candidate.teachers else transfer_set.labeled()
    loss = {"alpha": candidate.alpha, "temperature": candidate.temperature}
    return train_net(net, rows, **loss, **training)


def _is_clearly_lower(losses, others, sample_weight):
    """Tell whether the mean is lower by more than three standard errors of the differences."""
    if not np.isfinite(others).all():
        return True
    gain = others - losses
    weight = np.ones(len(gain)) if sample_weight is None else sample_weight
    mean = np.average(gain, weights=weight)
    error = np.sqrt(np.square(weight * (gain - mean)).sum()) / weight.sum()
    return bool(mean > 3 * error)  # also where a loss is not a number
