"""Augmenters: synthetic rows that teachers label and the student is trained on."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state, gen_batches

from skdistill.jobs.clock import SYNTHETIC, Clock
from skdistill.jobs.memory import remembered
from skdistill.sklearn_private import safe_indexing
from skdistill.table.containers import (
    as_columns,
    as_dtype,
    as_floats,
    as_objects,
    column_of,
    from_columns,
    holds_booleans,
    holds_floats,
    holds_numbers,
    is_alike,
    is_frame,
    is_numeric,
    kind_of,
    select_columns,
    take,
    with_nan,
)
from skdistill.table.encoder import TableEncoder
from skdistill.table.net_inputs import NetInputs

# Neighbors are searched among this many rows: they are close enough, and found in seconds.
ROWS_OF_NEIGHBORS = 10_000
MAX_CATEGORIES_OF_NEIGHBORS = 64
MAX_SYNTHETIC_ROWS = 50_000


def count_synthetic(augmenter, X, rows_per_row):
    """Return the number of synthetic rows to draw: so many for each real row, within a limit.

    "auto" draws none if X is sparse: values mixed from two texts do not make a text.
    """
    is_auto = isinstance(augmenter, str) and augmenter == "auto"
    if augmenter is None or (is_auto and issparse(X)):
        return 0
    return min(rows_per_row * X.shape[0], MAX_SYNTHETIC_ROWS)


def draw_synthetic(augmenter, data, n_samples, seed, memory=None, clock=None):
    """Draw synthetic rows from the training rows.

    Parameters
    ----------
    augmenter : "auto", "munge", None, or object with `fit` and `sample`
    data : TrainingData
    n_samples : int
        From `count_synthetic`.
    seed : int
    memory : Memory, default=None
        Where rows that were drawn earlier from the same table are found.
    clock : Clock, default=None
        Gets the seconds.

    Returns
    -------
    tables : list of tables of shape (n_synthetic, n_features)
        One table; an empty list if `n_samples` is 0.
    """
    if not n_samples:
        return []
    X = safe_indexing(data.X, data.training_rows)
    arguments = augmenter, X, data.categorical_features, n_samples, seed
    with (clock or Clock()).measure(SYNTHETIC):
        return [remembered(memory, lambda: _draw(*arguments), "synthetic", *arguments)]


def _draw(augmenter, X, categorical_features, n_samples, seed):
    if isinstance(augmenter, str):
        augmenter = Munge(categorical_features=categorical_features)
    augmenter = clone(augmenter, safe=False)
    augmenter.fit(X)
    synthetic = augmenter.sample(n_samples, np.random.RandomState(seed))
    difference = _describe_difference(synthetic, X)
    if difference:
        raise ValueError(
            f"augmenter {augmenter!r} returned {difference}: sample(n_samples, random_state) must "
            "return rows of the type and with the columns of the X in fit(X)."
        )
    return synthetic


def _describe_difference(synthetic, X):
    """Describe how a synthetic table differs in type, shape or columns; None if it does not."""
    if not is_alike(synthetic, X):
        return f"a {kind_of(synthetic)} for a {kind_of(X)}"
    shape = getattr(synthetic, "shape", None)
    if shape is None or shape[1:] != X.shape[1:] or not shape[0]:
        return f"rows of shape {shape} for a table of shape {X.shape}"
    if is_frame(X) and list(synthetic.columns) != list(X.columns):
        return f"the columns {list(synthetic.columns)} for {list(X.columns)}"
    return None


class Munge(BaseEstimator):
    """Augmenter that mixes real rows with their nearest neighbors.

    A synthetic row starts as a copy of a real row, its parent. Then each value is replaced, with
    probability `swap`, by the value of one of the parent's nearest neighbors. A continuous
    number moves only part of the way. All values are therefore plausible for their column:
    categories, integers and missing values remain what they are, and no number leaves the range
    of its column.

    Parameters
    ----------
    swap : float, default=0.5
        Probability that a value is replaced, from 0 to 1.
    n_neighbors : int, default=5
        Number of nearest rows from which the neighbor is drawn.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        The categorical columns, as in `DistilledClassifier`. Near neighbors share categories.

    Attributes
    ----------
    X_ : DataFrame or ndarray of shape (n_samples, n_features)
        The real rows, flattened if they have more than one axis.
    row_shape_ : tuple of int
        Shape of one row.

    See Also
    --------
    BetweenSplits : Moves numbers across the split points of a forest.
    DistilledClassifier : Takes an augmenter, by default this one.

    Notes
    -----
    A replaced continuous number is x + u (x' - x), where x belongs to the parent, x' to the
    neighbor, and u, uniform in (0, 1), is common to all columns of the row. Distances are
    Euclidean between scaled numbers and one-hot categories; columns of more than 64 categories
    do not count. Neighbors are searched among at most 10,000 rows.

    References
    ----------
    Bucila, Caruana and Niculescu-Mizil, "Model compression", KDD 2006.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdistill import Munge
    >>> X = pd.DataFrame({"age": [20, 30, 40], "city": ["Oslo", "Rome", "Rome"]})
    >>> synthetic = Munge(n_neighbors=2).fit(X).sample(100, random_state=0)
    >>> synthetic.shape
    (100, 2)
    >>> sorted(set(synthetic["age"].tolist()))
    [20, 30, 40]
    """

    def __init__(self, swap=0.5, n_neighbors=5, categorical_features="from_dtype"):
        self.swap = swap
        self.n_neighbors = n_neighbors
        self.categorical_features = categorical_features

    def fit(self, X):
        """Store the real rows.

        Parameters
        ----------
        X : DataFrame or ndarray of shape (n_samples, n_features) or (n_samples, ...)

        Returns
        -------
        self : Munge

        Raises
        ------
        ValueError
            If X is sparse.
        """
        if issparse(X):
            raise ValueError(
                "Munge needs dense rows, but X is sparse: use augmenter=None, or pass a dense X."
            )
        self.row_shape_ = X.shape[1:]
        self.X_ = as_columns(X)
        return self

    def sample(self, n_samples, random_state=None):
        """Draw synthetic rows.

        Parameters
        ----------
        n_samples : int
            Number of synthetic rows.
        random_state : int, RandomState or None, default=None

        Returns
        -------
        X : DataFrame or ndarray of shape (n_samples, n_features) or (n_samples, ...)
            Rows of the type and with the columns of the X in `fit`.
        """
        rng = check_random_state(random_state)
        n_rows, n_features = self.X_.shape
        # Each row is a parent equally often; the numbers differ by at most one.
        n_rounds = -(-n_samples // n_rows)
        parents = np.concatenate([rng.permutation(n_rows) for _ in range(n_rounds)])[:n_samples]
        neighbors = self._draw_neighbors(parents, rng)
        swapped = rng.random_sample((n_samples, n_features)) < self.swap
        share = rng.random_sample(n_samples)
        columns = [
            _mix(column_of(self.X_, j), parents, np.where(is_swapped, neighbors, parents), share)
            for j, is_swapped in enumerate(swapped.T)
        ]
        synthetic = from_columns(self.X_, columns)
        if len(self.row_shape_) > 1:
            synthetic = synthetic.reshape(n_samples, *self.row_shape_)
        return synthetic

    def _draw_neighbors(self, parents, rng):
        """Draw the index of a near neighbor for each parent."""
        encoded = self._encode_rows(rng)
        n_rows = len(encoded)
        pool = rng.permutation(n_rows)[:ROWS_OF_NEIGHBORS]
        n_neighbors = min(self.n_neighbors + 1, len(pool))
        search = NearestNeighbors(n_neighbors=n_neighbors).fit(encoded[pool])
        drawn = np.empty(len(parents), dtype=np.intp)
        for batch in gen_batches(len(parents), 4096):
            nearest = pool[search.kneighbors(encoded[parents[batch]], return_distance=False)]
            # The parent itself may be among the nearest rows: move it to the end and drop it.
            is_parent = nearest == parents[batch, None]
            order = np.argsort(is_parent, axis=1, kind="stable")
            others = np.take_along_axis(nearest, order, axis=1)[:, : max(1, n_neighbors - 1)]
            choice = rng.randint(others.shape[1], size=len(others))
            drawn[batch] = others[np.arange(len(others)), choice]
        return drawn

    def _encode_rows(self, rng):
        """Return the rows as points, without columns of too many categories to be shared."""
        encoder = TableEncoder(self.categorical_features).fit(self.X_)
        used = np.flatnonzero(encoder.n_categories_ <= MAX_CATEGORIES_OF_NEIGHBORS)
        if not used.size:  # any rows are neighbors
            return rng.random_sample((self.X_.shape[0], 1)).astype(np.float32)
        X = select_columns(self.X_, used)
        inputs = NetInputs(encoder.is_categorical_[used], max_bins=0, one_hot=True)
        return inputs.fit(X, None, rng).transform(X)


class BetweenSplits(BaseEstimator):
    """Augmenter that moves numbers across the split points of a fitted forest.

    The thresholds of the forest divide each column into cells. Each number of a real row moves,
    with probability `share`, by up to `reach` cells, to a random place within the new cell. The
    forest therefore labels rows for which its predictions differ, instead of several rows of one
    leaf. Categories, booleans, missing values and columns that no tree splits do not change.
    Whole numbers stay whole, and no number leaves the range of its column.

    Parameters
    ----------
    forest : tree or ensemble of trees of scikit-learn, or `TableClassifier` of one
        Fitted on the columns that the rows have.
    share : float, default=0.5
        Probability that a number moves, from 0 to 1.
    reach : int, default=2
        Largest number of cells by which a number moves.

    Attributes
    ----------
    X_ : DataFrame or ndarray of shape (n_samples, n_features)
        The real rows.
    points_ : list of ndarray
        The sorted split points of each column.

    See Also
    --------
    Munge : Mixes real rows with their nearest neighbors; needs no forest.
    DistilledClassifier : Takes an augmenter.

    Notes
    -----
    The cells of a column end at its split points s_1 < ... < s_m, and at its smallest and
    largest number. A number in cell c that moves becomes a uniform draw from cell c + k, where k
    is uniform in -`reach`, ..., `reach`; cells beyond the first or last are replaced by those.

    References
    ----------
    Cohen, Mitra, Hofmann and Croft, "Universal approximation functions for fast learning to
    rank: replacing expensive regression forests with simple feed-forward networks", 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import BetweenSplits
    >>> X, y = load_iris(return_X_y=True)
    >>> forest = RandomForestClassifier(10, random_state=0).fit(X, y)
    >>> BetweenSplits(forest).fit(X).sample(600, random_state=0).shape
    (600, 4)
    """

    def __init__(self, forest, share=0.5, reach=2):
        self.forest = forest
        self.share = share
        self.reach = reach

    def __sklearn_clone__(self):
        """Return a copy that shares the fitted forest."""
        return BetweenSplits(self.forest, self.share, self.reach)

    def fit(self, X):
        """Store the real rows and find the split points of the forest.

        Parameters
        ----------
        X : DataFrame or ndarray of shape (n_samples, n_features)

        Returns
        -------
        self : BetweenSplits

        Raises
        ------
        ValueError
            If X is not a dense table, or if the forest is not fitted, has no trees of
            scikit-learn, or was fitted on another number of columns.
        """
        if issparse(X) or len(X.shape) > 2:
            raise ValueError(
                f"BetweenSplits moves the numbers of a dense table, got a {kind_of(X)} of shape "
                f"{X.shape}: use augmenter='munge' or None."
            )
        self.X_ = X
        self.points_ = _thresholds(self.forest, X.shape[1])
        return self

    def sample(self, n_samples, random_state=None):
        """Draw synthetic rows.

        Parameters
        ----------
        n_samples : int
            Number of synthetic rows.
        random_state : int, RandomState or None, default=None

        Returns
        -------
        X : DataFrame or ndarray of shape (n_samples, n_features)
            Rows of the type and with the columns of the X in `fit`.
        """
        rng = check_random_state(random_state)
        parents = rng.randint(self.X_.shape[0], size=n_samples)
        columns = [self._move(j, parents, rng) for j in range(self.X_.shape[1])]
        return from_columns(self.X_, columns)

    def _move(self, j, parents, rng):
        """Return column j of the parents with some numbers moved."""
        column, points = column_of(self.X_, j), self.points_[j]
        original = take(column, parents)
        if not len(points) or not holds_numbers(column.dtype) or holds_booleans(column.dtype):
            return original
        values = select_columns(self.X_, np.array([j]))
        values = as_floats(values)[:, 0] if is_frame(self.X_) else values[:, 0]
        low, high = np.nanmin(values), np.nanmax(values)
        edges = np.concatenate([[low], points[(points > low) & (points < high)], [high]])
        numbers = values[parents]
        offset = rng.randint(-self.reach, self.reach + 1, size=len(numbers))
        cell = np.clip(np.searchsorted(edges[1:-1], numbers) + offset, 0, len(edges) - 2)
        drawn = rng.uniform(edges[cell], edges[cell + 1])
        if not _is_continuous(column):
            drawn = np.round(drawn)
        moves = (rng.random_sample(len(numbers)) < self.share) & ~np.isnan(numbers)
        return as_dtype(original + np.where(moves, drawn - numbers, 0), column.dtype)


def _thresholds(forest, n_features):
    """Return the sorted split points of each column."""
    encoder = getattr(forest, "encoder_", None)
    forest = getattr(forest, "classifier_", forest)
    trees = np.ravel(getattr(forest, "estimators_", [forest]))
    if not all(hasattr(tree, "tree_") for tree in trees):
        raise ValueError(
            "BetweenSplits needs a fitted forest of scikit-learn, got "
            f"{type(forest).__name__} without trees: fit it first, or use a RandomForest, "
            "ExtraTrees or GradientBoosting."
        )
    width = trees[0].tree_.n_features
    if width != n_features:
        raise ValueError(
            f"BetweenSplits got a forest that was fitted on {width} columns for rows of "
            f"{n_features}: fit it on the same columns."
        )
    feature = np.concatenate([tree.tree_.feature for tree in trees])
    threshold = np.concatenate([tree.tree_.threshold for tree in trees])
    if encoder is not None:  # splits between category codes are not between numbers
        feature = np.where(encoder.is_categorical_[feature], -1, feature)
    return [np.unique(threshold[feature == j]) for j in range(n_features)]


def _mix(column, parents, others, share):
    """Return the values of the others; continuous numbers lie between parents and others."""
    if not _is_continuous(column):
        return take(column, others)
    origin, target = take(_as_floats(column), parents), take(_as_floats(column), others)
    # Halves, so that the difference of huge numbers is finite.
    half = origin / 2 + share * (target / 2 - origin / 2)
    return as_dtype(half * 2, column.dtype)


def _is_continuous(column):
    """Tell whether a column has floats, be it as objects, that are not whole numbers."""
    if not holds_floats(column.dtype) and not (_holds_objects(column) and is_numeric(column)):
        return False
    values = np.asarray(_as_floats(column), dtype=np.float64)
    values = values[np.isfinite(values)]
    return bool((values != np.round(values)).any())


def _holds_objects(column):
    return isinstance(column.dtype, np.dtype) and column.dtype.kind == "O"


def _as_floats(column):
    """Return a column of numbers that are kept as objects as floats."""
    if not _holds_objects(column):
        return column
    floats = with_nan(as_objects(column)).astype(np.float64)
    return floats if isinstance(column, np.ndarray) else type(column)(floats)
