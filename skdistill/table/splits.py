"""Splits of the rows: validation rows and cross-validation folds."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)


def hold_out(strata, rng, *, groups=None, sample_weight=None, fraction="auto"):
    """Choose validation rows, for early stopping or to compare students.

    Classes with only a few rows keep all of them for training. Rows of weight zero are never
    held out.

    Parameters
    ----------
    strata : ndarray of shape (n_samples,), int
        Class indices or the like: the same share of each stratum is held out.
    rng : RandomState
    groups : ndarray of shape (n_samples,), default=None
        A group is held out as a whole or not at all. If all groups are too large for that, no
        row is held out.
    sample_weight : ndarray of shape (n_samples,), default=None
    fraction : float, int or "auto", default="auto"
        Share of the rows, or their number. "auto": 20 % of the rows up to 500, 100 rows up to
        1,000, and 10 % above.

    Returns
    -------
    held_out : ndarray of bool of shape (n_samples,)
    """
    counts = np.ones(len(strata), dtype=bool) if sample_weight is None else sample_weight > 0
    share = np.clip(100 / counts.sum(), 0.1, 0.2) if fraction == "auto" else fraction
    if isinstance(share, Integral):
        share = share / counts.sum()
    if groups is not None:
        return counts & _whole_groups(strata, groups, counts, share, rng)
    held_out = np.zeros(len(strata), dtype=bool)
    for stratum in np.unique(strata[counts]):
        indices = rng.permutation(np.flatnonzero(counts & (strata == stratum)))
        held_out[indices[: int(share * len(indices))]] = True
    return held_out


def _whole_groups(strata, groups, counts, share, rng):
    """Hold out groups, in random order, that bring the strata's shares closer to `share`."""
    names, group_of_row = np.unique(groups, return_inverse=True)
    present, stratum_of_row = np.unique(strata[counts], return_inverse=True)
    size = np.zeros((len(names), len(present)))
    np.add.at(size, (group_of_row[counts], stratum_of_row), 1)
    size /= size.sum(0)
    chosen = np.zeros(len(names), dtype=bool)
    reached = np.zeros(len(present))
    for group in rng.permutation(len(names)):
        extended = reached + size[group]
        is_closer = ((extended - share) ** 2).sum() < ((reached - share) ** 2).sum()
        if is_closer and (extended <= 2 * share).all():
            chosen[group], reached = True, extended
    return chosen[group_of_row]


def make_folds(cv, data, rng):
    """Split the rows into (train, test) pairs that hold out every row exactly once.

    Parameters
    ----------
    cv : int, splitter, or iterable of (train, test)
        An int shuffles the rows, stratifies them if the most frequent class has a row for each
        fold, and keeps groups together if there are any.
    data : TrainingData
    rng : RandomState

    Returns
    -------
    splits : list of (train, test)
        Pairs of ndarrays of int.

    Raises
    ------
    ValueError
        If there are fewer rows or groups than folds, if a row is not held out exactly once, or
        if a fold trains on a row that it holds out or on another row of its group.
    """
    X, y, groups = data.X, data.y, data.groups
    if isinstance(cv, (int, np.integer)):
        y = data.task.strata(y)
        cv = _shuffled_folds(cv, y, groups, rng)
    splitter = check_cv(cv, y)
    splits = splitter.split(X, y) if groups is None else splitter.split(X, y, groups)
    splits = [(np.asarray(train), np.asarray(test)) for train, test in splits]
    if not splits:
        raise ValueError("cv gave no splits: pass a list, as a generator can run only once.")
    n_samples = len(y)
    for k, (train, test) in enumerate(splits, 1):
        where = f"fold {k} of {len(splits)}"
        rows = np.concatenate([train, test])
        outside = rows[(rows < 0) | (rows >= n_samples)]
        if len(outside):
            raise ValueError(f"cv names row {outside[0]} in {where}, but X has {n_samples} rows.")
        _check_fold(train, test, groups, where)
    n_times = np.bincount(np.concatenate([test for _, test in splits]), minlength=n_samples)
    if len(n_times) != n_samples or (n_times != 1).any():
        row = int(np.flatnonzero(n_times != 1)[0])
        raise ValueError(
            f"cv must hold out every row exactly once, but row {row} is held out "
            f"{n_times[row]} times: use a splitter such as KFold."
        )
    return splits


def _shuffled_folds(n_folds, strata, groups, rng):
    """Return a shuffling splitter; it stratifies if a class has at least `n_folds` rows."""
    if not 2 <= n_folds <= len(strata):
        raise ValueError(
            f"cv={n_folds} folds cannot be made of n_samples={len(strata)}: cv must be at "
            "least 2 and at most the number of samples."
        )
    seed = rng.randint(np.iinfo(np.int32).max)
    if groups is not None and len(np.unique(groups)) < n_folds:
        raise ValueError(
            f"cv={n_folds} folds cannot be made of {len(np.unique(groups))} groups: cv must be at "
            "most the number of groups."
        )
    can_stratify = np.bincount(strata).max() >= n_folds
    if groups is None:
        splitter = StratifiedKFold if can_stratify else KFold
    else:
        splitter = StratifiedGroupKFold if can_stratify else GroupKFold
    return splitter(n_folds, shuffle=True, random_state=seed)


def _check_fold(train, test, groups, where):
    """Check that a fold has training rows, and that none of them is held out."""
    if not len(train):
        raise ValueError(f"cv has no rows to train on in {where}.")
    shared = np.intersect1d(train, test)
    if len(shared):
        raise ValueError(
            f"cv trains on rows that it holds out: row {shared[0]} is in both parts of {where}. "
            "Use disjoint parts, or cv='in_sample' to label rows by teachers trained on them."
        )
    if groups is not None and len(split := np.intersect1d(groups[train], groups[test])):
        raise ValueError(
            f"cv splits a group: group {split.tolist()[0]!r} is in both parts of {where}. Pass an "
            "int, or a splitter that respects groups, such as GroupKFold."
        )
