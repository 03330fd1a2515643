"""A fitted teacher, with a column for each class of the table."""

import numpy as np
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection._search import BaseSearchCV
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


def as_probabilities(given, n_classes):
    """Check a classifier's probabilities, and make them sum to one to the last digit.

    Parameters
    ----------
    given : array-like of shape (n_samples, n_classes)
    n_classes : int

    Returns
    -------
    proba : ndarray of shape (n_samples, n_classes), float64

    Raises
    ------
    ValueError
        If the shape is another, or a row is no probabilities: the first such is shown.
    """
    given = np.asarray(given, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] != n_classes:
        raise ValueError(
            f"predict_proba returned shape {given.shape}, expected "
            f"{(*given.shape[:1], n_classes)}: one column for each class it was fitted on."
        )
    return check_probabilities(given, "predict_proba did not return")


def check_probabilities(given, what):
    """Refuse rows that are no probabilities, and take the rounding out of those that are.

    Parameters
    ----------
    given : ndarray of shape (n_samples, n_classes), float64
    what : str
        How the message begins, such as "teacher_proba does not hold".

    Returns
    -------
    proba : ndarray of shape (n_samples, n_classes), float64
    """
    is_proba = (given >= -1e-6).all(1) & (abs(given.sum(1) - 1) < 1e-3)  # both False of NaN
    if not is_proba.all():
        row = int(np.flatnonzero(~is_proba)[0])
        raise ValueError(
            f"{what} probabilities for {(~is_proba).sum()} of {len(given)} rows: they must be "
            f"non-negative and sum to one, got for row {row} of them "
            f"{np.array2string(given[row], precision=3, threshold=8)}."
        )
    given = np.maximum(given, 0)
    return given / given.sum(1, keepdims=True)


def fit_on_indices(estimator, X, y, classes, sample_weight=None, *, present=None):
    """Fit a classifier of labels on their indices, with weights if it takes some.

    Parameters
    ----------
    estimator : classifier
        Fitted in place. Where its `class_weight` names labels, it names indices afterwards.
    X : table of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,), int
        Indices without gaps.
    classes : ndarray of shape (n_classes,)
        The labels.
    sample_weight : ndarray of shape (n_samples,), default=None
    present : list of int, default=None
        Where the rows lack some classes: the index of each that is there.

    Raises
    ------
    ValueError
        If `class_weight` names what is no class.
    """
    _weigh_indices(estimator, classes.tolist(), present)
    # Weights go where a signature takes them, whether or not metadata are routed.
    with config_context(enable_metadata_routing=False):
        estimator.fit(X, y, **weight_parameter(estimator, sample_weight))


def _weigh_indices(estimator, labels, present):
    """Put indices in the place of labels in each `class_weight` of what gets y as it is."""
    there = labels if present is None else [labels[k] for k in present]
    while estimator is not None and not isinstance(estimator, FrozenEstimator):
        weights = getattr(estimator, "class_weight", None)
        if isinstance(weights, dict):
            unknown = [label for label in weights if label not in labels]
            if unknown:
                raise ValueError(
                    f"class_weight names {unknown[:5]}, but the classes of y are {labels[:10]}: "
                    "weigh these, by the labels as y has them."
                )
            known = {k: weights[label] for k, label in enumerate(there) if label in weights}
            estimator.set_params(class_weight=known)
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        elif isinstance(estimator, (BaseSearchCV, CalibratedClassifierCV)):
            estimator = estimator.estimator
        else:
            estimator = getattr(estimator, "classifier", None)  # of a `TableClassifier`


def weight_parameter(estimator, sample_weight):
    """How this estimator's `fit` wants sample weights; nothing if it takes none."""
    if sample_weight is None:
        return {}
    if isinstance(estimator, BaseSearchCV):  # passes on whatever it is given
        return weight_parameter(estimator.estimator, sample_weight)
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return {f"{name}__{key}": w for key, w in weight_parameter(last, sample_weight).items()}
    return {"sample_weight": sample_weight} if _takes_weights(estimator) else {}


def _takes_weights(estimator):
    if isinstance(estimator, (StackingClassifier, VotingClassifier)):
        # They do if all that they are made of do, which the signature of `fit` does not say.
        parts = [each for _, each in estimator.estimators if not isinstance(each, str)]
        parts.append(getattr(estimator, "final_estimator", None))
        return all(_takes_weights(each) for each in parts if each is not None)
    return has_fit_parameter(estimator, "sample_weight")
