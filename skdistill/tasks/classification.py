"""The task of classification: labels, classes and probabilities."""

from numbers import Real

import numpy as np
from scipy.special import entr, log_softmax, softmax, xlogy
from sklearn.base import is_regressor
from sklearn.metrics import log_loss
from sklearn.utils import get_tags
from sklearn.utils.multiclass import check_classification_targets

from skdistill.sklearn_private import num_samples
from skdistill.table.validation import check_rows
from skdistill.tasks.class_weights import weigh_rows, weights_of_classes
from skdistill.tasks.diversity import diversity
from skdistill.tasks.fitting import (
    check_class_weight,
    check_classifier,
    complete_class_weight,
    fit_on_labels,
    has_probabilities,
)
from skdistill.tasks.pooling import (
    best_scale,
    pool,
    pool_sharpness,
    pool_weights,
    sharpen,
)
from skdistill.tasks.probabilities import as_probabilities, check_probabilities, in_order
from skdistill.tasks.sample_weights import fit_with_weights, weight_parameter
from skdistill.tasks.student_estimators import (
    LEAST,
    centered_logits,
    check_weights_reach,
    fit_outputs,
    takes_weights,
    weighted_copies,
)
from skdistill.tasks.task import Task
from skdistill.warn import warn_user

NO_LABEL = -1


