"""Inputs of a net: a table as float32 numbers, and the layout of its columns."""

import math
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix, issparse

from skdistill.table.bins import (
    MAX_NUMBERS_WITH_BINS,
    MIN_ROWS_WITH_BINS,
    MOST_BINS,
    find_split_points,
    find_weak_bins,
)
from skdistill.table.encoder import TableEncoder
from skdistill.table.scaling import (
    FURTHEST,
    HUGE,
    ROWS_FOR_STATISTICS,
    clip_smoothly,
    has_two_values,
    robust_scale,
    scale,
    sparse_scale,
    store_zeros,
)

# Rows encoded at a time: few enough that intermediate arrays stay in a core's cache.
ROWS_AT_ONCE = 256
# From so many rows on, a search in each column is faster than one in all of them.
ROWS_TO_SEARCH_BY_COLUMN = 16


@dataclass(frozen=True)
class InputLayout:
    """Layout of the input columns of a net: four kinds, in this order."""

    n_numbers: int  # scaled numbers; columns of only two values come last
    n_embedded: int  # embedded numbers: all except those of only two values, so the first ones
    n_indicators: int  # missing indicators, and one-hot categories if there are any
    n_categories: tuple  # number of codes of each column of category codes
    n_bins: tuple = ()  # number of bins of each embedded number; no such columns if empty
    is_sparse: bool = False  # the inputs are numbers that are mostly zero, as CSR
    weak_bins: tuple = ()  # whether these bins explain little alone, see `find_weak_bins`

    @property
    def width(self):
        """Number of input columns."""
        codes = len(self.n_categories) + len(self.n_bins)
        return self.n_numbers + self.n_indicators + codes

    def split(self, X):
        """Split X of shape (n_samples, width) into numbers, indicators, categories and bins."""
        a = self.n_numbers
        b = a + self.n_indicators
        c = b + len(self.n_categories)
        return X[:, :a], X[:, a:b], X[:, b:c], X[:, c:]


