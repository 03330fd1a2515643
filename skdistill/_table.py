"""A table's columns, frozen at fit: numbers, categories, missing values."""

import math
from contextlib import contextmanager
from numbers import Real

import numpy as np
from scipy.sparse import issparse
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

from skdistill._frames import (
    as_floats,
    as_objects,
    column_of,
    holds_dates,
    holds_numbers,
    is_column,
    is_frame,
    select_columns,
)
from skdistill._levels import NO_DATES, is_missing, levels_of, rank_lookup, ranks
from skdistill._rows import FLOATS, as_columns, check_row_shape, check_sparse


def check_table(estimator, X, *, reset):
    """Check X as far as that can be done without looking into a frame's columns.

    A frame is returned as it is, with its number and names of columns checked; a sparse
    matrix becomes CSR, finite and without stored zeros; all else becomes a numeric
    ndarray, in which NaN is allowed, unless it has more than two axes, and infinity is not.
    """
    if hasattr(X, "collect"):
        raise TypeError(f"X is a {type(X).__name__}, which holds no rows yet: call X.collect().")
    if not hasattr(X, "shape"):
        X = np.asarray(X)
    check_row_shape(estimator, X.shape, reset=reset)
    if issparse(X):
        return check_sparse(estimator, X, reset=reset)
    if is_frame(X):
        _refuse_namesakes(X)
        validate_data(estimator, X, skip_check_array=True, reset=reset)
        if len(X) == 0 or X.shape[1] == 0:
            raise ValueError(
                f"Found a table of shape {X.shape} while a minimum of 1 sample(s) and "
                "1 feature(s) is required."
            )
        return X
    # An array's columns are numbers unless told; told ones may be strings in an object array.
    # So may those of an array whose columns are a fitted frame's.
    told = getattr(estimator, "categorical_features", None)
    untold = told is None or isinstance(told, str)
    of_frame = not reset and hasattr(estimator, "feature_names_in_")
    dtype = "numeric" if untold and not of_frame else None
    finite = "allow-nan" if len(X.shape) <= 2 else True
    with _words_named(X):
        return validate_data(
            estimator, X, dtype=dtype, ensure_all_finite=finite, allow_nd=True, reset=reset
        )


@contextmanager
def _words_named(X, mask=slice(None)):
    """Where scikit-learn finds a word in an array of numbers, say in which column."""
    try:
        yield
    except ValueError as error:
        if "could not convert string to float" not in str(error):
            raise
        objects = np.asarray(X, dtype=object)
        for j in np.arange(objects.shape[1])[mask]:
            for value in objects[:, j]:
                if _is_word(value):
                    raise ValueError(
                        f"Column {j} of X has {value!r}, and an array's columns are numbers "
                        "unless told: name it in categorical_features, or give a DataFrame."
                    ) from error
        raise


def _is_word(value):
    try:
        float(value)
    except (TypeError, ValueError):
        return isinstance(value, str)
    return False


def _refuse_namesakes(X):
    """Two columns of one name: which one a later table means could not be told."""
    names = list(X.columns)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            f"X has {names.count(twice)} columns of the name {twice!r}: rename or drop all but one."
        )


def is_clean_matrix(estimator, X):
    """Whether X is plainly what a fitted estimator expects, so that all checks would pass.

    `check_table` costs several times what a small net's prediction does. This looks for
    the common case alone: an array of floats, of the right width, without infinity.
    """
    # Only an array's subclasses and an estimator that knows names need a closer look.
    if type(X) is not np.ndarray or X.dtype not in FLOATS or X.ndim != 2:
        return False
    state = vars(estimator)
    if X.shape[1] != state.get("n_features_in_") or not len(X):
        return False
    if "feature_names_in_" in state or "row_shape_in_" in state:
        return False
    # Finite, or NaN for the one of two reasons that is allowed. Of all products this one
    # alone does not warn of an overflow.
    return math.isfinite(np.vdot(X, X)) or not np.isinf(X).any()


def check_training_rows(estimator, X, y, sample_weight=None):
    """Check what a classifier's `fit` was given.

    Returns
    -------
    X : DataFrame, CSR matrix or ndarray of shape (n_samples, n_features) or (n_samples, ...)
    y : ndarray of shape (n_samples,), int
        Class indices.
    classes : ndarray of shape (n_classes,)
    sample_weight : ndarray of shape (n_samples,) or None

    Raises
    ------
    ValueError
        If a label is missing, labels are of several types, all rows that count are of one
        class, or lengths differ.
    """
    name = type(estimator).__name__
    X = check_table(estimator, X, reset=True)
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    # Of a nullable column scikit-learn would make floats.
    y = column_or_1d(np.asarray(y) if is_column(y) else y, warn=True)
    check_consistent_length(X, y)
    missing = np.array([is_missing(label) for label in y], dtype=bool)
    if y.dtype.kind == "f":
        missing |= ~np.isfinite(y)
    if missing.any():
        raise ValueError(
            f"y contains NaN, infinity or None, first in row {int(missing.argmax())}: drop rows "
            "without label."
        )
    y = _of_one_type(y)
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


