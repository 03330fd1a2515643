"""A fitted teacher, with a column for each class of the table."""

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter


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
        if isinstance(self.estimator, FrozenEstimator):
            self.columns = self._columns_of_frozen()
            return self
        self.columns, y = np.unique(y, return_inverse=True)
        if len(self.columns) > 1:  # one class most refuse, and some make up a second
            self.estimator.fit(X, y, **weight_parameter(self.estimator, sample_weight))
            # Most classifiers sort their classes; those that do not say so.
            self.columns = self.columns[getattr(self.estimator, "classes_", slice(None))]
        return self

    def predict_proba(self, X):
        """Probabilities of shape (n_samples, n_classes), float64; rows sum to one."""
        if len(self.columns) == 1:
            given = np.ones((X.shape[0], 1))
        else:
            given = np.asarray(self.estimator.predict_proba(X), dtype=np.float64)
        wanted = (given.shape[0], len(self.columns))
        if given.shape != wanted:
            raise ValueError(
                f"predict_proba returned shape {given.shape}, expected {wanted}: one column "
                "for each class it was fitted on."
            )
        sums = given.sum(1)
        if not (
            np.isfinite(given).all() and (given >= -1e-6).all() and (abs(sums - 1) < 1e-3).all()
        ):
            raise ValueError(
                "predict_proba did not return probabilities: rows must be non-negative and "
                f"sum to one, got values from {given.min():.3g} to {given.max():.3g} and sums "
                f"from {sums.min():.3g} to {sums.max():.3g}."
            )
        given = np.maximum(given, 0)
        proba = np.zeros((len(given), len(self.classes_)))
        proba[:, self.columns] = given / given.sum(1, keepdims=True)
        return proba

    def _columns_of_frozen(self):
        unknown = set(self.estimator.classes_.tolist()) - set(self.classes_.tolist())
        if unknown:
            raise ValueError(
                f"it was fitted on classes that y does not have: {sorted(unknown)[:5]}, and y "
                f"has {self.classes_.tolist()[:5]}."
            )
        return np.searchsorted(self.classes_, self.estimator.classes_)


def weight_parameter(estimator, sample_weight):
    """How this estimator's `fit` wants sample weights; nothing if it takes none."""
    if sample_weight is None:
        return {}
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return {f"{name}__{key}": w for key, w in weight_parameter(last, sample_weight).items()}
    return {"sample_weight": sample_weight} if has_fit_parameter(estimator, "sample_weight") else {}
