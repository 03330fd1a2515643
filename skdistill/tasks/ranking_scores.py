"""How well scores order the rows of queries, and the `score` of rankers."""

import numpy as np
from sklearn.base import BaseEstimator


class RankerMixin(BaseEstimator):
    """Mixin of estimators whose `fit` takes `qid`, and whose `predict` returns scores."""

    def score(self, X, y, sample_weight=None, *, qid=None):
        """Return the mean NDCG@10 of the queries, where the relevance is the gain.

        Queries whose rows are equally relevant are left out: any order of them is right.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Relevance, not negative.
        sample_weight : array-like of shape (n_samples,), default=None
            A query has the mean weight of its rows.
        qid : array-like of shape (n_samples,)
            The query of each row, in any order.

        Returns
        -------
        ndcg : float
            NaN if no query is left.
        """
        from skdistill.tasks.ranked_fitting import with_queries

        relevance, query = with_queries(y, qid).T
        return mean_ndcg(relevance, self.predict(X), query, sample_weight)  # type: ignore[attr-defined]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.positive_only = True
        return tags


def mean_ndcg(y, scores, qid, sample_weight=None, k=10):
    """Return the mean NDCG@k of queries, with the relevance as the gain.

    Queries whose rows are equally relevant are left out: any order of them is right.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Relevance, not negative.
    scores : array-like of shape (n_samples,)
    qid : array-like of shape (n_samples,)
        In any order.
    sample_weight : array-like of shape (n_samples,), default=None
        A query has the mean weight of its rows.
    k : int, default=10

    Returns
    -------
    ndcg : float
        NaN if no query is left.
    """
    from sklearn.metrics import ndcg_score  # slow to import, and predicting needs none

    y, scores = np.asarray(y, dtype=float), np.asarray(scores)
    _, query, sizes = np.unique(np.asarray(qid), return_inverse=True, return_counts=True)
    weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
    order, starts = np.argsort(query, kind="stable"), np.cumsum(sizes) - sizes
    total, weights = 0.0, 0.0
    for size in np.unique(sizes[sizes > 1]):  # queries of one size make one matrix
        rows = order[starts[sizes == size][:, None] + np.arange(size)]
        rows = rows[np.ptp(y[rows], axis=1) > 0]
        of_queries = weight[rows].mean(1)
        if of_queries.sum() > 0:
            own = ndcg_score(y[rows], scores[rows], k=k, sample_weight=of_queries)
            total, weights = total + of_queries.sum() * own, weights + of_queries.sum()
    return float(total / weights) if weights else float("nan")
