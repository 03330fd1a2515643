"""Center, scale and smooth clipping of numeric columns."""

import numpy as np
from scipy.sparse import csr_matrix, issparse

# More rows than this hardly change a median or a split point.
ROWS_FOR_STATISTICS = 20_000
# Numbers are clipped to it, so that their differences are finite.
FURTHEST = 1e307
# Scaled numbers are clipped to it, so that their squares are finite.
HUGE = 1e100
LIMIT = 3.0
# Trees take float32, and scikit-learn's add up all of them.
LARGEST_FOR_TREES = 1e30


def scale(numbers, center, inverse_scale):
    """Return (numbers - center) * inverse_scale of numbers within `FURTHEST`, within `HUGE`."""
    with np.errstate(over="ignore"):
        scaled = (numbers - center) * inverse_scale
    return np.clip(scaled, -HUGE, HUGE, out=scaled)


def clip_for_trees(matrix):
    """Clip an ndarray or CSR matrix to numbers that all trees take."""
    if issparse(matrix):
        return csr_matrix(
            (clip_for_trees(matrix.data), matrix.indices, matrix.indptr), matrix.shape
        )
    if not (np.abs(matrix) > LARGEST_FOR_TREES).any():
        return matrix
    return matrix.clip(-LARGEST_FOR_TREES, LARGEST_FOR_TREES)


def clip_smoothly(scaled):
    """Clip smoothly to (-3, 3), in place: x / sqrt(1 + (x / 3)²)."""
    divisor = np.square(scaled * (1 / LIMIT))
    divisor += 1
    scaled /= np.sqrt(divisor, out=divisor)
    return scaled


def has_two_values(numbers):
    """Tell which columns have at most two distinct values, not counting missing ones."""
    low, high = (f.reduce(numbers, axis=0, initial=np.nan) for f in (np.fmin, np.fmax))
    return ((numbers == low) | (numbers == high) | np.isnan(numbers)).all(0)


def robust_scale(numbers):
    """Return the median and 1 / spread of each column; 1 / spread is 0 for a constant.

    The spread is the interquartile range. Counts that are mostly zero have an interquartile
    range of zero: their spread is two standard deviations, so that a few large counts do not
    hide the usual ones. If a column has only two values, it is half of their difference.

    Parameters
    ----------
    numbers : ndarray of shape (n_samples, n_columns), float64
        NaN where a number is missing.

    Returns
    -------
    center : ndarray of shape (n_columns,)
    inverse_scale : ndarray of shape (n_columns,)
    """
    if not len(numbers) or not numbers.shape[1]:
        return np.zeros(numbers.shape[1]), np.zeros(numbers.shape[1])
    filled = np.where(np.isnan(numbers).all(0), 0.0, numbers)  # an empty column is a constant
    filled = filled.clip(-FURTHEST, FURTHEST)
    low, quarter, center, three_quarters, high = np.nanquantile(
        filled, [0, 0.25, 0.5, 0.75, 1], axis=0
    )
    spread = three_quarters - quarter
    is_mostly_one_value = (spread == 0) & ~has_two_values(filled)
    spread = np.where(spread > 0, spread, (high - low) / 2)
    span = (high - low)[is_mostly_one_value]
    relative = (filled - center)[:, is_mostly_one_value] / span
    spread[is_mostly_one_value] = 2 * span * np.nanstd(relative, axis=0)
    # A constant column is always zero here, so later values of it have no effect either.
    return center, _inverse(spread)


def _inverse(spread):
    """Return 1 / spread, which is finite; 0 for a spread of zero."""
    with np.errstate(over="ignore"):
        inverse = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
    return np.minimum(inverse, np.finfo(np.float64).max)


def sparse_scale(X):
    """Return the center and 1 / scale of each column of a CSR matrix.

    Zero is the center, and the scale is common to all columns: the median over columns of the
    root mean square of the stored values. A column has a scale of its own, its root mean square,
    if that is more than ten times or less than a tenth of the common one.

    A column that is mostly stored, and for which zero would lie beyond the limit of the clipping,
    such as a year, is centered and scaled by `robust_scale`.

    Parameters
    ----------
    X : CSR matrix of shape (n_samples, n_features)

    Returns
    -------
    center : ndarray of shape (n_features,)
    inverse_scale : ndarray of shape (n_features,)
    """
    n_features = X.shape[1]
    n_stored = np.bincount(X.indices, minlength=n_features)
    values = np.abs(np.clip(X.data, -FURTHEST, FURTHEST, dtype=np.float64))
    peak = np.full(n_features, np.nextafter(0.0, 1.0))
    np.maximum.at(peak, X.indices, values)
    squares = np.bincount(X.indices, np.square(values / peak[X.indices]), n_features)
    spread = peak * np.sqrt(squares / np.maximum(n_stored, 1))
    common = np.median(spread[n_stored > 0]) if n_stored.any() else 1.0
    within = (spread > common / 10) & (spread < common * 10)
    center, inverse = (
        np.zeros(n_features),
        _inverse(np.where(within | (spread == 0), common, spread)),
    )
    stored = np.flatnonzero(n_stored > X.shape[0] / 2)
    every = 1 + (X.shape[0] - 1) // ROWS_FOR_STATISTICS
    by_column = X[::every, stored].tocsc()
    for k, j in enumerate(stored):
        (middle,), (own,) = robust_scale(by_column[:, [k]].toarray().astype(np.float64))
        if abs(middle) * own > LIMIT or own == 0:
            center[j], inverse[j] = middle, own
    return center, inverse


def store_zeros(X, columns):
    """Return a CSR matrix in which every row stores its values of some columns, zeros too."""
    if not len(columns):
        return X
    X, n_samples = X.tocoo(), X.shape[0]
    rows = np.concatenate([X.row, np.repeat(np.arange(n_samples), len(columns))])
    columns = np.concatenate([X.col, np.tile(columns, n_samples)])
    data = np.concatenate([X.data, np.zeros(len(rows) - X.nnz)])
    return csr_matrix((data, (rows, columns)), shape=X.shape)  # adds up what is stored twice
