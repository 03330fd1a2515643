"""A fitted teacher, with a column for each class of the table."""

import numpy as np

from skdistill.tasks.fitting import fit_on_indices
from skdistill.tasks.probabilities import as_probabilities


class FittedTeacher:
    """A teacher with its columns put in place.

    It is fitted on 0, 1, 2… without gaps, which XGBoost insists on, whichever classes
    its rows have; its probabilities come with a column for each of `classes`.
    """

    def __init__(self, name, estimator, classes):
        self.name = name
        self.estimator = estimator
        self.classes_ = classes

    def fit(self, X, y, sample_weight=None):
        self.columns, y = np.unique(y, return_inverse=True)
        if len(self.columns) > 1:  # one class most refuse, and some make up a second
            present = self.columns.tolist()
            fit_on_indices(self.estimator, X, y, self.classes_, sample_weight, present=present)
            # Most classifiers sort their classes; those that do not say so.
            self.columns = self.columns[getattr(self.estimator, "classes_", slice(None))]
        return self

    def predict_proba(self, X):
        """Probabilities of shape (n_samples, n_classes), float64; rows sum to one."""
        if len(self.columns) == 1:
            return self.in_place(np.ones((X.shape[0], 1)))
        return self.in_place(self.estimator.predict_proba(X))

    def in_place(self, given):
        """What the estimator says of its own classes, with a column for each of `classes_`."""
        given = as_probabilities(given, len(self.columns))
        proba = np.zeros((len(given), len(self.classes_)))
        proba[:, self.columns] = given
        return proba
