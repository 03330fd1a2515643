"""Checks of what an estimator is given: its table, labels and weights.

Nothing here looks into a frame's columns: that is the encoder's.
"""

import math
from contextlib import contextmanager

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_consistent_length, column_or_1d, validate_data

from skdistill.sklearn_private import check_sample_weight
from skdistill.table.categories import is_missing
from skdistill.table.containers import is_column, is_frame

FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


def check_row_shape(estimator, shape, *, reset):
    """Remember the shape of a row where it is more than a width, and refuse others later."""
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
    """A sparse matrix as CSR of floats, finite, without stored zeros or one value in parts."""
    X = validate_data(
        estimator, X, accept_sparse="csr", dtype=FLOATS, ensure_all_finite=False, reset=reset
    )
    if not np.isfinite(X.data).all():
        row = int(np.searchsorted(X.indptr, np.flatnonzero(~np.isfinite(X.data))[0], "right")) - 1
        raise ValueError(
            f"sparse X contains NaN or infinity, first in row {row}: replace them, or pass a dense "
            "array, in which NaN is a missing value."
        )
    if X.has_canonical_format and X.data.all():
        return X
    X = X.copy()  # the caller's stays as it is
    X.sum_duplicates()
    X.eliminate_zeros()
    return X


def check_table(estimator, X, *, reset):
    """Check X as far as that can be done without looking into a frame's columns.

    A frame is returned as it is, with its number and names of columns checked; a sparse
    matrix becomes CSR, finite and without stored zeros; all else becomes a numeric
    ndarray, in which NaN is allowed, unless it has more than two axes, and infinity is not.
    """
    if hasattr(X, "collect"):
        raise TypeError(f"X is a {type(X).__name__}, which holds no rows yet: call X.collect().")
    if not hasattr(X, "shape"):
        X = np.asarray(X)
    check_row_shape(estimator, X.shape, reset=reset)
    if issparse(X):
        return check_sparse(estimator, X, reset=reset)
    if is_frame(X):
        _refuse_namesakes(X)
        validate_data(estimator, X, skip_check_array=True, reset=reset)
        if len(X) == 0 or X.shape[1] == 0:
            raise ValueError(
                f"Found a table of shape {X.shape} while a minimum of 1 sample(s) and "
                "1 feature(s) is required."
            )
        return X
    # An array's columns are numbers unless told; told ones may be strings in an object array.
    # So may those of an array whose columns are a fitted frame's.
    told = getattr(estimator, "categorical_features", None)
    untold = told is None or isinstance(told, str)
    of_frame = not reset and hasattr(estimator, "feature_names_in_")
    dtype = "numeric" if untold and not of_frame else None
    finite = "allow-nan" if len(X.shape) <= 2 else True
    with naming_strings(X):
        return validate_data(
            estimator, X, dtype=dtype, ensure_all_finite=finite, allow_nd=True, reset=reset
        )


@contextmanager
def naming_strings(X, mask=slice(None)):
    """Where scikit-learn finds a word in an array of numbers, say in which column."""
    try:
        yield
    except ValueError as error:
        if "could not convert string to float" not in str(error):
            raise
        objects = np.asarray(X, dtype=object)
        for j in np.arange(objects.shape[1])[mask]:
            for value in objects[:, j]:
                if _is_string(value):
                    raise ValueError(
                        f"Column {j} of X has {value!r}, and an array's columns are numbers "
                        "unless told: name it in categorical_features, or give a DataFrame."
                    ) from error
        raise


def _is_string(value):
    try:
        float(value)
    except (TypeError, ValueError):
        return isinstance(value, str)
    return False


def _refuse_namesakes(X):
    """Two columns of one name: which one a later table means could not be told."""
    names = list(X.columns)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            f"X has {names.count(twice)} columns of the name {twice!r}: rename or drop all but one."
        )


def is_clean_matrix(estimator, X):
    """Whether X is plainly what a fitted estimator expects, so that all checks would pass.

    `check_table` costs several times what a small net's prediction does. This looks for
    the common case alone: an array of floats, of the right width, without infinity.
    """
    # Only an array's subclasses and an estimator that knows names need a closer look.
    if type(X) is not np.ndarray or X.dtype not in FLOATS or X.ndim != 2:
        return False
    state = vars(estimator)
    if X.shape[1] != state.get("n_features_in_") or not len(X):
        return False
    if "feature_names_in_" in state or "row_shape_in_" in state:
        return False
    # Finite, or NaN for the one of two reasons that is allowed. Of all products this one
    # alone does not warn of an overflow.
    return math.isfinite(np.vdot(X, X)) or not np.isinf(X).any()


def check_rows(estimator, X, y, sample_weight=None):
    """Check a table with a target for each row; what the target means is the task's.

    Returns
    -------
    X : DataFrame, CSR matrix or ndarray of shape (n_samples, n_features) or (n_samples, ...)
    y : ndarray of shape (n_samples,)
        As given, without missing values.
    sample_weight : ndarray of shape (n_samples,) or None

    Raises
    ------
    ValueError
        If a target is missing, a weight is negative, or lengths differ.
    """
    X = check_table(estimator, X, reset=True)
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None."
        )
    # scikit-learn would make floats of a nullable column.
    y = column_or_1d(np.asarray(y) if is_column(y) else y, warn=True)
    check_consistent_length(X, y)
    missing = np.array([is_missing(target) for target in y], dtype=bool)
    if y.dtype.kind == "f":
        missing |= ~np.isfinite(y)
    if missing.any():
        raise ValueError(
            f"y contains NaN, infinity or None, first in row {int(missing.argmax())}: drop rows "
            "without label."
        )
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X, ensure_non_negative=True)
    return X, y, sample_weight


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
