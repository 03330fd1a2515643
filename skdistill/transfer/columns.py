"""Columns of numbers as augmenters change them."""

import numpy as np

from skdistill.table.containers import (
    as_objects,
    holds_floats,
    is_numeric,
    with_nan,
)


def is_continuous(column):
    """Tell whether a column has floats, be it as objects, that are not whole numbers."""
    if not holds_floats(column.dtype) and not (_holds_objects(column) and is_numeric(column)):
        return False
    values = np.asarray(unboxed(column), dtype=np.float64)
    values = values[np.isfinite(values)]
    return bool((values != np.round(values)).any())


def _holds_objects(column):
    return isinstance(column.dtype, np.dtype) and column.dtype.kind == "O"


def unboxed(column):
    """Return a column of numbers that are kept as objects as floats."""
    if not _holds_objects(column):
        return column
    floats = with_nan(as_objects(column)).astype(np.float64)
    return floats if isinstance(column, np.ndarray) else type(column)(floats)
