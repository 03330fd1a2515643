"""Checks of the arguments of an estimator: tables, targets, weights and groups.

The content of a frame's columns is checked by the encoder.
"""

import math
from contextlib import contextmanager

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_consistent_length, column_or_1d, validate_data

from skdistill.sklearn_private import check_sample_weight
from skdistill.table.containers import (
    column_of,
    has_gaps,
    is_column,
    is_frame,
    is_missing,
    with_nan,
)
from skdistill.warn import warn_user

FLOATS = (np.dtype(np.float64), np.dtype(np.float32))
# Strings of up to so many bytes in numpy, four for each character, stay an array of strings.
PADDED_BYTES = 400


def check_row_shape(estimator, shape, *, reset):
    """Remember the shape of a row of more than one axis; check it where `reset` is False."""
    shape = tuple(shape[1:])
    if reset:
        vars(estimator).pop("row_shape_in_", None)
        if len(shape) > 1:
            estimator.row_shape_in_ = shape
        return
    expected = vars(estimator).get("row_shape_in_")
    if expected is None and len(shape) > 1:
        expected = (estimator.n_features_in_,)
    if expected is not None and shape != expected:
        raise ValueError(
            f"X has rows of shape {shape}, but {type(estimator).__name__} was fitted on rows of "
            f"shape {expected}: pass X of shape {('n_samples', *expected)}.".replace("'", "")
        )


def check_sparse(estimator, X, *, reset):
    """Return a sparse matrix as CSR: finite floats, no stored zeros, duplicates summed."""
    X = validate_data(
        estimator, X, accept_sparse="csr", dtype=FLOATS, ensure_all_finite=False, reset=reset
    )
    if not np.isfinite(X.data).all():
        row = int(np.searchsorted(X.indptr, np.flatnonzero(~np.isfinite(X.data))[0], "right")) - 1
        raise ValueError(
            f"sparse X contains NaN or infinity, first in row {row}: replace them, or pass a dense "
            "array, where NaN is a missing value."
        )
    if X.has_canonical_format and X.data.all():
        return X
    X = X.copy()  # leave the caller's matrix unchanged
    X.sum_duplicates()
    X.eliminate_zeros()
    return X


def check_table(estimator, X, *, reset):
    """Check a table, except for the content of a frame's columns.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_``, ``feature_names_in_`` and ``row_shape_in_`` if `reset` is True.
    X : DataFrame, sparse matrix or array-like of shape (n_samples, n_features) or (n_samples, ...)
    reset : bool
        True in `fit`. False: check X against what `fit` was given.

    Returns
    -------
    X : DataFrame, CSR matrix or ndarray
        A frame is returned unchanged. A sparse matrix becomes CSR, finite and without stored
        zeros. Anything else becomes a numeric ndarray without infinity; NaN is allowed if it has
        two axes.

    Raises
    ------
    TypeError
        If X is a lazy frame, of polars or Dask.
    ValueError
        If X is empty, not numeric where it must be, not finite, or differs from the X of `fit`.
        If values are missing, and the estimator's ``allows_missing_`` is False.
    """
    _warn_of_mask(X, "X")
    X = _check_table(estimator, X, reset=reset)
    if not (reset or vars(estimator).get("allows_missing_", True)) and has_missing(X):
        raise ValueError(
            "Input X contains NaN or None, but neither did the X of fit, nor do the teachers take "
            "missing values: impute them, or put an imputer in front of the teachers before fit."
        )
    return X


