"""Check classifiers and fit them on class indices, with sample weights where supported."""

from sklearn import config_context
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from skdistill.sklearn_private import is_search


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


def fit_on_indices(estimator, X, y, classes, sample_weight=None, *, present=None):
    """Fit a classifier on class indices, with sample weights if it supports them.

    Parameters
    ----------
    estimator : classifier
        Fitted in place. Labels in its `class_weight` are replaced by their indices.
    X : table of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,), int
        Class indices without gaps.
    classes : ndarray of shape (n_classes,)
        The labels.
    sample_weight : ndarray of shape (n_samples,), default=None
    present : list of int, default=None
        Indices of the classes that the rows have. None: all classes.

    Raises
    ------
    ValueError
        If `class_weight` has a key that is not a class.
    """
    _replace_class_weight(estimator, classes.tolist(), present)
    # Weights are passed by signature, whether or not metadata routing is enabled.
    with config_context(enable_metadata_routing=False):
        estimator.fit(X, y, **weight_parameter(estimator, sample_weight))


def _replace_class_weight(estimator, labels, present):
    """Replace labels by indices in the `class_weight` of an estimator and of those inside it."""
    present_labels = labels if present is None else [labels[k] for k in present]
    while estimator is not None and not isinstance(estimator, FrozenEstimator):
        weights = getattr(estimator, "class_weight", None)
        if isinstance(weights, dict):
            unknown = [label for label in weights if label not in labels]
            if unknown:
                raise ValueError(
                    f"class_weight names {unknown[:5]}, but the classes of y are {labels[:10]}: "
                    "use the labels of y as keys."
                )
            known = {
                k: weights[label] for k, label in enumerate(present_labels) if label in weights
            }
            estimator.set_params(class_weight=known)
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        elif is_search(estimator) or isinstance(estimator, CalibratedClassifierCV):
            estimator = estimator.estimator
        else:
            estimator = getattr(estimator, "classifier", None)  # as in TableClassifier


def weight_parameter(estimator, sample_weight):
    """Return sample weights as keyword arguments of `fit`, empty if it does not support them."""
    if sample_weight is None:
        return {}
    if is_search(estimator):  # it passes all arguments on
        return weight_parameter(estimator.estimator, sample_weight)
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return {f"{name}__{key}": w for key, w in weight_parameter(last, sample_weight).items()}
    return {"sample_weight": sample_weight} if _takes_weights(estimator) else {}


def _takes_weights(estimator):
    if isinstance(estimator, (StackingClassifier, VotingClassifier)):
        # They support weights if all their estimators do; the signature of `fit` does not tell.
        parts = [each for _, each in estimator.estimators if not isinstance(each, str)]
        parts.append(getattr(estimator, "final_estimator", None))
        return all(_takes_weights(each) for each in parts if each is not None)
    return has_fit_parameter(estimator, "sample_weight")


def has_probabilities(classifier):
    """Tell whether a classifier, fitted or not, has `predict_proba`."""
    while hasattr(classifier, "steps"):
        classifier = classifier.steps[-1][1]
    # Without a final estimator, stacking uses a logistic regression, but creates it in `fit` only.
    uses_default = getattr(classifier, "final_estimator", classifier) is None
    return uses_default or hasattr(classifier, "predict_proba")
