"""`BetweenSplits`, an augmenter that moves numbers across the split points of a forest."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from skdistill.sklearn_private import DocumentationLink
from skdistill.table.containers import (
    as_dtype,
    as_floats,
    column_of,
    from_columns,
    holds_booleans,
    holds_numbers,
    is_frame,
    kind_of,
    select_columns,
    take,
)
from skdistill.transfer.columns import is_continuous


class BetweenSplits(DocumentationLink, BaseEstimator):
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
        if not is_continuous(column):
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