def _warn_of_mask(values, name):
    """Warn that the mask of a masked array is ignored, as scikit-learn ignores it."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        warn_user(
            f"{name} is a masked array, and its mask is ignored: pass {name}.filled(np.nan) where "
            "masked values are missing, or only the rows that count."
        )


def has_missing(X):
    """Tell whether a checked table has missing values."""
    if issparse(X):
        return False
    if hasattr(X, "isna"):  # pandas: one call for all columns, as a single row takes microseconds
        return bool(X.isna().to_numpy().any())
    if is_frame(X):
        return any(has_gaps(column_of(X, j)) for j in range(X.shape[1]))
    if X.dtype.kind == "O":
        return any(map(is_missing, X.ravel()))
    return X.dtype.kind == "f" and bool(np.isnan(X).any())


def _refuse_lazy(values, name):
    kind = type(values)  # has the methods, whatever names the columns have
    call = None
    if hasattr(kind, "collect"):
        call = f"call {name}.collect()"
    elif hasattr(kind, "map_partitions"):  # of Dask
        call = f"call {name}.compute(), or predict each part by {name}.map_partitions"
    if call:
        raise TypeError(f"{name} is a {kind.__name__}, which holds no rows yet: {call}.")


def _check_table(estimator, X, *, reset):
    _refuse_lazy(X, "X")
    if not hasattr(X, "shape"):
        X = np.asarray(X)
    check_row_shape(estimator, X.shape, reset=reset)
    if issparse(X):
        return check_sparse(estimator, X, reset=reset)
    if is_frame(X):
        _check_unique_names(X)
        validate_data(estimator, X, skip_check_array=True, reset=reset)
        if len(X) == 0 or X.shape[1] == 0:
            raise ValueError(
                f"Found a table of shape {X.shape} while a minimum of 1 sample(s) and "
                "1 feature(s) is required."
            )
        return X
    # The columns of an array are numbers. Columns that categorical_features names may be strings
    # in an object array, as may columns of an array that follow those of a fitted frame.
    categorical_features = getattr(estimator, "categorical_features", None)
    is_named = not (categorical_features is None or isinstance(categorical_features, str))
    was_frame = not reset and hasattr(estimator, "feature_names_in_")
    dtype = None if is_named or was_frame else "numeric"
    finite = "allow-nan" if len(X.shape) <= 2 else True
    if dtype and isinstance(X, np.ndarray) and X.dtype.kind == "O":
        X = with_nan(X)
    # scikit-learn adds up all numbers, and numpy warns where their sum is inf - inf.
    with name_column_of_objects(X), np.errstate(invalid="ignore"):
        return validate_data(
            estimator, X, dtype=dtype, ensure_all_finite=finite, allow_nd=True, reset=reset
        )


@contextmanager
def name_column_of_objects(X, mask=slice(None)):
    """Add the column to the error about a string, or a number beyond floats, in an array."""
    try:
        yield
    except OverflowError as error:
        raise ValueError("X has a whole number beyond 1.8e308: scale it down.") from error
    except ValueError as error:
        if "could not convert string to float" not in str(error):
            raise
        objects = np.asarray(X, dtype=object)
        for j in np.arange(objects.shape[1])[mask]:
            for value in objects[:, j]:
                if _is_string(value):
                    raise ValueError(
                        f"Column {j} of X has {value!r}, but an array's columns are numbers by "
                        "default: name it in categorical_features, or give a DataFrame."
                    ) from error
        raise


def _is_string(value):
    try:
        float(value)
    except (TypeError, ValueError):
        return isinstance(value, str)
    return False


def _check_unique_names(X):
    """Check that no two columns of a frame have the same name."""
    names = list(X.columns)
    if len(set(names)) < len(names):
        name = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            f"X has {names.count(name)} columns of the name {name!r}: rename or drop all but one."
        )


def is_clean_matrix(estimator, X):
    """Tell whether X is an array for which `check_table` would pass.

    `check_table` takes several times as long as the prediction of a small net. This function
    recognizes the common case only: an array of floats, of the right width, without infinity.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    X : object

    Returns
    -------
    is_clean : bool
        False: `check_table` decides.
    """
    # Subclasses of ndarray, and estimators fitted on column names, need `check_table`.
    if type(X) is not np.ndarray or X.dtype not in FLOATS or X.ndim != 2:
        return False
    state = vars(estimator)
    if X.shape[1] != state.get("n_features_in_") or not len(X):
        return False
    if "feature_names_in_" in state or "row_shape_in_" in state:
        return False
    # A finite product proves that X is finite. Otherwise X holds NaN, which is allowed, infinity
    # or large numbers. np.vdot is the one product that does not warn of an overflow.
    if math.isfinite(np.vdot(X, X)):
        return True
    return state.get("allows_missing_", True) and not np.isinf(X).any()


def check_rows(estimator, X, y, sample_weight=None, *, multi_output=False):
    """Check a table, the targets of its rows and their weights.

    The task checks what the targets mean.

    Parameters
    ----------
    estimator : estimator
        As in `check_table`.
    X : DataFrame, sparse matrix or array-like of shape (n_samples, n_features) or (n_samples, ...)
    y : array-like of shape (n_samples,)
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    X : DataFrame, CSR matrix or ndarray of shape (n_samples, n_features) or (n_samples, ...)
    y : ndarray of shape (n_samples,)
        The targets, of the dtype that they were given in.
    sample_weight : ndarray of shape (n_samples,) or None

    Raises
    ------
    ValueError
        If a target is missing, a weight is negative, or the lengths differ.
    """
    X = check_table(estimator, X, reset=True)
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None."
        )
    return X, *check_targets(X, y, sample_weight, multi_output=multi_output)


def check_targets(X, y, sample_weight=None, *, multi_output=False):
    """Check the targets of the rows of a checked table, and their weights.

    Returns
    -------
    y : ndarray of shape (n_samples,), or (n_samples, n_targets) with several of `multi_output`
    sample_weight : ndarray of shape (n_samples,) or None
    """
    _refuse_lazy(y, "y")
    _warn_of_mask(y, "y")
    _warn_of_mask(sample_weight, "sample_weight")
    # scikit-learn would convert a nullable column to floats.
    y = np.asarray(y) if is_column(y) else _compact(y)
    y = np.asarray(y) if multi_output else y
    if not (multi_output and y.ndim == 2 and y.shape[1] > 1):
        y = column_or_1d(y, warn=True)
    check_consistent_length(X, y)
    is_bad = np.array([is_missing(target) for target in y.ravel()], dtype=bool)
    if y.dtype.kind == "f":
        is_bad |= ~np.isfinite(y.ravel())
    missing = is_bad.reshape(len(y), -1).any(axis=1)
    if missing.any():
        raise ValueError(
            f"y contains NaN, infinity or None, first in row {int(missing.argmax())}: drop rows "
            f"without a {'target' if multi_output else 'label'}."
        )
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X, ensure_non_negative=True)
        if math.isinf(sum(sample_weight.tolist())):  # only their ratios matter
            sample_weight = sample_weight / sample_weight.max()
    return y, sample_weight


def _compact(y):
    """Return long strings as objects: numpy would pad all to the length of the longest."""
    if isinstance(y, np.ndarray) and y.dtype.kind == "U":
        is_long = y.dtype.itemsize > PADDED_BYTES
    elif isinstance(y, (list, tuple)) and all(isinstance(label, str) for label in y):
        is_long = 4 * max(map(len, y), default=0) > PADDED_BYTES
    else:
        return y
    return np.array(y, dtype=object) if is_long else y


def check_groups(groups, n_samples):
    """Check that each row has a group.

    Parameters
    ----------
    groups : array-like of shape (n_samples,) or None
    n_samples : int

    Returns
    -------
    groups : ndarray of shape (n_samples,), or None

    Raises
    ------
    ValueError
        If the shape is wrong, a group is missing, or the groups cannot be sorted.
    """
    if groups is None:
        return None
    _warn_of_mask(groups, "groups")
    groups = np.asarray(groups)
    if groups.shape != (n_samples,):
        raise ValueError(
            f"groups has shape {groups.shape}, expected ({n_samples},): one group for each row."
        )
    missing = np.array([is_missing(group) for group in groups], dtype=bool)
    if missing.any():
        raise ValueError(
            f"groups has a missing value, first in row {int(missing.argmax())}: give each row "
            "without a group a group of its own."
        )
    try:
        np.unique(groups)
    except TypeError as error:
        types = sorted({type(group).__name__ for group in groups.tolist()})
        raise ValueError(
            f"groups mixes {' and '.join(types)}, which cannot be sorted: use only strings or only "
            "numbers."
        ) from error
    return groups
