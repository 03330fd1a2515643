"""Soft targets of labeled and unlabeled rows."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class SoftTargets:
    """Soft targets of the labeled rows and of each table of unlabeled rows.

    Each array has shape (n_samples, n_outputs), or (n_teachers, n_samples, n_outputs) before
    pooling.

    Parameters
    ----------
    labeled : ndarray
        Soft targets of the labeled rows. Unless in-sample targets or frozen teachers are
        requested, they come from teachers that were not fitted on the row.
    unlabeled : list of ndarray
        For each table of unlabeled rows, the mean over the teachers of the folds.
    refitted : list of ndarray
        The same from teachers that were refitted on all rows, or `unlabeled` without a refit.
    names : list of str
        Names of the teachers, before pooling.
    labelers : list of Labeler
        What labels further rows; empty unless the teachers of the folds were kept.
    """

    labeled: np.ndarray
    unlabeled: list
    refitted: list
    names: list = field(default_factory=list)
    labelers: list = field(default_factory=list)

    def map(self, function):
        """Apply a function to each array."""
        unlabeled, refitted = (
            list(map(function, part)) for part in (self.unlabeled, self.refitted)
        )
        return SoftTargets(function(self.labeled), unlabeled, refitted, labelers=self.labelers)

    def pop_last(self):
        """Remove the soft targets of the last unlabeled table, and return them."""
        self.refitted.pop()
        return self.unlabeled.pop()

    @classmethod
    def stack(cls, teachers, names):
        """Stack the soft targets of several teachers along a new first axis."""
        return cls(
            np.stack([each.labeled for each in teachers]),
            [np.stack(tables) for tables in zip(*(each.unlabeled for each in teachers))],
            [np.stack(tables) for tables in zip(*(each.refitted for each in teachers))],
            names,
        )
