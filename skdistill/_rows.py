"""Rows that are no frame's: those of a sparse matrix, and those of several axes."""

import numpy as np
from scipy.sparse import csr_matrix, issparse, vstack
from sklearn.utils.validation import validate_data

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


def as_at_fit(X, sparse):
    """X as CSR or dense, as it was at fit: to XGBoost what CSR leaves out is missing, not zero.

    Parameters
    ----------
    X : table of shape (n_samples, n_features)
        Been through `check_table`.
    sparse : bool
        Whether `fit` was given a sparse matrix.
    """
    if issparse(X) == sparse:
        return X
    return csr_matrix(X) if sparse else X.toarray()


def as_columns(X):
    """Rows of any shape as rows of a table."""
    return X.reshape(len(X), -1) if isinstance(X, np.ndarray) and X.ndim > 2 else X


def stacked(tables):
    """One below the other, ndarrays or CSR."""
    return vstack(tables, format="csr") if issparse(tables[0]) else np.concatenate(tables)
