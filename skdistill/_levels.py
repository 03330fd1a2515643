"""The levels of a categorical column as a plain array, and values as their ranks."""

import numpy as np
from sklearn.utils._missing import is_pandas_na


def is_missing(level):
    """Whether a level is None, NaN or pandas' NA."""
    return level is None or is_pandas_na(level) or level != level


def plain_levels(levels):
    """Sorted levels without the missing ones, as an array of strings or numbers.

    Levels of any other type stay objects.
    """
    present = [level for level in levels if not is_missing(level)]
    if not present:
        return np.array([], dtype=np.float64)
    plain = np.array(present)
    # numpy turns 1 and "1" into two equal strings, and drops what it takes for padding.
    if plain.ndim == 1 and plain.dtype.kind in "Ubiuf" and plain.tolist() == present:
        return plain
    out = np.empty(len(present), dtype=object)
    out[:] = present
    return out


def rank_lookup(levels):
    """A dict from level to rank, in which 1, 1.0 and np.int64(1) are the same key."""
    return {level: float(rank) for rank, level in enumerate(levels.tolist())}


def ranks(values, levels, lookup):
    """Ranks of one column's values among its levels; NaN for missing and unseen.

    Parameters
    ----------
    values : ndarray of shape (n_samples,), or pandas Categorical
    levels : ndarray of shape (n_levels,)
        Sorted.
    lookup : dict
        Of `rank_lookup`.

    Returns
    -------
    ranks : ndarray of shape (n_samples,), float64
    """
    if hasattr(values, "categories"):  # look up each category once, not each row
        of_category = ranks(np.asarray(values.categories, dtype=object), levels, lookup)
        return np.append(of_category, np.nan)[values.codes]  # missing has code -1, the last
    if values.dtype.kind in "biuf" and levels.dtype.kind in "biuf" and len(levels):
        nearest = np.minimum(levels.searchsorted(values), len(levels) - 1)
        return np.where(levels[nearest] == values, nearest, np.nan)
    found = map(lookup.get, values.tolist())
    return np.array([np.nan if rank is None else rank for rank in found], dtype=np.float64)
