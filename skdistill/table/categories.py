"""The categories of a categorical column as a plain array, and values as their ranks."""

from datetime import date, time, timedelta
from decimal import Decimal

import numpy as np

from skdistill.sklearn_private import is_pandas_na

NO_DATES = (
    "holds dates or times, and every later one would be unseen: turn it into numbers, such as a "
    "year, a weekday, or days since the first, or into strings if it is a category."
)


def is_missing(level):
    """Whether a level is None, NaN or pandas' NA."""
    return level is None or is_pandas_na(level) or level != level


def find_categories(values, name):
    """Sorted categories of a column of categories, without the missing ones.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
    name : str or int
        Of the column, for what is said of it.

    Returns
    -------
    categories : ndarray of shape (n_categories,)
        Of strings or numbers; categories of any other type stay objects.

    Raises
    ------
    ValueError
        If the values cannot be categories: dates, decimals, lists, or strings among numbers.
    """
    try:
        present = [level for level in set(values.tolist()) if not is_missing(level)]
    except TypeError as error:
        nested = next(filter(_has_no_hash, values))
        raise ValueError(
            f"Column {name!r} holds a {type(nested).__name__} in a cell: give each of its values "
            f"a column of its own. It has {nested!r:.60}."
        ) from error
    for level in present:
        if isinstance(level, (date, time, timedelta)):
            raise ValueError(f"Column {name!r} {NO_DATES} It has {level!r}.")
        if isinstance(level, (Decimal, complex, np.complexfloating)):
            raise ValueError(
                f"Column {name!r} holds {type(level).__name__}: convert it to floats. It has "
                f"{level!r}."
            )
    try:
        return _plain(sorted(present))
    except TypeError as error:
        kinds = sorted({type(level).__name__ for level in present})
        raise ValueError(
            f"a column of categories must hold strings or numbers, not both, and column {name!r} "
            f"holds {' and '.join(kinds)}: convert it with astype(str)."
        ) from error


def _has_no_hash(value):
    try:
        hash(value)
    except TypeError:
        return True
    return False


def _plain(present):
    if not present:
        return np.array([], dtype=np.float64)
    plain = np.array(present)
    # numpy turns 1 and "1" into two equal strings, and drops what it takes for padding.
    if plain.ndim == 1 and plain.dtype.kind in "Ubiuf" and plain.tolist() == present:
        return plain
    out = np.empty(len(present), dtype=object)
    out[:] = present
    return out


def code_lookup(categories):
    """A dict from level to rank, in which 1, 1.0 and np.int64(1) are the same key."""
    return {level: float(rank) for rank, level in enumerate(categories.tolist())}


def ranks(values, categories, lookup):
    """Ranks of one column's values among its categories; NaN for missing and unseen.

    Parameters
    ----------
    values : ndarray of shape (n_samples,), or pandas Categorical
    categories : ndarray of shape (n_categories,)
        Sorted.
    lookup : dict
        Of `code_lookup`.

    Returns
    -------
    ranks : ndarray of shape (n_samples,), float64
    """
    if hasattr(values, "categories"):  # look up each category once, not each row
        of_category = ranks(np.asarray(values.categories, dtype=object), categories, lookup)
        return np.append(of_category, np.nan)[values.codes]  # missing has code -1, the last
    if values.dtype.kind in "biuf" and categories.dtype.kind in "biuf" and len(categories):
        nearest = np.minimum(categories.searchsorted(values), len(categories) - 1)
        return np.where(categories[nearest] == values, nearest, np.nan)
    found = map(lookup.get, values.tolist())
    return np.array([np.nan if rank is None else rank for rank in found], dtype=np.float64)
