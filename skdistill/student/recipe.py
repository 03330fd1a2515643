"""Choices for the student's training: alpha, temperature, early stopping, validation rows."""

from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import torch

from skdistill.jobs.runner import run_or_recall
from skdistill.nets.checks import watches_validation
from skdistill.nets.cloning import clone_net
from skdistill.nets.interface import settle
from skdistill.nets.training import how_it_ended, switch_off, train_net
from skdistill.table.splits import hold_out

TEMPERATURES = (1.0, 2.0, 4.0)
# Trials are this many times shorter than the training. Their schedules are complete, too.
SHARE_OF_EPOCHS = 10
FEWEST_VALIDATION_ROWS = 150


@dataclass
class Candidate:
    """A candidate of alpha and temperature for the student's training.

    Parameters
    ----------
    alpha : float
        As in `distillation_loss`.
    temperature : float or None
        As in `distillation_loss`; None for a task without one.
    teachers : bool
        False for the net on labels alone.
    valid_loss : float
        Validation loss of a short training: the lowest if it stops early, else the last. NaN
        before the trial.
    cut_short : bool
        Whether the trial ran out of time.
    """

    alpha: float
    temperature: float | None = None
    teachers: bool = True
    valid_loss: float = np.nan
    cut_short: bool = False

    @property
    def name(self):
        """The candidate in messages."""
        if not self.teachers:
            return "student, trial on labels alone"
        values = {name: f"{name}={value:.3g}" for name, value in self.loss_parameters.items()}
        return f"student, trial of {', '.join(values.values())}"

    @property
    def loss_parameters(self):
        """Parameters of the criterion."""
        values = {"alpha": self.alpha, "temperature": self.temperature}
        return {name: value for name, value in values.items() if value is not None}

    def record(self, task, chosen):
        """Return the candidate as a plain dict, with its loss in the unit of scores."""
        values = {**asdict(self), **self.loss_parameters, "chosen": chosen}
        values["valid_loss"] = task.as_score(self.valid_loss)
        return {name: value for name, value in values.items() if value is not None}


def needs_early_stopping(net, n_labeled, n_unlabeled):
    """Decide whether the student stops early, by the loss of validation rows.

    With at least as many unlabeled rows as labeled ones there is little overfitting, and the
    loss of a few validation rows is too noisy to choose an epoch. The student is then trained
    for all epochs on all rows. A net with `patience`, or with a callback that watches the
    validation loss, always stops early.

    Parameters
    ----------
    net : skorch.NeuralNet
    n_labeled : int
    n_unlabeled : int

    Returns
    -------
    early_stopping : bool
    """
    has_patience = getattr(net, "patience", 0) is not None
    return n_unlabeled < n_labeled or has_patience or watches_validation(net)


def choose_validation_rows(net, data, rng, n_synthetic, fraction="auto"):
    """Choose the rows on which the student is validated, before synthetic rows are drawn.

    A student that will not stop early needs none, unless there are enough to compare candidates
    by. The choice does not depend on `alpha`, so that a search over `alpha` with "auto" among
    its values fits the teachers only once.

    Parameters
    ----------
    net : skorch.NeuralNet
    data : TrainingData
    rng : RandomState
    n_synthetic : int
        Synthetic rows that are planned.
    fraction : float, int, "auto" or None, default="auto"
        As `validation_fraction` of `DistilledClassifier`.

    Returns
    -------
    held_out : ndarray of bool of shape (n_samples,)
        None of them if there are validation rows besides X.

    Raises
    ------
    ValueError
        If a callback watches the validation loss or there is a fraction, but no row can be held
        out.
    """
    if fraction is None or data.validation is not None:
        return np.zeros(len(data), dtype=bool)
    how = {"groups": data.groups, "sample_weight": data.sample_weight, "fraction": fraction}
    held_out = hold_out(data.task.strata(data.y), rng, **how)
    if fraction != "auto" and not (held_out.any() and (data.counts & ~held_out).any()):
        raise ValueError(
            f"validation_fraction={fraction!r} of {data.counts.sum()} rows leaves none to "
            f"{'train on' if held_out.any() else 'validate on'}, as it is taken of each class "
            "and of whole groups: use another fraction, or pass X_val and y_val."
        )
    if not held_out.any() and watches_validation(net):
        raise ValueError(
            "a callback of student watches 'valid_loss', but no row can be held out, because "
            f"the classes or groups are too small for {len(data)} rows: have it watch "
            "'train_loss', or drop it."
        )
    optional = not needs_early_stopping(net, len(data), n_synthetic + data.n_unlabeled)
    if optional and held_out.sum() < FEWEST_VALIDATION_ROWS:
        return np.zeros_like(held_out)
    return held_out