class Classification(Task):
    """Classification: class indices as y, probabilities as soft targets, logits as outputs.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted labels.
    class_weights : ndarray of shape (n_classes,), default=None
        Weight of the rows of each class.
    """

    kind = "classifier"
    score_name = "log loss"

    def __init__(self, classes, class_weights=None):
        self.classes = classes
        self.class_weights = class_weights
        self.n_outputs = len(classes)
        self.attributes = {"classes_": classes}

    @classmethod
    def check(cls, estimator, X, y, sample_weight=None):
        """Check the arguments of a classifier's `fit`.

        Parameters
        ----------
        estimator : classifier
            As in `check_table`; it may have a `class_weight`.
        X : DataFrame, sparse matrix or array-like of shape (n_samples, ...)
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        task : Classification
        X : DataFrame, CSR matrix or ndarray of shape (n_samples, n_features) or (n_samples, ...)
        y : ndarray of shape (n_samples,), int
            Class indices.
        sample_weight : ndarray of shape (n_samples,) or None
            Times the weights of the classes.

        Raises
        ------
        ValueError
            If a label is missing, if the labels are of several types, if all rows of a weight
            above zero have the same class, if `class_weight` names no label of y, or if the
            lengths differ.
        """
        X, y, sample_weight = check_rows(estimator, X, y, sample_weight)
        y = _as_one_type(y)
        check_classification_targets(y)
        classes, y = np.unique(y, return_inverse=True)
        class_weight = getattr(estimator, "class_weight", None)
        weights = weights_of_classes(class_weight, classes, y, sample_weight)
        sample_weight = weigh_rows(weights, y, sample_weight)
        present = classes if sample_weight is None else classes[np.unique(y[sample_weight > 0])]
        if len(present) < 2:
            raise ValueError(
                f"{type(estimator).__name__} needs at least two classes, but the rows that count "
                f"are of one class: {present.tolist()}."
            )
        return cls(classes, weights), X, y, sample_weight

    def encode(self, y, sample_weight=None):
        labels, y = np.unique(_as_one_type(y), return_inverse=True)
        known = self.classes.tolist()
        unseen = [label for label in labels.tolist() if label not in known]
        if unseen:
            raise ValueError(
                f"y_val has the labels {unseen[:5]}, but the classes of y are {known[:10]}: drop "
                "these rows, or add some of them to X."
            )
        y = self.columns_of(labels)[y]
        return y, weigh_rows(self.class_weights, y, sample_weight)

    def as_soft_targets(self, y):
        return np.eye(self.n_outputs)[y]

    def without_target(self, n_samples):
        return np.full(n_samples, NO_LABEL)

    def has_target(self, y):
        return y != NO_LABEL

    def strata(self, y):
        return y

    def can_share(self, y):
        """A fold that lacks a class is fitted on fewer."""
        return len(np.unique(y)) == self.n_outputs

    def check_teacher(self, name, teacher):
        check_classifier(name, teacher)
        check_class_weight(name, teacher, self.classes.tolist())
        if self.class_weights is None:
            return
        # A black box of probabilities takes weights, too, but fits nothing to the rows.
        is_fitted_to_rows = get_tags(teacher).requires_fit
        if not (is_fitted_to_rows and weight_parameter(teacher, self.class_weights)):
            warn_user(
                f"Teacher {name!r} takes no sample_weight, so class_weight does not reach it: it "
                "teaches the proportions of the classes in y. Use another teacher, or weight the "
                "classes within it."
            )

    def fit_teacher(self, estimator, X, y, sample_weight=None):
        columns = np.unique(y)
        if len(columns) == 1:  # most classifiers refuse one class, and some invent a second
            return columns
        if len(columns) < self.n_outputs:
            complete_class_weight(estimator, self.classes[columns].tolist())
        labels = fit_on_labels(estimator, X, self.classes[y], sample_weight)
        return self.columns_of(labels)

    def columns_of(self, labels):
        """Return the index of each label, an ndarray of int."""
        index = {label: k for k, label in enumerate(self.classes.tolist())}
        labels = labels.tolist()
        unknown = [label for label in labels if label not in index]
        if unknown or len(set(labels)) < len(labels):
            raise ValueError(
                f"its classes_ are {labels[:10]}, but y has the labels {list(index)[:10]}: after a "
                "fit, classes_ must hold the label of each column of predict_proba."
            )
        return np.array([index[label] for label in labels])

    def predict_teacher(self, estimator, columns, X):
        if len(columns) == 1:
            return self.as_soft_targets(np.repeat(columns, num_samples(X)))
        return self.place_columns(estimator.predict_proba(X), columns, num_samples(X))

    def predict_out_of_bag(self, estimator, columns, n_samples):
        if len(columns) == 1:
            return self.as_soft_targets(np.repeat(columns, n_samples))
        predictions = estimator.oob_decision_function_
        # Rows in every bag are NaN in BaggingClassifier and zero in forests.
        labeled = predictions.sum(1) > 0
        proba = np.full((n_samples, self.n_outputs), np.nan)
        proba[labeled] = self.place_columns(predictions[labeled], columns, labeled.sum())
        return proba

    def place_columns(self, predictions, columns, n_samples):
        predictions = as_probabilities(predictions, (n_samples, len(columns)))
        proba = np.zeros((n_samples, self.n_outputs))
        proba[:, columns] = predictions
        return proba

    def check_soft_targets(self, soft_targets, n_samples):
        """Check the argument `teacher_proba`.

        Parameters
        ----------
        soft_targets : array-like of shape (n_samples, n_classes) or DataFrame
            The columns of an array follow `classes`. Those of a frame are named by the classes.
        n_samples : int

        Returns
        -------
        soft_targets : ndarray of shape (n_samples, n_classes)
            Columns follow `classes`; rows sum to one.
        """
        soft_targets = in_order(soft_targets, self.classes.tolist(), "teacher_proba")
        try:
            proba = np.asarray(soft_targets, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"teacher_proba must hold numbers: {error}") from error
        expected = (n_samples, self.n_outputs)
        if proba.shape != expected:
            raise ValueError(
                f"teacher_proba has shape {proba.shape}, expected {expected}: one row for each row "
                f"of X, and one column for each of the sorted classes {self.classes.tolist()}."
            )
        return check_probabilities(proba, "teacher_proba does not hold")

    def check_weights(self, weights, n_teachers):
        if not isinstance(weights, str) or weights != "auto":
            pool_weights(weights, [None] * n_teachers, None)

    def fit_pool(self, soft_targets, y, weights, combination, *, sharpen, sample_weight=None):
        """Fit the pool; only the arithmetic and the geometric mean are sharpened."""
        weights = pool_weights(
            weights, soft_targets, y, combination=combination, sample_weight=sample_weight
        )
        if not sharpen or combination not in ("mean", "geometric"):
            return weights, 1.0
        pooled = pool(soft_targets, weights, combination)
        return weights, pool_sharpness(pooled, y, sample_weight=sample_weight)

    def pool(self, soft_targets, weights, combination, calibration):
        return sharpen(pool(soft_targets, weights, combination), calibration)

    def score(self, y, soft_targets, sample_weight=None):
        labels = range(self.n_outputs)
        return log_loss(y, soft_targets, labels=labels, sample_weight=sample_weight)

    def diversity(self, soft_targets, y, names, weights, combination, sample_weight=None):
        return diversity(
            soft_targets, y, names, weights, combination=combination, sample_weight=sample_weight
        ).to_dict()

    @property
    def criterion(self):
        from skdistill.nets.losses import DistillationLoss  # imports torch

        return DistillationLoss

    def scale_to(self, outputs, soft_targets):
        """Return the factor that makes the student as sure as its teachers."""
        outputs = outputs.astype(np.float64)
        return best_scale(outputs, (soft_targets * outputs).sum(1))

    def divergences(self, outputs, soft_targets):
        """Return KL(soft targets ‖ student) of each row."""
        log_q = log_softmax(outputs, axis=1)
        return (xlogy(soft_targets, soft_targets) - soft_targets * log_q).sum(1)

    def uncertainties(self, outputs):
        """Return the entropy of the probabilities of each row."""
        return entr(softmax(outputs, axis=1)).sum(1)

    def label_losses(self, outputs, y):
        from torch.nn.functional import cross_entropy  # imports torch

        return cross_entropy(outputs, y, reduction="none")

    def check_student(self, student, *, has_weights):
        if is_regressor(student):
            check_weights_reach(student, has_weights)
            return
        kind = type(student).__name__
        if not has_probabilities(student):
            raise ValueError(
                f"student ({kind}) has no predict_proba: choose a probabilistic setting, or a "
                "regressor, which is fitted to logits."
            )
        if not takes_weights(student):
            raise ValueError(
                f"student ({kind}) takes no sample_weight, by which a classifier is fitted to "
                "probabilities: use a classifier that takes it, such as "
                "HistGradientBoostingClassifier, or a regressor."
            )

    def fit_student(self, student, X, soft_targets, y, alpha, sample_weight=None):
        """Fit an estimator to the mixture of soft targets and labels that a net is trained on.

        A classifier is fitted to weighted copies of the rows, one for each class. A regressor is
        fitted to the mixture's logits; to the log-odds, if there are two classes.
        """
        mixture = self._mixture(soft_targets, y, alpha)
        if is_regressor(student):
            logits = centered_logits(mixture, LEAST / self.n_outputs)
            is_binary = self.n_outputs == 2
            logits = np.diff(logits) if is_binary else logits
            link = "log-odds" if is_binary else "identity"
            return fit_outputs(student, X, logits, sample_weight), link
        rows, classes, weight = weighted_copies(mixture)
        if sample_weight is not None:
            weight = weight * sample_weight[rows]
        return fit_with_weights(student, X[rows], classes, weight), "log"

    def _mixture(self, soft_targets, y, alpha):
        """Return the soft targets, moved toward the labels by 1 - alpha where there is one."""
        mixture = np.array(soft_targets, dtype=np.float64)
        labeled = self.has_target(y)
        mixture[labeled] *= alpha
        mixture[labeled, y[labeled]] += 1 - alpha
        return mixture


def _as_one_type(y):
    """Convert an object array of numbers or booleans to their dtype; refuse mixed types."""
    if y.dtype != object:
        return y
    types = [_type_of_label(label) for label in y]
    distinct, first = np.unique(types, return_index=True)
    if len(distinct) > 1:
        examples = " and ".join(f"{y[row]!r} in row {row}" for row in sorted(first))
        raise ValueError(
            f"y has labels of several types, {examples}: make them all strings, or all numbers."
        )
    return np.array(y.tolist()) if types[0] in ("bool", "number") else y


def _type_of_label(label):
    if isinstance(label, (bool, np.bool_)):
        return "bool"
    if isinstance(label, str):
        return "str"
    return "number" if isinstance(label, Real) else type(label).__name__
