"""The rows that a net is taught on."""

from dataclasses import dataclass

import numpy as np

from skdistill._rows import stacked


@dataclass
class TransferSet:
    """Rows, what is said of them, what is known of them, and which are kept apart.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...) or CSR matrix, float32
        As the net sees them.
    soft_targets : ndarray of shape (n_samples, n_classes)
    labels : ndarray of shape (n_samples,), int
        Class indices; -1 for a row without label.
    sample_weight : ndarray of shape (n_samples,) or None
    held_out : ndarray of bool of shape (n_samples,)
        Rows that nobody learns from: their log loss decides when to stop.
    """

    X: np.ndarray
    soft_targets: np.ndarray
    labels: np.ndarray
    sample_weight: np.ndarray | None
    held_out: np.ndarray

    @classmethod
    def from_labels(cls, X, labels, n_classes, sample_weight, held_out):
        """The transfer set of a net without teachers: its targets are the labels."""
        return cls(X, np.eye(n_classes)[labels], labels, sample_weight, held_out)

    def with_unlabeled(self, tables, soft_targets):
        """Add rows that only the teachers have a word on; each weighs as much as the mean.

        Parameters
        ----------
        tables : list of ndarray of shape (n_unlabeled, ...) or CSR matrix, float32
        soft_targets : list of ndarray of shape (n_unlabeled, n_classes)
        """
        n = sum(X.shape[0] for X in tables)
        weight = self.sample_weight
        if weight is not None:
            weight = np.concatenate([weight, np.full(n, weight.mean())])
        return TransferSet(
            stacked([self.X, *tables]),
            np.concatenate([self.soft_targets, *soft_targets]),
            np.concatenate([self.labels, np.full(n, -1)]),
            weight,
            np.concatenate([self.held_out, np.zeros(n, dtype=bool)]),
        )

    def labeled(self):
        """Only the rows that have a label."""
        return self.only(self.labels >= 0)

    def only(self, rows):
        """Only these rows, given as ndarray of bool of shape (n_samples,)."""
        weight = self.sample_weight
        return TransferSet(
            self.X[rows],
            self.soft_targets[rows],
            self.labels[rows],
            weight if weight is None else weight[rows],
            self.held_out[rows],
        )
