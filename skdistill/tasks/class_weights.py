"""`class_weight`: how much the rows of each class count."""

import math
from collections.abc import Mapping
from numbers import Real

import numpy as np


def weights_of_classes(class_weight, classes, y, sample_weight=None):
    """Return the weight of each class.

    Parameters
    ----------
    class_weight : None, "balanced" or dict
        "balanced" gives all classes the same total weight. A class that a dict does not name
        has weight 1.
    classes : ndarray of shape (n_classes,)
        Sorted labels.
    y : ndarray of shape (n_samples,), int
        Class indices.
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    weights : ndarray of shape (n_classes,) or None
        None without `class_weight`.

    Raises
    ------
    ValueError
        If a dict names a label that y does not have, or if a weight is negative or no number.
    """
    if class_weight is None:
        return None
    if not isinstance(class_weight, Mapping):  # "balanced"
        totals = np.bincount(y, sample_weight, minlength=len(classes)).astype(float)
        counts = totals > 0
        mean = totals.sum() / counts.sum()
        return np.divide(mean, totals, out=np.zeros(len(classes)), where=counts)
    labels = classes.tolist()
    unknown = [label for label in class_weight if label not in labels]
    if unknown:
        raise ValueError(
            f"class_weight names {unknown[:5]}, but the classes of y are {labels[:10]}: use the "
            "labels of y as keys."
        )
    for label, weight in class_weight.items():
        if not (isinstance(weight, Real) and 0 <= float(weight) < math.inf):
            raise ValueError(
                f"class_weight has {weight!r} for the class {label!r}: expected a finite number "
                "of at least 0."
            )
    return np.array([float(class_weight.get(label, 1)) for label in labels])


def weigh_rows(weights, y, sample_weight=None):
    """Multiply the weight of each row by that of its class.

    Parameters
    ----------
    weights : ndarray of shape (n_classes,) or None
        From `weights_of_classes`.
    y : ndarray of shape (n_samples,), int
        Class indices.
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    sample_weight : ndarray of shape (n_samples,) or None
    """
    if weights is None:
        return sample_weight
    return weights[y] if sample_weight is None else weights[y] * sample_weight
