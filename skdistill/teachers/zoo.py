"""The teachers that one gets without asking."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skdistill._held_out import hold_out
from skdistill._rows import as_at_fit
from skdistill._table import TableEncoder, check_table, check_training_rows
from skdistill.teachers.fitted import fit_on_indices
from skdistill.teachers.named import has_probabilities

# Boosting rounds where no row can be spared to count them by.
ROUNDS_UNSEEN = 100
# Of so many columns a split of XGBoost sees each; of more it sees some.
COLUMNS_SEEN = 32
BINS_IN_ALL = 16_384
# A column of more levels is left in ranks: XGBoost parts them by what few rows say of each.
MOST_LEVELS_AS_CATEGORIES = 64
OF_RANKS = ("feature_types", "monotone_constraints", "multi_strategy")


def default_teachers(effort="full", *, categorical_features="from_dtype", device="auto"):
    """A forest, boosted trees and three nets, for tables of numbers and categories.

    Parameters
    ----------
    effort : {"full", "low"}, default="full"
        "low": a third of the trees, larger steps of boosting and one net of fewer epochs, for
        a first look in less than half the time of a fit.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        As in `DistilledClassifier`.
    device : str, default="auto"
        Where the nets are trained.

    Returns
    -------
    teachers : list of (str, classifier)
        Unfitted. Each takes the table as it is and can be used on its own.

    Raises
    ------
    ValueError
        If `effort` is none of these.

    Examples
    --------
    >>> from skdistill import default_teachers
    >>> [name for name, teacher in default_teachers()]
    ['rf', 'xgb', 'mlp', 'mlp_waves', 'mlp_steps']
    """
    if effort not in ("full", "low"):
        raise ValueError(f"effort must be 'full' or 'low', got {effort!r}.")
    low = effort == "low"
    # Here, so that nothing of this is loaded before a teacher is wanted.
    from xgboost import XGBClassifier

    from skdistill.nets.modules import StudentMLP
    from skdistill.nets.tensor_net import TensorNet
    from skdistill.teachers.net_classifier import NetClassifier

    forest = RandomForestClassifier(n_estimators=100 if low else 300, min_samples_leaf=2)
    boosted = XGBClassifier(
        n_estimators=1000,
        early_stopping_rounds=15 if low else 30,
        learning_rate=0.15 if low else 0.05,
        max_depth=6,
        subsample=0.8,
        colsample_bytree=0.8,
    )

    def net(hidden_sizes, *, waves, steps, lr=1e-3, max_epochs=100):
        return NetClassifier(
            TensorNet(
                StudentMLP,
                lr=lr,
                max_epochs=max_epochs,
                optimizer__weight_decay=0.1,  # ten times AdamW's own: labels are noisy
                module__hidden_sizes=hidden_sizes,
                module__dropout=0.2,
                module__n_frequencies=16 if waves else 0,
                module__step_size=4 if steps else 0,
            ),
            categorical_features=categorical_features,
            device=device,
        )

    trees = [
        ("rf", TableClassifier(forest, categorical_features)),
        ("xgb", TableClassifier(boosted, categorical_features)),
    ]
    if low:
        quick = net((256, 256), waves=True, steps=True, lr=4e-3, max_epochs=25)
        return [*trees, ("mlp_steps", quick)]
    return [
        *trees,
        ("mlp", net((256, 256, 256), waves=False, steps=False, lr=2e-3)),
        ("mlp_waves", net((256, 256), waves=True, steps=False)),
        ("mlp_steps", net((256, 256), waves=True, steps=True)),
    ]


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
        X, y, self.classes_, sample_weight = check_training_rows(self, X, y, sample_weight)
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
    n_levels = encoder.n_levels_
    n_columns, found = len(n_levels), {}
    is_category = (n_levels > 0) & (n_levels <= MOST_LEVELS_AS_CATEGORIES)
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
