"""A table's columns, frozen at fit: numbers, categories, missing values."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from skdistill.table.categories import NO_DATES, code_lookup, find_categories, is_missing, ranks
from skdistill.table.containers import (
    as_columns,
    as_floats,
    as_objects,
    column_of,
    holds_dates,
    holds_numbers,
    is_frame,
    select_columns,
)
from skdistill.table.validation import check_table, naming_strings


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
            "them as indicators (OneHotEncoder), or pass a DataFrame."
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
    categories_ : list of ndarray
        The sorted categories of each categorical column.
    n_categories_ : ndarray of shape (n_features,)
        Levels of each categorical column; 0 for a number.
    """

    def __init__(self, categorical_features="from_dtype"):
        self.categorical_features = categorical_features

    def fit(self, X, y=None):
        """Learn which columns are categories and which categories they have."""
        return self.fit_checked(check_table(self, X, reset=True))

    def fit_checked(self, X):
        """As `fit`, of an X that has been through `check_table` already."""
        X = as_columns(X)
        self.is_categorical_ = categorical_mask(X, self.categorical_features)
        names = range(X.shape[1])
        if is_frame(X):
            names = X.columns
            _check_dtypes(X, self.is_categorical_)
        return self._know(
            [
                find_categories(as_objects(column_of(X, j)), names[j])
                for j in np.flatnonzero(self.is_categorical_)
            ]
        )

    @classmethod
    def from_categories(cls, is_categorical, categories):
        """Build a fitted encoder of the categories that an earlier one has found."""
        encoder = cls(is_categorical)
        encoder.is_categorical_ = is_categorical
        encoder.n_features_in_ = len(is_categorical)
        return encoder._know(categories)

    def _know(self, categories):
        self.categories_ = categories
        self.n_categories_ = np.zeros(len(self.is_categorical_), dtype=int)
        self.n_categories_[self.is_categorical_] = [len(each) for each in categories]
        self._lookups = [code_lookup(each) for each in categories]
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
        if issparse(X) or (checked and not self.categories_):
            return X
        X = as_columns(X)
        categorical = self.is_categorical_
        numbers = X[:, ~categorical] if checked else _numbers(X, ~categorical)
        if not self.categories_:
            return numbers
        matrix = np.empty(X.shape, dtype=np.float64)
        matrix[:, ~categorical] = numbers
        for j, categories, lookup in zip(
            np.flatnonzero(categorical), self.categories_, self._lookups
        ):
            matrix[:, j] = ranks(_categories(X, j, categories), categories, lookup)
        return matrix

    def __getstate__(self):
        return {key: value for key, value in super().__getstate__().items() if key != "_lookups"}

    def __setstate__(self, state):
        super().__setstate__(state)
        if "categories_" in state:
            self._lookups = [code_lookup(categories) for categories in self.categories_]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def _categories(X, j, categories):
    """A categorical column, whatever kept it."""
    column = column_of(X, j)
    if hasattr(column, "cat") and hasattr(column, "array"):  # pandas knows its codes
        return column.array
    if not is_frame(X):
        return column
    objects = as_objects(column)
    now_numbers = categories.dtype.kind == "U" and holds_numbers(column.dtype)
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
        with naming_strings(X, mask):
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
