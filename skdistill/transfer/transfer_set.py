"""The rows that a net is trained on, beside their soft targets and labels."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skdistill.table.containers import stacked


@dataclass
class TransferSet:
    """Rows, their soft targets and labels, and which of them are held out.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...) or CSR matrix, float32
        As the net sees them.
    soft_targets : ndarray of shape (n_samples, n_outputs)
    y : ndarray of shape (n_samples,)
        As the task has prepared it, such as class indices; `task.no_target` for a row without
        label.
    task : skdistill.tasks.task.Task
    sample_weight : ndarray of shape (n_samples,) or None
    held_out : ndarray of bool of shape (n_samples,)
        The validation rows: nothing is trained on them, their loss decides between trainings
        and when to stop.
    refitted_targets : ndarray of shape (n_samples, n_outputs), default=None
        Soft targets from teachers that know all rows, validation rows among them, for when
        there is nothing left to decide. None: the same.
    """

    X: Any
    soft_targets: np.ndarray
    y: np.ndarray
    task: Any
    sample_weight: np.ndarray | None
    held_out: np.ndarray
    refitted_targets: np.ndarray | None = None

    @classmethod
    def from_labels(cls, X, data):
        """Make the transfer set of a net without teachers: its soft targets are the labels.

        Parameters
        ----------
        X : ndarray of shape (n_samples, ...) or CSR matrix, float32
            As the net sees the rows of `data`.
        data : TrainingData
        """
        soft_targets = data.task.as_soft_targets(data.y)
        return cls(X, soft_targets, data.y, data.task, data.sample_weight, data.held_out)

    @classmethod
    def build(cls, inputs, data, soft_targets):
        """Put labeled rows above unlabeled ones; each of these weighs as much as the mean.

        Parameters
        ----------
        inputs : NetInputs
            Fitted.
        data : TrainingData
        soft_targets : SoftTargets
            Of its rows, labeled and unlabeled.
        """
        n = data.n_unlabeled
        weight = data.sample_weight
        if weight is not None:
            weight = np.concatenate([weight, np.full(n, weight.mean())])
        return cls(
            stacked([inputs.transform(table) for table in (data.X, *data.unlabeled)]),
            np.concatenate([soft_targets.labeled, *soft_targets.unlabeled]),
            np.concatenate([data.y, np.full(n, data.task.no_target)]),
            data.task,
            weight,
            np.concatenate([data.held_out, np.zeros(n, dtype=bool)]),
            np.concatenate([soft_targets.labeled, *soft_targets.refitted]),
        )

    @property
    def is_labeled(self):
        """Which rows have a label, ndarray of bool of shape (n_samples,)."""
        return self.task.has_target(self.y)

    def whole(self):
        """Return all rows, none held out, with the final soft targets of those without label.

        Teachers that know all rows know more than those of the folds, and have the labels'
        noise by heart: the noisier the labels, the smaller their share, from all to a half.
        """
        targets = self.soft_targets
        if self.refitted_targets is not None:
            share = 1 - self.unexplained_variance() ** 2 / 2
            targets = targets + share * (self.refitted_targets - targets)
        return replace(self, soft_targets=targets, held_out=np.zeros_like(self.held_out))

    def unexplained_variance(self):
        """Return the share of the labels' variance that the soft targets leave, 0 to 1.

        It is 1 - R² on the labeled rows that are trained on.
        """
        rows = self.only(self.is_labeled & ~self.held_out)
        return self.task.unexplained_variance(rows.y, rows.soft_targets, rows.sample_weight)

    def labeled(self):
        """Return only the rows that have a label."""
        return self.only(self.is_labeled)

    def only(self, rows):
        """Return only these rows, given as ndarray of bool of shape (n_samples,)."""
        weight, refitted = self.sample_weight, self.refitted_targets
        return replace(
            self,
            X=self.X[rows],
            soft_targets=self.soft_targets[rows],
            y=self.y[rows],
            sample_weight=None if weight is None else weight[rows],
            held_out=self.held_out[rows],
            refitted_targets=None if refitted is None else refitted[rows],
        )
