"""How a classifier is checked and fitted: on class indices, with weights where it takes them."""

from sklearn import config_context
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from skdistill.sklearn_private import is_search


def check_classifier(name, teacher):
    """Refuse a teacher that is no classifier with probabilities."""
    if not is_classifier(teacher):
        raise ValueError(f"Teacher {name!r} must be a classifier, got {teacher!r}.")
    if not has_probabilities(teacher):
        raise ValueError(
            f"Teacher {name!r} ({type(teacher).__name__}) has no predict_proba: choose a "
            "probabilistic setting of it, or wrap it in CalibratedClassifierCV."
        )


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
        elif is_search(estimator) or isinstance(estimator, CalibratedClassifierCV):
            estimator = estimator.estimator
        else:
            estimator = getattr(estimator, "classifier", None)  # of a `TableClassifier`


def weight_parameter(estimator, sample_weight):
    """How this estimator's `fit` wants sample weights; nothing if it takes none."""
    if sample_weight is None:
        return {}
    if is_search(estimator):  # passes on whatever it is given
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


def has_probabilities(classifier):
    """Whether a classifier, fitted or not, has `predict_proba`."""
    while hasattr(classifier, "steps"):
        classifier = classifier.steps[-1][1]
    # Stacking without a final estimator takes a logistic regression, but has it only once fitted.
    stacks = getattr(classifier, "final_estimator", classifier) is None
    return stacks or hasattr(classifier, "predict_proba")
