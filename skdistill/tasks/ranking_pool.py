"""Pool the scores of several rankers: one slope for each, and weights, by the listwise loss."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from skdistill.tasks.pooling import as_weights
from skdistill.tasks.regression_diversity import measures_of_pairs
from skdistill.tasks.regression_pool import pool_values

# A slope is searched up to this factor above and below one over the scores' deviation.
LARGEST_FACTOR = 100.0
# Strength of the prior on equal weights, in queries. Among 1, 10, 50, 200 and 1,000, the pool's
# NDCG out of fold is highest with it.
QUERIES_FOR_EQUAL_WEIGHTS = 50.0


class Queries:
    """The queries of some rows, and the shares of relevance within each.

    Parameters
    ----------
    y : ndarray of shape (n_samples, 2)
        Relevance, and the number of the query.
    sample_weight : ndarray of shape (n_samples,), default=None
        Rows of weight zero play no part.
    """

    def __init__(self, y, sample_weight=None):
        counts = np.ones(len(y), dtype=bool) if sample_weight is None else sample_weight > 0
        # Only rows of queries with different labels say something about an order.
        codes, query = np.unique(y[:, 1], return_inverse=True)
        lowest, largest = np.full(len(codes), np.inf), np.full(len(codes), -np.inf)
        np.minimum.at(lowest, query[counts], y[counts, 0])
        np.maximum.at(largest, query[counts], y[counts, 0])
        self.rows = counts & (largest > lowest)[query]
        codes, self.query = np.unique(y[self.rows, 1], return_inverse=True)
        self.n_queries = len(codes)
        relevance = y[self.rows, 0]
        self.share = relevance / np.bincount(self.query, relevance)[self.query]
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        self.size = np.bincount(self.query).astype(float)
        weight = np.bincount(self.query, weight[self.rows]) / self.size
        self.weight = weight / max(weight.sum(), np.finfo(float).tiny)

    def loss(self, scores):
        """Return the mean listwise loss of scores, and its gradient.

        Parameters
        ----------
        scores : ndarray of shape (n_rows,)
            Of the rows in the mask `rows`.

        Returns
        -------
        loss : float
        gradient : ndarray of shape (n_rows,)
        """
        log_proba = self._log_proba(scores)
        weight = self.weight[self.query]
        return float(-weight @ (self.share * log_proba)), weight * (np.exp(log_proba) - self.share)

    def _log_proba(self, scores):
        largest = np.full(self.n_queries, -np.inf)
        np.maximum.at(largest, self.query, scores)
        shifted = scores - largest[self.query]
        total = np.bincount(self.query, np.exp(shifted), minlength=self.n_queries)
        return shifted - np.log(total)[self.query]

    def errors(self, scores):
        """Return the softmax of scores within queries, less the shares of relevance."""
        return np.exp(self._log_proba(scores)) - self.share

    def centered(self, scores):
        """Return the scores of the rows in the mask, less the mean of their query."""
        scores = scores[self.rows]
        mean = np.bincount(self.query, scores, minlength=self.n_queries) / self.size
        return scores - mean[self.query]


def best_slope(scores, queries):
    """Return the factor of scores that minimizes the listwise loss: 1/T within queries.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
    queries : Queries

    Returns
    -------
    slope : float
        At least 0, as a teacher that orders the wrong way round is not turned.
    loss : float
    """
    scores = queries.centered(scores)
    unit = scores.std() if len(scores) else 0.0
    if not unit > 0:
        return 1.0, queries.loss(np.zeros(len(scores)))[0]
    scores = scores / unit
    found = minimize_scalar(
        lambda slope: queries.loss(slope * scores)[0],
        bounds=(0, LARGEST_FACTOR),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(found.x) / unit, float(found.fun)


@dataclass
class RankingPool:
    """How scores become comparable: ``slope * (score - center)`` of each teacher, and of all.

    Parameters
    ----------
    slopes, centers : ndarray of shape (n_teachers,)
    sharpness : float
        Factor of the pooled scores.
    """

    slopes: np.ndarray
    centers: np.ndarray
    sharpness: float = 1.0

    @classmethod
    def fit(cls, scores, queries, sample_weight=None):
        """Fit slopes and centers on out-of-fold scores.

        Parameters
        ----------
        scores : ndarray of shape (n_teachers, n_samples)
        queries : Queries
        sample_weight : ndarray of shape (n_samples,), default=None
        """
        slopes = np.array([best_slope(each, queries)[0] for each in scores])
        return cls(slopes, np.average(scores, axis=1, weights=sample_weight))

    def scaled(self, scores):
        """Return comparable scores, ndarray of shape (n_teachers, n_samples)."""
        return self.slopes[:, None] * (scores - self.centers[:, None])

    def pool(self, scores, weights, combination="mean"):
        """Return the pooled scores, ndarray of shape (n_samples,)."""
        scaled = self.scaled(scores)[..., None]
        return self.sharpness * pool_values(scaled, weights, combination)[:, 0]


def ranking_weights(weights, scores, queries):
    """Return the weights of the teachers, which sum to one.

    Parameters
    ----------
    weights : "auto", None or array-like of shape (n_teachers,)
        "auto": those of the lowest listwise loss of a sum of the scores with non-negative
        factors, and a prior of 50 queries on equal ones.
    scores : ndarray of shape (n_teachers, n_samples)
        Comparable ones, out of fold.
    queries : Queries

    Returns
    -------
    weights : ndarray of shape (n_teachers,)
    """
    n_teachers = len(scores)
    if weights is None:
        return np.full(n_teachers, 1 / n_teachers)
    if not isinstance(weights, str):
        return as_weights(weights, n_teachers)
    if n_teachers == 1 or not queries.n_queries:
        return np.full(n_teachers, 1 / n_teachers)
    centered = np.stack([queries.centered(each) for each in scores])
    prior = QUERIES_FOR_EQUAL_WEIGHTS / queries.n_queries

    def objective(factors):
        loss, gradient = queries.loss(factors @ centered)
        away = factors - factors.mean()
        return loss + prior * away @ away / 2, centered @ gradient + prior * away

    start = np.full(n_teachers, 1 / n_teachers)
    found = minimize(
        objective, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * n_teachers
    ).x
    return found / found.sum() if found.sum() > 0 else start


def ranking_diversity(scores, queries, names, weights, combination="mean"):
    """Measure how rankers differ, and what each adds to the pool.

    Parameters
    ----------
    scores : ndarray of shape (n_teachers, n_samples)
        Comparable ones, out of fold.
    queries : Queries
    names : list of str
    weights : "auto", None or ndarray of shape (n_teachers,)
    combination : {"mean", "median"}, default="mean"

    Returns
    -------
    measures : dict
        As of `regression_diversity`, with listwise losses. A single teacher is compared with
        equal scores, and an error is that of the softmax within a query.
    """
    centered = np.stack([queries.centered(each) for each in scores])

    def pool_loss(teachers):
        if not len(teachers):
            return queries.loss(np.zeros(centered.shape[1]))[0]
        some = weights if weights is None or isinstance(weights, str) else weights[teachers]
        some = None if isinstance(some, np.ndarray) and not some.any() else some
        fitted = ranking_weights(some, scores[teachers], queries)
        pooled = pool_values(centered[teachers][..., None], fitted, combination)[:, 0]
        return queries.loss(pooled)[0]

    indices = np.arange(len(scores))
    full = pool_loss(indices)
    gains = [pool_loss(np.delete(indices, t)) - full for t in indices]
    errors = np.stack([queries.errors(each) for each in centered])[..., None]
    row_weight = queries.weight[queries.query]
    return {
        "loss": {name: queries.loss(each)[0] for name, each in zip(names, centered)},
        "marginal_gain": dict(zip(names, gains)),
        **measures_of_pairs(errors, names, row_weight / row_weight.sum()),
    }
