"""Splits of the rows: validation rows, and folds."""

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)


def hold_out(strata, rng, *, groups=None, sample_weight=None):
    """Choose validation rows: for early stopping, or to compare students by.

    Holds out 20 % of the rows up to 500, 100 rows up to 1,000, and 10 % above. Classes with
    only a few rows keep all of them for training. Rows of weight zero are never held out.

    Parameters
    ----------
    strata : ndarray of shape (n_samples,), int
        Such as class indices: each is held out in the same share.
    rng : RandomState
    groups : ndarray of shape (n_samples,), default=None
        They are held out as a whole; if all are too large for that, none is.
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    held_out : ndarray of bool of shape (n_samples,)
    """
    counts = np.ones(len(strata), dtype=bool) if sample_weight is None else sample_weight > 0
    share = np.clip(100 / counts.sum(), 0.1, 0.2)
    if groups is not None:
        return counts & _whole_groups(strata, groups, counts, share, rng)
    held_out = np.zeros(len(strata), dtype=bool)
    for stratum in np.unique(strata[counts]):
        rows = rng.permutation(np.flatnonzero(counts & (strata == stratum)))
        held_out[rows[: int(share * len(rows))]] = True
    return held_out


def _whole_groups(strata, groups, counts, share, rng):
    """Take groups in random order: each that brings the strata's shares nearer to `share`."""
    names, group_of_row = np.unique(groups, return_inverse=True)
    present, stratum_of_row = np.unique(strata[counts], return_inverse=True)
    size = np.zeros((len(names), len(present)))
    np.add.at(size, (group_of_row[counts], stratum_of_row), 1)
    size /= size.sum(0)
    chosen = np.zeros(len(names), dtype=bool)
    reached = np.zeros(len(present))
    for group in rng.permutation(len(names)):
        then = reached + size[group]
        nearer = ((then - share) ** 2).sum() < ((reached - share) ** 2).sum()
        if nearer and (then <= 2 * share).all():
            chosen[group], reached = True, then
    return chosen[group_of_row]


def make_folds(cv, data, rng):
    """Split the rows into (train, test) pairs that hold out every row exactly once.

    Parameters
    ----------
    cv : int, splitter, or iterable of (train, test)
        An int shuffles and stratifies, as far as the rarest class allows, and keeps groups
        together if there are any.
    data : TrainingData
    rng : RandomState

    Returns
    -------
    splits : list of (train, test), ndarrays of int

    Raises
    ------
    ValueError
        If there are fewer rows or groups than folds, a row is held out never or twice, or
        it or another of its group is trained on in the fold that holds it out.
    """
    X, y, groups = data.X, data.y, data.groups
    if isinstance(cv, (int, np.integer)):
        y = data.task.strata(y)
        cv = _shuffled_folds(cv, y, groups, rng)
    splitter = check_cv(cv, y, classifier=True)
    splits = splitter.split(X, y) if groups is None else splitter.split(X, y, groups)
    splits = [(np.asarray(train), np.asarray(test)) for train, test in splits]
    if not splits:
        raise ValueError("cv gave no splits: a generator runs only once, use a list.")
    for k, (train, test) in enumerate(splits, 1):
        _check_fold(train, test, groups, f"fold {k} of {len(splits)}")
    n_samples = len(y)
    n_times = np.bincount(np.concatenate([test for _, test in splits]), minlength=n_samples)
    if len(n_times) != n_samples or (n_times != 1).any():
        row = int(np.flatnonzero(n_times != 1)[0])
        raise ValueError(
            f"cv must hold out every row exactly once, but row {row} is held out "
            f"{n_times[row]} times: use a splitter such as KFold."
        )
    return splits


def _shuffled_folds(n_folds, strata, groups, rng):
    """Return a splitter of so many folds; stratifying needs a class that reaches into each."""
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
    kinds = (KFold, StratifiedKFold) if groups is None else (GroupKFold, StratifiedGroupKFold)
    kind = kinds[int(np.bincount(strata).max() >= n_folds)]
    return kind(n_folds, shuffle=True, random_state=seed)


def _check_fold(train, test, groups, where):
    """Refuse a fold that trains on nothing, or on what it holds out."""
    if not len(train):
        raise ValueError(f"cv has no rows to train on in {where}.")
    seen = np.intersect1d(train, test)
    if len(seen):
        raise ValueError(
            f"cv trains on rows that it holds out: row {seen[0]} is in both parts of {where}. For "
            "targets of rows that teachers have seen, use cv='in_sample'."
        )
    if groups is not None and len(torn := np.intersect1d(groups[train], groups[test])):
        raise ValueError(
            f"cv tears groups apart: group {torn.tolist()[0]!r} is in both parts of {where}. Give "
            "an int, or a splitter that heeds groups, such as GroupKFold."
        )
