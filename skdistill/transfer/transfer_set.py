"""The rows that a net is taught on."""

from dataclasses import dataclass, replace

import numpy as np

from skdistill.table.containers import stacked


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
        Rows that nobody learns from: their log loss decides how to go on, and when to stop.
    informed_targets : ndarray of shape (n_samples, n_classes), default=None
        Soft targets from teachers that know all rows, those held out among them, for when
        there is nothing left to decide. None: the same.
    """

    X: np.ndarray
    soft_targets: np.ndarray
    labels: np.ndarray
    sample_weight: np.ndarray | None
    held_out: np.ndarray
    informed_targets: np.ndarray | None = None

    @classmethod
    def from_labels(cls, X, labels, n_classes, sample_weight, held_out):
        """The transfer set of a net without teachers: its targets are the labels."""
        return cls(X, np.eye(n_classes)[labels], labels, sample_weight, held_out)

    def with_unlabeled(self, tables, soft_targets, informed_targets):
        """Add rows that only the teachers have a word on; each weighs as much as the mean.

        Parameters
        ----------
        tables : list of ndarray of shape (n_unlabeled, ...) or CSR matrix, float32
        soft_targets, informed_targets : list of ndarray of shape (n_unlabeled, n_classes)
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
            np.concatenate([self.soft_targets, *informed_targets]),
        )

    @property
    def has_unlabeled(self):
        return bool((self.labels < 0).any())

    @property
    def mostly_unlabeled(self):
        """Whether rows without label are as many as those with one."""
        return bool(2 * (self.labels < 0).sum() >= len(self.labels))

    def whole(self):
        """All rows, none held out, and the last word of the teachers on those without label.

        Teachers that know all rows know more than those of the folds, and have the labels'
        noise by heart: the noisier the labels, the smaller their share, from all to a half.
        """
        targets = self.soft_targets
        if self.informed_targets is not None:
            share = 1 - self.unexplained() ** 2 / 2
            targets = targets + share * (self.informed_targets - targets)
        return replace(self, soft_targets=targets, held_out=np.zeros_like(self.held_out))

    def unexplained(self):
        """Share of the labels' variance that the soft targets leave unexplained, from 0 to 1.

        One minus R², of the labels as zeros and ones, over the rows that are learnt from.
        """
        rows = self.only((self.labels >= 0) & ~self.held_out)
        weight = np.ones(len(rows.labels)) if rows.sample_weight is None else rows.sample_weight
        labels = np.eye(self.soft_targets.shape[1])[rows.labels]
        shares = np.average(labels, axis=0, weights=weight)
        left = weight @ np.square(labels - rows.soft_targets).sum(1)
        return float(min(1.0, left / (weight @ np.square(labels - shares).sum(1))))

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
            None if self.informed_targets is None else self.informed_targets[rows],
        )
