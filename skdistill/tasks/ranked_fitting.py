"""Fit rankers query by query, and tell what may score rows: rankers, regressors, classifiers."""

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import column_or_1d, has_fit_parameter

from skdistill.sklearn_private import safe_indexing
from skdistill.table.containers import is_missing
from skdistill.table.validation import check_groups
from skdistill.tasks.fitting import has_probabilities
from skdistill.tasks.sample_weights import fit_with_weights


def with_queries(y, qid, *, of="y", queries="qid"):
    """Return targets with the number of each row's query, as the task of ranking takes them.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Relevance.
    qid : array-like of shape (n_samples,)
        In any order.
    of, queries : str
        Names of the arguments in errors.

    Returns
    -------
    y : ndarray of shape (n_samples, 2), or None if y is None

    Raises
    ------
    ValueError
        If there is no qid, it has another length, or holds missing or incomparable values.
    """
    if y is None:
        return None  # refused with the table
    if qid is None:
        raise ValueError(
            f"{queries} is missing: pass {queries}=, the query that each row of {of} belongs to, "
            "in any order. A search passes it on with set_fit_request(qid=True) and "
            "set_score_request(qid=True)."
        )
    y, qid = column_or_1d(y, warn=True), np.asarray(qid)
    if qid.shape != y.shape:
        raise ValueError(
            f"{queries} has shape {qid.shape} and {of} has {y.shape}: expected one query and one "
            "relevance for each row."
        )
    codes = _numbers_of(qid, queries)
    try:
        return np.column_stack([y.astype(np.float64), codes])
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{of} must hold numbers, got {y.tolist()[0]!r}: a row's relevance to its query."
        ) from error


def _numbers_of(qid, queries):
    """Return the number of each row's query, from 0."""
    missing = np.array([is_missing(each) for each in qid], dtype=bool)
    if missing.any():
        raise ValueError(
            f"{queries} has a missing value, first in row {int(missing.argmax())}: name the query "
            "of each row."
        )
    try:
        return np.unique(qid, return_inverse=True)[1]
    except TypeError as error:
        raise ValueError(
            f"{queries} mixes types that cannot be sorted: use only numbers or only strings."
        ) from error


def query_parameter(estimator):
    """Return the parameter of `fit` by which a ranker gets queries, such as "qid"; None without.

    Parameters
    ----------
    estimator : estimator
        At the end of a `Pipeline`, the parameter is that of its last step.
    """
    if isinstance(estimator, FrozenEstimator):
        return None
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        own = query_parameter(last)
        return own and f"{name}__{own}"
    return next((name for name in ("qid", "group") if has_fit_parameter(estimator, name)), None)


def can_score(estimator):
    """Tell whether an estimator is a ranker, a regressor, or a classifier with `predict_proba`."""
    if query_parameter(estimator) is not None or is_regressor(estimator):
        return True
    if isinstance(estimator, FrozenEstimator):
        return can_score(estimator.estimator)
    return is_classifier(estimator) and has_probabilities(estimator)


def fit_within_queries(estimator, X, y, sample_weight=None, **options):
    """Fit a ranker with the queries of its rows, or a pointwise estimator without.

    Parameters
    ----------
    estimator : estimator
        Fitted in place.
    X : table of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, 2)
        Relevance, and the number of the query.
    sample_weight : ndarray of shape (n_samples,), default=None
        XGBoost's rankers get the mean of each query.
    **options : dict
        Passed to `fit` as well.
    """
    name = query_parameter(estimator)
    if name is None:
        return fit_with_weights(estimator, X, _labels(estimator, y[:, 0]), sample_weight, **options)
    order = np.argsort(y[:, 1], kind="stable")  # rankers take the rows of a query together
    X, y = safe_indexing(X, order), y[order]
    _, query, sizes = np.unique(y[:, 1], return_inverse=True, return_counts=True)
    relevance, weight = y[:, 0], sample_weight
    if weight is not None:
        weight = weight[order]
        if _is_xgboost(estimator):
            weight = np.bincount(query, weight) / sizes
    if name.endswith("group"):  # LightGBM
        relevance, query = _labels(estimator, relevance), sizes
    return fit_with_weights(estimator, X, relevance, weight, **{name: query}, **options)


def scores_of(estimator, X):
    """Return the scores of a fitted estimator, ndarray of shape (n_samples,).

    Those of a classifier are the expected relevance.
    """
    if is_classifier(estimator):
        return np.asarray(estimator.predict_proba(X)) @ np.asarray(estimator.classes_, dtype=float)
    return estimator.predict(X)


def _labels(estimator, relevance):
    """Return relevance as ints where it is whole, for classifiers and LightGBM."""
    if is_regressor(estimator):
        return relevance
    is_whole = (relevance % 1 == 0).all() and relevance.max(initial=0) < 2**53
    return relevance.astype(np.int64) if is_whole else relevance


def _is_xgboost(estimator):
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    return hasattr(last, "get_booster")


def groups_of(qid, groups=None):
    """Return the groups of rows, none of which divides a query: the queries, or larger ones.

    Parameters
    ----------
    qid : array-like of shape (n_samples,)
        Checked by `with_queries`.
    groups : array-like of shape (n_samples,), default=None

    Returns
    -------
    groups : array-like of shape (n_samples,)

    Raises
    ------
    ValueError
        If the rows of a query are in several groups.
    """
    if groups is None:
        return qid
    groups = check_groups(groups, len(qid))
    number, group = (np.unique(each, return_inverse=True)[1] for each in (qid, groups))
    pairs = np.unique(np.column_stack([number, group]), axis=0)[:, 0]
    divided = np.bincount(pairs) > 1
    if divided.any():
        row = int(np.flatnonzero(divided[number])[0])
        raise ValueError(
            f"groups divides query {np.asarray(qid).tolist()[row]!r}: all rows of a query must be "
            "in one group."
        )
    return groups
