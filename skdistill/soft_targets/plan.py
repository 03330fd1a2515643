"""Plan of the fits: which teacher is fitted on which rows, and labels which rows."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from skdistill.soft_targets.out_of_bag import has_out_of_bag


class Kind(Enum):
    """What a fit is for; the value is its name in messages."""

    FOLD = "fold"
    OUT_OF_BAG = "out of bag"
    ALL_ROWS = "all rows"


@dataclass
class Fit:
    """One planned fit of one teacher.

    Parameters
    ----------
    name : str
        Name of the teacher.
    estimator : classifier
        Unfitted; it is cloned.
    kind : Kind
        Whether it labels the rows of a fold, all rows out of bag, or only unlabeled rows.
    train : ndarray of int
        Indices of the rows to fit on.
    test : ndarray of int
        Indices of the labeled rows to predict.
    k, n_averaged : int
        Number of this fold, and of all fits whose mean labels the unlabeled rows.
    keep : bool
        Whether to keep the fitted teacher itself.
    """

    name: str
    estimator: Any
    kind: Kind
    train: np.ndarray
    test: np.ndarray
    k: int = 1
    n_averaged: int = 1
    keep: bool = False

    @property
    def where(self):
        """The fit's name in messages, such as "fold 1 of 5"."""
        is_fold = self.kind is Kind.FOLD
        return f"fold {self.k} of {self.n_averaged}" if is_fold else self.kind.value

    @property
    def is_out_of_bag(self):
        """Whether the trees label the rows outside their own bags."""
        return self.kind is Kind.OUT_OF_BAG

    @property
    def is_refit(self):
        """Whether this fit is the additional one on all rows."""
        return self.kind is Kind.ALL_ROWS


def plan_fits(name, teacher, data, splits, *, out_of_bag, refit, keep, keep_folds=False):
    """Plan the fits of one teacher.

    Parameters
    ----------
    name : str
    teacher : classifier
    data : TrainingData
    splits : list of (train, test)
        From `training_splits`.
    out_of_bag : bool
        Fit the teacher once if it has out-of-bag predictions.
    refit : bool
        Fit it on all rows as well, including validation rows, unless another fit uses all rows.
    keep : bool
        Keep the teacher that was fitted on all rows.
    keep_folds : bool, default=False
        Keep the teachers of all fits.

    Returns
    -------
    fits : list of Fit
        The fit on all rows is the last.
    """
    all_rows = np.arange(len(data))
    if out_of_bag and has_out_of_bag(teacher):
        train = np.flatnonzero(data.training_rows)
        fits = [Fit(name, teacher, Kind.OUT_OF_BAG, train, all_rows, keep=keep_folds)]
    else:
        n = len(splits)
        fits = [
            Fit(name, teacher, Kind.FOLD, train, test, k=k, n_averaged=n, keep=keep_folds)
            for k, (train, test) in enumerate(splits, 1)
        ]
    if refit and (keep or not knows_all_rows([fit.train for fit in fits], data)):
        train = np.flatnonzero(data.counts)
        kept = keep or keep_folds
        fits.append(Fit(name, teacher, Kind.ALL_ROWS, train, all_rows[:0], keep=kept))
    return fits


def group_fits(teacher, fits, data):
    """Put those fits of a teacher together that it makes side by side.

    A teacher that can has `fit_folds`. A fold that lacks a class is fitted on fewer, so none of
    the teacher's fits share their work then.

    Parameters
    ----------
    teacher : classifier
    fits : list of Fit
        Its fits; empty for a prefit teacher.
    data : TrainingData

    Returns
    -------
    groups : list of list of Fit
    """
    are_folds = bool(fits) and fits[0].kind is Kind.FOLD and fits[0].n_averaged > 1
    can_share = are_folds and hasattr(teacher, "fit_folds") and teacher.can_fit_folds(data.X)
    if can_share and all(data.task.can_share(data.y[fit.train]) for fit in fits):
        return [fits]
    return [[fit] for fit in fits]


def knows_all_rows(train, data):
    """Tell whether a teacher that is fitted once, in sample or out of bag, gets all rows.

    Parameters
    ----------
    train : list of ndarray of int
        Training rows of each fit that labels rows.
    data : TrainingData
    """
    return len(train) == 1 and len(train[0]) == data.counts.sum()


def training_splits(splits, data):
    """Remove validation rows and rows of weight zero from the training rows of each fold.

    Parameters
    ----------
    splits : list of (train, test) or None
        None: each row is labeled by teachers that were fitted on it.
    data : TrainingData

    Returns
    -------
    splits : list of (train, test)

    Raises
    ------
    ValueError
        If no training rows are left in a fold.
    """
    if splits is None:
        all_rows = np.arange(len(data))
        splits = [(all_rows, all_rows)]
    is_training = data.training_rows
    splits = [(train[is_training[train]], test) for train, test in splits]
    if not all(len(train) for train, _ in splits):
        raise ValueError(
            "cv has a fold without training rows: all of them are held out for validation or have "
            "weight zero. Use other folds or more rows."
        )
    return splits


def order_fits(fits_by_teacher):
    """Order the fits by fold, and in each fold from the last teacher to the first.

    The nets come last in the default list and take longest, so they start first. Besides,
    joblib restarts a worker that loads torch after its first fit, as if it leaked memory.

    Parameters
    ----------
    fits_by_teacher : list of list of Fit
        Empty for a prefit teacher.

    Returns
    -------
    fits : list of Fit
    """
    longest = max(map(len, fits_by_teacher))
    return [fits[k] for k in range(longest) for fits in reversed(fits_by_teacher) if k < len(fits)]
