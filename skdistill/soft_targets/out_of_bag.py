"""Out-of-bag soft targets: the trees of one fit label the rows outside their own bags."""

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skdistill.teachers.table_estimator import BaseTableEstimator


def has_out_of_bag(teacher):
    """Tell whether a teacher draws bootstrap samples and can predict the rows left out.

    Forests and `BaggingClassifier` do, also at the end of a `Pipeline` or in a
    `TableClassifier` or `TableRegressor`.
    """
    bagged = _bagged(teacher)
    params = bagged.get_params(deep=False) if hasattr(bagged, "get_params") else {}
    return "oob_score" in params and bool(params.get("bootstrap"))


def with_out_of_bag(teacher):
    """Clone a teacher and make the clone store its out-of-bag predictions."""
    teacher = clone(teacher)
    bagged = _bagged(teacher)
    bagged.set_params(oob_score=bagged.oob_score or True)  # it may be a callable
    return teacher


def out_of_bag_targets(fitted, n_samples):
    """Return the out-of-bag soft targets of a fitted teacher from `with_out_of_bag`.

    Parameters
    ----------
    fitted : FittedTeacher
    n_samples : int
        Number of rows that it was fitted on.

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
            f"{lacking.sum()} of {n_samples} rows were in the bag of every tree, so no tree can "
            "label them: use more trees (n_estimators), or cv=5 instead of 'oob'."
        )
    return soft_targets


def _bagged(teacher):
    """Return the final estimator within a teacher, fitted if the teacher is fitted."""
    if isinstance(teacher, Pipeline):
        return _bagged(teacher.steps[-1][1])
    if isinstance(teacher, BaseTableEstimator):
        return _bagged(teacher.inner_ if hasattr(teacher, "encoder_") else teacher.inner)
    return teacher
