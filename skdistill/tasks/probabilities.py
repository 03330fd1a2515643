"""Checks of probabilities that a classifier, or a user, has given."""

import numpy as np


def as_probabilities(given, n_classes):
    """Check a classifier's probabilities, and make them sum to one to the last digit.

    Parameters
    ----------
    given : array-like of shape (n_samples, n_classes)
    n_classes : int

    Returns
    -------
    proba : ndarray of shape (n_samples, n_classes), float64

    Raises
    ------
    ValueError
        If the shape is another, or a row is no probabilities: the first such is shown.
    """
    given = np.asarray(given, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] != n_classes:
        raise ValueError(
            f"predict_proba returned shape {given.shape}, expected "
            f"{(*given.shape[:1], n_classes)}: one column for each class it was fitted on."
        )
    return check_probabilities(given, "predict_proba did not return")


def check_probabilities(given, what):
    """Refuse rows that are no probabilities, and take the rounding out of those that are.

    Parameters
    ----------
    given : ndarray of shape (n_samples, n_classes), float64
    what : str
        How the message begins, such as "teacher_proba does not hold".

    Returns
    -------
    proba : ndarray of shape (n_samples, n_classes), float64
    """
    is_proba = (given >= -1e-6).all(1) & (abs(given.sum(1) - 1) < 1e-3)  # both False of NaN
    if not is_proba.all():
        row = int(np.flatnonzero(~is_proba)[0])
        raise ValueError(
            f"{what} probabilities for {(~is_proba).sum()} of {len(given)} rows: they must be "
            f"non-negative and sum to one, got for row {row} of them "
            f"{np.array2string(given[row], precision=3, threshold=8)}."
        )
    given = np.maximum(given, 0)
    return given / given.sum(1, keepdims=True)
