"""Bins of numeric columns: a decision tree on each column alone finds the split points."""

import numpy as np

from skdistill.table.scaling import clip_for_trees

FEWEST_BINS = 16
USUAL_BINS = 64
ROWS_OF_USUAL_BINS = 8_000
MOST_BINS = 1_024
MIN_ROWS_WITH_BINS = 1_000
MAX_NUMBERS_WITH_BINS = 100
WEAK_SHARE = 0.1


def find_split_points(numbers, targets, max_bins):
    """Return the points where a regression tree on one column alone splits the targets.

    A column gets at most 64 bins, or fewer below 8,000 rows, down to 16. It gets more where they
    predict the other half of the rows clearly better, by more than two standard errors: then
    twice as many as do it best.

    Parameters
    ----------
    numbers : ndarray of shape (n_samples, n_columns)
        NaN where a number is missing.
    targets : ndarray of shape (n_samples, n_outputs)
    max_bins : int
        Largest number of bins of a column. 0: no bins.

    Returns
    -------
    split_points : list of ndarray
        The sorted points of each column, one less than it has bins.
    """
    split_points = []
    for column in numbers.T:
        is_present = ~np.isnan(column)
        points = np.array([])
        if max_bins and is_present.sum() > 1:
            present, of_present = clip_for_trees(column[is_present]), targets[is_present]
            n_bins = _count_bins(present, of_present, max_bins)
            points = np.unique(_best_splits(present, of_present, n_bins))
        split_points.append(points)
    return split_points


def find_weak_bins(numbers, targets, split_points):
    """Tell which columns' bins explain less than a tenth of the probabilities' variance alone.

    The means of one half of the rows predict the other half. Where the targets are numbers, no
    bins are weak: nets that predict numbers need them more.

    Parameters
    ----------
    numbers : ndarray of shape (n_samples, n_columns)
        NaN where a number is missing.
    targets : ndarray of shape (n_samples, n_outputs)
    split_points : list of ndarray
        Of each column.

    Returns
    -------
    is_weak : tuple of bool
    """
    are_probabilities = np.allclose(targets.sum(1), 1)
    return tuple(
        are_probabilities and bool(_share_explained(column, targets, points) < WEAK_SHARE)
        for column, points in zip(numbers.T, split_points)
    )


def _share_explained(column, targets, points):
    is_present = ~np.isnan(column)
    parts = _halves(clip_for_trees(column[is_present]), targets[is_present])
    by_bins, by_mean = (
        sum(part.saved_by(at, other) for part, other in zip(parts, parts[::-1]))
        for at in (points, points[:0])
    )
    left = sum(np.square(part.targets).sum() for part in parts) - by_mean
    return (by_bins - by_mean) / left if left > 0 else 0.0


def _best_splits(column, targets, n_bins):
    """Return the thresholds of a tree of so many leaves, the most useful one first."""
    from sklearn.tree import DecisionTreeRegressor

    # With one column the tree draws nothing, but without a seed it uses numpy's global generator.
    tree = DecisionTreeRegressor(max_leaf_nodes=n_bins, min_samples_leaf=10, random_state=0)
    fitted = tree.fit(column[:, None], targets).tree_
    inner = np.flatnonzero(fitted.children_left >= 0)
    # The best split is made first, and nodes are numbered as they are made.
    return fitted.threshold[inner[fitted.children_left[inner].argsort()]]


def _count_bins(column, targets, max_bins):
    """Return how many bins a column needs: few, unless more are clearly better on other rows."""
    few_bins = max(FEWEST_BINS, USUAL_BINS * min(1, len(column) / ROWS_OF_USUAL_BINS))
    few_bins = min(round(few_bins), max_bins)
    if few_bins == max_bins or len(np.unique(column)) <= few_bins:
        return few_bins
    sizes = [few_bins]
    while 2 * sizes[-1] <= max_bins:
        sizes.append(2 * sizes[-1])
    parts = _halves(column, targets)
    splits = [_best_splits(part.column, part.targets, sizes[-1]) for part in parts]
    points = {size: [np.sort(each[: size - 1]) for each in splits] for size in sizes}
    pairs = (parts, parts[::-1])
    saved = {
        size: sum(part.saved_by(at, other) for part, other, at in zip(*pairs, points[size]))
        for size in sizes
    }
    best = max(sizes, key=saved.__getitem__)
    few, many = points[few_bins], points[best]
    gain = np.concatenate(
        [
            part.losses(few[k], other) - part.losses(many[k], other)
            for k, (part, other) in enumerate(zip(*pairs))
        ]
    )
    is_clear = gain.mean() > 2 * gain.std() / len(gain) ** 0.5
    # All rows are twice as many as those that chose.
    return min(2 * best, sizes[-1]) if is_clear else few_bins


def _halves(column, targets):
    halves = np.array_split(np.random.RandomState(0).permutation(len(column)), 2)
    return [_Part(column[half], targets[half]) for half in halves]


class _Part:
    """A part of the rows, sorted by one column, with sums of the targets up to each."""

    def __init__(self, column, targets):
        order = column.argsort(kind="stable")
        self.column, self.targets = column[order], targets[order]
        self.sums = np.vstack([np.zeros(targets.shape[1]), self.targets.cumsum(0)])

    def of_bins(self, points):
        """Return the number of rows and the sum of targets of each bin."""
        ends = np.r_[0, self.column.searchsorted(points, side="right"), len(self.column)]
        return np.diff(ends)[:, None], np.diff(self.sums[ends], axis=0)

    def means(self, points):
        counts, sums = self.of_bins(points)
        return sums / counts.clip(1)

    def saved_by(self, points, other):
        """Return by how much the means of this part's bins lower the squares of the other."""
        means = self.means(points)
        counts, sums = other.of_bins(points)
        return (means * (2 * sums - counts * means)).sum()

    def losses(self, points, other):
        """Return the squared error of each row of the other part."""
        bins = points.searchsorted(other.column)
        return np.square(other.targets - self.means(points)[bins]).sum(1)
