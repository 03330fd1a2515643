"""Checks of probabilities that a classifier returned or a user passed."""

import numpy as np

from skdistill.table.containers import is_polars


def as_probabilities(proba, shape):
    """Check a classifier's probabilities and normalize them to sum to one.

    Parameters
    ----------
    proba : array-like of shape (n_samples, n_classes)
    shape : tuple of int
        The expected (n_samples, n_classes).

    Returns
    -------
    proba : ndarray of shape (n_samples, n_classes), float64

    Raises
    ------
    ValueError
        If the shape is wrong, or a row does not hold probabilities.
    """
    proba = np.asarray(proba, dtype=np.float64)
    if proba.shape != shape:
        raise ValueError(
            f"predict_proba returned shape {proba.shape}, expected {shape}: one row for each row "
            "of X, and one column for each class it was fitted on."
        )
    return check_probabilities(proba, "predict_proba did not return")


def check_probabilities(proba, what):
    """Check that rows are probabilities, and normalize them to sum to one.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes), float64
    what : str
        Beginning of the error message, such as "teacher_proba does not hold".

    Returns
    -------
    proba : ndarray of shape (n_samples, n_classes), float64

    Raises
    ------
    ValueError
        If a row is negative or does not sum to one; the message shows the first such row.
    """
    is_valid = (proba >= -1e-6).all(1) & (abs(proba.sum(1) - 1) < 1e-3)  # both False for NaN
    if not is_valid.all():
        row = int(np.flatnonzero(~is_valid)[0])
        raise ValueError(
            f"{what} probabilities for {(~is_valid).sum()} of {len(proba)} rows: they must be "
            f"non-negative and sum to one, got for row {row} of them "
            f"{np.array2string(proba[row], precision=3, threshold=8)}."
        )
    proba = np.maximum(proba, 0)
    return proba / proba.sum(1, keepdims=True)


def in_order(proba, classes, name):
    """Return a frame of probabilities as an array, with its columns in the order of the classes.

    Parameters
    ----------
    proba : DataFrame or array-like of shape (n_samples, n_classes)
        Anything but a frame is returned as it is.
    classes : list
        Labels, by which the columns of a frame are named.
    name : str
        What the error message calls it.

    Returns
    -------
    proba : array-like of shape (n_samples, n_classes)

    Raises
    ------
    ValueError
        If a frame has other columns.
    """
    if not hasattr(proba, "columns"):
        return proba
    # Names of columns of polars are always strings.
    names, labels = list(proba.columns), list(map(str, classes)) if is_polars(proba) else classes
    if len(names) != len(labels) or set(names) != set(labels):
        raise ValueError(
            f"{name} has the columns {names}, but y has the classes {labels}: "
            "give one column for each class, named by it."
        )
    return np.asarray(proba)[:, [names.index(label) for label in labels]]
