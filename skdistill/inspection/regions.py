"""Regions of a table in which a quantity is high, as rules of a shallow tree on its raw columns."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import issparse
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.tree import DecisionTreeRegressor

from skdistill.table.containers import (
    as_objects,
    column_of,
    is_frame,
    is_missing,
    is_numeric,
    with_nan,
)

MOST_CATEGORIES = 20  # of a column that a rule may name
MOST_SPARSE = 1_000  # columns of a sparse table, those of the most entries
LONGEST_VALUE = 40  # characters of a category in a rule


@dataclass
class Region:
    """Rows that a rule describes.

    Parameters
    ----------
    rule : str
        Such as "age > 40 and city is 'Rome'".
    rows : ndarray of int
        Positions of the rows.
    """

    rule: str
    rows: np.ndarray


@dataclass
class Split:
    """What a column of the tree's inputs means: a number, or one category of a column."""

    column: str
    values: np.ndarray
    category: str | None = None


@dataclass
class Condition:
    """What the rows of a region have in one column."""

    low: str = ""
    high: str = ""
    known: bool = True  # whether there are rows with a value
    missing: bool = True  # whether there are rows without one
    category: str = ""
    others: list = field(default_factory=list)

    def text(self, column, has_missing):
        """Return the condition in words."""
        if self.category:
            return f"{column} is {self.category}"
        if self.others:
            return f"{column} is not {' or '.join(self.others)}"
        if not self.known:
            return f"{column} is missing"
        if not (self.low or self.high):
            return f"{column} is known"
        words = f"{column} > {self.low}" if self.low else f"{column} <= {self.high}"
        if self.low and self.high:
            words = f"{self.low} < {column} <= {self.high}"
        return f"({words} or missing)" if self.missing and has_missing else words


def find_regions(X, values, *, max_depth, min_samples_leaf):
    """Split a table into regions of low and of high values.

    Parameters
    ----------
    X : table of shape (n_samples, n_features)
    values : ndarray of shape (n_samples,)
    max_depth : int
    min_samples_leaf : int or float
        As in `DecisionTreeRegressor`.

    Returns
    -------
    regions : list of Region
        Those of the highest mean first; empty if X is no table, or no column splits it.
    explained : float or None
        Share of the values' variance that such a tree explains on other rows, not below 0; None
        for fewer than ten rows.
    """
    splits = tree_inputs(X)
    if not splits or np.ptp(values) == 0:
        return [], None
    inputs = np.column_stack([split.values for split in splits])
    tree = DecisionTreeRegressor(
        max_depth=max_depth, min_samples_leaf=min_samples_leaf, random_state=0
    )
    explained = None
    if len(values) >= 10:
        folds = KFold(5, shuffle=True, random_state=0)
        residual = values - cross_val_predict(tree, inputs, values, cv=folds)
        explained = max(0.0, float(1 - np.mean(residual**2) / np.var(values)))
    tree.fit(inputs, values)
    leaves = tree.apply(inputs)
    regions = [
        Region(rule, np.flatnonzero(leaves == leaf)) for leaf, rule in _rules(tree.tree_, splits)
    ]
    return sorted(regions, key=lambda region: -values[region.rows].mean()), explained


def tree_inputs(X):
    """Return what a tree can split a table by: its numbers, and categories one by one.

    Parameters
    ----------
    X : DataFrame, sparse matrix or ndarray of shape (n_samples, n_features)

    Returns
    -------
    splits : list of Split
        Numbers keep NaN. Empty if X has no columns, as texts and images.
    """
    X = X if hasattr(X, "shape") else np.asarray(X)
    if len(X.shape) != 2:
        return []
    if issparse(X):
        X = X.tocsc()
        used = np.sort(np.argsort(-X.getnnz(axis=0), kind="stable")[:MOST_SPARSE])
        return [Split(f"column {j}", X[:, [j]].toarray().ravel().astype(float)) for j in used]
    splits = []
    for j in range(X.shape[1]):
        name = str(X.columns[j]) if is_frame(X) else f"column {j}"
        splits += _splits_of(name, column_of(X, j))
    return splits


def _splits_of(name, column):
    objects = as_objects(column)
    missing = np.array([is_missing(each) for each in objects], dtype=bool)
    known = objects[~missing]
    is_boolean = all(isinstance(each, (bool, np.bool_)) for each in known)
    if is_numeric(column) and not is_boolean:
        numbers = with_nan(objects).astype(np.float64)
        return [Split(name, np.clip(numbers, -3e38, 3e38))]  # a tree computes in float32
    counts = Counter(known.tolist())
    common = [category for category, _ in counts.most_common(MOST_CATEGORIES)]
    splits = []
    if missing.any():
        splits = [Split(name, missing.astype(np.float64), "missing")]
    elif len(counts) == 2:
        common = common[:1]  # the other one is where this is not
    codes = np.full(len(objects), -1)
    codes[~missing] = [common.index(each) if each in common else -1 for each in known.tolist()]
    for k, category in enumerate(common):
        is_one = (codes == k).astype(np.float64)
        splits.append(Split(name, is_one, f"{category!r:.{LONGEST_VALUE}}"))
    return splits


def _rules(tree, splits):
    """Yield each leaf of a tree, and the conditions on the way to it in words."""
    has_missing = {split.column: np.isnan(split.values).any() for split in splits}
    waiting: list = [(0, {})]
    while waiting:
        node, conditions = waiting.pop()
        if tree.children_left[node] == -1:
            texts = [each.text(name, has_missing[name]) for name, each in conditions.items()]
            yield node, " and ".join(texts) or "all rows"
            continue
        split = splits[tree.feature[node]]
        before = conditions.get(split.column, Condition())
        threshold = tree.threshold[node]
        to_left = bool(tree.missing_go_to_left[node])
        for child, is_left in (
            (tree.children_left[node], True),
            (tree.children_right[node], False),
        ):
            after = _narrowed(before, split, threshold, is_left, is_left == to_left)
            waiting.append((child, {**conditions, split.column: after}))


def _narrowed(before, split, threshold, is_left, keeps_missing):
    """Return the condition on one side of a split."""
    after = Condition(**(vars(before) | {"others": list(before.others)}))
    if split.category is not None:
        if is_left:
            after.others.append(split.category)
        else:
            after.category = split.category
        return after
    after.missing = before.missing and keeps_missing
    if np.isinf(threshold):  # known values on one side, missing ones on the other
        after.known = before.known and not keeps_missing
        return after
    side = "high" if is_left else "low"
    setattr(after, side, _short(threshold, split.values))
    return after


def _short(threshold, values):
    """Write a threshold with as few digits as leave each value on its side."""
    known = values[~np.isnan(values)]
    is_below = known.astype(np.float32) <= threshold  # a tree compares in float32
    low, high = known[is_below].max(), known[~is_below].min()
    for digits in range(2, 18):
        text = f"{low / 2 + high / 2:.{digits}g}"
        if low <= float(text) < high:
            return text
    return repr(float(low))
