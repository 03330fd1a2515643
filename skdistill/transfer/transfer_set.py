"""The transfer set: rows that a net is trained on, with their soft targets and labels."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skdistill.table.containers import stacked


@dataclass
class TransferSet:
    """Rows with their soft targets and labels.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...) or CSR matrix, float32
        Inputs of the net.
    soft_targets : ndarray of shape (n_samples, n_outputs)
        Predictions of teachers that were not trained on these rows.
    y : ndarray of shape (n_samples,)
        Targets as the task encodes them, such as class indices; what `without_target` of
        the task returns for an unlabeled row.
    task : Task
    sample_weight : ndarray of shape (n_samples,) or None
    held_out : ndarray of bool of shape (n_samples,)
        Mask of the validation rows. Nothing is trained on them; their loss serves for early
        stopping and to compare students.
    refitted_targets : ndarray of shape (n_samples, n_outputs), default=None
        Soft targets that teachers refitted on all rows, including validation rows, give to
        unlabeled rows. Used in the final training only, after which nothing is compared. None:
        the same as `soft_targets`.
    besides : ndarray of bool of shape (n_samples,), default=None
        Mask of the validation rows that were given besides the training rows. How many there are
        says nothing about these. None: no rows.
    """

    X: Any
    soft_targets: np.ndarray
    y: np.ndarray
    task: Any
    sample_weight: np.ndarray | None
    held_out: np.ndarray
    refitted_targets: np.ndarray | None = None
    besides: np.ndarray | None = None

    @classmethod
    def from_labels(cls, X, data):
        """Build the transfer set of a net without teachers: the soft targets are the labels.

        Parameters
        ----------
        X : ndarray of shape (n_samples, ...) or CSR matrix, float32
            Inputs of the net for the rows of `data`.
        data : TrainingData

        Returns
        -------
        transfer_set : TransferSet
        """
        soft_targets = data.task.as_soft_targets(data.y)
        return cls(X, soft_targets, data.y, data.task, data.sample_weight, data.held_out)

    @classmethod
    def build(cls, inputs, data, soft_targets):
        """Build the transfer set of labeled rows, then unlabeled ones, then validation rows.

        An unlabeled row has the mean weight of the labeled rows. Validation rows need no soft
        targets: the student is validated by their labels.

        Parameters
        ----------
        inputs : NetInputs
            Fitted inputs.
        data : TrainingData
        soft_targets : SoftTargets
            Soft targets of the labeled and unlabeled rows of `data`.

        Returns
        -------
        transfer_set : TransferSet
        """
        n = data.n_unlabeled
        weight = data.sample_weight
        if weight is not None:
            weight = np.concatenate([weight, np.full(n, weight.mean())])
        transfer_set = cls(
            stacked([inputs.transform(table) for table in (data.X, *data.unlabeled)]),
            np.concatenate([soft_targets.labeled, *soft_targets.unlabeled]),
            np.concatenate([data.y, data.task.without_target(n)]),
            data.task,
            weight,
            np.concatenate([data.held_out, np.zeros(n, dtype=bool)]),
            np.concatenate([soft_targets.labeled, *soft_targets.refitted]),
        )
        return transfer_set._with_validation(inputs, data.validation)

    def _with_validation(self, inputs, rows):
        """Return the transfer set with validation rows below it; the same set for None."""
        if rows is None:
            return self
        n, targets, weight = len(rows.y), self.task.as_soft_targets(rows.y), None
        if self.sample_weight is not None or rows.sample_weight is not None:
            parts = (self.sample_weight, len(self.y)), (rows.sample_weight, n)
            weight = np.concatenate([np.ones(m) if w is None else w for w, m in parts])
        return TransferSet(
            stacked([self.X, inputs.transform(rows.X)]),
            np.concatenate([self.soft_targets, targets]),
            np.concatenate([self.y, rows.y]),
            self.task,
            weight,
            np.concatenate([self.held_out, np.ones(n, dtype=bool)]),
            np.concatenate([self.refitted_targets, targets]),
            np.arange(len(self.y) + n) >= len(self.y),
        )

    @property
    def is_labeled(self):
        """Mask of the rows that have a label, ndarray of shape (n_samples,)."""
        return self.task.has_target(self.y)

    @property
    def n_unlabeled(self):
        """Number of rows without a label."""
        return int((~self.is_labeled).sum())

    @property
    def n_labeled(self):
        """Number of labeled rows, without validation rows that were given besides them."""
        is_labeled = self.is_labeled
        return int((is_labeled if self.besides is None else is_labeled & ~self.besides).sum())

    def for_final_training(self):
        """Return the transfer set of the final training: no row is held out.

        The soft targets of unlabeled rows move toward those of the refitted teachers, which were
        trained on more rows but also fit more of the label noise. Their share is 1 - u²/2, where
        u is the unexplained variance: from 1 for clean labels to 1/2 for pure noise.
        """
        targets = self.soft_targets
        if self.refitted_targets is not None:
            share = 1 - self.unexplained_variance() ** 2 / 2
            targets = targets + share * (self.refitted_targets - targets)
        return replace(self, soft_targets=targets, held_out=np.zeros_like(self.held_out))

    def unexplained_variance(self):
        """Return the share of the labels' variance that the soft targets do not explain, 0 to 1.

        This is 1 - R² on the labeled training rows.
        """
        labeled = self.subset(self.is_labeled & ~self.held_out)
        return self.task.unexplained_variance(
            labeled.y, labeled.soft_targets, labeled.sample_weight
        )

    def labeled(self):
        """Return the transfer set of the labeled rows only."""
        return self.subset(self.is_labeled)

    def subset(self, mask):
        """Return the transfer set of the rows in a mask, ndarray of bool of shape (n_samples,)."""
        weight, refitted, besides = self.sample_weight, self.refitted_targets, self.besides
        return replace(
            self,
            X=self.X[mask],
            soft_targets=self.soft_targets[mask],
            y=self.y[mask],
            sample_weight=None if weight is None else weight[mask],
            held_out=self.held_out[mask],
            refitted_targets=None if refitted is None else refitted[mask],
            besides=None if besides is None else besides[mask],
        )