def choose_recipe(net, transfer_set, *, alpha, temperature, trials):
    """Choose alpha and temperature where they are "auto".

    Parameters
    ----------
    net : skorch.NeuralNet
        Sized and unfitted; it is cloned.
    transfer_set : TransferSet
    alpha : float or "auto"
    temperature : float, "auto" or None
    trials : Trials
        Tries the candidates.

    Returns
    -------
    chosen : Candidate
    candidates : list of dict
        All candidates that were tried. It is empty with fewer than 150 validation rows, whose
        loss is too noisy to compare candidates.
    """
    first_alpha = alpha_of_noise(transfer_set) if alpha == "auto" else alpha
    temperatures = TEMPERATURES if temperature == "auto" else (temperature,)
    # The loss of unlabeled rows is the teachers' term alone, for every alpha.
    has_teachers = first_alpha > 0 or not transfer_set.is_labeled.all()
    chosen = Candidate(first_alpha, temperatures[0], has_teachers)
    tried: list[Candidate] = []
    if net.train_split is None or transfer_set.held_out.sum() < FEWEST_VALIDATION_ROWS:
        return chosen, tried
    if alpha == "auto":
        chosen, tried = choose_teachers_or_labels(trials, chosen)
    if temperature == "auto" and chosen.teachers:
        chosen, tried = choose_temperature(trials, chosen, tried, temperatures)
    return chosen, [each.record(transfer_set.task, each is chosen) for each in tried]


