"""Soft targets: what teachers say of rows whose labels they have not seen."""

from dataclasses import dataclass

import numpy as np


@dataclass
class SoftTargets:
    """Soft targets of the labeled rows and of each table of unlabeled ones.

    Each array has shape (n_samples, n_outputs), or (n_teachers, n_samples, n_outputs) before
    the teachers are pooled.

    Parameters
    ----------
    labeled : ndarray
        From teachers that were not fitted on the row.
    unlabeled : list of ndarray
        The mean over the folds' teachers.
    refitted : list of ndarray
        From teachers that were refitted on all rows; `unlabeled` itself where none was.
    """

    labeled: np.ndarray
    unlabeled: list
    refitted: list

    def map(self, function):
        """Apply a function to each array."""
        lists = ([function(each) for each in part] for part in (self.unlabeled, self.refitted))
        return SoftTargets(function(self.labeled), *lists)

    @classmethod
    def stack(cls, teachers):
        """Put the soft targets of several teachers into arrays with an axis of teachers."""
        return cls(
            np.stack([each.labeled for each in teachers]),
            [np.stack(tables) for tables in zip(*(each.unlabeled for each in teachers))],
            [np.stack(tables) for tables in zip(*(each.refitted for each in teachers))],
        )
