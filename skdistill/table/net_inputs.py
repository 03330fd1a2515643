"""What a net sees of a table: one float matrix, cut up by its layout."""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix, issparse

from skdistill.table.bins import (
    AUTO_BINS,
    MAX_NUMBERS_WITH_BINS,
    MIN_ROWS_WITH_BINS,
    find_split_points,
)
from skdistill.table.encoder import TableEncoder
from skdistill.table.scaling import (
    HUGE,
    ROWS_FOR_STATISTICS,
    clip_smoothly,
    has_two_values,
    robust_scale,
    sparse_scale,
)

# Rows encoded at once: few enough that what is between stays in a core's cache.
ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class InputLayout:
    """Which columns of a net's input are what, in this order."""

    n_numbers: int  # scaled numbers, those of columns of only two values last
    n_embedded: int  # the numbers before those, which alone have embeddings
    n_indicators: int  # 1 where a number was missing; one-hot categories
    n_categories: tuple  # categories as codes; the number of codes of each column
    n_bins: int  # the bin of each embedded number, 0 to n_bins - 1; no such columns if 0
    is_sparse: bool = False  # numbers that are mostly zero, as CSR

    @property
    def width(self):
        """Columns of the input."""
        bins = self.n_embedded if self.n_bins else 0
        return self.n_numbers + self.n_indicators + len(self.n_categories) + bins

    def split(self, X):
        """Cut X of shape (n_samples, width) into numbers, indicators, categories and bins."""
        a = self.n_numbers
        b = a + self.n_indicators
        c = b + len(self.n_categories)
        return X[:, :a], X[:, a:b], X[:, b:c], X[:, c:]


