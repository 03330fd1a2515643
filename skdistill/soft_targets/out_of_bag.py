"""Soft targets from one fit: each row is labeled by the trees whose bag it is not in."""

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skdistill.teachers.table_classifier import TableClassifier


def has_out_of_bag(teacher):
    """Tell whether a teacher draws bootstrap samples and can predict the rows left out.

    A forest, `BaggingClassifier` or the like does, within a `Pipeline` or `TableClassifier` too.
    """
    bagged = _bagged(teacher)
    params = bagged.get_params(deep=False) if hasattr(bagged, "get_params") else {}
    return "oob_score" in params and bool(params.get("bootstrap"))


def with_out_of_bag(teacher):
    """Clone a teacher so that it keeps its out-of-bag predictions."""
    teacher = clone(teacher)
    bagged = _bagged(teacher)
    bagged.set_params(oob_score=bagged.oob_score or True)  # or a score of the user's
    return teacher


def out_of_bag_targets(fitted, n_samples):
    """Return the out-of-bag soft targets of a teacher that `with_out_of_bag` has cloned.

    Parameters
    ----------
    fitted : FittedTeacher
    n_samples : int
        Rows that it was fitted on.

    Returns
    -------
    soft_targets : ndarray of shape (n_samples, n_outputs)

    Raises
    ------
    ValueError
        If a row was in the bag of every tree.
    """
    bagged = _bagged(fitted.estimator)
    soft_targets = fitted.task.predict_out_of_bag(bagged, fitted.columns, n_samples)
    lacking = np.isnan(soft_targets).any(1)
    if lacking.any():
        raise ValueError(
            f"{lacking.sum()} of {n_samples} rows were in the bag of every tree, so that no tree "
            "can label them: use more trees (n_estimators), or cv=5 instead of 'oob'."
        )
    return soft_targets


def _bagged(teacher):
    """Return the estimator that makes a teacher's predictions, fitted if the teacher is."""
    if isinstance(teacher, Pipeline):
        return _bagged(teacher.steps[-1][1])
    if isinstance(teacher, TableClassifier):
        return _bagged(getattr(teacher, "classifier_", teacher.classifier))
    return teacher
