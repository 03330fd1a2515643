"""`TableClassifier`, a classifier behind a table encoder."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skdistill.table.containers import as_at_fit
from skdistill.table.encoder import TableEncoder
from skdistill.table.scaling import clip_for_trees
from skdistill.table.validation import check_table
from skdistill.tasks.classification import Classification
from skdistill.tasks.encoded_labels import InnerParameters
from skdistill.tasks.fitting import fit_on_labels, has_probabilities, needs_indices
from skdistill.teachers.boosting import (
    fit_boosted_folds,
    fit_options,
    for_table,
    refuses,
    rows_for,
    stops_early,
    with_rounds_found,
)


class TableClassifier(InnerParameters, MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """A classifier behind a `TableEncoder`, for tables with numbers and categories.

    The parameters of `classifier` are parameters of the `TableClassifier` as well. In an
    ensemble, ``rf__n_estimators`` reaches a forest as if there were no encoder.

    Parameters
    ----------
    classifier : classifier
        It must accept floats with NaN, and gets categories as codes. It is cloned.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        As in `TableEncoder`.
    side_by_side : bool, default=False
        Whether a cross-fitting of XGBoost with ``early_stopping_rounds`` finds the number of
        rounds once, by the mean loss of the folds' test rows, and not anew within each fold. It
        does not apply where a fold lacks a class.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted labels.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if X has string column names.
    classifier_ : classifier
        The fitted classifier.
    encoder_ : TableEncoder
        The fitted encoder.

    See Also
    --------
    TableEncoder : The encoder.
    default_teachers : Uses it for the forest and for boosted trees.

    Notes
    -----
    After a fit on a sparse matrix, the classifier always gets CSR. Rows of more than one axis
    are flattened. Numbers beyond 1e30 are clipped: trees take no larger ones than float32.

    XGBoost gets settings that fit the table, unless they are set already:

    - With ``early_stopping_rounds``, it finds the number of rounds on held-out rows, a tenth to
      a fifth of all, and is then fitted with so many rounds on all rows.
    - Columns with up to 64 categories are categorical features of XGBoost.
    - If there are more than 32 columns, each split samples 32 of them, or a tenth.
    - If there are more than 64 columns, numbers have fewer bins than XGBoost's 256.

    LightGBM and CatBoost know the categorical columns too, unless they were told of some. CatBoost
    uses as many threads as OpenMP does, unless `thread_count` is set, and samples the columns of
    wide tables as XGBoost does.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import TableClassifier
    >>> X = np.array([["red", 1.0], ["red", 3.0], ["blue", 1.0], ["blue", 3.0]], dtype=object)
    >>> y = ["stop", "stop", "go", "go"]
    >>> clf = TableClassifier(DecisionTreeClassifier(), categorical_features=[0]).fit(X, y)
    >>> clf.predict(X)
    array(['stop', 'stop', 'go', 'go'], dtype='<U4')
    >>> clf.set_params(max_depth=3).classifier
    DecisionTreeClassifier(max_depth=3)
    """

    encodes_labels = True

    def __init__(self, classifier, categorical_features="from_dtype", *, side_by_side=False):
        self.classifier = classifier
        self.categorical_features = categorical_features
        self.side_by_side = side_by_side

    def fit(self, X, y, sample_weight=None):
        """Fit the encoder, then the classifier.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Passed to the classifier if it accepts weights.

        Returns
        -------
        self : TableClassifier

        Raises
        ------
        ValueError
            If the data is invalid.
        """
        task, X, y, sample_weight = Classification.check(self, X, y, sample_weight)
        self.classes_ = task.classes
        self.sparse_ = issparse(X)
        self.encoder_ = TableEncoder(self.categorical_features).fit(X)
        X = clip_for_trees(self.encoder_.encode(X))
        classifier = for_table(clone(self.classifier), self.encoder_, is_sparse=self.sparse_)
        if refuses(classifier, X):
            classifier = DummyClassifier(strategy="prior")
        if stops_early(classifier):
            classifier = with_rounds_found(classifier, X, y, sample_weight)
        labels = fit_on_labels(
            classifier,
            rows_for(classifier, X),
            self.classes_[y],
            sample_weight,
            **fit_options(classifier, self.encoder_),
        )
        self.classifier_, self._columns = classifier, task.columns_of(labels)
        return self

    def can_fit_folds(self, X):
        """Tell whether folds share their rounds: those of XGBoost with early stopping can."""
        return self.side_by_side and stops_early(self.classifier)

    def fit_folds(self, data, splits, names):
        """Fit a clone on the training rows of each split.

        The number of rounds is found once, by the mean loss of the splits' test rows.

        Parameters
        ----------
        data : TrainingData
            Its y are class indices.
        splits : list of (train, test)
            Test rows may be empty.
        names : list of str
            Names of the splits.

        Returns
        -------
        fitted : list of TableClassifier
        """
        encoder = TableEncoder(self.categorical_features).fit(data.X)
        X = clip_for_trees(encoder.encode(data.X))
        classifier = for_table(clone(self.classifier), encoder, is_sparse=issparse(X))
        boosted = fit_boosted_folds(classifier, X, data.y, data.sample_weight, splits)
        fitted = []
        for each in boosted:
            one = clone(self)
            data.set_columns(one)
            one.classes_, one.sparse_ = data.task.classes, issparse(data.X)
            one.encoder_, one.classifier_ = encoder, each
            one._columns = np.arange(len(one.classes_))
            fitted.append(one)
        return fitted

    @available_if(lambda self: has_probabilities(self.classifier))
    def predict_proba(self, X):
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns follow `classes_`.
        """
        X = self._encode(X)
        proba = self.classifier_.predict_proba(X)
        if np.array_equal(self._columns, np.arange(len(self.classes_))):
            return proba
        return Classification(self.classes_).place_columns(proba, self._columns, X.shape[0])

    def predict(self, X):
        """Predict the class of each row.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        X = self._encode(X)
        y = np.ravel(self.classifier_.predict(X))  # CatBoost returns a column
        return self.classes_[y] if needs_indices(self.classifier_) else y

    def _encode(self, X):
        check_is_fitted(self)
        matrix = clip_for_trees(self.encoder_.encode(check_table(self, X, reset=False)))
        return rows_for(self.classifier_, as_at_fit(matrix, self.sparse_))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.classifier).input_tags
        tags.input_tags.allow_nan, tags.input_tags.sparse = inner.allow_nan, inner.sparse
        tags.input_tags.three_d_array = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
