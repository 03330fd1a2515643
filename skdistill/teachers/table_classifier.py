"""A classifier of matrices behind a table encoder; what XGBoost is told of a table."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skdistill.table.containers import as_at_fit
from skdistill.table.encoder import TableEncoder
from skdistill.table.splits import hold_out
from skdistill.table.validation import check_table
from skdistill.tasks.classification import Classification
from skdistill.tasks.fitting import fit_on_indices, has_probabilities

# Boosting rounds where no row can be spared to count them by.
ROUNDS_UNSEEN = 100
# Of so many columns a split of XGBoost sees each; of more it sees some.
COLUMNS_SEEN = 32
BINS_IN_ALL = 16_384
# A column of more levels is left in ranks: XGBoost parts them by what few rows say of each.
MAX_CATEGORIES = 64
OF_RANKS = ("feature_types", "monotone_constraints", "multi_strategy")


class TableClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """A classifier of matrices behind a `TableEncoder`, for mixed tables.

    Fitted on a sparse matrix it gets CSR always; rows of more than one axis are flattened.
    An XGBoost classifier with ``early_stopping_rounds`` counts its rounds on a tenth or so
    of the rows, and is then fitted with as many on all of them. Unless told, it takes columns
    of up to 64 levels as categories; of more than 32 columns each of its splits looks at 32, or
    a tenth, and of more than 64 in fewer bins.

    The classifier's parameters are its own too, so that in an ensemble one writes
    ``rf__n_estimators`` as if there were no encoder between.

    Parameters
    ----------
    classifier : classifier
        Takes floats with NaN, and a category as the rank of its level; fitted on class
        indices.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        As in `TableEncoder`.

    Attributes
    ----------
    classifier_ : classifier
        Fitted.
    encoder_ : TableEncoder
    classes_ : ndarray of shape (n_classes,)
    """

    def __init__(self, classifier, categorical_features="from_dtype"):
        self.classifier = classifier
        self.categorical_features = categorical_features

    def fit(self, X, y, sample_weight=None):
        """Fit the encoder, then the classifier."""
        # Class indices, because XGBoost wants 0, 1, 2…
        task, X, y, sample_weight = Classification.check(self, X, y, sample_weight)
        self.classes_ = task.classes
        self.sparse_ = issparse(X)
        self.encoder_ = TableEncoder(self.categorical_features).fit(X)
        X = self.encoder_.encode(X)
        classifier = clone(self.classifier)
        if hasattr(classifier, "get_booster"):
            classifier = _for_table(classifier, self.encoder_, is_sparse=self.sparse_)
            if classifier.early_stopping_rounds:
                classifier = _with_rounds_found(classifier, X, y, sample_weight)
        fit_on_indices(classifier, X, y, self.classes_, sample_weight)
        self.classifier_ = classifier
        return self

    @available_if(lambda self: has_probabilities(self.classifier))
    def predict_proba(self, X):
        """Class probabilities, ndarray of shape (n_samples, n_classes)."""
        X = self._encode(X)
        return self.classifier_.predict_proba(X)

    def predict(self, X):
        """The most probable class of each row, ndarray of shape (n_samples,)."""
        X = self._encode(X)
        return self.classes_[np.ravel(self.classifier_.predict(X))]  # CatBoost's is a column

    def _encode(self, X):
        check_is_fitted(self)
        matrix = self.encoder_.encode(check_table(self, X, reset=False))
        return as_at_fit(matrix, self.sparse_)

    def get_params(self, deep=True):
        """Get the parameters, the classifier's own among them if `deep`."""
        params = super().get_params(deep)
        return params | self._own_names() if deep else params

    def set_params(self, **params):
        """Set parameters of this estimator, or of the classifier by their own names."""
        if "classifier" in params:  # first, so that what else is passed may be its own
            self.classifier = params.pop("classifier")
        own_names = self._own_names()
        passed_on = {name: params.pop(name) for name in list(params) if name in own_names}
        super().set_params(**params)
        if passed_on:
            self.classifier.set_params(**passed_on)
        return self

    def _own_names(self):
        """The classifier's parameters by the names it knows them by, unless they are ours."""
        its = self.classifier.get_params() if hasattr(self.classifier, "get_params") else {}
        return {name: its[name] for name in its if name not in self._get_param_names()}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        its = get_tags(self.classifier).input_tags
        tags.input_tags.allow_nan, tags.input_tags.sparse = its.allow_nan, its.sparse
        tags.input_tags.three_d_array = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def _for_table(boosted, encoder, *, is_sparse):
    """XGBoost told of a table's categories, and to look at a part of many columns, as a forest.

    Both make it better, and the second takes less time.
    """
    params = boosted.get_params()
    if params["booster"] == "gblinear" or params["tree_method"] == "exact":
        return boosted  # they know neither
    n_categories = encoder.n_categories_
    n_columns, found = len(n_categories), {}
    is_category = (n_categories > 0) & (n_categories <= MAX_CATEGORIES)
    # Constraints are on ranks, and trees of several classes know no categories.
    wants_ranks = is_sparse or any(params[name] is not None for name in OF_RANKS)
    if is_category.any() and not wants_ranks:
        kinds = ["c" if each else "q" for each in is_category]
        boosted = boosted.set_params(enable_categorical=True, feature_types=kinds)
    if n_columns > COLUMNS_SEEN:
        found["colsample_bynode"] = max(0.1, COLUMNS_SEEN / n_columns)
        found["max_bin"] = int(np.clip(BINS_IN_ALL // n_columns, 64, 256))
    return boosted.set_params(**{name: found[name] for name in found if params[name] is None})


def _with_rounds_found(boosted, X, y, sample_weight):
    """XGBoost with as many rounds as held-out rows call for, to be fitted on all rows."""
    held_out = hold_out(y, check_random_state(boosted.random_state), sample_weight=sample_weight)
    n_rounds = min(boosted.get_num_boosting_rounds(), ROUNDS_UNSEEN)  # of None too
    if held_out.any():
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        trial = clone(boosted).fit(
            X[~held_out],
            y[~held_out],
            sample_weight=weight[~held_out],
            eval_set=[(X[held_out], y[held_out])],
            sample_weight_eval_set=[weight[held_out]],
            verbose=False,
        )
        n_rounds = trial.best_iteration + 1
    return boosted.set_params(n_estimators=n_rounds, early_stopping_rounds=None)
