"""`TableRanker`, a ranker behind a table encoder."""

import numpy as np

from skdistill.tasks.ranked_fitting import fit_within_queries, query_parameter, with_queries
from skdistill.tasks.ranking import Ranking
from skdistill.tasks.ranking_scores import RankerMixin
from skdistill.teachers.boosting import stops_early
from skdistill.teachers.table_estimator import BaseTableEstimator


class TableRanker(RankerMixin, BaseTableEstimator):
    """A ranker behind a `TableEncoder`, for tables with numbers and categories.

    The parameters of `ranker` are parameters of the `TableRanker` as well.

    Parameters
    ----------
    ranker : ranker
        `XGBRanker` or `LGBMRanker`, or another whose `fit` has ``qid`` or ``group``. It gets
        floats with NaN, categories as codes, and the rows of a query together. It is cloned.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        As in `TableEncoder`.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X has string column names.
    ranker_ : ranker
        The fitted ranker.
    encoder_ : TableEncoder
        The fitted encoder.

    See Also
    --------
    TableClassifier : The same for classifiers, and what boosted trees are told of a table.
    default_teachers : Uses it for boosted trees.

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill import TableRanker
    >>> from xgboost import XGBRanker
    >>> X = np.random.RandomState(0).normal(size=(60, 3))
    >>> relevance, qid = (X[:, 0] > 0).astype(int), np.arange(60) // 6
    >>> ranker = TableRanker(XGBRanker(n_estimators=10)).fit(X, relevance, qid=qid)
    >>> ranker.predict(X).shape
    (60,)
    """

    _inner = "ranker"
    _task = Ranking
    side_by_side = False

    def __init__(self, ranker, categorical_features="from_dtype"):
        self.ranker = ranker
        self.categorical_features = categorical_features

    def fit(self, X, y, sample_weight=None, *, qid=None):
        """Fit the encoder, then the ranker.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Relevance, not negative.
        sample_weight : array-like of shape (n_samples,), default=None
            Passed to the ranker if it accepts weights; XGBoost gets the mean of each query.
        qid : array-like of shape (n_samples,)
            The query of each row, in any order.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If the data is invalid, if the estimator is no ranker, or if it stops early.
        """
        if query_parameter(self.ranker) is None:
            raise ValueError(
                f"ranker must be one whose fit takes qid or group, got {self.ranker!r}: wrap a "
                "regressor in TableRegressor."
            )
        if stops_early(self.ranker):
            raise ValueError(
                "TableRanker fits the number of rounds that is given: set "
                "early_stopping_rounds=None and n_estimators."
            )
        return self._fit(X, with_queries(y, qid), sample_weight)

    def _fit_inner(self, estimator, X, y, sample_weight, task, options):
        self.ranker_ = fit_within_queries(estimator, X, y, sample_weight, **options)

    def predict(self, X):
        """Return the score of each row, higher for what is more relevant.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,)
        """
        X = self._encode(X)
        return np.asarray(self.ranker_.predict(X), dtype=np.float64)
