"""What is measured of rankers: NDCG, and agreement within queries."""

import numpy as np
import pytest
from scipy.stats import kendalltau
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeRegressor

from skdistill import DistillationReport, DistilledRanker, compare, disagreements
from skdistill.inspection.metrics import mean_tau
from tests.small import quick_student

POOL = "pooled teachers"


def queries(n_queries=40, seed=0, rows=6):
    """Rows of queries in random order, as (X, relevance, qid)."""
    rng = np.random.RandomState(seed)
    n = rows * n_queries
    X, qid = rng.normal(size=(n, 4)), rng.permutation(np.arange(n) // rows)
    X[:, 3] = qid  # the same for all rows of a query
    return X, np.digitize(X[:, 0] + X[:, 1] + 0.3 * rng.normal(size=n), [0, 1.5]), qid


@pytest.fixture(scope="module")
def ranked():
    """A student that has kept its teachers, and queries that it has not seen."""
    X, y, qid = queries()
    teachers = [("tree", DecisionTreeRegressor(max_depth=4)), ("ridge", Ridge())]
    params = {"cv": 2, "augmenter": None, "random_state": 0, "keep_teachers": True}
    return DistilledRanker(teachers, quick_student(), **params).fit(X, y, qid=qid), queries(seed=1)


@pytest.fixture(scope="module")
def report(ranked):
    model, (X, y, qid) = ranked
    return DistillationReport.from_estimator(model, X, y, qid=qid, slices=[3], n_repeats=1)


def test_rankers_are_measured_as_their_score_does(ranked, report):
    model, (X, y, qid) = ranked

    assert report["student"].ndcg == pytest.approx(model.score(X, y, qid=qid))
    assert report[POOL].ndcg == pytest.approx(model.teacher_.score(X, y, qid=qid))
    names = [row.name for row in report.rows]
    assert sorted(names[:2]) == ["teacher ridge", "teacher tree"]
    assert names[2:] == [POOL, "student"]


def test_agreement_is_the_mean_tau_within_queries(ranked, report):
    model, (X, _, qid) = ranked
    own, other = model.predict(X), model.teacher_.predict(X)

    taus = [kendalltau(own[qid == q], other[qid == q]).statistic for q in np.unique(qid)]

    assert report["student"].agreement == pytest.approx(np.mean(taus))
    assert report[POOL].agreement == pytest.approx(1)


def test_queries_without_an_order_do_not_count():
    scores, queries = np.array([1.0, 2, 3, 3]), np.array([0, 0, 1, 1])

    assert mean_tau(scores, scores, queries) == 1
    assert np.isnan(mean_tau(scores[2:], scores[2:], queries[2:]))


def test_where_all_are_equally_relevant_there_is_no_ndcg(ranked):
    model, (X, y, qid) = ranked

    report = DistillationReport.from_estimator(model, X, 0 * y, qid=qid, n_repeats=1)

    assert report["student"].ndcg is None
    assert "NDCG" not in str(report)


def test_without_relevance_rankers_agree(ranked, report):
    model, (X, _, qid) = ranked

    found = DistillationReport.from_estimator(model, X, qid=qid, n_repeats=1)

    assert set(found.to_frame()) == {"agreement", "kilobytes", "microseconds"}
    assert found["student"].agreement == report["student"].agreement


def test_the_same_net_is_trained_on_relevance_where_rows_are_given(ranked):
    model, (X, y, qid) = ranked
    X_train, y_train, qid_train = queries()

    found = DistillationReport.from_estimator(
        model, X, y, qid=qid, X_train=X_train, y_train=y_train, qid_train=qid_train, n_repeats=1
    )

    assert 0.5 < found["same net on relevance"].ndcg < 1


def test_given_teachers_of_a_ranker_are_not_pooled(ranked):
    model, (X, y, qid) = ranked
    teachers = {"mine": Ridge().fit(*queries()[:2])}

    found = DistillationReport.from_estimator(model, X, y, qid=qid, teachers=teachers, n_repeats=1)

    assert [row.name for row in found.rows] == ["teacher mine", "student"]


def test_a_report_of_rankers_is_drawn_and_saved(report, tmp_path):
    report.save(tmp_path / "report.html")

    page = (tmp_path / "report.html").read_text("utf-8")
    assert "<th>NDCG@10</th><th>agreement, tau</th>" in page
    assert report.facts["task"] == "ranking"
    assert "pipeline_tag" not in report.to_model_card()


def test_slices_of_whole_queries_are_measured(report):
    frame = report.by_slice(3)

    assert frame["ndcg"].between(0, 1).all()
    assert frame["slice"].nunique() == 4


def test_slices_that_divide_queries_are_refused(ranked, report):
    with pytest.raises(ValueError, match="the slices divide queries"):
        report.by_slice(0, ranked[1][0])
    with pytest.raises(ValueError, match="only classifiers have measures by class"):
        report.by_class()


def test_what_cannot_be_ranked_is_refused(ranked):
    model, (X, y, qid) = ranked

    with pytest.raises(ValueError, match=r"is a ranker.*pass qid"):
        DistillationReport.from_estimator(model, X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        compare({"student": model}, X, y, qid=qid[:-1])
    with pytest.raises(ValueError, match="'logistic', a LogisticRegression, predicts no scores"):
        compare({"logistic": LogisticRegression().fit(X, y)}, X, y, qid=qid)
    with pytest.raises(ValueError, match="a DistilledRanker ranks, and its scores compare only"):
        disagreements(model, X)
