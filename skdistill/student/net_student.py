"""`NetStudent`: a net as the student, and what `fit` asks of it."""

from skdistill.student.budget import Budget
from skdistill.student.recipe import choose_validation_rows, needs_early_stopping
from skdistill.student.training import draft_student, expected_seconds, train_student


class NetStudent:
    """A net as the student; `EstimatorStudent` has the same methods.

    Parameters
    ----------
    distilled : BaseDistilled
        The estimator that is fitted, whose parameters say how the net is trained.
    net : skorch.NeuralNet
        Unfitted, and checked.
    effort : Effort
    """

    def __init__(self, distilled, net, effort):
        self.distilled, self.net, self.effort = distilled, net, effort
        self.budget = Budget.of(distilled, net, effort)

    def keep_budget(self, data, teacher):
        """Narrow the net as far as the budget asks; refuse a budget that none keeps."""
        self.net = self.budget.check(data, teacher)

    def choose_validation_rows(self, data, rng, n_synthetic):
        """Return a mask of the rows that validate the net."""
        fraction = self.distilled.validation_fraction
        return choose_validation_rows(self.net, data, rng, n_synthetic, fraction)

    def needs_early_stopping(self, data):
        """Tell whether the net stops early, by the loss of validation rows."""
        return needs_early_stopping(self.net, len(data), data.n_unlabeled + data.n_to_ask)

    def expected_seconds(self, data, early_stopping):
        """Return how many seconds the trials and the training will take at most."""
        return expected_seconds(self.net, data, early_stopping, self.effort)

    def fit_inputs(self, data, soft_targets, rng, teacher):
        """Fit the inputs that turn a table into encoded rows, and size the net for them."""
        self.net, inputs = self.budget.fit_inputs(data, soft_targets, rng, teacher)
        return inputs

    def draft(self, transfer_set, *, seed, max_time=None):
        """Train a clone of the net shortly; return what maps encoded rows to its outputs."""
        return draft_student(
            self.net, transfer_set, alpha=self.distilled.alpha, temperature=self._temperature,
            effort=self.effort, seed=seed, max_time=max_time,
        )  # fmt: skip

    def train(self, transfer_set, *, early_stopping, seed, memory, clock):
        """Train the net, and return its `Training`."""
        params = self.distilled
        return train_student(
            self.net, transfer_set, alpha=params.alpha,
            temperature=self._temperature,
            early_stopping=early_stopping, effort=self.effort, seed=seed, memory=memory,
            n_jobs=params.n_jobs, verbose=params.verbose, clock=clock,
        )  # fmt: skip

    @property
    def _temperature(self):
        """The temperature as it was set; None for a regressor, which has none."""
        return getattr(self.distilled, "temperature", None)
