"""The task of ranking: the relevance of rows within queries, and scores that order them."""

from typing import Any

import numpy as np

from skdistill.sklearn_private import num_samples
from skdistill.table.validation import check_rows
from skdistill.tasks.ranked_fitting import can_score, fit_within_queries, scores_of
from skdistill.tasks.ranking_pool import (
    Queries,
    RankingPool,
    best_slope,
    ranking_diversity,
    ranking_weights,
)
from skdistill.tasks.task import Task

LOSSES = ("listwise", "pairwise", "listmle", "lambdarank")


class Ranking(Task):
    """Ranking: relevance and the number of the query as y, scores as soft targets.

    Parameters
    ----------
    loss : {"listwise", "pairwise", "listmle", "lambdarank"}, default="listwise"
        As in `DistilledRanker`.
    rows_per_query : float, default=1.0
    """

    kind = "ranker"
    score_name = "listwise loss"
    multi_output = True
    n_outputs = 1
    attributes: dict = {}

    def __init__(self, loss="listwise", rows_per_query=1.0):
        self.loss = loss
        self.criterion_parameters = {"loss": loss, "rows_per_query": rows_per_query}

    @classmethod
    def check(cls, estimator, X, y, sample_weight=None):
        """Check the arguments of a ranker's `fit`.

        Parameters
        ----------
        estimator : ranker
            As in `check_table`; it may have a `loss`.
        X : DataFrame, sparse matrix or array-like of shape (n_samples, ...)
        y : ndarray of shape (n_samples, 2)
            From `with_queries`.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        task : Ranking
        X : DataFrame, CSR matrix or ndarray of shape (n_samples, n_features) or (n_samples, ...)
        y : ndarray of shape (n_samples, 2), float64
        sample_weight : ndarray of shape (n_samples,) or None

        Raises
        ------
        ValueError
            If relevance is missing, infinite, negative or no number, or if each query has one row.
        """
        X, y, sample_weight = check_rows(estimator, X, y, sample_weight, multi_output=True)
        loss = getattr(estimator, "loss", "listwise")
        if loss not in LOSSES:
            raise ValueError(f"loss must be one of {LOSSES}, got {loss!r}.")
        _check_relevance(y[:, 0], "y")
        n_queries = len(np.unique(y[:, 1]))
        if n_queries == len(y):
            raise ValueError(
                f"qid names {n_queries} queries for n_samples={len(y)} rows: each has one row, so "
                "there is nothing to rank. Check which column is the query."
            )
        return cls(loss, len(y) / n_queries), X, y, sample_weight

    def check_learnable(self, y, sample_weight=None):
        if not Queries(y, sample_weight).n_queries:
            raise ValueError(
                "all rows that count have the relevance of the other rows of their query, so there "
                "is nothing to learn. Check which columns are the relevance and the query."
            )

    def in_unit_of_y(self, y):
        """Return scores as an estimator's `predict` does, shape (n_samples,)."""
        return y[:, 0]

    def encode(self, y, sample_weight=None):
        _check_relevance(y[:, 0], "y_val")
        if not Queries(y, sample_weight).n_queries:
            raise ValueError("none of their queries has rows of different relevance.")
        return y, sample_weight

    def as_soft_targets(self, y):
        return y[:, :1]

    def without_target(self, n_samples):
        return np.full((n_samples, 2), np.nan)

    def has_target(self, y):
        return ~np.isnan(y[:, 0])

    def check_teacher(self, name, teacher):
        if not can_score(teacher):
            raise ValueError(
                f"Teacher {name!r} must be a ranker with qid or group in its fit, a regressor, or "
                f"a classifier with predict_proba, got {teacher!r}."
            )
        if hasattr(teacher, "check_parameters"):  # a net
            try:
                teacher.check_parameters()
            except ValueError as error:
                raise ValueError(f"Teacher {name!r}: {error}") from error

    def fit_teacher(self, estimator, X, y, sample_weight=None):
        fit_within_queries(estimator, X, y, sample_weight)
        return np.arange(1)

    def raw_predictions(self, estimator, X):
        return scores_of(estimator, X)

    def predict_teacher(self, estimator, columns, X):
        return self.place_columns(scores_of(estimator, X), columns, num_samples(X))

    def predict_out_of_bag(self, estimator, columns, n_samples):
        raise ValueError(
            "cv='oob' tears queries, because it draws bags row by row: pass an int, or GroupKFold."
        )

    def place_columns(self, predictions, columns, n_samples):
        scores = np.asarray(predictions, dtype=np.float64)
        if scores.shape not in {(n_samples,), (n_samples, 1)}:
            raise ValueError(
                f"predict returned shape {scores.shape}, expected ({n_samples},): one score for "
                "each row of X."
            )
        finite = np.isfinite(scores.reshape(-1))
        if not finite.all():
            raise ValueError(
                f"predict returned NaN or infinity for {(~finite).sum()} of {n_samples} rows, "
                f"first in row {int(finite.argmin())} of them."
            )
        return scores.reshape(n_samples, 1)

    def check_soft_targets(self, soft_targets, n_samples):
        """Check the argument `teacher_scores`.

        Parameters
        ----------
        soft_targets : array-like of shape (n_samples,)
        n_samples : int

        Returns
        -------
        soft_targets : ndarray of shape (n_samples, 1)
        """
        try:
            return self.place_columns(soft_targets, None, n_samples)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"teacher_scores must be {n_samples} finite numbers, one for each row of X, got "
                f"shape {np.shape(soft_targets)}: {error}"
            ) from error

    def completed(self, soft_targets, y, sample_weight=None):
        scores, queries = soft_targets.T, Queries(y, sample_weight)
        calibration = RankingPool.fit(scores, queries, sample_weight)
        return self.pool(soft_targets[None], np.ones(1), "mean", calibration)

    def check_weights(self, weights, n_teachers):
        if not isinstance(weights, str) or weights != "auto":
            ranking_weights(weights, [None] * n_teachers, None)

    def fit_pool(self, soft_targets, y, weights, combination, *, sharpen, sample_weight=None):
        """Fit the weights, and the slopes that make the scores comparable."""
        scores, queries = soft_targets[..., 0], Queries(y, sample_weight)
        calibration = RankingPool.fit(scores, queries, sample_weight)
        weights = ranking_weights(weights, calibration.scaled(scores), queries)
        if len(scores) > 1:
            pooled = calibration.pool(scores, weights, combination)
            calibration.sharpness = best_slope(pooled, queries)[0]
        return weights, calibration

    def pool(self, soft_targets, weights, combination, calibration):
        return calibration.pool(soft_targets[..., 0], weights, combination)[:, None]

    def score(self, y, soft_targets, sample_weight=None):
        """Return the listwise loss of scores, whatever their scale is."""
        return best_slope(soft_targets[:, 0], Queries(y, sample_weight))[1]

    def diversity(self, soft_targets, y, names, weights, combination, sample_weight=None):
        scores, queries = soft_targets[..., 0], Queries(y, sample_weight)
        scaled = RankingPool.fit(scores, queries, sample_weight).scaled(scores)
        return ranking_diversity(scaled, queries, names, weights, combination)

    def unexplained_variance(self, y, soft_targets, sample_weight=None):
        """Return 1 less the squared correlation of scores and relevance within queries."""
        queries = Queries(y, sample_weight)
        scores, relevance = queries.centered(soft_targets[:, 0]), queries.centered(y[:, 0])
        size = np.sqrt((scores @ scores) * (relevance @ relevance))
        correlation = max(0.0, scores @ relevance / size) if size > 0 else 0.0
        return float(1 - correlation**2)

    @property
    def criterion(self) -> Any:
        from skdistill.nets.ranking_losses import RankingLoss  # imports torch

        return RankingLoss

    def why_not_ask(self, *, by_uncertainty):
        return (
            "is for classifiers and regressors: a ranker's scores mean something within their "
            "query only, so those of two models are not compared row by row. Use augmenter='munge'."
        )

    def label_losses(self, outputs, y):
        from skdistill.nets.ranking_losses import label_losses  # imports torch

        return label_losses(outputs, y)

    def check_student(self, student, *, has_weights):
        raise ValueError(
            "student must be a TensorNet or a StudentNet, which are trained on the order within "
            f"queries, got a {type(student).__name__}."
        )

    def fit_student(self, student, X, soft_targets, y, alpha, sample_weight=None):
        raise NotImplementedError  # `check_student` refuses each


def _check_relevance(relevance, name):
    if (relevance < 0).any():
        row = int((relevance < 0).argmax())
        raise ValueError(
            f"{name} has the relevance {relevance[row]:g} in row {row}: it must not be negative, "
            "such as 0 for what does not answer the query."
        )
