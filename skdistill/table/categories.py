"""Categories of a column: find them at fit, encode values as their codes."""

from datetime import date, time, timedelta
from decimal import Decimal

import numpy as np

from skdistill.table.containers import is_missing

NO_DATES = (
    "holds dates or times, and later ones would all be unseen categories: convert it to numbers, "
    "such as the year, the weekday or the days since the first date, or to strings if it is a "
    "category."
)


def find_categories(values, name):
    """Return the sorted categories of a column, without missing values.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
    name : str or int
        Name of the column, for error messages.

    Returns
    -------
    categories : ndarray of shape (n_categories,)
        Array of numbers, or object array of strings or of any other type.

    Raises
    ------
    ValueError
        If the values cannot be categories: dates, decimals, lists, or strings mixed with numbers.
    """
    try:
        present = [category for category in set(values.tolist()) if not is_missing(category)]
    except TypeError as error:
        nested = next(filter(_is_unhashable, values))
        raise ValueError(
            f"Column {name!r} holds a {type(nested).__name__} in a cell: give each of its values "
            f"a column of its own. It has {nested!r:.60}."
        ) from error
    for category in present:
        if isinstance(category, (date, time, timedelta)):
            raise ValueError(f"Column {name!r} {NO_DATES} It has {category!r}.")
        if isinstance(category, (Decimal, complex, np.complexfloating)):
            raise ValueError(
                f"Column {name!r} holds {type(category).__name__}: convert it to floats. It has "
                f"{category!r}."
            )
    try:
        return _as_plain_array(sorted(present))
    except TypeError as error:
        types = sorted({type(category).__name__ for category in present})
        raise ValueError(
            "a categorical column must hold either strings or numbers, but column "
            f"{name!r} holds {' and '.join(types)}: convert it with astype(str)."
        ) from error


def _is_unhashable(value):
    try:
        hash(value)
    except TypeError:
        return True
    return False


def _as_plain_array(categories):
    """Return a list of categories as an array of numbers if that loses nothing."""
    if not categories:
        return np.array([], dtype=np.float64)
    if not isinstance(categories[0], str):
        plain = np.array(categories)
        if plain.ndim == 1 and plain.dtype.kind in "biuf" and plain.tolist() == categories:
            return plain
    # In an array of strings, each would take as much memory as the longest.
    objects = np.empty(len(categories), dtype=object)
    objects[:] = categories
    return objects


def hold_strings(categories):
    """Tell whether sorted categories are strings: they are of one type."""
    return len(categories) > 0 and isinstance(categories[0], str)


def code_lookup(categories):
    """Return a dict from category to code, in which 1, 1.0 and np.int64(1) are the same key."""
    return {category: float(code) for code, category in enumerate(categories.tolist())}


def encode_categories(values, categories, lookup):
    """Return the codes of a column's values; NaN for missing values and unseen categories.

    Parameters
    ----------
    values : ndarray of shape (n_samples,), or pandas Categorical
    categories : ndarray of shape (n_categories,)
        Sorted categories.
    lookup : dict
        As `code_lookup` returns it.

    Returns
    -------
    codes : ndarray of shape (n_samples,), float64
    """
    if hasattr(values, "categories"):  # look up each category once, not each row
        values_of_codes = np.asarray(values.categories, dtype=object)
        codes = encode_categories(values_of_codes, categories, lookup)
        return np.append(codes, np.nan)[values.codes]  # pandas' code -1 is missing: the last one
    if values.dtype.kind in "biuf" and categories.dtype.kind in "biuf" and len(categories):
        nearest = np.minimum(categories.searchsorted(values), len(categories) - 1)
        return np.where(categories[nearest] == values, nearest, np.nan)
    codes = map(lookup.get, values.tolist())
    return np.array([np.nan if code is None else code for code in codes], dtype=np.float64)
