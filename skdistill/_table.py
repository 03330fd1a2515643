"""A table's columns, frozen at fit: numbers, categories, missing values."""

import math
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from skdistill._levels import is_missing, plain_levels, rank_lookup, ranks

# More rows than this do not move a median or a split point.
ROWS_FOR_STATISTICS = 20_000
# Rows encoded at once: few enough that what is between stays in a core's cache.
ROWS_AT_ONCE = 256
HUGE = 1e100
_FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


def is_frame(X):
    """Whether X is a pandas DataFrame, or quacks enough like one."""
    return hasattr(X, "iloc") and hasattr(X, "dtypes")


def check_table(estimator, X, *, reset):
    """Check X as far as that can be done without looking into a frame's columns.

    A frame is returned as it is, with its number and names of columns checked; all
    else becomes a numeric ndarray, in which NaN is allowed and infinity is not.
    """
    if is_frame(X):
        validate_data(estimator, X, skip_check_array=True, reset=reset)
        if len(X) == 0 or X.shape[1] == 0:
            raise ValueError(
                f"Found a table of shape {X.shape} while a minimum of 1 sample(s) and "
                "1 feature(s) is required."
            )
        return X
    # An array's columns are numbers unless told; told ones may be strings in an object array.
    told = getattr(estimator, "categorical_features", None)
    dtype = "numeric" if told is None or isinstance(told, str) else None
    return validate_data(estimator, X, dtype=dtype, ensure_all_finite="allow-nan", reset=reset)


def is_clean_matrix(estimator, X):
    """Whether X is plainly what a fitted estimator expects, so that all checks would pass.

    `check_table` costs several times what a small net's prediction does. This looks for
    the common case alone: an array of floats, of the right width, without infinity.
    """
    # Only an array's subclasses and an estimator that knows names need a closer look.
    if type(X) is not np.ndarray or X.dtype not in _FLOATS or X.ndim != 2:
        return False
    state = vars(estimator)
    if X.shape[1] != state.get("n_features_in_") or not len(X) or "feature_names_in_" in state:
        return False
    # Finite, or NaN for the one of two reasons that is allowed. Of all products this one
    # alone does not warn of an overflow.
    return math.isfinite(np.vdot(X, X)) or not np.isinf(X).any()


def check_training_rows(estimator, X, y, sample_weight=None):
    """Check what a classifier's `fit` was given.

    Returns
    -------
    X : DataFrame or ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,), int
        Class indices.
    classes : ndarray of shape (n_classes,)
    sample_weight : ndarray of shape (n_samples,) or None

    Raises
    ------
    ValueError
        If a label is missing, all rows that count are of one class, or lengths differ.
    """
    name = type(estimator).__name__
    X = check_table(estimator, X, reset=True)
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    y = column_or_1d(y, warn=True)
    check_consistent_length(X, y)
    missing = np.array([is_missing(label) for label in y], dtype=bool)
    if y.dtype.kind == "f":
        missing |= ~np.isfinite(y)
    if missing.any():
        raise ValueError(
            f"y contains NaN, infinity or None, first in row {int(missing.argmax())}: drop rows "
            "without label."
        )
    check_classification_targets(y)
    if sample_weight is not None:
        sample_weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
    classes, y = np.unique(y, return_inverse=True)
    present = classes if sample_weight is None else classes[np.unique(y[sample_weight > 0])]
    if len(present) < 2:
        raise ValueError(
            f"{name} needs at least two classes, but the rows that count are of one class: "
            f"{present.tolist()}."
        )
    return X, y, classes, sample_weight


def categorical_mask(X, categorical_features):
    """Which columns of X hold categories, bool of shape (n_features,).

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_samples, n_features)
    categorical_features : "from_dtype", None, or array-like
        "from_dtype": the columns of a frame that are neither numbers nor booleans;
        none of an array. Otherwise a mask, or names or indices of columns.

    Raises
    ------
    ValueError
        If a name or an index is not a column of X.
    """
    n_features = X.shape[1]
    mask = np.zeros(n_features, dtype=bool)
    if categorical_features is None:
        return mask
    if isinstance(categorical_features, str):
        if categorical_features != "from_dtype":
            raise ValueError(
                "categorical_features must be 'from_dtype', None, or an array of names, "
                f"indices or booleans, got {categorical_features!r}."
            )
        if is_frame(X):
            mask[:] = [not _holds_numbers(dtype) for dtype in X.dtypes]
            _refuse_dates(X)
        return mask

    chosen = np.asarray(categorical_features)
    if chosen.size == 0:
        return mask
    if chosen.dtype == bool:
        if chosen.shape != (n_features,):
            raise ValueError(
                f"categorical_features is a mask of shape {chosen.shape}, but X has "
                f"{n_features} columns."
            )
        return chosen
    if chosen.dtype.kind in "iu":
        outside = chosen[(chosen < 0) | (chosen >= n_features)]
        if outside.size:
            raise ValueError(
                f"categorical_features names column {outside[0]}, but X has columns 0 to "
                f"{n_features - 1}."
            )
        mask[chosen] = True
        return mask
    names = list(X.columns) if is_frame(X) else []
    for name in chosen.tolist():
        if name not in names:
            raise ValueError(
                f"categorical_features names column {name!r}, which X does not have: "
                f"{names if names else 'it is an array, whose columns have no names'}."
            )
        mask[[column == name for column in names]] = True
    return mask


