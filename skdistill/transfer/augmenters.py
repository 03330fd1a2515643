"""Synthetic rows, for the teachers to label and the student to learn from."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state, gen_batches

from skdistill.jobs.memory import remembered
from skdistill.sklearn_private import safe_indexing
from skdistill.table.containers import (
    as_columns,
    as_dtype,
    as_floats,
    column_of,
    from_columns,
    holds_booleans,
    holds_floats,
    holds_numbers,
    is_alike,
    is_frame,
    kind_of,
    select_columns,
    take,
)
from skdistill.table.encoder import TableEncoder
from skdistill.table.net_inputs import NetInputs

# A neighbour among so many rows is near enough, and found in seconds.
ROWS_OF_NEIGHBOURS = 10_000
MAX_CATEGORIES_OF_NEIGHBOURS = 64
SYNTHETIC_ROWS_PER_ROW = 6
MAX_SYNTHETIC_ROWS = 50_000


def count_synthetic(augmenter, X):
    """Return how many synthetic rows there are to be; "auto" asks for none of a sparse matrix.

    Between two texts there is no text.
    """
    by_default = isinstance(augmenter, str) and augmenter == "auto"
    if augmenter is None or (by_default and issparse(X)):
        return 0
    return min(SYNTHETIC_ROWS_PER_ROW * X.shape[0], MAX_SYNTHETIC_ROWS)


def draw_synthetic(augmenter, data, seed, memory=None):
    """Draw synthetic rows from the training rows.

    Parameters
    ----------
    augmenter : "auto", "munge", None, or object with `fit` and `sample`
    data : TrainingData
    seed : int
    memory : Memory, default=None
        Where rows drawn of the same table are found.

    Returns
    -------
    tables : list of tables of shape (n_synthetic, n_features)
        One, or none where the augmenter is None.
    """
    if augmenter is None:
        return []
    X = safe_indexing(data.X, data.training_rows)
    recipe = augmenter, X, data.categorical_features, seed
    return [remembered(memory, lambda: _draw(*recipe), "synthetic", *recipe)]


def _draw(augmenter, X, categorical_features, seed):
    n_samples = count_synthetic(augmenter, X)
    if isinstance(augmenter, str):
        augmenter = Munge(categorical_features=categorical_features)
    augmenter = clone(augmenter, safe=False)
    augmenter.fit(X)
    rows = augmenter.sample(n_samples, np.random.RandomState(seed))
    wrong = _unlike(rows, X)
    if wrong:
        raise ValueError(
            f"augmenter {augmenter!r} gave {wrong}: sample(n_samples, random_state) must return "
            "rows like those that fit(X) was given."
        )
    return rows


def _unlike(rows, X):
    """In what synthetic rows differ from a table; None where they could belong to it."""
    if not is_alike(rows, X):
        return f"a {kind_of(rows)} for a {kind_of(X)}"
    shape = getattr(rows, "shape", None)
    if shape is None or shape[1:] != X.shape[1:] or not shape[0]:
        return f"rows of shape {shape} for a table of shape {X.shape}"
    if is_frame(X) and list(rows.columns) != list(X.columns):
        return f"the columns {list(rows.columns)} for {list(X.columns)}"
    return None


class Munge(BaseEstimator):
    """Rows between real rows: some values are a near neighbour's.

    A synthetic row starts as a real one, its parent. Each of its values is, with
    probability `swap`, replaced by that of one of the parent's nearest neighbours; a
    continuous number instead falls somewhere between the two. So each value is one
    that its column could have: a category, an integer and a missing value stay such,
    and no number leaves the column's range.

    Parameters
    ----------
    swap : float, default=0.5
        Share of values that are the neighbour's.
    n_neighbors : int, default=5
        Nearest rows of which one is drawn.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        As in `DistilledClassifier`: neighbours share categories.

    References
    ----------
    Bucila, Caruana and Niculescu-Mizil, "Model compression", KDD 2006.
    """

    def __init__(self, swap=0.5, n_neighbors=5, categorical_features="from_dtype"):
        self.swap = swap
        self.n_neighbors = n_neighbors
        self.categorical_features = categorical_features

    def fit(self, X):
        """Keep the rows.

        Parameters
        ----------
        X : DataFrame or ndarray of shape (n_samples, n_features) or (n_samples, ...)
        """
        if issparse(X):
            raise ValueError(
                "Munge mixes dense rows and X is sparse: use augmenter=None, or give X dense."
            )
        self.row_shape_ = X.shape[1:]
        self.X_ = as_columns(X)
        return self

    def sample(self, n, random_state=None):
        """Draw synthetic rows.

        Parameters
        ----------
        n : int
        random_state : int, RandomState or None, default=None

        Returns
        -------
        X : DataFrame or ndarray of shape (n, n_features) or (n, ...)
            Of the same type and columns as those of `fit`.
        """
        rng = check_random_state(random_state)
        n_rows, n_features = self.X_.shape
        parents = np.concatenate(
            [rng.permutation(n_rows) for _ in range(-(-n // n_rows))]  # each in its turn
        )[:n]
        neighbours = self._neighbours(parents, rng)
        swapped = rng.random_sample((n, n_features)) < self.swap
        share = rng.random_sample(n)
        columns = [
            _mix(column_of(self.X_, j), parents, np.where(chosen, neighbours, parents), share)
            for j, chosen in enumerate(swapped.T)
        ]
        rows = from_columns(self.X_, columns)
        return rows.reshape(n, *self.row_shape_) if len(self.row_shape_) > 1 else rows

    def _neighbours(self, parents, rng):
        """For each parent a row near it, drawn from its nearest."""
        encoded = self._encoded(rng)
        n_rows = len(encoded)
        pool = rng.permutation(n_rows)[:ROWS_OF_NEIGHBOURS]
        n_neighbors = min(self.n_neighbors + 1, len(pool))
        search = NearestNeighbors(n_neighbors=n_neighbors).fit(encoded[pool])
        drawn = np.empty(len(parents), dtype=np.intp)
        for batch in gen_batches(len(parents), 4096):
            found = pool[search.kneighbors(encoded[parents[batch]], return_distance=False)]
            # The parent itself may be among them, and is then passed over.
            itself = found == parents[batch, None]
            order = np.argsort(itself, axis=1, kind="stable")
            others = np.take_along_axis(found, order, axis=1)[:, : max(1, n_neighbors - 1)]
            choice = rng.randint(others.shape[1], size=len(others))
            drawn[batch] = others[np.arange(len(others)), choice]
        return drawn

    def _encoded(self, rng):
        """The rows as points, without columns of so many levels that few rows share one."""
        table = TableEncoder(self.categorical_features).fit(self.X_)
        near = np.flatnonzero(table.n_categories_ <= MAX_CATEGORIES_OF_NEIGHBOURS)
        if not near.size:
            return np.zeros((self.X_.shape[0], 1), dtype=np.float32)
        X = select_columns(self.X_, near)
        inputs = NetInputs(table.is_categorical_[near], max_bins=0, one_hot=True)
        return inputs.fit(X, None, rng).transform(X)


class BetweenSplits(BaseEstimator):
    """Rows that stand on other sides of the split points of a forest, wherever it is asked.

    Each number of a real row moves, with probability `share`, by up to `reach` of the cells
    that the forest's thresholds cut its column into, to anywhere within the new one: so the
    forest is asked where it answers differently, and not twice where it must say the same.
    Categories, missing values and columns that no tree splits stay as they are; a column of
    whole numbers keeps to such, and none leaves its column's range.

    Parameters
    ----------
    forest : fitted tree or ensemble of trees of scikit-learn, or a `TableClassifier` of one
        Fitted on such columns as the rows have.
    share : float, default=0.5
        Of the values that move.
    reach : int, default=2
        Cells that a value moves at most.

    References
    ----------
    Cohen, Mitra, Hofmann and Croft, "Universal approximation functions for fast learning to
    rank: replacing expensive regression forests with simple feed-forward networks", 2018.
    """

    def __init__(self, forest, share=0.5, reach=2):
        self.forest = forest
        self.share = share
        self.reach = reach

    def __sklearn_clone__(self):
        """A copy whose forest is still fitted."""
        return BetweenSplits(self.forest, self.share, self.reach)

    def fit(self, X):
        """Keep the rows, and find the split points.

        Parameters
        ----------
        X : DataFrame or ndarray of shape (n_samples, n_features)
        """
        if issparse(X) or len(X.shape) > 2:
            raise ValueError(
                f"BetweenSplits moves the numbers of a dense table, got a {kind_of(X)} of shape "
                f"{X.shape}: use augmenter='munge' or None."
            )
        self.X_ = X
        self.points_ = _thresholds(self.forest, X.shape[1])
        return self

    def sample(self, n, random_state=None):
        """Draw synthetic rows: of the type of those of `fit`, shape (n, n_features).

        Parameters
        ----------
        n : int
        random_state : int, RandomState or None, default=None
        """
        rng = check_random_state(random_state)
        parents = rng.randint(self.X_.shape[0], size=n)
        columns = [self._moved(j, parents, rng) for j in range(self.X_.shape[1])]
        return from_columns(self.X_, columns)

    def _moved(self, j, parents, rng):
        """A column of the parents, some of its numbers elsewhere."""
        column, points = column_of(self.X_, j), self.points_[j]
        there = take(column, parents)
        if not len(points) or not holds_numbers(column.dtype) or holds_booleans(column.dtype):
            return there
        values = select_columns(self.X_, np.array([j]))
        values = as_floats(values)[:, 0] if is_frame(self.X_) else values[:, 0]
        low, high = np.nanmin(values), np.nanmax(values)
        edges = np.concatenate([[low], points[(points > low) & (points < high)], [high]])
        here = values[parents]
        step = rng.randint(-self.reach, self.reach + 1, size=len(here))
        cell = np.clip(np.searchsorted(edges[1:-1], here) + step, 0, len(edges) - 2)
        drawn = rng.uniform(edges[cell], edges[cell + 1])
        if not _is_continuous(column):
            drawn = np.round(drawn)
        moves = (rng.random_sample(len(here)) < self.share) & ~np.isnan(here)
        return as_dtype(there + np.where(moves, drawn - here, 0), column.dtype)


def _thresholds(forest, n_features):
    """Where trees split each column, sorted."""
    encoder = getattr(forest, "encoder_", None)
    forest = getattr(forest, "classifier_", forest)
    trees = np.ravel(getattr(forest, "estimators_", [forest]))
    if not all(hasattr(tree, "tree_") for tree in trees):
        raise ValueError(
            "BetweenSplits reads the trees of a fitted forest of scikit-learn, got "
            f"{type(forest).__name__}, which has none: fit it first, or give a RandomForest, "
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
    if encoder is not None:  # splits between ranks of levels are none between numbers
        feature = np.where(encoder.is_categorical_[feature], -1, feature)
    return [np.unique(threshold[feature == j]) for j in range(n_features)]


def _mix(column, parents, others, share):
    """Values of the parents moved to those of the others, part of the way if continuous."""
    there = take(column, others)
    if not _is_continuous(column):
        return there
    here = take(column, parents)
    return as_dtype(here + share * (there - here), column.dtype)


def _is_continuous(column):
    """Whether a column has floats that are not whole numbers."""
    if not holds_floats(column.dtype):
        return False
    values = np.asarray(column, dtype=np.float64)
    values = values[np.isfinite(values)]
    return bool((values != np.round(values)).any())
