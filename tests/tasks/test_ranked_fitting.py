"""Rankers are fitted query by query, whatever they call it."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBRanker

from skdistill import NetRanker, TableRanker
from skdistill.tasks.ranked_fitting import (
    can_score,
    fit_within_queries,
    groups_of,
    query_parameter,
    scores_of,
    with_queries,
)

QID = np.array(["b", "a", "b", "c", "a"])
Y = with_queries([1, 0, 2, 0, 3], QID)
X = np.arange(5.0)[:, None]


class OfGroups(BaseEstimator):
    """A ranker like LightGBM's, which notes what it is fitted on."""

    def fit(self, X, y, sample_weight=None, *, group):
        self.given = X.ravel().tolist(), y.tolist(), sample_weight, list(group)


class OfQueries(BaseEstimator):
    """A ranker like XGBoost's, which takes a weight for each query."""

    get_booster = None

    def fit(self, X, y, sample_weight=None, *, qid):
        self.given = X.ravel().tolist(), y.tolist(), sample_weight, list(qid)


def test_targets_get_the_number_of_their_query():
    assert Y.tolist() == [[1, 1], [0, 0], [2, 1], [0, 2], [3, 0]]
    assert with_queries(None, QID) is None


def test_queries_of_types_that_cannot_be_sorted_are_refused():
    with pytest.raises(ValueError, match="qid mixes types that cannot be sorted"):
        with_queries([1, 0], np.array([1, "a"], dtype=object))


def test_a_ranker_gets_the_rows_of_a_query_together():
    one, other = OfGroups(), OfQueries()

    fit_within_queries(one, X, Y, np.arange(5.0))
    fit_within_queries(other, X, Y, np.arange(5.0))

    rows, relevance = [1, 4, 0, 2, 3], [0, 3, 1, 2, 0]
    assert one.given[:2] == (rows, relevance)
    assert_array_equal(one.given[2], rows)
    assert one.given[3] == [2, 2, 1]
    assert other.given[:2] == (rows, relevance)
    assert_array_equal(other.given[2], [2.5, 1, 3])  # the mean of each query
    assert other.given[3] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("estimator", "parameter"),
    [
        (XGBRanker(), "qid"),
        (NetRanker(), "qid"),
        (TableRanker(XGBRanker()), "qid"),
        (OfGroups(), "group"),
        (make_pipeline(StandardScaler(), XGBRanker()), "xgbranker__qid"),
        (make_pipeline(StandardScaler(), Ridge()), None),
        (LogisticRegression(), None),
        (FrozenEstimator(XGBRanker()), None),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_ranker_is_known_by_the_arguments_of_its_fit(estimator, parameter):
    assert query_parameter(estimator) == parameter
    assert can_score(estimator)


def test_a_classifier_scores_by_the_expected_relevance():
    X = np.array([[0.0], [1.0], [2.0], [3.0]] * 5)
    classifier = LogisticRegression().fit(X, [0, 0, 1, 4] * 5)

    expected = classifier.predict_proba(X) @ [0, 1, 4]
    assert_array_equal(scores_of(classifier, X), expected)


def test_groups_may_hold_several_queries_but_divide_none():
    groups = np.where(QID == "c", 1, 0)

    assert_array_equal(groups_of(QID), QID)
    assert_array_equal(groups_of(QID, groups), groups)
    with pytest.raises(ValueError, match="groups divides query 'a'"):
        groups_of(QID, [0, 0, 0, 1, 1])
