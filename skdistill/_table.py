"""A table's columns, frozen at fit: numbers, categories, missing values."""

import math

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
