"""`TeacherEnsembleRegressor`, the teachers as one regressor."""

from sklearn.base import RegressorMixin

from skdistill.sklearn_private import StrOptions
from skdistill.soft_targets.base_ensemble import BaseTeacherEnsemble
from skdistill.tasks.regression import Regression
from skdistill.tasks.regression_pool import COMBINATIONS


class TeacherEnsembleRegressor(RegressorMixin, BaseTeacherEnsemble):
    """An ensemble of cross-fitted regressors with pooled predictions.

    `DistilledRegressor` distills such an ensemble into a student.

    Parameters
    ----------
    teachers : list of (str, regressor), regressor, or None, default=None
        As in `VotingRegressor`; "drop" instead of a regressor removes it. None uses
        ``default_teachers(task="regression")``.
    weights : "auto", None, array-like of shape (n_teachers,) or dict, default="auto"
        "auto" is non-negative least squares of y on the out-of-fold predictions, with weights
        that sum to one. None weights all teachers equally. A dict gives each teacher's weight by
        its name.
    combination : {"mean", "median"}, default="mean"
        The weighted mean or the weighted median.
    cv : int, splitter, iterable, "oob", "in_sample" or None, default=5
        Folds of the cross-fitting, as in `TeacherEnsemble`.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        Which columns are categories, for the default teachers. Other teachers get the table
        unchanged.
    memory : None, str, path-like or joblib.Memory, default=None
        Folder for the predictions of each teacher on each fold, see `DistilledRegressor`.
    n_jobs : int, default=None
        Number of fits at once, over teachers and folds.
    random_state : int, RandomState or None, default=None
        Seed of the folds, and of teachers without a seed of their own.
    verbose : int, default=0
        1 shows the progress.

    Attributes
    ----------
    n_outputs_ : int
        Number of targets.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X has string column names.
    teachers_ : list of FittedTeacher
        The teachers fitted on all rows, with `name`, `estimator` and `predict`.
    named_teachers_ : Bunch
        The fitted teachers by name.
    weights_ : dict of str to float
        Weight of each teacher in the pool, by name.
    scores_ : dict of str to float
        Out-of-fold RMSE of each teacher, and of the "pool"; of standardized targets if there are
        several.
    diversity_ : dict
        Out-of-fold ``loss`` and ``marginal_gain`` of each teacher, ``disagreement`` and
        ``error_correlation`` of each pair.

    See Also
    --------
    DistilledRegressor : Trains such an ensemble, and a small net that predicts like it.
    TeacherEnsemble : The same of classifiers.

    References
    ----------
    Breiman, "Stacked regressions", 1996, Machine Learning 24.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> from sklearn.linear_model import Ridge
    >>> from skdistill import TeacherEnsembleRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> ensemble = TeacherEnsembleRegressor(
    ...     [("rf", RandomForestRegressor(20)), ("ridge", Ridge())], random_state=0
    ... ).fit(X, y)
    >>> sorted(ensemble.weights_)
    ['rf', 'ridge']
    >>> ensemble.predict(X).shape
    (442,)
    """

    _task = Regression
    _parameter_constraints = {
        **BaseTeacherEnsemble._parameter_constraints,
        "combination": [StrOptions(set(COMBINATIONS))],
    }

    @property
    def n_outputs_(self):
        """Number of targets."""
        return self._fitted_task.n_targets

    def predict(self, X):
        """Predict the target of each row.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, `n_outputs_`)
        """
        pooled = self._pooled(X)
        return self._fitted_task.in_unit_of_y(pooled[:, : self.n_outputs_])

    def _default_teachers(self):
        from skdistill.teachers.defaults import default_teachers

        categorical_features = self.categorical_features
        return default_teachers(task="regression", categorical_features=categorical_features)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