def _of_one_type(y):
    """Labels that came as objects, as the numbers or booleans that they are."""
    if y.dtype != object:
        return y
    types = [_type_of_label(label) for label in y]
    kinds, first = np.unique(types, return_index=True)
    if len(kinds) > 1:
        found = " and ".join(f"{y[row]!r} in row {row}" for row in sorted(first))
        raise ValueError(
            f"y has labels of several types, {found}: make them all strings, or all numbers."
        )
    return np.array(y.tolist()) if types[0] in ("bool", "number") else y


def _type_of_label(label):
    if isinstance(label, (bool, np.bool_)):
        return "bool"
    if isinstance(label, str):
        return "str"
    return "number" if isinstance(label, Real) else type(label).__name__


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
            mask[:] = [not holds_numbers(dtype) for dtype in X.dtypes]
        return mask

    chosen = np.asarray(categorical_features)
    if chosen.size == 0:
        return mask
    if issparse(X):
        raise ValueError(
            "categorical_features names columns of a sparse X, whose columns are numbers: encode "
            "them as flags (OneHotEncoder), or pass a DataFrame."
        )
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


def _check_dtypes(X, is_categorical):
    """Refuse a frame's columns that are neither numbers nor categories."""
    for name, dtype, told in zip(X.columns, X.dtypes, is_categorical):
        if holds_dates(dtype):
            raise ValueError(f"Column {name!r} {NO_DATES} Its dtype is {dtype}.")
        if not told and not holds_numbers(dtype):
            raise ValueError(
                f"Column {name!r} of dtype {dtype} holds no numbers, and categorical_features "
                "does not name it: name it there, or convert it to numbers."
            )


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
        X = as_columns(check_table(self, X, reset=True))
        self.is_categorical_ = categorical_mask(X, self.categorical_features)
        names = range(X.shape[1])
        if is_frame(X):
            names = X.columns
            _check_dtypes(X, self.is_categorical_)
        return self._know(
            [
                levels_of(as_objects(column_of(X, j)), names[j])
                for j in np.flatnonzero(self.is_categorical_)
            ]
        )

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
        matrix : ndarray or CSR matrix of shape (n_samples, n_features)
            Rows of more than one axis are flattened.
        """
        check_is_fitted(self)
        return self.encode(check_table(self, X, reset=False))

    def encode(self, X, *, checked=False):
        """As `transform`, of an X that has been through `check_table` already.

        Parameters
        ----------
        X : DataFrame, CSR matrix or ndarray of shape (n_samples, n_features)
        checked : bool, default=False
            Whether X is known to be an ndarray of floats without infinity.
        """
        if issparse(X) or (checked and not self.levels_):
            return X
        X = as_columns(X)
        categorical = self.is_categorical_
        numbers = X[:, ~categorical] if checked else _numbers(X, ~categorical)
        if not self.levels_:
            return numbers
        matrix = np.empty(X.shape, dtype=np.float64)
        matrix[:, ~categorical] = numbers
        for j, levels, lookup in zip(np.flatnonzero(categorical), self.levels_, self._lookups):
            matrix[:, j] = ranks(_categories(X, j, levels), levels, lookup)
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
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def _categories(X, j, levels):
    """A categorical column, whatever kept it."""
    column = column_of(X, j)
    if hasattr(column, "cat") and hasattr(column, "array"):  # pandas knows its codes
        return column.array
    if not is_frame(X):
        return column
    objects = as_objects(column)
    now_numbers = levels.dtype.kind == "U" and holds_numbers(column.dtype)
    if now_numbers and not all(map(is_missing, objects)):
        raise ValueError(
            f"Column {column.name!r} held strings at fit and now is of dtype {column.dtype}: "
            "read or convert it as strings."
        )
    return objects


def _numbers(X, mask):
    """The numeric columns as floats; infinity is an error that names its column."""
    if not is_frame(X):
        columns = X if mask.all() else X[:, mask]
        with _words_named(X, mask):
            return check_array(
                columns, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan",
                ensure_min_features=0,
            )  # fmt: skip
    frame = X if mask.all() else select_columns(X, np.flatnonzero(mask))
    for name, dtype in zip(frame.columns, frame.dtypes):
        if not holds_numbers(dtype):
            raise ValueError(f"Column {name!r} held numbers at fit and now is of dtype {dtype}.")
    numbers = as_floats(frame)
    if not np.isfinite(numbers.sum()):  # one look at all is cheaper than one at each
        infinite = np.isinf(numbers).any(0)
        if infinite.any():
            raise ValueError(
                f"Input X contains infinity in column {frame.columns[infinite.argmax()]!r}: "
                "replace it by NaN or a finite number."
            )
    return numbers
