"""Encoder of a mixed table: which columns are categorical, and their codes."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from skdistill.sklearn_private import DocumentationLink
from skdistill.table.categories import (
    NO_DATES,
    code_lookup,
    encode_categories,
    find_categories,
    hold_strings,
)
from skdistill.table.containers import (
    as_columns,
    as_floats,
    as_objects,
    column_of,
    first_other_than_number,
    holds_categories,
    holds_dates,
    holds_numbers,
    is_frame,
    is_missing,
    is_numeric,
    select_columns,
    with_nan,
)
from skdistill.table.validation import check_table, name_column_of_objects


def categorical_mask(X, categorical_features):
    """Return a mask of the categorical columns of X.

    Parameters
    ----------
    X : DataFrame, CSR matrix or ndarray of shape (n_samples, n_features)
    categorical_features : "from_dtype", None, or array-like
        "from_dtype": the columns of a DataFrame that hold neither numbers nor booleans; no
        column of an array. Where the dtype is object, the values decide. None: no column.
        Otherwise a mask, or names or indices of columns.

    Returns
    -------
    mask : ndarray of bool of shape (n_features,)

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
            mask[:] = [not is_numeric(column_of(X, j)) for j in range(n_features)]
        return mask

    chosen = np.asarray(categorical_features)
    if chosen.size == 0:
        return mask
    if issparse(X):
        raise ValueError(
            "categorical_features names columns of a sparse X, whose columns must be numbers: "
            "encode them with OneHotEncoder, or pass a DataFrame."
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
    """Check that each column of a frame holds numbers or is categorical."""
    for j, (name, dtype, is_named) in enumerate(zip(X.columns, X.dtypes, is_categorical)):
        if holds_dates(dtype):
            raise ValueError(f"Column {name!r} {NO_DATES} Its dtype is {dtype}.")
        if not is_named and first_other_than_number(column_of(X, j)) is not None:
            raise ValueError(
                f"Column {name!r} of dtype {dtype} holds no numbers, and categorical_features "
                "does not name it: name it there, or convert it to numbers."
            )


class TableEncoder(DocumentationLink, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Encode a mixed table as one matrix of floats, column by column.

    Numbers are unchanged, and a category becomes its code: its position among the sorted
    categories of its column. Missing values and categories that were not seen in `fit` become
    NaN.

    Parameters
    ----------
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        The categorical columns, as in `sklearn.ensemble.HistGradientBoostingClassifier`.

        - "from_dtype": the columns of a DataFrame that hold neither numbers nor booleans; no
          column of an array. Where the dtype is object, the values decide.
        - None: no column.
        - array-like of bool of shape (n_features,), or of int or str: a mask, or the indices or
          names of the columns.

    Attributes
    ----------
    categories_ : list of ndarray
        The sorted categories of each categorical column.
    is_categorical_ : ndarray of bool of shape (n_features,)
        Mask of the categorical columns.
    n_categories_ : ndarray of int of shape (n_features,)
        Number of categories of each column; 0 for a column of numbers.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if they are all strings.

    See Also
    --------
    sklearn.preprocessing.OrdinalEncoder : Encodes categorical columns only.
    TableClassifier : Puts this encoder in front of a classifier of matrices.

    Notes
    -----
    Sparse matrices hold numbers only and are returned as CSR. Infinity is an error. Strings of
    digits are categories, not numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdistill import TableEncoder
    >>> X = pd.DataFrame({"age": [31, None, 58], "city": ["Oslo", "Lima", None]})
    >>> encoder = TableEncoder().fit(X)
    >>> encoder.transform(X)
    array([[31.,  1.],
           [nan,  0.],
           [58., nan]])
    >>> encoder.categories_[0].tolist()
    ['Lima', 'Oslo']
    """

    def __init__(self, categorical_features="from_dtype"):
        self.categorical_features = categorical_features

    def fit(self, X, y=None):
        """Find the categorical columns and their categories.

        Parameters
        ----------
        X : DataFrame, sparse matrix or array-like of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        self : TableEncoder

        Raises
        ------
        ValueError
            If a column holds neither numbers nor valid categories, or if `categorical_features`
            names a column that X does not have.
        """
        return self.fit_checked(check_table(self, X, reset=True))

    def fit_checked(self, X):
        """Fit on a checked table.

        Internal: for callers that have checked X themselves, so that it is checked once.

        Parameters
        ----------
        X : DataFrame, CSR matrix or ndarray of shape (n_samples, n_features)
            Returned by `check_table`.

        Returns
        -------
        self : TableEncoder
        """
        X = as_columns(X)
        self.is_categorical_ = categorical_mask(X, self.categorical_features)
        names = range(X.shape[1])
        if is_frame(X):
            names = X.columns
            _check_dtypes(X, self.is_categorical_)
        return self._set_categories(
            [
                find_categories(as_objects(column_of(X, j)), names[j])
                for j in np.flatnonzero(self.is_categorical_)
            ]
        )

    @classmethod
    def from_categories(cls, is_categorical, categories):
        """Build a fitted encoder from the mask and the categories of another one.

        Parameters
        ----------
        is_categorical : ndarray of bool of shape (n_features,)
            `is_categorical_` of the other one.
        categories : list of array-like
            Its `categories_`.

        Returns
        -------
        encoder : TableEncoder
        """
        encoder = cls(is_categorical)
        encoder.is_categorical_ = is_categorical
        encoder.n_features_in_ = len(is_categorical)
        return encoder._set_categories(categories)

    def _set_categories(self, categories):
        self.categories_ = categories
        self.n_categories_ = np.zeros(len(self.is_categorical_), dtype=int)
        self.n_categories_[self.is_categorical_] = [len(each) for each in categories]
        self._lookups = [code_lookup(each) for each in categories]
        return self

    def transform(self, X):
        """Encode X.

        Parameters
        ----------
        X : DataFrame, sparse matrix or array-like of shape (n_samples, n_features)
            A table with the columns that `fit` was given.

        Returns
        -------
        matrix : ndarray or CSR matrix of shape (n_samples, n_features)
            Rows of more than one axis are flattened.

        Raises
        ------
        ValueError
            If the columns differ from those in `fit`, or a number is infinite.
        """
        check_is_fitted(self)
        return self.encode(check_table(self, X, reset=False))

    def encode(self, X, *, checked=False):
        """Transform a checked table.

        Internal: for callers that have checked X themselves, so that it is checked once.

        Parameters
        ----------
        X : DataFrame, CSR matrix or ndarray of shape (n_samples, n_features)
            Returned by `check_table`.
        checked : bool, default=False
            Whether X is known to be an ndarray of floats without infinity.

        Returns
        -------
        matrix : ndarray or CSR matrix of shape (n_samples, n_features)
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
            values = _categorical_column(X, j, categories)
            matrix[:, j] = encode_categories(values, categories, lookup)
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


def _categorical_column(X, j, categories):
    """Return the values of a categorical column, as `encode_categories` takes them."""
    column = column_of(X, j)
    if holds_categories(column):
        return column.array
    if not is_frame(X):
        return column
    objects = as_objects(column)
    became_numbers = hold_strings(categories) and is_numeric(column)
    if became_numbers and not all(map(is_missing, objects)):
        raise ValueError(
            f"Column {column.name!r} held strings at fit and now is of dtype {column.dtype}: "
            "convert it to strings."
        )
    return objects


def _numbers(X, mask):
    """Return the numeric columns as floats; refuse infinity by the name of its column."""
    if not is_frame(X):
        columns = X if mask.all() else X[:, mask]
        columns = with_nan(columns) if columns.dtype == object else columns
        with name_column_of_objects(X, mask), np.errstate(invalid="ignore"):
            return check_array(
                columns, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan",
                ensure_min_features=0,
            )  # fmt: skip
    frame = X if mask.all() else select_columns(X, np.flatnonzero(mask))
    for j, (name, dtype) in enumerate(zip(frame.columns, frame.dtypes)):
        if holds_numbers(dtype):
            continue
        other = first_other_than_number(column_of(frame, j))
        if other is not None:
            raise ValueError(
                f"Column {name!r} held numbers at fit and now is of dtype {dtype} and has "
                f"{other!r:.60}: convert it to numbers."
            )
    numbers = as_floats(frame)
    with np.errstate(over="ignore", invalid="ignore"):
        is_finite = np.isfinite(numbers.sum())  # faster than looking at each number
    if not is_finite:
        infinite = np.isinf(numbers).any(0)
        if infinite.any():
            raise ValueError(
                f"Input X contains infinity in column {frame.columns[infinite.argmax()]!r}: "
                "replace it by NaN or by a finite number."
            )
    return numbers
