"""`Labeler`: the fits of one teacher, kept to label rows that are drawn later."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skdistill.soft_targets.targets import SoftTargets


@dataclass
class Labeler:
    """The fits of one teacher, kept to label rows that are drawn later.

    Parameters
    ----------
    name : str
        Name of the teacher.
    folds : list of FittedTeacher
        Those whose mean labels rows; a prefit teacher alone.
    refitted : FittedTeacher or None
        The one that was refitted on all rows; None if the mean stands for it.
    """

    name: str
    folds: list
    refitted: Any = None

    @classmethod
    def of(cls, name, fits, results):
        """Keep the teachers of fits that were planned with ``keep_folds=True``."""
        fitted = list(zip(fits, results))
        folds = [result.teacher for fit, result in fitted if not fit.is_refit]
        refitted = [result.teacher for fit, result in fitted if fit.is_refit]
        return cls(name, folds, refitted[0] if refitted else None)

    def label(self, X):
        """Return the soft targets of unlabeled rows, shape (n_samples, n_targets)."""
        mean = np.mean([teacher.soft_targets(X) for teacher in self.folds], axis=0)
        refitted = mean if self.refitted is None else self.refitted.soft_targets(X)
        return SoftTargets(mean[:0], [mean], [refitted])
