"""What the wings ask of a task: the one place to look before adding another."""

from abc import ABC, abstractmethod

import numpy as np


class Task(ABC):
    """All that depends on what is predicted, for one set of training rows.

    `fit` makes one such object of y. It travels with the rows: to the teachers, whose
    predictions it collects as soft targets of shape (n_samples, n_outputs), to the pool,
    and to the student's loss. Another task is another subclass.

    Attributes
    ----------
    n_outputs : int
        Columns of the soft targets, and outputs of the student.
    combinations : tuple of str
        How teachers can be pooled.
    no_target : float
        What stands in y for a row without one.
    attributes : dict
        What a fitted estimator keeps of the task, by attribute, such as ``classes_``.
    """

    n_outputs: int
    combinations: tuple
    no_target: float
    attributes: dict

    # What `fit` is given

    @classmethod
    @abstractmethod
    def check(cls, estimator, X, y, sample_weight=None):
        """Check what `fit` was given; return (task, X, y, sample_weight).

        y comes back as an array of shape (n_samples,) that the other methods take.
        """

    @abstractmethod
    def as_soft_targets(self, y):
        """Return y as soft targets that are sure, shape (n_samples, n_outputs)."""

    def has_target(self, y):
        """Tell which rows have a target, bool of shape (n_samples,)."""
        return y != self.no_target

    def strata(self, y):
        """Return the groups of y that folds and validation rows get alike shares of, int."""
        return np.zeros(len(y), dtype=int)

    # Teachers

    @staticmethod
    @abstractmethod
    def check_teacher(name, teacher):
        """Refuse a teacher that cannot give soft targets of this task."""

    @abstractmethod
    def fit_teacher(self, estimator, X, y, sample_weight=None):
        """Fit an estimator; return which output each column of its predictions is, as ints."""

    @abstractmethod
    def predict_teacher(self, estimator, columns, X):
        """Return the soft targets of a fitted estimator, shape (n_samples, n_outputs)."""

    @abstractmethod
    def predict_out_of_bag(self, estimator, columns, n_samples):
        """Return the soft targets of a bagged estimator of scikit-learn for its own rows.

        A row that was in every bag is NaN.
        """

    @abstractmethod
    def in_place(self, predictions, columns):
        """Check an estimator's columns and put each in its place, shape (n_samples, n_outputs)."""

    @abstractmethod
    def check_soft_targets(self, soft_targets, n_samples):
        """Check soft targets that were computed elsewhere, shape (n_samples, n_outputs)."""

    # Pool

    @abstractmethod
    def check_weights(self, weights, n_teachers):
        """Refuse weights that cannot be those of so many teachers."""

    @abstractmethod
    def fit_pool(self, soft_targets, y, weights, combination, *, sharpen, sample_weight=None):
        """Fit the pool on out-of-fold soft targets; return its weights and its sharpness.

        Parameters
        ----------
        soft_targets : ndarray of shape (n_teachers, n_samples, n_outputs)
        y : ndarray of shape (n_samples,)
        weights : "auto", None, or ndarray of shape (n_teachers,)
        combination : str
        sharpen : bool
            Whether the pooled mean may be made surer.
        sample_weight : ndarray of shape (n_samples,), default=None
        """

    @abstractmethod
    def pool(self, soft_targets, weights, combination, sharpness):
        """Pool (n_teachers, n_samples, n_outputs) to (n_samples, n_outputs)."""

    @abstractmethod
    def score(self, y, soft_targets, sample_weight=None):
        """Return the loss that teachers, pool and student are compared by; lower is better."""

    @abstractmethod
    def diversity(self, soft_targets, y, names, weights, combination, sample_weight=None):
        """Return how the teachers differ, as a plain dict."""

    # Student

    def unexplained_variance(self, y, soft_targets, sample_weight=None):
        """Return the share of y's variance that soft targets leave unexplained, 1 - R², 0 to 1."""
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        targets = self.as_soft_targets(y)
        mean = np.average(targets, axis=0, weights=weight)
        left = weight @ np.square(targets - soft_targets).sum(1)
        return float(min(1.0, left / (weight @ np.square(targets - mean).sum(1))))

    @property
    @abstractmethod
    def criterion(self):
        """The student's loss, an nn.Module class: ``criterion(temperature=1.0, alpha=0.5)``.

        It is called with the net's outputs and what `skdistill.nets.losses.pack_targets`
        makes of the rows; in evaluation it is the loss on y alone.
        """

    @abstractmethod
    def row_losses(self, outputs, y):
        """Return the loss of each row, ndarray of shape (n_samples,).

        Parameters
        ----------
        outputs : tensor of shape (n_samples, n_outputs), float64
            The student's, such as logits.
        y : ndarray of shape (n_samples,)
        """
