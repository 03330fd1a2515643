"""Check classifiers, and fit them on labels, with sample weights where supported."""

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.pipeline import Pipeline

from skdistill.tasks.encoded_labels import EncodedLabels
from skdistill.tasks.sample_weights import fit_with_weights

CANDIDATES = ("param_grid", "param_distributions", "search_spaces")
# They encode the labels for the classifiers within them.
ENCODING = (
    BaggingClassifier,
    OneVsOneClassifier,
    OneVsRestClassifier,
    OutputCodeClassifier,
    StackingClassifier,
    VotingClassifier,
)


def check_classifier(name, teacher):
    """Check that a teacher is a classifier with `predict_proba`."""
    if not is_classifier(teacher):
        raise ValueError(f"Teacher {name!r} must be a classifier, got {teacher!r}.")
    if not has_probabilities(teacher):
        if getattr(teacher, "voting", None) == "hard":
            raise ValueError(
                f"Teacher {name!r} (VotingClassifier) has no predict_proba: set voting='soft'."
            )
        raise ValueError(
            f"Teacher {name!r} ({type(teacher).__name__}) has no predict_proba: choose a "
            "probabilistic setting, or wrap it in CalibratedClassifierCV."
        )
    if hasattr(teacher, "check_parameters"):  # a NetClassifier
        try:
            teacher.check_parameters()
        except ValueError as error:
            raise ValueError(f"Teacher {name!r}: {error}") from error


def has_probabilities(classifier):
    """Tell whether a classifier, fitted or not, has `predict_proba`."""
    while hasattr(classifier, "steps"):
        classifier = classifier.steps[-1][1]
    # Without a final estimator, stacking uses a logistic regression, but creates it in `fit` only.
    uses_default = getattr(classifier, "final_estimator", classifier) is None
    return uses_default or hasattr(classifier, "predict_proba")


def check_class_weight(name, teacher, labels):
    """Check that each `class_weight` of a teacher names labels of y.

    Parameters
    ----------
    name : str
        Name of the teacher.
    teacher : classifier
    labels : list
        All labels of y.
    """
    for part in classifiers_on_labels(teacher):
        weights = getattr(part, "class_weight", None)
        unknown = [key for key in weights if key not in labels] if isinstance(weights, dict) else []
        if unknown:
            raise ValueError(
                f"Teacher {name!r} ({type(part).__name__}): class_weight names {unknown[:5]}, but "
                f"the classes of y are {labels[:10]}: use the labels of y as keys."
            )


def classifiers_on_labels(classifier):
    """Yield a classifier and those within it that are fitted on the same labels."""
    while hasattr(classifier, "fit"):
        yield classifier
        if isinstance(classifier, (FrozenEstimator, *ENCODING)):
            return
        if isinstance(classifier, Pipeline):
            classifier = classifier.steps[-1][1]
        else:  # as in a search, or in TableClassifier
            inner = getattr(classifier, "estimator", None)
            classifier = getattr(classifier, "classifier", None) if inner is None else inner


def fit_on_labels(classifier, X, y, sample_weight=None, **options):
    """Fit a classifier on labels, with sample weights if it supports them.

    XGBoost and skorch's nets are fitted on class indices, wherever in the classifier they are.

    Parameters
    ----------
    classifier : classifier
        Fitted in place.
    X : table of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
        Labels.
    sample_weight : ndarray of shape (n_samples,), default=None
    **options : dict
        Passed to `fit` as well.

    Returns
    -------
    labels : ndarray of shape (n_columns,)
        The label of each column of its probabilities.
    """
    labels, indices = np.unique(y, return_inverse=True)
    if needs_indices(classifier):
        y = indices
    elif labels.dtype != np.int64 or not np.array_equal(labels, np.arange(len(labels))):
        _encode_within(classifier)
    fit_with_weights(classifier, X, y, sample_weight, **options)
    # Most classifiers sort their classes. `classes_` shows where one does not.
    if needs_indices(classifier) or not hasattr(classifier, "classes_"):
        return labels
    return np.asarray(classifier.classes_)


def needs_indices(classifier):
    """Tell whether a classifier takes only labels 0, 1, 2…, as XGBoost and skorch's nets do."""
    if isinstance(classifier, FrozenEstimator) or not is_classifier(classifier):
        return False  # a frozen one is not fitted again
    return hasattr(classifier, "get_booster") or hasattr(classifier, "initialize_module")


def _encode_within(estimator):
    """Put `EncodedLabels` around the parts of an estimator that need class indices."""
    if getattr(estimator, "encodes_labels", False):
        return
    for name, part in _parts(estimator):
        if needs_indices(part):
            estimator.set_params(**{name: EncodedLabels(part)})
        else:
            _encode_within(part)
    for name in CANDIDATES:  # of a search
        if hasattr(estimator, name):
            setattr(estimator, name, _encoded(getattr(estimator, name)))


def _encoded(value):
    """Return the candidates of a search, with `EncodedLabels` around those that need indices."""
    if isinstance(value, dict):
        return {name: _encoded(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encoded(each) for each in value]
    if not hasattr(value, "fit") or isinstance(value, type):
        return value
    if needs_indices(value):
        return EncodedLabels(value)
    value = clone(value)
    _encode_within(value)
    return value


def complete_class_weight(estimator, labels):
    """Let each `class_weight` that names a label besides these name all of these.

    scikit-learn refuses it otherwise, where a fold lacks a class that it names.
    """
    weights = getattr(estimator, "class_weight", None)
    if isinstance(weights, dict) and not set(weights) <= set(labels):
        estimator.set_params(class_weight=dict.fromkeys(labels, 1) | weights)
    for _, part in _parts(estimator):
        complete_class_weight(part, labels)


def _parts(estimator):
    """Return the unfitted estimators right within an estimator, by parameter."""
    if isinstance(estimator, FrozenEstimator) or not hasattr(estimator, "get_params"):
        return []
    return [
        (name, part)
        for name, part in estimator.get_params().items()
        if "__" not in name and hasattr(part, "fit") and not isinstance(part, type)
    ]
