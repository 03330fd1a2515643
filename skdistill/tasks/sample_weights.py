"""Which estimators accept sample weights, and under which name."""

from sklearn import config_context
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from skdistill.sklearn_private import is_search

COMBINED = (StackingClassifier, StackingRegressor, VotingClassifier, VotingRegressor)


def fit_with_weights(estimator, X, y, sample_weight=None, **options):
    """Fit an estimator, with sample weights if it supports them."""
    # Weights are passed by signature, whether or not metadata routing is enabled.
    with config_context(enable_metadata_routing=False):
        estimator.fit(X, y, **weight_parameter(estimator, sample_weight), **options)
    return estimator


def weight_parameter(estimator, sample_weight):
    """Return sample weights as keyword arguments of `fit`, empty if it does not support them."""
    if sample_weight is None:
        return {}
    if is_search(estimator):  # it passes all arguments on
        return weight_parameter(estimator.estimator, sample_weight)
    if isinstance(estimator, TransformedTargetRegressor) and estimator.regressor is not None:
        return weight_parameter(estimator.regressor, sample_weight)
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return {f"{name}__{key}": w for key, w in weight_parameter(last, sample_weight).items()}
    return {"sample_weight": sample_weight} if _takes_weights(estimator) else {}


def _takes_weights(estimator):
    if isinstance(estimator, COMBINED):
        # They support weights if all their estimators do; the signature of `fit` does not tell.
        parts = [each for _, each in estimator.estimators if not isinstance(each, str)]
        parts.append(getattr(estimator, "final_estimator", None))
        return all(_takes_weights(each) for each in parts if each is not None)
    return has_fit_parameter(estimator, "sample_weight")
