"""Which rows are kept apart, to judge what is fitted on the others."""

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)


def hold_out(y, rng, *, groups=None, sample_weight=None):
    """Choose rows to judge by: for early stopping, or between students; a like share by class.

    A tenth of the rows, a fifth of fewer than 500 and in between a hundred; of a class
    with few rows none, so that none is missing from training. Rows of weight zero judge
    nothing and are not chosen.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), int
        Class indices.
    rng : RandomState
    groups : ndarray of shape (n_samples,), default=None
        They are held out as a whole; if all are too large for that, none is.
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    held_out : ndarray of bool of shape (n_samples,)
    """
    counts = np.ones(len(y), dtype=bool) if sample_weight is None else sample_weight > 0
    share = np.clip(100 / counts.sum(), 0.1, 0.2)
    if groups is not None:
        return counts & _whole_groups(y, groups, counts, share, rng)
    held_out = np.zeros(len(y), dtype=bool)
    for label in np.unique(y[counts]):
        rows = rng.permutation(np.flatnonzero(counts & (y == label)))
        held_out[rows[: int(share * len(rows))]] = True
    return held_out


def learnt_from(held_out, sample_weight=None):
    """The rows that are neither held out nor of weight zero, ndarray of bool."""
    return ~held_out if sample_weight is None else ~held_out & (sample_weight > 0)


def _whole_groups(y, groups, counts, share, rng):
    """Groups in random order: each that brings the classes' shares nearer to the one wanted."""
    names, group_of_row = np.unique(groups, return_inverse=True)
    classes, class_of_row = np.unique(y[counts], return_inverse=True)
    size = np.zeros((len(names), len(classes)))
    np.add.at(size, (group_of_row[counts], class_of_row), 1)
    size /= size.sum(0)
    chosen = np.zeros(len(names), dtype=bool)
    reached = np.zeros(len(classes))
    for group in rng.permutation(len(names)):
        then = reached + size[group]
        nearer = ((then - share) ** 2).sum() < ((reached - share) ** 2).sum()
        if nearer and (then <= 2 * share).all():
            chosen[group], reached = True, then
    return chosen[group_of_row]


def folds(cv, X, y, rng, groups=None):
    """Split the rows into (train, test) pairs that hold out every row exactly once.

    Parameters
    ----------
    cv : int, splitter, or iterable of (train, test)
        An int shuffles and stratifies, as far as the rarest class allows, and keeps groups
        together if there are any.
    X : table of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,), int
    rng : RandomState
    groups : ndarray of shape (n_samples,), default=None
        Goes to the splitter.

    Raises
    ------
    ValueError
        If there are fewer rows or groups than folds, a row is held out never or twice, or
        it or another of its group is trained on in the fold that holds it out.
    """
    n_samples = len(y)
    if isinstance(cv, (int, np.integer)):
        if not 2 <= cv <= n_samples:
            raise ValueError(
                f"cv={cv} folds cannot be made of n_samples={n_samples}: cv must be at "
                "least 2 and at most the number of samples."
            )
        seed = rng.randint(np.iinfo(np.int32).max)
        # Stratifying needs one class that reaches into every fold.
        kinds = (KFold, StratifiedKFold) if groups is None else (GroupKFold, StratifiedGroupKFold)
        if groups is not None and len(np.unique(groups)) < cv:
            raise ValueError(
                f"cv={cv} folds cannot be made of {len(np.unique(groups))} groups: cv must be at "
                "most the number of groups."
            )
        kind = kinds[int(np.bincount(y).max() >= cv)]
        cv = kind(cv, shuffle=True, random_state=seed)
    splitter = check_cv(cv, y, classifier=True)
    splits = splitter.split(X, y) if groups is None else splitter.split(X, y, groups)
    splits = [(np.asarray(train), np.asarray(test)) for train, test in splits]
    if not splits:
        raise ValueError("cv gave no splits: a generator runs only once, use a list.")
    for k, (train, test) in enumerate(splits, 1):
        if not len(train):
            raise ValueError(f"cv has no rows to train on in fold {k} of {len(splits)}.")
        seen = np.intersect1d(train, test)
        if len(seen):
            raise ValueError(
                f"cv trains on rows that it holds out: row {seen[0]} is in both parts of fold {k} "
                f"of {len(splits)}. For targets of rows that teachers have seen, use cv=None."
            )
        if groups is not None and len(torn := np.intersect1d(groups[train], groups[test])):
            raise ValueError(
                f"cv tears groups apart: group {torn.tolist()[0]!r} is in both parts of fold {k} "
                f"of {len(splits)}. Give an int, or a splitter that heeds groups, such as "
                "GroupKFold."
            )
    held_out = np.bincount(np.concatenate([test for _, test in splits]), minlength=n_samples)
    if len(held_out) != n_samples or (held_out != 1).any():
        row = int(np.flatnonzero(held_out != 1)[0])
        raise ValueError(
            f"cv must hold out every row exactly once, but row {row} is held out "
            f"{held_out[row]} times: use a splitter such as KFold."
        )
    return splits
