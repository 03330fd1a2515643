"""`TableRegressor`, a regressor behind a table encoder."""

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.dummy import DummyRegressor

from skdistill.tasks.regression import Regression
from skdistill.tasks.sample_weights import fit_with_weights
from skdistill.teachers.table_estimator import BaseTableEstimator


class TableRegressor(RegressorMixin, BaseTableEstimator):
    """A regressor behind a `TableEncoder`, for tables with numbers and categories.

    The parameters of `regressor` are parameters of the `TableRegressor` as well.

    Parameters
    ----------
    regressor : regressor
        It must accept floats with NaN, and gets categories as codes. It is cloned.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        As in `TableEncoder`.
    side_by_side : bool, default=False
        Whether a cross-fitting of XGBoost with ``early_stopping_rounds`` finds the number of
        rounds once, by the mean loss of the folds' test rows, and not anew within each fold.

    Attributes
    ----------
    n_outputs_ : int
        Number of targets.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X has string column names.
    regressor_ : regressor
        The fitted regressor.
    encoder_ : TableEncoder
        The fitted encoder.

    See Also
    --------
    TableClassifier : The same for classifiers, and what boosted trees are told of a table.
    default_teachers : Uses it for the forest and for boosted trees.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from skdistill import TableRegressor
    >>> X = np.array([["red", 1.0], ["red", 3.0], ["blue", 1.0], ["blue", 3.0]], dtype=object)
    >>> y = [1.0, 1.0, 2.0, 2.0]
    >>> reg = TableRegressor(DecisionTreeRegressor(), categorical_features=[0]).fit(X, y)
    >>> reg.predict(X)
    array([1., 1., 2., 2.])
    """

    _inner = "regressor"
    _task = Regression

    def __init__(self, regressor, categorical_features="from_dtype", *, side_by_side=False):
        self.regressor = regressor
        self.categorical_features = categorical_features
        self.side_by_side = side_by_side

    def _dummy(self):
        return DummyRegressor()

    def _fit_inner(self, estimator, X, y, sample_weight, task, options):
        fit_with_weights(estimator, X, task.in_unit_of_y(y), sample_weight, **options)
        self._keep_boosted(estimator, task)

    def _keep_boosted(self, estimator, task):
        self.n_outputs_, self.regressor_ = task.n_targets, estimator

    def _boosting_targets(self, y, task):
        return task.in_unit_of_y(y)

    def predict(self, X):
        """Predict the target of each row.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, `n_outputs_`)
        """
        X = self._encode(X)
        y = np.asarray(self.regressor_.predict(X), dtype=np.float64)
        return y.reshape(len(y)) if self.n_outputs_ == 1 else y

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
