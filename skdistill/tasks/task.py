"""Base class of the tasks: the methods that a new task must implement."""

from abc import ABC, abstractmethod

import numpy as np


class Task(ABC):
    """Base class for everything that depends on the kind of target.

    `fit` creates one task from y. The task accompanies the rows: it turns the predictions of
    teachers into soft targets of shape (n_samples, n_outputs), pools them, and gives the student
    its loss. Each kind of target has a subclass.

    Attributes
    ----------
    kind : str
        What its estimators are called, such as "classifier".
    score_name : str
        What `score` measures, such as "log loss".
    multi_output : bool
        Whether y may have several columns.
    n_outputs : int
        Number of columns of the pooled soft targets and of outputs of the student.
    n_targets : int
        Number of columns of the soft targets of each teacher.
    criterion_parameters : dict
        Parameters of `criterion` that the task sets.
    attributes : dict
        Attributes of a fitted estimator that describe the task, such as ``classes_``.
    """

    kind: str
    score_name: str
    multi_output = False
    n_outputs: int
    criterion_parameters: dict = {}
    attributes: dict

    @property
    def n_targets(self):
        """Number of columns of the soft targets of each teacher."""
        return self.n_outputs

    # Arguments of `fit`

    @classmethod
    @abstractmethod
    def check(cls, estimator, X, y, sample_weight=None):
        """Check the arguments of `fit`; return (task, X, y, sample_weight).

        The returned y, of shape (n_samples,), is encoded as the other methods expect it.
        """

    def check_learnable(self, y, sample_weight=None):  # noqa: B027
        """Check that encoded targets leave something to learn; a fold's need not."""

    @abstractmethod
    def encode(self, y, sample_weight=None):
        """Encode the targets of validation rows as `check` does; return (y, sample_weight)."""

    def resumed(self, attributes):
        """Return the task in whose unit a fitted estimator with these attributes was trained."""
        return self

    def recoded(self, y, task):
        """Return targets that another task has encoded as this one encodes them."""
        return y

    @abstractmethod
    def as_soft_targets(self, y):
        """Return y in the form of soft targets, such as one-hot, (n_samples, n_outputs)."""

    @abstractmethod
    def without_target(self, n_samples):
        """Return the y of rows without a target."""

    @abstractmethod
    def has_target(self, y):
        """Return a mask of the rows with a target, shape (n_samples,)."""

    def strata(self, y):
        """Return the strata of y for folds and validation rows, ints of shape (n_samples,)."""
        return np.zeros(len(y), dtype=int)

    def can_share(self, y):
        """Tell whether a fold with these targets can be fitted side by side with others."""
        return True

    # Teachers

    @abstractmethod
    def check_teacher(self, name, teacher):
        """Check, before any is fitted, that a teacher can predict soft targets of this task."""

    @abstractmethod
    def fit_teacher(self, estimator, X, y, sample_weight=None):
        """Fit an estimator; return the output that each column of its predictions stands for."""

    @abstractmethod
    def predict_teacher(self, estimator, columns, X):
        """Return the soft targets of a fitted estimator, shape (n_samples, n_targets)."""

    def raw_predictions(self, estimator, X):
        """Return what a frozen estimator predicts, before it is checked."""
        return estimator.predict(X)

    @abstractmethod
    def predict_out_of_bag(self, estimator, columns, n_samples):
        """Return the out-of-bag predictions of a fitted estimator as soft targets.

        A row that was in every bag is NaN.
        """

    @abstractmethod
    def place_columns(self, predictions, columns, n_samples):
        """Check predictions and place their columns, shape (n_samples, n_targets)."""

    @abstractmethod
    def check_soft_targets(self, soft_targets, n_samples):
        """Check soft targets that were computed elsewhere, shape (n_samples, n_targets)."""

    def completed(self, soft_targets, y, sample_weight=None):
        """Return such soft targets as `pool` returns those of teachers."""
        return soft_targets

    # Pool

    @abstractmethod
    def check_weights(self, weights, n_teachers):
        """Check that weights are valid for this number of teachers."""

    @abstractmethod
    def fit_pool(self, soft_targets, y, weights, combination, *, sharpen, sample_weight=None):
        """Fit the weights and the calibration of the pool on out-of-fold soft targets.

        Parameters
        ----------
        soft_targets : ndarray of shape (n_teachers, n_samples, n_targets)
        y : ndarray of shape (n_samples,)
        weights : "auto", None, or ndarray of shape (n_teachers,)
        combination : str
        sharpen : bool
            Whether the pool may be sharpened; frozen teachers are over-confident already.
        sample_weight : ndarray of shape (n_samples,), default=None

        Returns
        -------
        weights : ndarray of shape (n_teachers,)
        calibration : object
            What `pool` needs besides, such as the sharpness of a classifier's pool.
        """

    @abstractmethod
    def pool(self, soft_targets, weights, combination, calibration):
        """Pool soft targets of all teachers, and return them of shape (n_samples, n_outputs)."""

    @abstractmethod
    def score(self, y, soft_targets, sample_weight=None):
        """Return the loss of teachers, pool or student, by which they are compared."""

    @abstractmethod
    def diversity(self, soft_targets, y, names, weights, combination, sample_weight=None):
        """Return measures of how the teachers differ, as a plain dict."""

    # Student

    def unexplained_variance(self, y, soft_targets, sample_weight=None):
        """Return the share of y's variance that soft targets do not explain: 1 - R², 0 to 1."""
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        targets = self.as_soft_targets(y)[:, : soft_targets.shape[1]]
        mean = np.average(targets, axis=0, weights=weight)
        unexplained = weight @ np.square(targets - soft_targets).sum(1)
        total = weight @ np.square(targets - mean).sum(1)
        return float(min(1.0, unexplained / total))

    @property
    @abstractmethod
    def criterion(self):
        """Loss of the student, an nn.Module class: ``criterion(alpha=0.5)``.

        It is called with the net's outputs and the packed targets of the rows. In evaluation
        mode it returns the loss on y alone.
        """

    @staticmethod
    def hidden_sizes(n_columns):
        """Return the hidden layers of a student for which nobody has set any.

        Parameters
        ----------
        n_columns : int
            Number of columns of the table.

        Returns
        -------
        hidden_sizes : tuple of int or None
            None: those of `StudentMLP`.
        """
        return None

    def scale_to(self, outputs, soft_targets):
        """Return the factor of the student's outputs that brings them closest to its teachers.

        Parameters
        ----------
        outputs, soft_targets : ndarray of shape (n_samples, n_outputs)
            Of rows whose labels the student has not seen.

        Returns
        -------
        scale : float
        """
        return 1.0

    def why_not_ask(self, *, by_uncertainty):
        """Return why a student of this task cannot ask its teachers; None if it can.

        Parameters
        ----------
        by_uncertainty : bool
            Whether it would ask where it is unsure, or else where it differs from them.

        Returns
        -------
        problem : str or None
            The end of a sentence, and what to do.
        """
        return None

    def divergences(self, outputs, soft_targets):
        """Return how far the student's outputs are from soft targets, shape (n_samples,).

        Parameters
        ----------
        outputs, soft_targets : ndarray of shape (n_samples, n_outputs)
        """
        raise NotImplementedError  # where `why_not_ask` says so

    def uncertainties(self, outputs):
        """Return how unsure the student's outputs are, shape (n_samples,)."""
        raise NotImplementedError  # where `why_not_ask` says so

    @abstractmethod
    def label_losses(self, outputs, y):
        """Return the loss of each row against its target, a tensor of shape (n_samples,).

        Parameters
        ----------
        outputs : tensor of shape (n_samples, n_outputs)
            Outputs of a net, such as logits.
        y : tensor of shape (n_samples, ...)
        """

    def as_score(self, loss):
        """Return a mean of `label_losses` in the unit of `score`."""
        return loss

    @abstractmethod
    def check_student(self, student, *, has_weights):
        """Check, before any teacher is fitted, a student that is no net.

        Parameters
        ----------
        student : classifier or regressor
        has_weights : bool
            Whether the rows have weights.
        """

    @abstractmethod
    def fit_student(self, student, X, soft_targets, y, alpha, sample_weight=None):
        """Fit a student that is no net.

        Parameters
        ----------
        student : classifier or regressor
            Passed by `check_student`.
        X : ndarray or CSR matrix of shape (n_samples, n_inputs), float32
            Encoded rows.
        soft_targets : ndarray of shape (n_samples, n_outputs)
        y : ndarray of shape (n_samples,)
            As `without_target` returns it for a row without a target.
        alpha : float
            The soft targets' share, on rows with a target.
        sample_weight : ndarray of shape (n_samples,), default=None

        Returns
        -------
        fitted : classifier or regressor
        link : str or Target
            How its predictions become outputs, as in `EstimatorForward`.
        """
