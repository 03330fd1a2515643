"""Corruptions of a table: noise, missing values, swapped categories, a shift, an upper tail."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse

from skdistill.sklearn_private import safe_indexing
from skdistill.table.containers import (
    as_columns,
    as_floats,
    column_of,
    holds_booleans,
    holds_numbers,
    is_frame,
    is_polars,
    kind_of,
    select_columns,
    take,
)
from skdistill.table.encoder import TableEncoder

FARTHEST = np.finfo(np.float64).max


class CorruptibleTable:
    """A table, and what its corruptions need to know of its columns.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_samples, n_features) or (n_samples, ...)
        It is never changed.
    categorical_features : "from_dtype", None, or array-like
        As in `TableEncoder`.

    Attributes
    ----------
    numbers : list of int
        Columns of numbers that are not all alike.
    swappable : list of int
        Columns of booleans or of categories that are not all alike.
    """

    def __init__(self, X, categorical_features):
        if issparse(X):
            raise ValueError(
                f"robustness corrupts the cells of a dense table, got a {kind_of(X)}: pass "
                "X.toarray() if it fits into memory."
            )
        X = X if is_frame(X) else np.asarray(X)
        self.row_shape, X = X.shape[1:], as_columns(X)
        encoder = TableEncoder(categorical_features).fit(X)
        self.X = X if is_frame(X) or X.dtype.kind in "biuf" else X.astype(np.float64)
        self.values = encoder.encode(self.X)  # numbers, and codes of categories
        self.std = np.array([_std(column) for column in self.values.T])
        columns = [column_of(self.X, j) for j in range(self.X.shape[1])]
        is_boolean = np.array([holds_booleans(column.dtype) for column in columns])
        varies, of_numbers = self.std > 0, ~(encoder.is_categorical_ | is_boolean)
        self.numbers = np.flatnonzero(varies & of_numbers).tolist()
        self.swappable = np.flatnonzero(varies & ~of_numbers).tolist()

    def __len__(self):
        return self.X.shape[0]

    def moved(self, j, deviations):
        """Return column j, of numbers, moved by so many standard deviations.

        Whole numbers stay whole.
        """
        values = self.values[:, j]
        with np.errstate(over="ignore"):
            moved = (values + deviations * self.std[j]).clip(-FARTHEST, FARTHEST)
        present = values[~np.isnan(values)]
        return np.round(moved) if (present == np.round(present)).all() else moved

    def with_columns(self, changed):
        """Return a copy of the table in which the columns of a dict are replaced.

        Parameters
        ----------
        changed : dict of int to column
            An array of floats, or a column of the table's own type.
        """
        if not is_frame(self.X):
            # Integers become floats, which may be missing; float32 remains.
            X = self.X.astype(np.result_type(self.X.dtype, np.float32))
            for j, values in changed.items():
                X[:, j] = values
            return X.reshape(len(X), *self.row_shape)
        X = self.X.clone() if is_polars(self.X) else self.X.copy(deep=False)
        for j, values in changed.items():
            if is_polars(X):
                X.replace_column(j, self._as_column(j, values))
            else:
                X.isetitem(j, self._as_column(j, values))
        return X

    def _as_column(self, j, values):
        """Return an array of floats as a column of a frame; other columns as they are."""
        if not isinstance(values, np.ndarray):
            return values
        column = column_of(self.X, j)
        if is_polars(column):
            return type(column)(column.name, values, nan_to_null=True)
        return type(column)(values, index=column.index, name=column.name)

    def without(self, j, chosen):
        """Return column j with missing values where a mask says so."""
        column = column_of(self.X, j)
        if not is_frame(self.X):
            return np.where(chosen, np.nan, column)
        if holds_numbers(column.dtype):
            return np.where(chosen, np.nan, as_floats(select_columns(self.X, np.array([j])))[:, 0])
        if is_polars(column):
            return column.zip_with(type(column)(~chosen), column.clear(len(column)))
        return column.mask(chosen)

    def swapped(self, j, chosen, drawn):
        """Return column j with other values of it where a mask says so.

        A value is drawn as often as it occurs among the rows that have another one.

        Parameters
        ----------
        chosen : ndarray of bool of shape (n_samples,)
        drawn : ndarray of shape (n_samples,)
            Uniform numbers from 0 to 1.
        """
        codes = self.values[:, j]
        order = np.argsort(codes, kind="stable")[: np.sum(~np.isnan(codes))]  # missing ones last
        rows = np.flatnonzero(chosen & ~np.isnan(codes))
        first = np.searchsorted(codes[order], codes[rows], "left")
        last = np.searchsorted(codes[order], codes[rows], "right")
        place = (drawn[rows] * (len(order) - (last - first))).astype(int)
        place += np.where(place >= first, last - first, 0)  # skips the rows of the same value
        source = np.arange(len(codes))
        source[rows] = order[place]
        column = column_of(self.X, j)
        other = take(column, source)
        return other.set_axis(column.index) if hasattr(column, "iloc") else other


def _std(values):
    """Return the standard deviation of the values that are present; 0 if they are all alike."""
    present = values[~np.isnan(values)]
    if not len(present) or present.min() == present.max():
        return 0.0
    unit = np.abs(present).max()  # squares of huge numbers would overflow, of tiny ones vanish
    return unit * (present / unit).std()


def add_noise(table, strength, rng):
    """Add normal noise to all numbers, `strength` standard deviations of the column wide."""
    drawn = rng.standard_normal((len(table), len(table.numbers)))
    return table.with_columns(
        {j: table.moved(j, strength * noise) for j, noise in zip(table.numbers, drawn.T)}
    ), None


def remove_cells(table, strength, rng):
    """Make this share of all cells missing."""
    chosen = rng.random_sample(table.X.shape) < strength
    changed = {j: table.without(j, of_column) for j, of_column in enumerate(chosen.T)}
    return table.with_columns(changed), None


def swap_categories(table, strength, rng):
    """Replace this share of the categories and booleans by other values of their column."""
    shape = 2, len(table), len(table.swappable)
    chosen, drawn = rng.random_sample(shape)
    columns = zip(table.swappable, strength > chosen.T, drawn.T)
    return table.with_columns({j: table.swapped(j, *how) for j, *how in columns}), None


def shift_column(table, strength, rng):
    """Shift one column of numbers, drawn at random, up or down by `strength` deviations."""
    j, sign = table.numbers[rng.randint(len(table.numbers))], rng.choice([-1, 1])
    return table.with_columns({j: table.moved(j, sign * strength)}), None


def take_upper_tail(table, strength, rng):
    """Leave out this share of the rows: the lowest of a column of numbers, drawn at random."""
    values = table.values[:, table.numbers[rng.randint(len(table.numbers))]]
    order = np.lexsort([rng.random_sample(len(values)), values])  # ties at random, missing last
    order = order[: np.sum(~np.isnan(values))]
    rows = np.sort(order[min(int(strength * len(order)), len(order) - 1) :])
    X = safe_indexing(table.X, rows)
    return (X if is_frame(X) else X.reshape(len(X), *table.row_shape)), rows


@dataclass(frozen=True)
class Corruption:
    """One way to corrupt a table.

    Parameters
    ----------
    corrupt : callable
        ``corrupt(table, strength, rng)`` returns the table, and the indices of its rows or None
        for all of them.
    strengths : tuple of float
        By default.
    highest : float
        A strength is above zero, and not above this.
    needs : str
        The columns without which nothing would change: an attribute of `CorruptibleTable`.
    axis : str
        What a strength is, in pictures.
    """

    corrupt: Callable
    strengths: tuple
    highest: float
    needs: str
    axis: str

    def columns(self, table):
        """Return the columns that can be corrupted."""
        return getattr(table, self.needs) if self.needs else range(table.X.shape[1])


SHARES = 0.05, 0.1, 0.2, 0.4
CORRUPTIONS = {
    "noise": Corruption(
        add_noise, (0.1, 0.2, 0.5, 1.0), np.inf, "numbers",
        "noise on numbers, standard deviations",
    ),
    "missing": Corruption(remove_cells, SHARES, 1.0, "", "missing cells, share"),
    "swap": Corruption(swap_categories, SHARES, 1.0, "swappable", "swapped categories, share"),
    "shift": Corruption(
        shift_column, (0.5, 1.0, 2.0, 3.0), np.inf, "numbers",
        "shift of one column, standard deviations",
    ),
    "tail": Corruption(
        take_upper_tail, (0.5, 0.75, 0.9), 0.99, "numbers",
        "lower part of a column left out, share",
    ),
}  # fmt: skip
NEEDED = {
    "numbers": "X has no column of numbers that differ",
    "swappable": "X has no column of categories or booleans that differ",
}
