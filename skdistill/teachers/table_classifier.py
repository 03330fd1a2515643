"""`TableClassifier`, a classifier behind a table encoder."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.utils.metaestimators import available_if

from skdistill.tasks.classification import Classification
from skdistill.tasks.fitting import fit_on_labels, has_probabilities, needs_indices
from skdistill.teachers.table_estimator import BaseTableEstimator


class TableClassifier(ClassifierMixin, BaseTableEstimator):
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
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
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
    _task = Classification

    def __init__(self, classifier, categorical_features="from_dtype", *, side_by_side=False):
        self.classifier = classifier
        self.categorical_features = categorical_features
        self.side_by_side = side_by_side

    def _dummy(self):
        return DummyClassifier(strategy="prior")

    def _fit_inner(self, estimator, X, y, sample_weight, task, options):
        self.classes_ = task.classes
        labels = fit_on_labels(estimator, X, self.classes_[y], sample_weight, **options)
        self.classifier_, self._columns = estimator, task.columns_of(labels)

    def _keep_boosted(self, estimator, task):
        self.classes_, self.classifier_ = task.classes, estimator
        self._columns = np.arange(len(task.classes))

    def _boosting_targets(self, y, task):
        return y

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
