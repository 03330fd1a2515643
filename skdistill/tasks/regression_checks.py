"""Checks of what a regressor is given: targets, quantiles, and a forest's bags."""

from numbers import Real

import numpy as np


def check_quantiles(quantiles):
    """Check the parameter `quantiles`, and return it as a sorted tuple of floats.

    Raises
    ------
    ValueError
        If they are not distinct numbers between 0 and 1.
    """
    if quantiles is None:
        return ()
    levels = np.asarray(quantiles)
    are_levels = levels.ndim == 1 and levels.dtype.kind == "f" and levels.size > 0
    if not are_levels or not ((levels > 0) & (levels < 1)).all() or _repeat(levels):
        raise ValueError(
            "quantiles must be distinct numbers above 0 and below 1, such as (0.05, 0.5, 0.95), "
            f"got {quantiles!r}."
        )
    return tuple(np.sort(levels).tolist())


def _repeat(levels):
    return len(np.unique(levels)) < len(levels)


def check_quantile(quantile):
    """Check the parameter `quantile`, and return it as a float."""
    if not isinstance(quantile, Real) or not 0 < float(quantile) < 1:
        raise ValueError(
            "loss='quantile' needs a quantile above 0 and below 1, such as quantile=0.9, got "
            f"{quantile!r}."
        )
    return float(quantile)


def as_numbers(y):
    """Return targets as floats of shape (n_samples, n_targets)."""
    error = None
    if y.dtype.kind not in "mMSU":
        try:
            return as_columns(y.astype(np.float64))
        except (TypeError, ValueError) as raised:
            error = raised
    raise ValueError(
        f"y must hold numbers, got {y.ravel()[0]!s:.50} of dtype {y.dtype}: a regressor predicts "
        "numbers, a classifier labels."
    ) from error


def as_columns(values):
    """Return values of shape (n_samples, n_targets)."""
    return values[:, None] if values.ndim == 1 else values


def check_range(y, loss, name="y"):
    """Check that targets are of the kind that a loss takes."""
    is_invalid = {"poisson": y < 0, "gamma": y <= 0}.get(loss)
    if is_invalid is not None and is_invalid.any():
        bound = "not be negative" if loss == "poisson" else "be above 0"
        row = int(is_invalid.any(1).argmax())
        raise ValueError(
            f"loss={loss!r} is for targets that must {bound}, but {name} has "
            f"{y[row].min():g} in row {row}: use another loss, or other targets."
        )


def in_every_bag(forest, n_samples):
    """Return which rows no tree of a forest has left out, shape (n_samples, 1)."""
    in_bag = np.zeros(n_samples, dtype=int)
    for rows in forest.estimators_samples_:
        in_bag[np.unique(rows)] += 1
    return (in_bag == len(forest.estimators_samples_))[:, None]
