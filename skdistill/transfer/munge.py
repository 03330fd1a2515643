"""`Munge`, an augmenter that mixes real rows with their nearest neighbors."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state, gen_batches

from skdistill.sklearn_private import DocumentationLink
from skdistill.table.containers import (
    as_columns,
    as_dtype,
    column_of,
    from_columns,
    select_columns,
    take,
)
from skdistill.table.encoder import TableEncoder
from skdistill.table.net_inputs import NetInputs
from skdistill.transfer.columns import is_continuous, unboxed

# Neighbors are searched among this many rows: they are close enough, and found in seconds.
ROWS_OF_NEIGHBORS = 10_000
MAX_CATEGORIES_OF_NEIGHBORS = 64


class Munge(DocumentationLink, BaseEstimator):
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


def _mix(column, parents, others, share):
    """Return the values of the others; continuous numbers lie between parents and others."""
    if not is_continuous(column):
        return take(column, others)
    origin, target = take(unboxed(column), parents), take(unboxed(column), others)
    # Halves, so that the difference of huge numbers is finite.
    half = origin / 2 + share * (target / 2 - origin / 2)
    return as_dtype(half * 2, column.dtype)
