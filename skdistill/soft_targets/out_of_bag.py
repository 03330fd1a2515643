"""Soft targets from one fit: each row labelled by the trees whose bag it is not in."""

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skdistill.teachers.table_classifier import TableClassifier


def has_out_of_bag(teacher):
    """Whether it draws bootstrap samples and can keep what it says of the rows left out.

    A forest, `BaggingClassifier` or the like, within a `Pipeline` or `TableClassifier` too.
    """
    bagged = _bagged(teacher)
    params = bagged.get_params(deep=False) if hasattr(bagged, "get_params") else {}
    return "oob_score" in params and bool(params.get("bootstrap"))


def with_out_of_bag(teacher):
    """A clone that keeps its out-of-bag probabilities."""
    teacher = clone(teacher)
    bagged = _bagged(teacher)
    bagged.set_params(oob_score=bagged.oob_score or True)  # or a score of the user's
    return teacher


def out_of_bag_targets(fitted, n_samples):
    """What a teacher of `with_out_of_bag` says of the rows that it was fitted on.

    Parameters
    ----------
    fitted : FittedTeacher
    n_samples : int

    Returns
    -------
    proba : ndarray of shape (n_samples, n_classes)

    Raises
    ------
    ValueError
        If a row was in the bag of every tree.
    """
    if len(fitted.columns) == 1:
        return fitted.in_place(np.ones((n_samples, 1)))
    given = _bagged(fitted.estimator).oob_decision_function_
    lacking = ~(given.sum(1) > 0)  # NaN of bagging, zeros of a forest
    if lacking.any():
        raise ValueError(
            f"{lacking.sum()} of {n_samples} rows were in the bag of every tree, so that no tree "
            "can label them: use more trees (n_estimators), or cv=5 instead of 'oob'."
        )
    return fitted.in_place(given)


def _bagged(teacher):
    """The estimator whose answers a teacher's are, fitted if the teacher is."""
    if isinstance(teacher, Pipeline):
        return _bagged(teacher.steps[-1][1])
    if isinstance(teacher, TableClassifier):
        return _bagged(getattr(teacher, "classifier_", teacher.classifier))
    return teacher