class NetInputs:
    """What a net sees of a table: one float32 matrix, cut up by `layout`.

    Numbers are centred by their median, scaled by their interquartile range and smoothly
    clipped to (-3, 3). A missing number is a zero and, where `fit` saw some, a missing
    indicator. Each number also comes as the bin it falls into. The bins end where a
    regression tree on that column alone splits the targets, so that a net can jump where a tree
    ensemble does; a column of two values needs none. Categories come as codes, with one more
    for missing and unseen.

    The columns of a sparse matrix are numbers that keep their zeros: they are not centred,
    have no bins, and share one scale, so that the weight that a vectoriser gave a word counts.
    Only a column ten times off gets a scale of its own. CSR comes out as CSR, and dense rows as
    the same numbers.

    Parameters
    ----------
    categorical_features : "from_dtype", None, or array-like
        As in `TableEncoder`.
    max_bins : int or "auto", default="auto"
        Bins a number at most; 0 for none. "auto" is 16, but none below 1,000 rows, which are
        too few to find bins in, or above 100 numbers of more than two values, whose bins
        would outweigh the rest of the net.
    one_hot : bool, default=False
        Give categories as one-hot indicators, for a net that embeds nothing.

    Attributes
    ----------
    encoder : TableEncoder
        Of the table's columns.
    layout : InputLayout
    number_columns, category_columns : ndarray of int
        Columns of the table, in the order of the layout.
    missing_columns : ndarray of int
        Places in `number_columns` that have a missing indicator.
    center, inverse_scale : ndarray of shape (layout.n_numbers,)
    split_points : ndarray of shape (layout.n_embedded, layout.n_bins - 1)
        Where bins end.

    References
    ----------
    Scaling: RealMLP, arXiv:2407.04491. Bins from trees on the targets: Gorishniy et
    al. 2022, arXiv:2203.05556.
    """

    def __init__(self, categorical_features="from_dtype", *, max_bins="auto", one_hot=False):
        self.categorical_features = categorical_features
        self.max_bins = max_bins
        self.one_hot = one_hot

    def fit(self, X, targets, rng, *, encoder=None):
        """Freeze the columns.

        Parameters
        ----------
        X : table or CSR matrix of shape (n_samples, n_features)
            Been through `check_table`.
        targets : ndarray of shape (n_samples, n_outputs) or None
            Soft targets, or labels as 0 and 1, that the bins follow. Not needed without bins.
        rng : RandomState
        encoder : TableEncoder, default=None
            Fitted on X. None: one is fitted.
        """
        self.encoder = encoder or TableEncoder(self.categorical_features).fit_checked(X)
        matrix = self.encoder.encode(X)
        if issparse(matrix):
            return self._fit_sparse(matrix)
        rows = slice(None)
        if len(matrix) > ROWS_FOR_STATISTICS:
            rows = rng.choice(len(matrix), ROWS_FOR_STATISTICS, replace=False)
            targets = targets if targets is None else targets[rows]
        n_embedded = self._fit_columns(matrix, rows)
        # Medians of float32 would be rounded, and be others than those of the same doubles.
        numbers = matrix[rows][:, self.number_columns].astype(np.float64)
        self.center, self.inverse_scale = robust_scale(numbers)
        max_bins = self._max_bins(len(matrix), n_embedded)
        self.split_points = find_split_points(numbers[:, :n_embedded], targets, max_bins)
        return self._lay_out()

    def _fit_columns(self, matrix, rows):
        """Order the numbers, find those with missing values; return how many have embeddings."""
        columns = np.flatnonzero(~self.encoder.is_categorical_)
        of_two = has_two_values(matrix[rows][:, columns])
        if self.one_hot:  # a module that embeds nothing may know columns by their place
            of_two[:] = False
        self.number_columns = np.concatenate([columns[~of_two], columns[of_two]])
        self.missing_columns = np.flatnonzero(np.isnan(matrix[:, self.number_columns]).any(0))
        return int((~of_two).sum())

    def _max_bins(self, n_samples, n_embedded):
        if self.max_bins != "auto":
            return self.max_bins
        enough = n_samples >= MIN_ROWS_WITH_BINS and n_embedded <= MAX_NUMBERS_WITH_BINS
        return AUTO_BINS if enough else 0

    def _fit_sparse(self, X):
        n_features = X.shape[1]
        self.number_columns, self.missing_columns = np.arange(n_features), np.arange(0)
        self.center, self.split_points = np.zeros(n_features), np.zeros((n_features, 0))
        self.inverse_scale = sparse_scale(X)
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
        missing_columns,
        *,
        is_sparse=False,
    ):
        """Make fitted inputs of what `to_arrays` has returned.

        `is_sparse` is for a net that is trained on CSR; predicting does without.
        """
        inputs = cls(is_categorical)
        inputs.encoder = TableEncoder.from_categories(is_categorical, categories)
        inputs.number_columns = number_columns
        inputs.center, inputs.inverse_scale = center, inverse_scale
        inputs.split_points, inputs.missing_columns = split_points, missing_columns
        return inputs._lay_out(is_sparse=is_sparse)

    def to_arrays(self):
        """Return what `fit` has found, as the arguments of `from_arrays`; not for `one_hot`."""
        return {
            "is_categorical": self.encoder.is_categorical_,
            "categories": self.encoder.categories_,
            "number_columns": self.number_columns,
            "center": self.center,
            "inverse_scale": self.inverse_scale,
            "split_points": self.split_points,
            "missing_columns": self.missing_columns,
        }

    def _lay_out(self, *, is_sparse=False):
        self.category_columns = np.flatnonzero(self.encoder.is_categorical_)
        # One code more than categories: missing, and not seen here.
        self.n_codes = self.encoder.n_categories_[self.category_columns] + 1
        layout = InputLayout(
            n_numbers=len(self.number_columns),
            n_embedded=len(self.split_points),
            n_indicators=len(self.missing_columns)
            + (int(self.n_codes.sum()) if self.one_hot else 0),
            n_categories=() if self.one_hot else tuple(self.n_codes.tolist()),
            n_bins=self.split_points.shape[1] + 1 if self.split_points.shape[1] else 0,
        )
        n_features = len(self.encoder.n_categories_)
        self.are_in_place = np.array_equal(self.number_columns, np.arange(n_features))
        only_numbers = self.are_in_place and layout.width == layout.n_numbers
        # True also of a sparse fit that was read from a file.
        self.keeps_zeros = only_numbers and not self.center.any()
        self.layout = replace(layout, is_sparse=is_sparse and self.keeps_zeros)
        return self

    def transform(self, X):
        """Encode rows that have been through `check_table`.

        Returns
        -------
        inputs : ndarray or CSR matrix of shape (n_samples, layout.width), float32
            CSR for rows that are CSR, if `fit` was given such.
        """
        return self.pack(self.encode(X))

    def encode(self, X, *, checked=False):
        """As `TableEncoder.encode`; rows that are CSR stay so if these inputs keep zeros."""
        matrix = self.encoder.encode(X, checked=checked)
        return matrix if self.keeps_zeros or not issparse(matrix) else matrix.toarray()

    def pack(self, matrix):
        """As `transform`, of what `encode` has made of the rows."""
        if issparse(matrix):
            return self._scale_sparse(matrix)
        inputs = np.empty((len(matrix), self.layout.width), dtype=np.float32)
        for start in range(0, len(matrix), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            for out, part in zip(self.layout.split(inputs[rows]), self.parts(matrix[rows])):
                out[:] = part
        return inputs

    def parts(self, matrix):
        """Return the inputs of a few rows, one array for each kind in `layout`.

        Parameters
        ----------
        matrix : ndarray or CSR matrix of shape (n_samples, n_features)
            As `encode` gives it.

        Returns
        -------
        numbers : ndarray or CSR matrix of shape (n_samples, layout.n_numbers), float32
        indicators : ndarray of shape (n_samples, layout.n_indicators)
        categories : ndarray of shape (n_samples, len(layout.n_categories)), intp
        bins : ndarray of shape (n_samples, layout.n_embedded or 0), intp
        """
        if issparse(matrix):
            nothing = _no_columns(matrix.shape[0])
            return self._scale_sparse(matrix), nothing, nothing, nothing
        categories = _no_columns(len(matrix))
        numbers = np.asarray(matrix, dtype=np.float64)
        if self.category_columns.size:
            categories = numbers[:, self.category_columns]
            categories = np.where(np.isnan(categories), self.n_codes - 1, categories).astype(
                np.intp
            )
        if not self.are_in_place:
            numbers = numbers[:, self.number_columns]
        numbers, indicators = self._complete(numbers)
        if self.one_hot and self.category_columns.size:
            indicators = np.hstack([indicators, self._one_hot(categories)])
            categories = _no_columns(len(matrix))
        scaled = numbers - self.center
        scaled *= self.inverse_scale
        return clip_smoothly(scaled).astype(np.float32), indicators, categories, self._bins(numbers)

    def _scale_sparse(self, X):
        scaled = np.clip(X.data, -HUGE, HUGE, dtype=np.float64) * self.inverse_scale[X.indices]
        data = clip_smoothly(scaled).astype(np.float32)
        return csr_matrix((data, X.indices, X.indptr), shape=X.shape)

    def _complete(self, numbers):
        """Fill in missing numbers; return them and the missing indicators."""
        # One product looks at all values at once: it is NaN if one is, and huge if one is.
        if np.vdot(numbers, numbers) < HUGE:
            return numbers, np.zeros((len(numbers), len(self.missing_columns)), dtype=np.float32)
        missing = np.isnan(numbers)
        # What is that far away is clipped later, and must not overflow on the way there.
        numbers = np.clip(np.where(missing, self.center, numbers), -HUGE, HUGE)
        return numbers, missing[:, self.missing_columns]

    def _bins(self, numbers):
        """Return the bin of each embedded number: how many split points it exceeds."""
        if not self.layout.n_bins:
            return _no_columns(len(numbers))
        columns = np.ascontiguousarray(numbers[:, : self.layout.n_embedded].T)
        exceeds = columns[:, None, :] > self.split_points[:, :, None]
        # Bytes are added several times as fast as numpy adds booleans.
        narrow = np.uint8 if self.layout.n_bins <= 256 else np.intp
        return np.add.reduce(exceeds.view(np.uint8), axis=1, dtype=narrow).T.astype(np.intp)

    def _one_hot(self, codes):
        indicators = np.zeros((len(codes), self.n_codes.sum()), dtype=np.float32)
        columns = codes.astype(np.intp) + np.cumsum(self.n_codes) - self.n_codes
        np.put_along_axis(indicators, columns, 1, axis=1)
        return indicators


class UnscaledInputs:
    """Rows as they are, in float32, for a module of one's own that wants them so."""

    def fit(self, X, targets, rng, *, encoder=None):
        """Freeze the shape of a row; a table's columns must be numbers."""
        self.encoder = TableEncoder().fit_checked(X)
        if self.encoder.is_categorical_.any():
            raise ValueError(
                "the student's module was cut from a teacher that takes X as it is, but X has "
                f"categories, first in column {int(self.encoder.is_categorical_.argmax())}: encode "
                "them as for that teacher, or take a NetClassifier as teacher."
            )
        width = math.prod(X.shape[1:])
        self.layout = InputLayout(
            n_numbers=width, n_embedded=width, n_indicators=0, n_categories=(), n_bins=0
        )
        self.transform(X)
        return self

    def transform(self, X):
        """Rows that have been through `check_table`, as ndarray of float32, or CSR as CSR."""
        return self.pack(self.encode(X))

    def encode(self, X, *, checked=False):
        """As `TableEncoder.encode`; rows of several axes as they are."""
        return X if len(X.shape) > 2 else self.encoder.encode(X, checked=checked)

    def pack(self, matrix):
        """As `transform`, of what `encode` has made of the rows."""
        if issparse(matrix):
            return matrix.astype(np.float32)
        inputs = np.asarray(matrix, dtype=np.float32)
        if not np.isfinite(inputs).all():
            raise ValueError(
                "the student's module takes X as it is, but X has missing values, or too large "
                "ones for float32: impute them as for its teacher."
            )
        return inputs


def _no_columns(n_samples):
    return np.empty((n_samples, 0), dtype=np.intp)
