"""Which teacher is fitted on which rows, and which rows it then labels."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skdistill.soft_targets.out_of_bag import has_out_of_bag

OUT_OF_BAG = "out of bag"
ALL_ROWS = "all rows"


@dataclass
class Fit:
    """One teacher to be fitted once.

    Parameters
    ----------
    name : str
        Of the teacher.
    estimator : classifier
        Unfitted; it is cloned.
    where : str
        "fold 1 of 5" and so on, "out of bag" or "all rows".
    train, test : ndarray of int
        Rows to fit on, and labeled rows to predict.
    n_shares : int
        Fits whose mean labels the unlabeled rows.
    keep : bool
        Whether the fitted teacher itself is wanted.
    """

    name: str
    estimator: Any
    where: str
    train: np.ndarray
    test: np.ndarray
    n_shares: int = 1
    keep: bool = False

    @property
    def is_out_of_bag(self):
        """Whether each row is labeled by the trees whose bag it is not in."""
        return self.where == OUT_OF_BAG

    @property
    def is_refit(self):
        """Whether the teacher is fitted on all rows, to label the unlabeled ones."""
        return self.where == ALL_ROWS


def plan_fits(name, teacher, data, splits, *, out_of_bag, refit, keep):
    """Plan the fits of one teacher.

    Parameters
    ----------
    name : str
    teacher : classifier
    data : TrainingData
    splits : list of (train, test)
        As `cross_fit` takes them.
    out_of_bag : bool
        Fit it once if it has out-of-bag predictions.
    refit : bool
        Fit it on all rows as well, validation rows among them, unless another fit was.
    keep : bool
        Whether the one on all rows is wanted itself.

    Returns
    -------
    fits : list of Fit
        The one on all rows last.
    """
    everything = np.arange(len(data))
    if out_of_bag and has_out_of_bag(teacher):
        rows = np.flatnonzero(data.training_rows)
        fits = [Fit(name, teacher, OUT_OF_BAG, rows, everything)]
    else:
        n = len(splits)
        fits = [
            Fit(name, teacher, f"fold {k} of {n}", train, test, n_shares=n)
            for k, (train, test) in enumerate(splits, 1)
        ]
    if refit and (keep or not knows_all_rows(fits, data)):
        rows = np.flatnonzero(data.counts)
        fits.append(Fit(name, teacher, ALL_ROWS, rows, everything[:0], keep=keep))
    return fits


def knows_all_rows(fits, data):
    """Tell whether a teacher that is fitted once, in sample or out of bag, has all rows then."""
    return fits[0].n_shares == 1 and len(fits[0].train) == data.counts.sum()


def training_splits(splits, data):
    """Leave out of each fold's training rows those that are held out or weigh nothing.

    Parameters
    ----------
    splits : list of (train, test) or None
        None: each row is labeled by teachers that were fitted on it.
    data : TrainingData

    Raises
    ------
    ValueError
        If a fold has no training rows then.
    """
    if splits is None:
        everything = np.arange(len(data))
        splits = [(everything, everything)]
    trained = data.training_rows
    splits = [(train[trained[train]], test) for train, test in splits]
    if not all(len(train) for train, _ in splits):
        raise ValueError(
            "cv has a fold without training rows, as all of them are held out for validation or "
            "have weight zero: use other folds or more rows."
        )
    return splits


def in_turn(fits_by_teacher):
    """Order the fits of all teachers: first folds first, and the last teacher first in each.

    Nets, the last teachers, take longest. And a worker that loads torch only after its first
    fit looks to joblib as if it leaked memory, and is stopped.

    Parameters
    ----------
    fits_by_teacher : list of list of Fit
        Empty for a teacher that needs no fit.

    Returns
    -------
    fits : list of Fit
    """
    longest = max(map(len, fits_by_teacher))
    return [fits[k] for k in range(longest) for fits in reversed(fits_by_teacher) if k < len(fits)]
