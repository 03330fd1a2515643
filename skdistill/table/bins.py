"""The bins of a table's numbers: where a tree on one column alone splits the targets."""

import numpy as np

AUTO_BINS = 16
MIN_ROWS_WITH_BINS = 1_000
MAX_NUMBERS_WITH_BINS = 100


def find_split_points(numbers, targets, max_bins):
    """Where a tree on one column alone splits the targets.

    Returns
    -------
    points : ndarray of shape (n_columns, n_bins - 1)
        Each row sorted, and filled up with infinity.
    """
    if not max_bins or not numbers.shape[1]:
        return np.zeros((numbers.shape[1], 0))
    from sklearn.tree import DecisionTreeRegressor

    # One column leaves nothing to draw; a seed keeps numpy's own generator as it was.
    tree = DecisionTreeRegressor(max_leaf_nodes=max_bins, min_samples_leaf=10, random_state=0)
    largest = np.finfo(np.float32).max  # that a tree takes
    points = []
    for column in numbers.T:
        seen = ~np.isnan(column)
        found = np.array([])
        if seen.sum() > 1:
            fitted = tree.fit(column[seen, None].clip(-largest, largest), targets[seen]).tree_
            found = np.unique(fitted.threshold[fitted.children_left >= 0])
        points.append(found)
    n_points = max((len(found) for found in points), default=0)
    out = np.full((len(points), max(n_points, 1)), np.inf)
    for row, found in zip(out, points):
        row[: len(found)] = found
    return out
