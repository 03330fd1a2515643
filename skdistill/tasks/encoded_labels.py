"""`EncodedLabels`, for classifiers that take no labels but 0, 1, 2…"""

from inspect import Parameter, signature

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import get_tags

from skdistill.sklearn_private import DocumentationLink
from skdistill.tasks.sample_weights import weight_parameter


class InnerParameters(DocumentationLink, BaseEstimator):
    """Base of a meta-estimator whose `classifier` has its parameters at the same level."""

    def get_params(self, deep=True):
        """Get the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of the classifier, by their own names.

        Returns
        -------
        params : dict
        """
        params = super().get_params(deep)
        return params | self._inner_params() if deep else params

    def set_params(self, **params):
        """Set parameters of this estimator, or of the classifier by their own names.

        Parameters
        ----------
        **params : dict

        Returns
        -------
        self : estimator
        """
        if "classifier" in params:  # first, as the other parameters may be those of the new one
            self.classifier = params.pop("classifier")
        inner = self._inner_params()
        passed_on = {name: params.pop(name) for name in list(params) if name in inner}
        super().set_params(**params)
        if passed_on:
            self.classifier.set_params(**passed_on)
        return self

    def _inner_params(self):
        """Return the classifier's parameters by name, except for names of our own."""
        params = _parameters_of(self.classifier) if hasattr(self.classifier, "get_params") else {}
        return {name: params[name] for name in params if name not in self._get_param_names()}


def _parameters_of(classifier):
    """Return the parameters by name, also those that CatBoost leaves out as they are not set."""
    params = classifier.get_params()
    if isinstance(classifier, BaseEstimator):
        return params
    unset = signature(type(classifier)).parameters.values()
    return {
        each.name: each.default for each in unset if each.default is not Parameter.empty
    } | params


class EncodedLabels(InnerParameters, MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """A classifier that is fitted on class indices, and predicts labels.

    It takes the place of XGBoost or of a skorch net within another teacher, such as a search
    that scores by label.

    Parameters
    ----------
    classifier : classifier
        Its parameters are parameters of this one as well. It is cloned and fitted on 0, 1, 2…

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted labels.
    classifier_ : classifier
        The fitted classifier.
    """

    encodes_labels = True

    def __init__(self, classifier):
        self.classifier = classifier

    def fit(self, X, y, sample_weight=None):
        """Fit a clone of the classifier on class indices."""
        self.classes_, indices = np.unique(y, return_inverse=True)
        weight = weight_parameter(self.classifier, sample_weight)
        self.classifier_ = clone(self.classifier).fit(X, indices, **weight)
        return self

    def predict_proba(self, X):
        """Predict class probabilities; the columns follow `classes_`."""
        return self.classifier_.predict_proba(X)

    def predict(self, X):
        """Predict the label of each row."""
        return self.classes_[self.classifier_.predict(X)]

    def __getattr__(self, name):
        """Return what the fitted classifier has beside, such as `feature_importances_`."""
        if name.startswith("__") or "classifier_" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.classifier_, name)

    def __sklearn_tags__(self):
        return get_tags(self.classifier)
