"""Centre and scale of a table's numbers."""

import numpy as np

# More rows than this do not move a median or a split point.
ROWS_FOR_STATISTICS = 20_000
HUGE = 1e100


def clip_smoothly(scaled):
    """Smoothly to (-3, 3), in place."""
    bend = np.square(scaled * (1 / 3))
    bend += 1
    scaled /= np.sqrt(bend, out=bend)
    return scaled


def has_two_values(numbers):
    """Which columns have no more than two values, missing ones aside."""
    low, high = (f.reduce(numbers, axis=0, initial=np.nan) for f in (np.fmin, np.fmax))
    return ((numbers == low) | (numbers == high) | np.isnan(numbers)).all(0)


def robust_scale(numbers):
    """Median and 1 / spread of each column; 0 where nothing varies.

    The spread is the interquartile range. Where that is zero, as of counts that are mostly
    none, it is two standard deviations, so that a few large counts do not make the usual
    ones vanish; of only two values, half of what is between them.
    """
    if not len(numbers) or not numbers.shape[1]:
        return np.zeros(numbers.shape[1]), np.zeros(numbers.shape[1])
    seen = np.where(np.isnan(numbers).all(0), 0.0, numbers)  # an empty column is a constant
    low, quarter, center, three_quarters, high = np.nanquantile(
        seen, [0, 0.25, 0.5, 0.75, 1], axis=0
    )
    spread = three_quarters - quarter
    mostly_one = (spread == 0) & ~has_two_values(seen)
    spread = np.where(spread > 0, spread, (high - low) / 2)
    span = (high - low)[mostly_one]
    spread[mostly_one] = 2 * span * np.nanstd((seen - center)[:, mostly_one] / span, axis=0)
    # A constant's weights are never trained, so whatever it may become stays without effect.
    inverse = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
    return center, inverse


def sparse_scale(X):
    """1 / scale of each column: the median of all columns' root mean squares of what is stored.

    A column whose own is over ten times that, or under a tenth, is scaled by it.
    """
    n_features = X.shape[1]
    stored = np.bincount(X.indices, minlength=n_features)
    values = np.clip(X.data, -HUGE, HUGE, dtype=np.float64)
    squares = np.bincount(X.indices, np.square(values), n_features)
    scale = np.sqrt(squares / np.maximum(stored, 1))
    common = np.median(scale[stored > 0]) if stored.any() else 1.0
    within = (scale > common / 10) & (scale < common * 10)
    return 1 / np.where(within | (scale == 0), common, scale)
