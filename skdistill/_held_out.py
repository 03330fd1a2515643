"""Which rows are kept apart, to judge what is fitted on the others."""

import numpy as np


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
