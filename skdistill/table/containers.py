"""The few things asked of a DataFrame, of pandas or of polars; neither is imported here."""

import sys

import numpy as np
from scipy.sparse import csr_matrix, issparse, vstack


def is_frame(X):
    """Whether X is a DataFrame: a polars one, or one that quacks like pandas."""
    return (hasattr(X, "iloc") and X.ndim == 2) or (is_polars(X) and len(X.shape) == 2)


def is_column(y):
    """Whether y is a Series, of polars or quacking like pandas."""
    return (hasattr(y, "iloc") and y.ndim == 1) or (is_polars(y) and len(y.shape) == 1)


def is_polars(X):
    """Whether X is a DataFrame or a Series of polars."""
    polars = sys.modules.get("polars")  # whoever made one has imported it
    return polars is not None and isinstance(X, (polars.DataFrame, polars.Series))


def is_alike(X, other):
    """Whether two tables are of one kind: frames of one library, sparse, or neither."""
    kinds = [(is_frame(each), is_polars(each), issparse(each)) for each in (X, other)]
    return kinds[0] == kinds[1]


def kind_of(X):
    """What a table is, for a message, as "polars DataFrame"."""
    return f"{type(X).__module__.partition('.')[0]} {type(X).__name__}"


def select_columns(X, columns):
    """Columns of a table or matrix, by their indices."""
    if hasattr(X, "iloc"):
        return X.iloc[:, columns]
    return X[:, columns.tolist()] if is_polars(X) else X[:, columns]


def column_of(X, j):
    """One column, as whatever holds a column there."""
    if hasattr(X, "iloc"):
        return X.iloc[:, j]
    return X.to_series(j) if is_polars(X) else X[:, j]


def take(column, rows):
    """Values of a column by their positions, with an index that starts anew."""
    if hasattr(column, "iloc"):
        return column.take(rows).reset_index(drop=True)
    return column[rows]


def as_dtype(column, dtype):
    """A column converted to one of its own library's dtypes."""
    return column.cast(dtype) if is_polars(column) else column.astype(dtype)


def from_columns(X, columns):
    """A table of the type and with the column names of X."""
    if hasattr(X, "iloc"):
        empty = X.iloc[:0].copy()
        table = type(empty)(dict(enumerate(columns)))
        table.columns = empty.columns
        return table
    return type(X)(columns) if is_polars(X) else np.column_stack(columns).astype(X.dtype)


def as_objects(column):
    """A column as an object array; what is missing is None, NaN or pandas' NA."""
    if is_polars(column):
        return np.fromiter(column.to_list(), dtype=object, count=len(column))
    return column.to_numpy(dtype=object) if hasattr(column, "iloc") else column.astype(object)


def as_floats(X):
    """A frame of numbers as a float64 matrix with NaN for what is missing."""
    if not is_polars(X):
        return X.to_numpy(dtype=np.float64, na_value=np.nan)
    matrix = np.empty(X.shape)
    for j, column in enumerate(X.iter_columns()):
        matrix[:, j] = column.cast(float).to_numpy()
    return matrix


def holds_numbers(dtype):
    """Whether a frame's column of this dtype has numbers or booleans."""
    # Nullable pandas dtypes are no numpy dtypes but have a kind; strings of pandas 3 have
    # one too, so what is asked for is a number, not "not object".
    if hasattr(dtype, "is_integer"):
        return dtype.is_integer() or dtype.is_float() or holds_flags(dtype)
    return getattr(dtype, "kind", "O") in "biuf"


def holds_flags(dtype):
    """Whether a column of this dtype has booleans."""
    return getattr(dtype, "kind", None) == "b" or str(dtype) == "Boolean"


def holds_floats(dtype):
    """Whether a column of this dtype has numbers that need not be whole."""
    return getattr(dtype, "kind", None) == "f" or (hasattr(dtype, "is_float") and dtype.is_float())


def holds_dates(dtype):
    """Whether a frame's column of this dtype has dates, times or durations."""
    if hasattr(dtype, "is_temporal"):
        return dtype.is_temporal()
    return getattr(dtype, "kind", "O") in "mM"


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
