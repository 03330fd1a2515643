"""One interface to pandas and polars DataFrames, arrays and CSR matrices.

Neither pandas nor polars is imported here.
"""

import sys
from decimal import Decimal
from numbers import Real

import numpy as np
from scipy.sparse import csr_matrix, issparse, vstack

from skdistill.sklearn_private import is_pandas_na

# What a column of dtype object may hold to be a column of numbers.
NUMBERS = (Real, Decimal, np.bool_)


def is_frame(X):
    """Tell whether X is a DataFrame of polars, or one with the interface of pandas."""
    return (hasattr(X, "iloc") and X.ndim == 2) or (is_polars(X) and len(X.shape) == 2)


def is_column(y):
    """Tell whether y is a Series of polars, or one with the interface of pandas."""
    return (hasattr(y, "iloc") and y.ndim == 1) or (is_polars(y) and len(y.shape) == 1)


def is_polars(X):
    """Tell whether X is a DataFrame or a Series of polars."""
    polars = sys.modules.get("polars")  # if X is one, polars has been imported
    return polars is not None and isinstance(X, (polars.DataFrame, polars.Series))


def is_alike(X, other):
    """Tell whether two tables are both frames of one library, both sparse, or both dense."""
    kinds = [(is_frame(each), is_polars(each), issparse(each)) for each in (X, other)]
    return kinds[0] == kinds[1]


def kind_of(X):
    """Return the type of a table for a message, such as "polars DataFrame"."""
    return f"{type(X).__module__.partition('.')[0]} {type(X).__name__}"


def select_columns(X, columns):
    """Return columns of a table or matrix by their indices."""
    if hasattr(X, "iloc"):
        return X.iloc[:, columns]
    return X[:, columns.tolist()] if is_polars(X) else X[:, columns]


def column_of(X, j):
    """Return one column, as a Series for a frame and as an array otherwise."""
    if hasattr(X, "iloc"):
        return X.iloc[:, j]
    return X.to_series(j) if is_polars(X) else X[:, j]


def take(column, indices):
    """Return values of a column by position; a pandas Series gets a new index."""
    if hasattr(column, "iloc"):
        return column.take(indices).reset_index(drop=True)
    return column[indices]


def as_dtype(column, dtype):
    """Convert a column to a dtype of its own library."""
    return column.cast(dtype) if is_polars(column) else column.astype(dtype)


def from_columns(X, columns):
    """Build a table with the type and the column names of X."""
    if hasattr(X, "iloc"):
        empty = X.iloc[:0].copy()
        table = type(empty)(dict(enumerate(columns)))
        table.columns = empty.columns
        return table
    return type(X)(columns) if is_polars(X) else np.column_stack(columns).astype(X.dtype)


def as_objects(column):
    """Convert a column to an object array; missing values are None, NaN or pandas' NA."""
    if is_polars(column):
        return np.fromiter(column.to_list(), dtype=object, count=len(column))
    return column.to_numpy(dtype=object) if hasattr(column, "iloc") else column.astype(object)


def as_floats(X):
    """Convert a frame of numbers to a float64 matrix; missing values are NaN."""
    if not is_polars(X) and all(map(holds_numbers, X.dtypes)):
        return X.to_numpy(dtype=np.float64, na_value=np.nan)
    matrix = np.empty(X.shape)
    for j, dtype in enumerate(X.dtypes):
        column = column_of(X, j)
        if not holds_numbers(dtype):
            matrix[:, j] = _floats_of_objects(as_objects(column), X.columns[j])
        elif is_polars(X):
            matrix[:, j] = column.cast(float).to_numpy()
        else:
            matrix[:, j] = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return matrix


def _floats_of_objects(objects, name):
    try:
        return with_nan(objects).astype(np.float64)
    except OverflowError as error:
        raise ValueError(f"column {name!r} has a number beyond 1.8e308: scale it down.") from error


def with_nan(objects):
    """Return an object array with NaN for whatever is missing."""
    # Python's own arithmetic leaves flags of the processor behind, which numpy would warn of.
    with np.errstate(all="ignore"):
        missing = np.frompyfunc(is_missing, 1, 1)(objects).astype(bool)
    return np.where(missing, np.nan, objects)


def is_missing(value):
    """Tell whether a value is None, NaN or pandas' NA."""
    if value is None or is_pandas_na(value):
        return True
    differs = value != value  # an array for an array in a cell
    return isinstance(differs, (bool, np.bool_)) and bool(differs)


def has_gaps(column):
    """Tell whether a Series has missing values."""
    if not is_polars(column):
        return bool(column.isna().any())
    return column.null_count() > 0 or (holds_floats(column.dtype) and bool(column.is_nan().any()))


def first_other_than_number(column):
    """Return the first value of a column that is neither a number nor missing, or None."""
    if holds_numbers(column.dtype):
        return None
    values = as_objects(column)
    return next((each for each in values if not (_is_number(each) or is_missing(each))), None)


def is_numeric(column):
    """Tell whether a column holds numbers or booleans, be it as objects; not if it is empty."""
    if holds_numbers(column.dtype):
        return True
    if holds_categories(column):
        return False
    has_others = first_other_than_number(column) is not None
    return not has_others and not all(map(is_missing, as_objects(column)))


def _is_number(value):
    # A duration of numpy counts as an integer.
    return isinstance(value, NUMBERS) and not isinstance(value, np.timedelta64)


def holds_numbers(dtype):
    """Tell whether a column of this dtype holds numbers or booleans."""
    # Nullable dtypes of pandas have a kind although they are no numpy dtypes. So do the strings
    # of pandas 3, therefore the kinds of numbers are listed.
    if hasattr(dtype, "is_numeric"):
        return dtype.is_numeric() or holds_booleans(dtype)
    return getattr(dtype, "kind", "O") in "biuf"


def holds_booleans(dtype):
    """Tell whether a column of this dtype holds booleans."""
    return getattr(dtype, "kind", None) == "b" or str(dtype) == "Boolean"


def holds_floats(dtype):
    """Tell whether a column of this dtype holds floats."""
    return getattr(dtype, "kind", None) == "f" or (hasattr(dtype, "is_float") and dtype.is_float())


def holds_categories(column):
    """Tell whether a column is of pandas' dtype of categories."""
    return not is_polars(column) and hasattr(column.dtype, "categories")


def holds_dates(dtype):
    """Tell whether a column of this dtype holds dates, times or durations."""
    if hasattr(dtype, "is_temporal"):
        return dtype.is_temporal()
    return getattr(dtype, "kind", "O") in "mM"


def as_at_fit(X, sparse):
    """Convert X to CSR or to a dense array, whichever it was at fit.

    XGBoost treats the zeros that CSR does not store as missing values.

    Parameters
    ----------
    X : table of shape (n_samples, n_features)
        Checked by `check_table`.
    sparse : bool
        Whether X was sparse at fit.

    Returns
    -------
    X : table of shape (n_samples, n_features)
    """
    if issparse(X) == sparse:
        return X
    return csr_matrix(X) if sparse else X.toarray()


def as_columns(X):
    """Flatten the rows of an array of more than two axes."""
    return X.reshape(len(X), -1) if isinstance(X, np.ndarray) and X.ndim > 2 else X


def stacked(tables):
    """Stack arrays, or CSR matrices, on top of each other."""
    return vstack(tables, format="csr") if issparse(tables[0]) else np.concatenate(tables)
