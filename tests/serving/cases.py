"""Teachers and tables that the tests of serving share."""

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from skdistill import TableClassifier
from tests.small import numeric_rows


def encoded_tree():
    """Return a teacher that takes any table and is fitted in no time."""
    return [("tree", TableClassifier(DecisionTreeClassifier(max_depth=3, random_state=0)))]


def rows_with_binary_columns(n_samples=1200):
    """Return numbers with binary columns among the others, as arrays (X, y)."""
    X, y = numeric_rows(n_samples)  # with bins from 1,000 rows on
    X[:, [0, 3]] = X[:, [0, 3]] > 0
    X[::5, 3] = X[1::5, 4] = np.nan
    return X, y
