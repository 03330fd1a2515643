"""`EncodedLabels`, for classifiers that take no labels but 0, 1, 2…"""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import get_tags

from skdistill.tasks.inner_parameters import InnerParameters
from skdistill.tasks.sample_weights import weight_parameter


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