class NetInputs:
    """Transformer of a table to the inputs of a net: one float32 matrix, described by `layout`.

    Numbers are centered by their median, scaled by their interquartile range and smoothly
    clipped to (-3, 3). A missing number becomes zero; a column in which `fit` found missing
    numbers also has a missing indicator. Each number also has a bin index. The bins end where a
    regression tree on that column alone splits the targets, so that a net can jump where a tree
    ensemble does. Columns of two values have no bins. Categories become codes, with one extra
    code for missing values and unseen categories.

    The columns of a sparse matrix are numbers. They are not centered, so zeros stay zero, and
    they have no bins. They share one scale, so that the weights of a vectorizer keep their
    proportions; only a column that differs by a factor of ten has a scale of its own. A column
    that is mostly stored and far from zero, such as a year, is centered as in a dense table. CSR
    stays CSR, unless most columns are such: then it takes no more memory as a dense array. A
    dense array of the same numbers gives the same inputs.

    Parameters
    ----------
    categorical_features : "from_dtype", None, or array-like
        As in `TableEncoder`.
    max_bins : int or "auto", default="auto"
        Largest number of bins of a column; 0: no bins. A column has at most 16, unless more of
        them clearly predict held-out rows better. "auto" is 1,024, or 0 below 1,000 rows, which
        are too few to find bins, and above 100 columns of more than two values, where the bins
        would outweigh the rest of the net.
    one_hot : bool, default=False
        Encode categories as one-hot indicators, for a net without embeddings.

    Attributes
    ----------
    encoder : TableEncoder
        Encoder of the table's columns.
    layout : InputLayout
        Layout of the inputs.
    number_columns, category_columns : ndarray of int
        Indices of columns of the table, in the order of the layout.
    missing_columns : ndarray of int
        Positions in `number_columns` that have a missing indicator.
    center, inverse_scale : ndarray of shape (layout.n_numbers,)
    split_points : list of layout.n_embedded ndarrays
        Upper ends of each column's bins, except the last.

    Notes
    -----
    With z = (x - center) * inverse_scale, a number becomes z / sqrt(1 + (z / 3)²).

    References
    ----------
    Scaling: RealMLP, arXiv:2407.04491. Bins from trees on the targets: Gorishniy et
    al. 2022, arXiv:2203.05556.
    """

    weak_bins: tuple = ()  # training alone asks for it

    def __init__(self, categorical_features="from_dtype", *, max_bins="auto", one_hot=False):
        self.categorical_features = categorical_features
        self.max_bins = max_bins
        self.one_hot = one_hot

    def __repr__(self):
        """Return the numbers of columns and of bins, on one line."""
        if not hasattr(self, "layout"):
            return "NetInputs(not fitted)"
        columns = f"{len(self.number_columns)} numbers, {len(self.category_columns)} categories"
        return f"NetInputs({columns}, {sum(self.layout.n_bins)} bins)"

    def fit(self, X, targets, rng, *, encoder=None):
        """Find categories, scales, missing indicators and bins.

        Parameters
        ----------
        X : table or CSR matrix of shape (n_samples, n_features)
            Checked by `check_table`.
        targets : ndarray of shape (n_samples, n_outputs) or None
            Soft targets, or one-hot labels, to find the bins. Not used without bins.
        rng : RandomState
        encoder : TableEncoder, default=None
            An encoder fitted on X. None: fit one.

        Returns
        -------
        self : NetInputs
        """
        self.encoder = encoder or TableEncoder(self.categorical_features).fit_checked(X)
        matrix = self.encoder.encode(X)
        if issparse(matrix):
            if self._fit_sparse(matrix).keeps_sparse:
                return self
            matrix = matrix.toarray()
        sample = matrix
        if len(matrix) > ROWS_FOR_STATISTICS:
            indices = rng.choice(len(matrix), ROWS_FOR_STATISTICS, replace=False)
            sample = matrix[indices]
            targets = targets if targets is None else targets[indices]
        n_embedded = self._fit_columns(matrix, sample)
        # In float32 medians would be rounded, and differ from those of the same numbers in float64.
        numbers = sample[:, self.number_columns].astype(np.float64)
        self.center, self.inverse_scale = robust_scale(numbers)
        max_bins = self._max_bins(len(matrix), n_embedded)
        return self._fit_bins(numbers[:, :n_embedded], targets, max_bins)

    def _fit_columns(self, matrix, sample):
        """Order the numbers and find missing ones; return the number of embedded columns."""
        columns = np.flatnonzero(~self.encoder.is_categorical_)
        is_binary = has_two_values(sample[:, columns])
        if self.one_hot:  # a module without embeddings may rely on the order of the columns
            is_binary[:] = False
        self.number_columns = np.concatenate([columns[~is_binary], columns[is_binary]])
        self.missing_columns = np.flatnonzero(np.isnan(matrix[:, self.number_columns]).any(0))
        return int((~is_binary).sum())

    def _max_bins(self, n_samples, n_embedded):
        if self.max_bins != "auto":
            return self.max_bins
        enough = n_samples >= MIN_ROWS_WITH_BINS and n_embedded <= MAX_NUMBERS_WITH_BINS
        return MOST_BINS if enough else 0

    def with_bins_of(self, matrix, targets, rows, rng):
        """Return a copy whose bins follow the targets of some rows.

        Parameters
        ----------
        matrix : ndarray of shape (n_samples, n_features)
            As `encode` gives it.
        targets : ndarray of shape (n_samples, n_outputs)
        rows : ndarray of int
        rng : RandomState
        """
        max_bins = self._max_bins(len(rows), len(self.split_points))
        if len(rows) > ROWS_FOR_STATISTICS:
            rows = rng.choice(rows, ROWS_FOR_STATISTICS, replace=False)
        n_embedded = len(self.split_points)
        numbers = matrix[np.ix_(rows, self.number_columns[:n_embedded])].astype(np.float64)
        return copy(self)._fit_bins(numbers, targets[rows], max_bins)

    def _fit_bins(self, numbers, targets, max_bins):
        self.split_points = find_split_points(numbers, targets, max_bins)
        has_bins = any(map(len, self.split_points))
        self.weak_bins = find_weak_bins(numbers, targets, self.split_points) if has_bins else ()
        return self._lay_out()

    def with_weak_bins(self, X, targets):
        """Return a copy that knows which of its bins explain little of other targets."""
        if not self.layout.n_bins:
            return self
        other, some = copy(self), slice(None, None, -(-X.shape[0] // ROWS_FOR_STATISTICS))
        numbers = self.encode(X)[some, self.number_columns[: self.layout.n_embedded]]
        numbers = numbers.astype(np.float64)
        other.weak_bins = find_weak_bins(numbers, targets[some], self.split_points)
        return other._lay_out()

    def _fit_sparse(self, X):
        n_features = X.shape[1]
        self.number_columns, self.missing_columns = np.arange(n_features), np.arange(0)
        self.split_points = [np.array([])] * n_features
        self.center, self.inverse_scale = sparse_scale(X)
        return self._lay_out(is_sparse=True)

    @classmethod
    def from_arrays(
        cls,
        is_categorical,
        categories,
        number_columns,
        center,
        inverse_scale,
        split_points,
        n_bins,
        missing_columns,
        *,
        is_sparse=False,
    ):
        """Build fitted inputs from the arrays that `to_arrays` returned.

        `is_sparse` matters only to a net that is trained on CSR, not to predictions.
        """
        inputs = cls(is_categorical)
        inputs.encoder = TableEncoder.from_categories(is_categorical, categories)
        inputs.number_columns = number_columns
        inputs.center, inputs.inverse_scale = center, inverse_scale
        inputs.split_points = np.split(split_points, np.cumsum(n_bins - 1))[:-1]
        inputs.missing_columns = missing_columns
        return inputs._lay_out(is_sparse=is_sparse)

    def to_arrays(self):
        """Return the fitted state as the arguments of `from_arrays`; not for `one_hot`."""
        return {
            "is_categorical": self.encoder.is_categorical_,
            "categories": self.encoder.categories_,
            "number_columns": self.number_columns,
            "center": self.center,
            "inverse_scale": self.inverse_scale,
            "split_points": np.concatenate([np.array([]), *self.split_points]),
            "n_bins": np.array([len(points) + 1 for points in self.split_points], dtype=np.int64),
            "missing_columns": self.missing_columns,
        }

    def _lay_out(self, *, is_sparse=False):
        self.category_columns = np.flatnonzero(self.encoder.is_categorical_)
        # One extra code, for missing values and unseen categories.
        self.n_codes = self.encoder.n_categories_[self.category_columns] + 1
        n_bins = tuple(len(points) + 1 for points in self.split_points)
        layout = InputLayout(
            n_numbers=len(self.number_columns),
            n_embedded=len(self.split_points),
            n_indicators=len(self.missing_columns)
            + (int(self.n_codes.sum()) if self.one_hot else 0),
            n_categories=() if self.one_hot else tuple(self.n_codes.tolist()),
            n_bins=n_bins if max(n_bins, default=1) > 1 else (),
            weak_bins=self.weak_bins if max(n_bins, default=1) > 1 else (),
        )
        points = np.concatenate([np.array([]), *self.split_points])
        n_points = np.array([len(each) for each in self.split_points], dtype=np.intp)
        self.all_points = _by_column(points, np.repeat(np.arange(len(n_points)), n_points))
        self.first_point = np.cumsum(n_points) - n_points
        largest = np.abs([self.center, self.inverse_scale]).max(initial=0)
        self.has_usual_scales = bool(largest < HUGE**0.5)
        n_features = len(self.encoder.n_categories_)
        self.are_in_place = np.array_equal(self.number_columns, np.arange(n_features))
        only_numbers = self.are_in_place and layout.width == layout.n_numbers
        # This is also True for a sparse fit that was read from a file.
        n_centered = int((self.center != 0).sum())
        self.keeps_sparse = only_numbers and 2 * n_centered <= n_features
        self.layout = replace(layout, is_sparse=is_sparse and self.keeps_sparse)
        return self

    def transform(self, X):
        """Encode rows that `check_table` has checked.

        Parameters
        ----------
        X : table or CSR matrix of shape (n_samples, n_features)

        Returns
        -------
        inputs : ndarray or CSR matrix of shape (n_samples, layout.width), float32
            CSR if X is CSR and at most half of these inputs are centered.
        """
        return self.pack(self.encode(X))

    def encode(self, X, *, checked=False):
        """Encode as `TableEncoder.encode` does; CSR stays CSR if few inputs are centered."""
        matrix = self.encoder.encode(X, checked=checked)
        return matrix if self.keeps_sparse or not issparse(matrix) else matrix.toarray()

    def pack(self, matrix):
        """Turn the result of `encode` into inputs."""
        if issparse(matrix):
            return self._scale_sparse(matrix)
        inputs = np.empty((len(matrix), self.layout.width), dtype=np.float32)
        for start in range(0, len(matrix), ROWS_AT_ONCE):
            batch = slice(start, start + ROWS_AT_ONCE)
            for out, part in zip(self.layout.split(inputs[batch]), self.parts(matrix[batch])):
                out[:] = part
        return inputs

    def parts(self, matrix):
        """Return the inputs of a few rows as one array for each kind in `layout`.

        Parameters
        ----------
        matrix : ndarray or CSR matrix of shape (n_samples, n_features)
            As `encode` returns it.

        Returns
        -------
        numbers : ndarray or CSR matrix of shape (n_samples, layout.n_numbers), float32
        indicators : ndarray of shape (n_samples, layout.n_indicators)
        categories : ndarray of shape (n_samples, len(layout.n_categories)), intp
        bins : ndarray of shape (n_samples, layout.n_embedded or 0), intp
        """
        if issparse(matrix):
            empty = _no_columns(matrix.shape[0])
            return self._scale_sparse(matrix), empty, empty, empty
        categories = _no_columns(len(matrix))
        numbers = np.asarray(matrix, dtype=np.float64)
        if self.category_columns.size:
            categories = numbers[:, self.category_columns]
            categories = np.where(np.isnan(categories), self.n_codes - 1, categories).astype(
                np.intp
            )
        if not self.are_in_place:
            numbers = numbers[:, self.number_columns]
        # One product covers all values: it is NaN if one is NaN, and huge if one is huge.
        is_usual = self.has_usual_scales and np.vdot(numbers, numbers) < HUGE
        if is_usual:
            indicators = np.zeros((len(numbers), len(self.missing_columns)), dtype=np.float32)
        else:
            numbers, indicators = self._complete(numbers)
        if self.one_hot and self.category_columns.size:
            indicators = np.hstack([indicators, self._one_hot(categories)])
            categories = _no_columns(len(matrix))
        if is_usual:  # `scale` takes longer
            scaled = numbers - self.center
            scaled *= self.inverse_scale
        else:
            scaled = scale(numbers, self.center, self.inverse_scale)
        return clip_smoothly(scaled).astype(np.float32), indicators, categories, self._bins(numbers)

    def _scale_sparse(self, X):
        X = store_zeros(X, np.flatnonzero(self.center))
        numbers = np.clip(X.data, -FURTHEST, FURTHEST, dtype=np.float64)
        scaled = scale(numbers, self.center[X.indices], self.inverse_scale[X.indices])
        data = clip_smoothly(scaled).astype(np.float32)
        return csr_matrix((data, X.indices, X.indptr), shape=X.shape)

    def _complete(self, numbers):
        """Fill in missing numbers; return them and the missing indicators."""
        missing = np.isnan(numbers)
        numbers = np.clip(np.where(missing, self.center, numbers), -FURTHEST, FURTHEST)
        return numbers, missing[:, self.missing_columns]

    def _bins(self, numbers):
        """Return the bin of each embedded number: the number of split points below it."""
        if not self.layout.n_bins:
            return _no_columns(len(numbers))
        numbers = numbers[:, : self.layout.n_embedded]
        if len(numbers) < ROWS_TO_SEARCH_BY_COLUMN:
            return self.all_points.searchsorted(_by_column(numbers)) - self.first_point
        bins = np.empty(numbers.shape[::-1], dtype=np.intp)
        for of_column, points, column in zip(bins, self.split_points, numbers.T.copy()):
            of_column[:] = points.searchsorted(column)
        return bins.T

    def _one_hot(self, codes):
        indicators = np.zeros((len(codes), self.n_codes.sum()), dtype=np.float32)
        columns = codes.astype(np.intp) + np.cumsum(self.n_codes) - self.n_codes
        np.put_along_axis(indicators, columns, 1, axis=1)
        return indicators


class UnscaledInputs:
    """Inputs of a module that takes X unscaled: the rows themselves, in float32."""

    def fit(self, X, targets, rng, *, encoder=None):
        """Check that all columns are numbers; find the shape of a row."""
        self.encoder = TableEncoder().fit_checked(X)
        if self.encoder.is_categorical_.any():
            raise ValueError(
                "the student's module was cut from a teacher that takes X unscaled, but X has "
                f"categories, first in column {int(self.encoder.is_categorical_.argmax())}: encode "
                "them as for that teacher, or use a NetClassifier as the teacher."
            )
        width = math.prod(X.shape[1:])
        self.layout = InputLayout(
            n_numbers=width, n_embedded=width, n_indicators=0, n_categories=()
        )
        self.transform(X)
        return self

    def transform(self, X):
        """Convert rows that `check_table` has checked to float32; CSR stays CSR."""
        return self.pack(self.encode(X))

    def encode(self, X, *, checked=False):
        """Encode as `TableEncoder.encode` does; rows of several axes are unchanged."""
        return X if len(X.shape) > 2 else self.encoder.encode(X, checked=checked)

    def pack(self, matrix):
        """Convert the result of `encode` to float32; refuse what is not finite."""
        if issparse(matrix):
            return matrix.astype(np.float32)
        # torch takes no negative strides, and warns of arrays that cannot be written to.
        inputs = np.require(matrix, np.float32, ["C", "W"])
        if not np.isfinite(inputs).all():
            raise ValueError(
                "the student's module takes X unscaled, but X has missing values, or values too "
                "large for float32: impute or scale them as for its teacher."
            )
        return inputs


def _by_column(numbers, columns=None):
    """Return complex numbers, which are sorted by the column, then by the number."""
    keys = np.empty(numbers.shape, dtype=complex)
    keys.real = np.arange(numbers.shape[-1]) if columns is None else columns
    keys.imag = numbers
    return keys


def _no_columns(n_samples):
    return np.empty((n_samples, 0), dtype=np.intp)
