"""What `fit` is given beside rows and labels: unlabelled rows, soft targets, groups."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import log_loss

from skdistill.table.categories import is_missing
from skdistill.table.containers import is_alike, is_polars, kind_of
from skdistill.table.encoder import TableEncoder
from skdistill.table.validation import check_table
from skdistill.tasks.probabilities import check_probabilities


@dataclass
class Given:
    """What `fit` was given beside rows and labels, checked.

    Parameters
    ----------
    X_unlabeled : table of shape (n_unlabeled, n_features), or None
    teacher : GivenTeacher or None
        None: teachers are to be fitted.
    augmenter : object, str or None
        None where nobody could label synthetic rows.
    groups : ndarray of shape (n_samples,), or None
    """

    X_unlabeled: Any
    teacher: "GivenTeacher | None"
    augmenter: Any
    groups: np.ndarray | None

    @property
    def n_unlabeled(self):
        return 0 if self.X_unlabeled is None else self.X_unlabeled.shape[0]


def check_given(estimator, X, classes, X_unlabeled=None, teacher_proba=None, groups=None):
    """Check what `DistilledClassifier.fit` was given beside rows and labels.

    Returns
    -------
    given : Given

    Raises
    ------
    ValueError
        If one of them does not fit the rows, or `teacher_proba` comes with something that
        only fitted teachers could do.
    """
    groups = check_groups(groups, X.shape[0])
    if teacher_proba is None:
        X_unlabeled = check_unlabeled(estimator, X_unlabeled, X)
        return Given(X_unlabeled, None, estimator.augmenter, groups)
    _refuse_what_needs_teachers(estimator, X_unlabeled)
    proba = check_teacher_proba(teacher_proba, X.shape[0], classes)
    return Given(None, GivenTeacher(proba), None, groups)


class GivenTeacher:
    """Soft targets that were computed elsewhere, in the place of a `TeacherEnsemble`.

    Parameters
    ----------
    teacher_proba : ndarray of shape (n_samples, n_classes)
        As `check_teacher_proba` returns it.

    Attributes
    ----------
    weights_, diversity_ : dict
        Empty.
    scores_ : dict of str to float
        The log loss of the "pool".
    """

    def __init__(self, teacher_proba):
        self.teacher_proba = teacher_proba

    def fit_soft_targets(self, X, y, classes, sample_weight=None, **_):
        """Score the targets; as of a `TeacherEnsemble`, of which nothing is fitted here."""
        labels = range(len(classes))
        loss = log_loss(y, self.teacher_proba, labels=labels, sample_weight=sample_weight)
        self.weights_, self.scores_, self.diversity_ = {}, {"pool": loss}, {}
        return self.teacher_proba, [], []


def check_teacher_proba(teacher_proba, n_samples, classes):
    """Check soft targets that are to replace the teachers.

    Parameters
    ----------
    teacher_proba : array-like or DataFrame of shape (n_samples, n_classes)
    n_samples : int
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    teacher_proba : ndarray of shape (n_samples, n_classes)
        Columns follow `classes`; rows sum to one.
    """
    if hasattr(teacher_proba, "columns"):
        teacher_proba = _in_order(teacher_proba, classes)
    try:
        proba = np.asarray(teacher_proba, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"teacher_proba must hold numbers: {error}") from error
    wanted = (n_samples, len(classes))
    if proba.shape != wanted:
        raise ValueError(
            f"teacher_proba has shape {proba.shape}, expected {wanted}: one row for each of X, and "
            f"one column for each of the sorted classes {classes.tolist()}."
        )
    return check_probabilities(proba, "teacher_proba does not hold")


def _refuse_what_needs_teachers(estimator, X_unlabeled):
    augmenter = estimator.augmenter
    asked = {
        "X_unlabeled": X_unlabeled is not None,
        "keep_teachers=True": estimator.keep_teachers,
        f"augmenter={augmenter!r}": augmenter is not None and augmenter != "auto",
    }
    for what in [what for what, is_asked in asked.items() if is_asked]:
        raise ValueError(
            f"{what} needs teachers, and with teacher_proba none is fitted that could label "
            "further rows or be kept: leave out one of the two."
        )


def _in_order(frame, classes):
    """A frame's columns as an array, in the order of the classes."""
    names, labels = list(frame.columns), classes.tolist()
    if is_polars(frame):  # whose names are strings always
        labels = list(map(str, labels))
    if len(names) != len(classes) or set(names) != set(labels):
        raise ValueError(
            f"teacher_proba has the columns {names}, but y has the classes {labels}: "
            "name each column by its class, and give one for each."
        )
    return np.asarray(frame)[:, [names.index(label) for label in labels]]


def check_unlabeled(estimator, X_unlabeled, X):
    """Check that unlabelled rows have the columns of the labelled ones.

    Returns
    -------
    X_unlabeled : table of shape (n_unlabeled, n_features), or None
    """
    if X_unlabeled is None:
        return None
    if not is_alike(X_unlabeled, X):
        raise ValueError(
            f"X_unlabeled is a {kind_of(X_unlabeled)}, but X is a {kind_of(X)}: give both as "
            "tables of one kind."
        )
    known = TableEncoder(estimator.categorical_features).fit(X)
    try:
        X_unlabeled = check_table(estimator, X_unlabeled, reset=False)
        known.encode(X_unlabeled)  # looks into a frame's columns, before hours of teachers
        return X_unlabeled
    except ValueError as error:
        raise ValueError(f"X_unlabeled must be rows like those of X: {error}") from error


def check_groups(groups, n_samples):
    """Check that each row has a group.

    Returns
    -------
    groups : ndarray of shape (n_samples,), or None
    """
    if groups is None:
        return None
    groups = np.asarray(groups)
    if groups.shape != (n_samples,):
        raise ValueError(
            f"groups has shape {groups.shape}, expected ({n_samples},): one group for each row."
        )
    missing = np.array([is_missing(group) for group in groups], dtype=bool)
    if missing.any():
        raise ValueError(
            f"groups has a missing value, first in row {int(missing.argmax())}: give a row that "
            "belongs to no group one of its own."
        )
    try:
        np.unique(groups)
    except TypeError as error:
        kinds = sorted({type(group).__name__ for group in groups.tolist()})
        raise ValueError(
            f"groups mixes {' and '.join(kinds)}, which cannot be sorted: name all groups by "
            "strings, or all by numbers."
        ) from error
    return groups