def _refuse_dates(X):
    """A date is no category: every later one would be unseen."""
    for name, dtype in zip(X.columns, X.dtypes):
        if getattr(dtype, "kind", "O") in "mM":
            raise ValueError(
                f"Column {name!r} holds dates or durations ({dtype}): turn it into numbers, such "
                "as a year, a weekday, or days since the first."
            )


def _holds_numbers(dtype):
    # Nullable pandas dtypes are no numpy dtypes but have a kind; strings of pandas 3 have
    # one too, so what is asked for is a number, not "not object".
    return getattr(dtype, "kind", "O") in "biuf"


class TableEncoder(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Turn a mixed table into one float matrix with a column for each of its own.

    A number stays as it is, a category becomes the rank of its level, and whatever is
    missing, or a level that `fit` has not seen, becomes NaN.

    Parameters
    ----------
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        As in `sklearn.ensemble.HistGradientBoostingClassifier`: by default the
        columns of a DataFrame that are neither numbers nor booleans. An array's
        columns are numbers unless told.

    Attributes
    ----------
    levels_ : list of ndarray
        The sorted levels of each categorical column.
    n_levels_ : ndarray of shape (n_features,)
        Levels of each categorical column; 0 for a number.
    """

    def __init__(self, categorical_features="from_dtype"):
        self.categorical_features = categorical_features

    def fit(self, X, y=None):
        """Learn which columns are categories and which levels they have."""
        X = check_table(self, X, reset=True)
        self.is_categorical_ = categorical_mask(X, self.categorical_features)
        levels = []
        if self.is_categorical_.any():
            # Here, because it loads much and a model that predicts does without.
            from sklearn.preprocessing import OrdinalEncoder

            ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
            try:
                ordinal.fit(_categories(X, self.is_categorical_))
            except TypeError as error:
                raise ValueError(
                    "a column of categories must hold strings or numbers, not both, and "
                    f"{_mixed_column(X, self.is_categorical_)} does not: convert it with "
                    "astype(str)."
                ) from error
            levels = [plain_levels(found) for found in ordinal.categories_]
        return self._know(levels)

    @classmethod
    def from_levels(cls, is_categorical, levels):
        """Build a fitted encoder of the levels that an earlier one has found."""
        encoder = cls(is_categorical)
        encoder.is_categorical_ = is_categorical
        encoder.n_features_in_ = len(is_categorical)
        return encoder._know(levels)

    def _know(self, levels):
        self.levels_ = levels
        self.n_levels_ = np.zeros(len(self.is_categorical_), dtype=int)
        self.n_levels_[self.is_categorical_] = [len(each) for each in levels]
        self._lookups = [rank_lookup(each) for each in levels]
        return self

    def transform(self, X):
        """Encode X.

        Returns
        -------
        matrix : ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        return self.encode(check_table(self, X, reset=False))

    def encode(self, X, *, checked=False):
        """As `transform`, of an X that has been through `check_table` already.

        Parameters
        ----------
        X : DataFrame or ndarray of shape (n_samples, n_features)
        checked : bool, default=False
            Whether X is known to be an ndarray of floats without infinity.
        """
        if checked and not self.levels_:
            return X
        categorical = self.is_categorical_
        numbers = X[:, ~categorical] if checked else _numbers(X, ~categorical)
        if not self.levels_:
            return numbers
        matrix = np.empty(X.shape, dtype=np.float64)
        matrix[:, ~categorical] = numbers
        for j, levels, lookup in zip(np.flatnonzero(categorical), self.levels_, self._lookups):
            matrix[:, j] = ranks(_column(X, j), levels, lookup)
        return matrix

    def __getstate__(self):
        return {key: value for key, value in super().__getstate__().items() if key != "_lookups"}

    def __setstate__(self, state):
        super().__setstate__(state)
        if "levels_" in state:
            self._lookups = [rank_lookup(levels) for levels in self.levels_]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def _categories(X, mask):
    """The categorical columns as objects, whatever kept them."""
    if is_frame(X):
        return X.iloc[:, np.flatnonzero(mask)].astype(object).to_numpy(na_value=np.nan)
    return X[:, mask]


def _mixed_column(X, mask):
    """Name of the first categorical column whose values cannot be sorted."""
    names = X.columns if is_frame(X) else np.arange(X.shape[1])
    for name, values in zip(names[mask], _categories(X, mask).T):
        try:
            np.unique([value for value in values if not is_missing(value)])
        except (TypeError, ValueError):
            return f"column {name!r}"
        if len({isinstance(value, str) for value in values if not is_missing(value)}) > 1:
            return f"column {name!r}"
    return "one of them"


def _column(X, j):
    """A categorical column, whatever kept it."""
    if not is_frame(X):
        return X[:, j]
    column = X.iloc[:, j]
    if hasattr(column, "cat"):
        return column.array
    return column.to_numpy(dtype=object)


def _numbers(X, mask):
    """The numeric columns as floats; infinity is an error that names its column."""
    if not is_frame(X):
        columns = X if mask.all() else X[:, mask]
        return check_array(
            columns, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan",
            ensure_min_features=0,
        )  # fmt: skip
    frame = X if mask.all() else X.iloc[:, np.flatnonzero(mask)]
    for name, dtype in zip(frame.columns, frame.dtypes):
        if not _holds_numbers(dtype):
            raise ValueError(f"Column {name!r} held numbers at fit and now is of dtype {dtype}.")
    numbers = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    if not np.isfinite(numbers.sum()):  # one look at all is cheaper than one at each
        infinite = np.isinf(numbers).any(0)
        if infinite.any():
            raise ValueError(
                f"Input X contains infinity in column {frame.columns[infinite.argmax()]!r}: "
                "replace it by NaN or a finite number."
            )
    return numbers


@dataclass(frozen=True)
class InputLayout:
    """Which columns of a net's input are what, in this order."""

    n_numbers: int  # scaled numbers
    n_flags: int  # 1 where a number was missing
    n_levels: tuple  # categories as codes; the number of codes of each
    n_bins: int  # each number's step, 0 to n_bins - 1; no such columns if 0

    @property
    def width(self):
        steps = self.n_numbers if self.n_bins else 0
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
    ensemble does. Categories come as codes, with one more for missing and unseen.

    Parameters
    ----------
    categorical_features : "from_dtype", None, or array-like
        As in `TableEncoder`.
    max_bins : int or "auto", default="auto"
        Steps a number at most; 0 for none. "auto": 16, but none for fewer than 1,000 rows,
        too few to find steps in, or more than 32 numbers, whose steps would outweigh the
        rest of the net.
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
        X : table of shape (n_samples, n_features)
        targets : ndarray of shape (n_samples, n_classes) or None
            Probabilities, or labels as 0 and 1: what the steps are to follow. Not
            needed without steps.
        rng : RandomState
        """
        self.table = TableEncoder(self.categorical_features).fit(X)
        matrix = self.table.encode(X)
        self.number_columns = np.flatnonzero(~self.table.is_categorical_)
        self.flag_columns = np.flatnonzero(np.isnan(matrix[:, self.number_columns]).any(0))
        if len(matrix) > ROWS_FOR_STATISTICS:
            rows = rng.choice(len(matrix), ROWS_FOR_STATISTICS, replace=False)
            matrix, targets = matrix[rows], targets if targets is None else targets[rows]
        numbers = matrix[:, self.number_columns]
        self.center, self.inverse_scale = _robust_scale(numbers)
        max_bins = self.max_bins
        if max_bins == "auto":
            max_bins = 16 if len(X) >= 1_000 and numbers.shape[1] <= 32 else 0
        self.split_points = _split_points(numbers, targets, max_bins)
        return self._lay_out()

    @classmethod
    def from_arrays(
        cls, is_categorical, levels, center, inverse_scale, split_points, flag_columns, *, max_bins
    ):
        """Fitted inputs of what an earlier fit has found."""
        inputs = cls(is_categorical, max_bins=max_bins)
        inputs.table = TableEncoder.from_levels(is_categorical, levels)
        inputs.number_columns = np.flatnonzero(~is_categorical)
        inputs.center, inputs.inverse_scale = center, inverse_scale
        inputs.split_points, inputs.flag_columns = split_points, flag_columns
        return inputs._lay_out()

    def _lay_out(self):
        self.level_columns = np.flatnonzero(self.table.is_categorical_)
        # One code more than levels: missing, and not seen here.
        self.n_codes = self.table.n_levels_[self.level_columns] + 1
        self.layout = InputLayout(
            n_numbers=len(self.number_columns),
            n_flags=len(self.flag_columns) + (int(self.n_codes.sum()) if self.one_hot else 0),
            n_levels=() if self.one_hot else tuple(self.n_codes.tolist()),
            n_bins=self.split_points.shape[1] + 1 if self.split_points.shape[1] else 0,
        )
        return self

    def transform(self, X):
        """Encode rows that have been through `check_table`.

        Returns
        -------
        inputs : ndarray of shape (n_samples, layout.width), float32
        """
        return self.pack(self.table.encode(X))

    def pack(self, matrix):
        """As `transform`, of what `TableEncoder.encode` has made of the rows."""
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
        matrix : ndarray of shape (n_samples, n_features)
            As `TableEncoder.encode` gives it.

        Returns
        -------
        numbers : ndarray of shape (n_samples, layout.n_numbers), float32
        flags : ndarray of shape (n_samples, layout.n_flags)
        levels : ndarray of shape (n_samples, len(layout.n_levels)), intp
        steps : ndarray of shape (n_samples, layout.n_numbers or 0), intp
        """
        levels = _no_columns(len(matrix))
        numbers = np.asarray(matrix, dtype=np.float64)
        if self.level_columns.size:
            levels = numbers[:, self.level_columns]
            levels = np.where(np.isnan(levels), self.n_codes - 1, levels).astype(np.intp)
            numbers = numbers[:, self.number_columns]
        numbers, flags = self._complete(numbers)
        if self.one_hot and self.level_columns.size:
            flags = np.hstack([flags, self._flags(levels)])
            levels = _no_columns(len(matrix))
        scaled = numbers - self.center
        scaled *= self.inverse_scale
        bend = np.square(scaled * (1 / 3))
        bend += 1
        scaled /= np.sqrt(bend, out=bend)
        return scaled.astype(np.float32), flags, levels, self._steps(numbers)

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
        """How many of its column's split points each number exceeds."""
        if not self.layout.n_bins:
            return _no_columns(len(numbers))
        columns = np.ascontiguousarray(numbers.T)
        exceeds = columns[:, None, :] > self.split_points[:, :, None]
        # Bytes are added several times as fast as numpy adds booleans.
        narrow = np.uint8 if self.layout.n_bins <= 256 else np.intp
        return np.add.reduce(exceeds.view(np.uint8), axis=1, dtype=narrow).T.astype(np.intp)

    def _flags(self, codes):
        flags = np.zeros((len(codes), self.n_codes.sum()), dtype=np.float32)
        columns = codes.astype(np.intp) + np.cumsum(self.n_codes) - self.n_codes
        np.put_along_axis(flags, columns, 1, axis=1)
        return flags


def _no_columns(n_samples):
    return np.empty((n_samples, 0), dtype=np.intp)


def _robust_scale(numbers):
    """Median and 1 / interquartile range of each column; 0 where nothing varies."""
    if not len(numbers) or not numbers.shape[1]:
        return np.zeros(numbers.shape[1]), np.zeros(numbers.shape[1])
    seen = np.where(np.isnan(numbers).all(0), 0.0, numbers)  # an empty column is a constant
    low, quarter, center, three_quarters, high = np.nanquantile(
        seen, [0, 0.25, 0.5, 0.75, 1], axis=0
    )
    spread = three_quarters - quarter
    spread = np.where(spread > 0, spread, (high - low) / 2)
    # A constant's weights are never trained, so whatever it may become stays without effect.
    inverse = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
    return center, inverse


def _split_points(numbers, targets, max_bins):
    """Where a tree on one column alone splits the targets.

    Returns
    -------
    points : ndarray of shape (n_columns, n_bins - 1)
        Each row sorted, and filled up with infinity.
    """
    if not max_bins:
        return np.zeros((numbers.shape[1], 0))
    from sklearn.tree import DecisionTreeRegressor

    # One column leaves nothing to draw; a seed keeps numpy's own generator as it was.
    tree = DecisionTreeRegressor(max_leaf_nodes=max_bins, min_samples_leaf=10, random_state=0)
    points = []
    for column in numbers.T:
        seen = ~np.isnan(column)
        found = np.array([])
        if seen.sum() > 1:
            fitted = tree.fit(column[seen, None], targets[seen]).tree_
            found = np.unique(fitted.threshold[fitted.children_left >= 0])
        points.append(found)
    n_points = max((len(found) for found in points), default=0)
    out = np.full((len(points), max(n_points, 1)), np.inf)
    for row, found in zip(out, points):
        row[: len(found)] = found
    return out