def choose_teachers_or_labels(trials, candidate):
    """Compare a candidate with the net on labels alone.

    The net on labels wins if its validation loss is lower by more than three standard errors.
    The margin is needed because its loss is that of its best epoch on the same rows.

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
    """Choose the temperature with the lowest validation loss.

    Returns
    -------
    chosen : Candidate
    tried : list of Candidate
        `tried` and the new candidates.
    """
    others = [Candidate(candidate.alpha, other) for other in temperatures[1:]]
    untried = [each for each in (candidate, *others) if each not in tried]
    trials.run(untried)
    chosen = min((candidate, *others), key=lambda each: each.valid_loss)
    return chosen, tried + untried


def alpha_of_noise(transfer_set):
    """Return an alpha that follows the label noise.

    It is 1 / (1 + SNRᵖ). SNR = R² / (1 - R²) is the signal-to-noise ratio of the labels, R² is
    the share of their variance that the teachers explain out of fold, and p is 1 + the share of
    unlabeled rows. Without unlabeled rows, alpha is the unexplained variance, 1 - R².

    Where labels and teachers differ, noisy labels are mostly wrong, and clean labels are mostly
    right. Unlabeled rows carry the teachers' knowledge anyway, so with many of them alpha is
    closer to 0 or 1.

    Parameters
    ----------
    transfer_set : TransferSet

    Returns
    -------
    alpha : float
    """
    n_labeled, n_unlabeled = transfer_set.n_labeled, transfer_set.n_unlabeled
    power = 1 + n_unlabeled / (n_labeled + n_unlabeled)
    noise = transfer_set.unexplained_variance()
    return float(noise**power / (noise**power + (1 - noise) ** power))


class Trials:
    """Short trainings of candidates, to compare their losses on the validation rows.

    There are at most as many unlabeled rows in them as labeled ones.

    Parameters
    ----------
    net : skorch.NeuralNet
        Sized and unfitted; it is cloned.
    transfer_set : TransferSet
    early_stopping : bool
        Whether the student stops early. A net on labels alone always does.
    seed : int
    effort : Effort
    n_jobs : int, default=None
        Number of candidates trained at once.
    max_time : float, default=None
        Seconds for each candidate.
    """

    def __init__(
        self,
        net,
        transfer_set,
        *,
        early_stopping,
        seed,
        effort,
        n_jobs=None,
        max_time=None,
    ):
        self.net = clone_net(net, shared=False)
        self.transfer_set = _thinned(transfer_set, seed)
        self.validation = transfer_set.subset(transfer_set.held_out)
        self.early_stopping, self.effort = early_stopping, effort
        self.training = {"seed": seed, "max_time": max_time}
        self.n_jobs = n_jobs

    def run(self, candidates):
        """Run the trial of each candidate, and set its `valid_loss` and `cut_short`.

        Returns
        -------
        row_losses : list of ndarray of shape (n_validation,)
        """
        trials = {each.name: partial(Trials._try, candidate=each) for each in candidates}
        not_kept = [None] * len(trials)
        outcomes = run_or_recall(
            trials, not_kept, None, what="students", shared=(self,), n_jobs=self.n_jobs
        )
        row_losses = []
        for each, outcome in zip(candidates, outcomes):
            each.valid_loss, each.cut_short, losses = outcome
            row_losses.append(losses)
        return row_losses

    def _try(self, candidate):
        """Run a trial; return its loss, whether it ran out of time, and the loss of each row."""
        to_the_end = candidate.teachers and not self.early_stopping
        net = settle(clone_net(self.net), effort=self.effort)
        net.set_params(max_epochs=max(1, net.max_epochs // SHARE_OF_EPOCHS), verbose=0)
        if to_the_end:
            switch_off(net, "early_stopping")  # as in the training
        train_candidate(net, candidate, self.transfer_set, **self.training)
        losses = [epoch["valid_loss"] for epoch in net.history]
        losses = losses[-1:] if to_the_end else losses
        # A diverged trial must not win, as NaN would do in a comparison.
        best = min((loss for loss in losses if np.isfinite(loss)), default=np.inf)
        validation = self.validation
        outputs = net.forward(validation.X, device="cpu").double()
        labels = torch.as_tensor(validation.y)
        row_losses = validation.task.label_losses(outputs, labels).numpy()
        return best, how_it_ended(net) == "time", row_losses


def train_candidate(net, candidate, transfer_set, **training):
    """Train a net with a candidate; without teachers, on the labeled rows only."""
    if not candidate.teachers:
        transfer_set = transfer_set.labeled()
    return train_net(net, transfer_set, **candidate.loss_parameters, **training)


def _thinned(transfer_set, seed):
    """Return a transfer set of at most as many unlabeled rows as labeled ones.

    They suffice to tell candidates apart.
    """
    unlabeled = np.flatnonzero(~transfer_set.is_labeled)
    kept = transfer_set.is_labeled
    order = np.random.RandomState(seed).permutation(unlabeled)
    kept[order[: transfer_set.n_labeled]] = True
    return transfer_set.subset(kept)


def _is_clearly_lower(losses, others, sample_weight):
    """Tell whether the mean is lower by more than three standard errors of the differences."""
    if not np.isfinite(others).all():
        return True
    gain = others - losses
    weight = np.ones(len(gain)) if sample_weight is None else sample_weight
    mean = np.average(gain, weights=weight)
    error = np.sqrt(np.square(weight * (gain - mean)).sum()) / weight.sum()
    return bool(mean > 3 * error)  # False if a loss is NaN
