"""Bins of numeric columns: a decision tree on each column alone finds the split points."""

import numpy as np

from skdistill.table.scaling import clip_for_trees

AUTO_BINS = 16
MIN_ROWS_WITH_BINS = 1_000
MAX_NUMBERS_WITH_BINS = 100


def find_split_points(numbers, targets, max_bins):
    """Return the points where a regression tree on one column alone splits the targets.

    Parameters
    ----------
    numbers : ndarray of shape (n_samples, n_columns)
        NaN where a number is missing.
    targets : ndarray of shape (n_samples, n_outputs)
    max_bins : int
        Largest number of bins of a column. 0: no bins.

    Returns
    -------
    split_points : ndarray of shape (n_columns, n_bins - 1)
        Each row is sorted and padded with infinity.
    """
    if not max_bins or not numbers.shape[1]:
        return np.zeros((numbers.shape[1], 0))
    from sklearn.tree import DecisionTreeRegressor

    # With one column the tree draws nothing, but without a seed it uses numpy's global generator.
    tree = DecisionTreeRegressor(max_leaf_nodes=max_bins, min_samples_leaf=10, random_state=0)
    thresholds = []
    for column in numbers.T:
        is_present = ~np.isnan(column)
        points = np.array([])
        if is_present.sum() > 1:
            present = clip_for_trees(column[is_present, None])
            fitted = tree.fit(present, targets[is_present]).tree_
            points = np.unique(fitted.threshold[fitted.children_left >= 0])
        thresholds.append(points)
    n_points = max((len(points) for points in thresholds), default=0)
    split_points = np.full((len(thresholds), max(n_points, 1)), np.inf)
    for padded, points in zip(split_points, thresholds):
        padded[: len(points)] = points
    return split_points
