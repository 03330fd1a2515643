"""`TeacherEnsembleRanker`, the teachers as one ranker."""

from skdistill.sklearn_private import StrOptions
from skdistill.soft_targets.base_ensemble import BaseTeacherEnsemble
from skdistill.tasks.ranked_fitting import groups_of, with_queries
from skdistill.tasks.ranking import Ranking
from skdistill.tasks.ranking_scores import RankerMixin
from skdistill.tasks.regression_pool import COMBINATIONS


class TeacherEnsembleRanker(RankerMixin, BaseTeacherEnsemble):
    """An ensemble of cross-fitted rankers with pooled scores.

    `DistilledRanker` distills such an ensemble into a student.

    Parameters
    ----------
    teachers : list of (str, estimator), estimator, or None, default=None
        Rankers, and regressors or classifiers that score each row by itself; "drop" instead of
        one removes it. None uses ``default_teachers(task="ranking")``.
    weights : "auto", None, array-like of shape (n_teachers,) or dict, default="auto"
        "auto" minimizes the out-of-fold listwise loss of the pool. None weights all teachers
        equally. A dict gives each teacher's weight by its name.
    combination : {"mean", "median"}, default="mean"
        The weighted mean or the weighted median.
    cv : int, splitter, iterable, "in_sample" or None, default=5
        Folds of the cross-fitting, as in `TeacherEnsemble`; a query is never divided.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        Which columns are categories, for the default teachers. Other teachers get the table
        unchanged.
    memory : None, str, path-like or joblib.Memory, default=None
        Folder for the scores of each teacher on each fold, see `DistilledRanker`.
    n_jobs : int, default=None
        Number of fits at once, over teachers and folds.
    random_state : int, RandomState or None, default=None
        Seed of the folds, and of teachers without a seed of their own.
    verbose : int, default=0
        1 shows the progress.

    Attributes
    ----------
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
    slopes_ : dict of str to float
        By which each teacher's scores are multiplied before they are pooled.
    scores_ : dict of str to float
        Out-of-fold listwise loss of each teacher, and of the "pool", each at its best slope.
    diversity_ : dict
        Out-of-fold ``loss`` and ``marginal_gain`` of each teacher, ``disagreement`` and
        ``error_correlation`` of each pair.

    See Also
    --------
    DistilledRanker : Trains such an ensemble, and a small net that ranks like it.
    TeacherEnsemble : The same of classifiers.

    Notes
    -----
    The scores of each teacher are multiplied by the slope that minimizes the listwise loss out of
    fold, a temperature within queries. So the pool needs no queries to score new rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from skdistill import TeacherEnsembleRanker
    >>> from xgboost import XGBRanker
    >>> X = np.random.RandomState(0).normal(size=(120, 3))
    >>> relevance, qid = (X[:, 0] > 0).astype(int), np.arange(120) // 6
    >>> ensemble = TeacherEnsembleRanker(
    ...     [("xgb", XGBRanker(n_estimators=10)), ("ridge", Ridge())], random_state=0
    ... ).fit(X, relevance, qid=qid)
    >>> sorted(ensemble.weights_)
    ['ridge', 'xgb']
    >>> ensemble.predict(X).shape
    (120,)
    """

    _task = Ranking
    _parameter_constraints = {
        **BaseTeacherEnsemble._parameter_constraints,
        "combination": [StrOptions(set(COMBINATIONS))],
        "cv": ["cv_object", StrOptions({"in_sample"})],
    }

    def fit(self, X, y, sample_weight=None, *, qid=None, groups=None):
        """Fit slopes and weights out of fold, and the teachers on all rows.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Relevance, not negative.
        sample_weight : array-like of shape (n_samples,), default=None
            For the pool, and for the teachers that accept weights. Only ratios matter.
        qid : array-like of shape (n_samples,)
            The query of each row, in any order.
        groups : array-like of shape (n_samples,), default=None
            Queries of one group are in the same fold. None: each query is a group.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a parameter, the data or a teacher's predictions are invalid, or if `cv` splits
            queries or groups.
        """
        return self._fit(X, with_queries(y, qid), sample_weight, groups_of(qid, groups))

    @property
    def slopes_(self):
        """By which each teacher's scores are multiplied before they are pooled."""
        return dict(zip(self.weights_, self._calibration.slopes.tolist()))

    def predict(self, X):
        """Return the pooled score of each row, higher for what is more relevant.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,)
        """
        return self._pooled(X)[:, 0]

    def _default_teachers(self):
        from skdistill.teachers.defaults import default_teachers

        return default_teachers(task="ranking", categorical_features=self.categorical_features)
