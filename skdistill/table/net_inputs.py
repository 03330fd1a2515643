"""What a net sees of a table: one float matrix, cut up by its layout."""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix, issparse

from skdistill.table.bins import (
    FEWEST_ROWS_WITH_STEPS,
    MOST_NUMBERS_WITH_STEPS,
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
    n_curved: int  # the numbers before those, which alone have waves and steps
    n_flags: int  # 1 where a number was missing
    n_levels: tuple  # categories as codes; the number of codes of each
    n_bins: int  # each curved number's step, 0 to n_bins - 1; no such columns if 0
    is_sparse: bool = False  # numbers that are mostly zero, as CSR

    @property
    def width(self):
        steps = self.n_curved if self.n_bins else 0
        return self.n_numbers + self.n_flags + len(self.n_levels) + steps

    def split(self, X):
        """Cut X of shape (n_samples, width) into numbers, flags, levels and steps."""
        a = self.n_numbers
        b = a + self.n_flags
        c = b + len(self.n_levels)
        return X[:, :a], X[:, a:b], X[:, b:c], X[:, c:]


class NetInputs:
    """What a net sees of a table: one float32 matrix, cut up by `layout`.

    Numbers are centred by their median, scaled by their interquartile range and
    smoothly clipped to (-3, 3); a missing one is a zero and, where `fit` saw some, a
    flag. Each also comes as the step it stands on: the steps end where a regression
    tree on that column alone splits the targets, so that a net can jump where a tree
    ensemble does; of a column of two values there is nothing more to know. Categories come
    as codes, with one more for missing and unseen.

    The columns of a sparse matrix are numbers that keep their zeros: not centred, clipped
    alike, without steps, and scaled alike, so that what a vectoriser gave a word as weight
    counts; only a column ten times off gets a scale of its own. CSR comes out as CSR, and
    dense rows as the same numbers.

    Parameters
    ----------
    categorical_features : "from_dtype", None, or array-like
        As in `TableEncoder`.
    max_bins : int or "auto", default="auto"
        Steps a number at most; 0 for none. "auto": 16, but none for fewer than 1,000 rows,
        too few to find steps in, or more than 100 numbers of more than two values, whose steps
        would outweigh the rest of the net.
    one_hot : bool, default=False
        Give categories as flags, for a net that embeds nothing.

    References
    ----------
    Scaling: RealMLP, arXiv:2407.04491. Bins from trees on the targets: Gorishniy et
    al. 2022, arXiv:2203.05556.
    """

    def __init__(self, categorical_features="from_dtype", *, max_bins="auto", one_hot=False):
        self.categorical_features = categorical_features
        self.max_bins = max_bins
        self.one_hot = one_hot

    def fit(self, X, targets, rng):
        """Freeze the columns.

        Parameters
        ----------
        X : table or CSR matrix of shape (n_samples, n_features)
        targets : ndarray of shape (n_samples, n_classes) or None
            Probabilities, or labels as 0 and 1: what the steps are to follow. Not
            needed without steps.
        rng : RandomState
        """
        self.table = TableEncoder(self.categorical_features).fit(X)
        matrix = self.table.encode(X)
        if issparse(matrix):
            return self._fit_sparse(matrix)
        number_columns = np.flatnonzero(~self.table.is_categorical_)
        rows = slice(None)
        if len(matrix) > ROWS_FOR_STATISTICS:
            rows = rng.choice(len(matrix), ROWS_FOR_STATISTICS, replace=False)
            targets = targets if targets is None else targets[rows]
        of_two = has_two_values(matrix[rows][:, number_columns])
        if self.one_hot:  # a module that embeds nothing may know columns by their place
            of_two[:] = False
        self.number_columns = np.concatenate([number_columns[~of_two], number_columns[of_two]])
        self.flag_columns = np.flatnonzero(np.isnan(matrix[:, self.number_columns]).any(0))
        # Medians of float32 would be rounded, and be others than those of the same doubles.
        numbers = matrix[rows][:, self.number_columns].astype(np.float64)
        self.center, self.inverse_scale = robust_scale(numbers)
        curved, max_bins = numbers[:, : int((~of_two).sum())], self.max_bins
        if max_bins == "auto":
            enough = X.shape[0] >= FEWEST_ROWS_WITH_STEPS
            max_bins = 16 if enough and curved.shape[1] <= MOST_NUMBERS_WITH_STEPS else 0
        self.split_points = find_split_points(curved, targets, max_bins)
        return self._lay_out()

    def _fit_sparse(self, X):
        n_features = X.shape[1]
        self.number_columns, self.flag_columns = np.arange(n_features), np.arange(0)
        self.center, self.split_points = np.zeros(n_features), np.zeros((n_features, 0))
        self.inverse_scale = sparse_scale(X)
        return self._lay_out(is_sparse=True)

    @classmethod
    def from_arrays(
        cls,
        is_categorical,
        levels,
        number_columns,
        center,
        inverse_scale,
        split_points,
        flag_columns,
        *,
        is_sparse=False,
    ):
        """Fitted inputs of what an earlier fit has found, as `to_arrays` tells it.

        `is_sparse` is for a net that is to be trained on CSR; predicting does without.
        """
        inputs = cls(is_categorical)
        inputs.table = TableEncoder.from_levels(is_categorical, levels)
        inputs.number_columns = number_columns
        inputs.center, inputs.inverse_scale = center, inverse_scale
        inputs.split_points, inputs.flag_columns = split_points, flag_columns
        return inputs._lay_out(is_sparse=is_sparse)

    def to_arrays(self):
        """What `fit` has found, as the arguments of `from_arrays`; not of `one_hot` inputs."""
        return {
            "is_categorical": self.table.is_categorical_,
            "levels": self.table.levels_,
            "number_columns": self.number_columns,
            "center": self.center,
            "inverse_scale": self.inverse_scale,
            "split_points": self.split_points,
            "flag_columns": self.flag_columns,
        }

    def _lay_out(self, *, is_sparse=False):
        self.level_columns = np.flatnonzero(self.table.is_categorical_)
        # One code more than levels: missing, and not seen here.
        self.n_codes = self.table.n_levels_[self.level_columns] + 1
        layout = InputLayout(
            n_numbers=len(self.number_columns),
            n_curved=len(self.split_points),
            n_flags=len(self.flag_columns) + (int(self.n_codes.sum()) if self.one_hot else 0),
            n_levels=() if self.one_hot else tuple(self.n_codes.tolist()),
            n_bins=self.split_points.shape[1] + 1 if self.split_points.shape[1] else 0,
        )
        n_features = len(self.table.n_levels_)
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
        matrix = self.table.encode(X, checked=checked)
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
        """The inputs of a few rows, one array for each kind that `layout` tells apart.

        Parameters
        ----------
        matrix : ndarray or CSR matrix of shape (n_samples, n_features)
            As `encode` gives it.

        Returns
        -------
        numbers : ndarray or CSR matrix of shape (n_samples, layout.n_numbers), float32
        flags : ndarray of shape (n_samples, layout.n_flags)
        levels : ndarray of shape (n_samples, len(layout.n_levels)), intp
        steps : ndarray of shape (n_samples, layout.n_curved or 0), intp
        """
        if issparse(matrix):
            nothing = _no_columns(matrix.shape[0])
            return self._scale_sparse(matrix), nothing, nothing, nothing
        levels = _no_columns(len(matrix))
        numbers = np.asarray(matrix, dtype=np.float64)
        if self.level_columns.size:
            levels = numbers[:, self.level_columns]
            levels = np.where(np.isnan(levels), self.n_codes - 1, levels).astype(np.intp)
        if not self.are_in_place:
            numbers = numbers[:, self.number_columns]
        numbers, flags = self._complete(numbers)
        if self.one_hot and self.level_columns.size:
            flags = np.hstack([flags, self._flags(levels)])
            levels = _no_columns(len(matrix))
        scaled = numbers - self.center
        scaled *= self.inverse_scale
        return clip_smoothly(scaled).astype(np.float32), flags, levels, self._steps(numbers)

    def _scale_sparse(self, X):
        scaled = np.clip(X.data, -HUGE, HUGE, dtype=np.float64) * self.inverse_scale[X.indices]
        data = clip_smoothly(scaled).astype(np.float32)
        return csr_matrix((data, X.indices, X.indptr), shape=X.shape)

    def _complete(self, numbers):
        """Fill in what is missing, and tell where that was."""
        # One product looks at all values at once: it is NaN if one is, and huge if one is.
        if np.vdot(numbers, numbers) < HUGE:
            return numbers, np.zeros((len(numbers), len(self.flag_columns)), dtype=np.float32)
        missing = np.isnan(numbers)
        # What is that far away is clipped later, and must not overflow on the way there.
        numbers = np.clip(np.where(missing, self.center, numbers), -HUGE, HUGE)
        return numbers, missing[:, self.flag_columns]

    def _steps(self, numbers):
        """How many of its column's split points each curved number exceeds."""
        if not self.layout.n_bins:
            return _no_columns(len(numbers))
        columns = np.ascontiguousarray(numbers[:, : self.layout.n_curved].T)
        exceeds = columns[:, None, :] > self.split_points[:, :, None]
        # Bytes are added several times as fast as numpy adds booleans.
        narrow = np.uint8 if self.layout.n_bins <= 256 else np.intp
        return np.add.reduce(exceeds.view(np.uint8), axis=1, dtype=narrow).T.astype(np.intp)

    def _flags(self, codes):
        flags = np.zeros((len(codes), self.n_codes.sum()), dtype=np.float32)
        columns = codes.astype(np.intp) + np.cumsum(self.n_codes) - self.n_codes
        np.put_along_axis(flags, columns, 1, axis=1)
        return flags


class UnscaledInputs:
    """Rows as they are, in float32, for a module of one's own that wants them so."""

    def fit(self, X, targets, rng):
        """Freeze the shape of a row; a table's columns must be numbers."""
        self.table = TableEncoder().fit(X)
        if self.table.is_categorical_.any():
            raise ValueError(
                "the student's module was cut from a teacher that takes X as it is, but X has "
                f"categories, first in column {int(self.table.is_categorical_.argmax())}: encode "
                "them as for that teacher, or take a NetClassifier as teacher."
            )
        width = math.prod(X.shape[1:])
        self.layout = InputLayout(n_numbers=width, n_curved=width, n_flags=0, n_levels=(), n_bins=0)
        self.transform(X)
        return self

    def transform(self, X):
        """Rows that have been through `check_table`, as ndarray of float32, or CSR as CSR."""
        return self.pack(self.encode(X))

    def encode(self, X, *, checked=False):
        """As `TableEncoder.encode`; rows of several axes as they are."""
        return X if len(X.shape) > 2 else self.table.encode(X, checked=checked)

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
