"""Students at the end of pipelines and in searches, measured as they would be alone."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import (
    DistillationReport,
    DistilledRanker,
    DiversityDisplay,
    TeacherEnsemble,
    TrainingDisplay,
    compare,
    disagreements,
)
from skdistill.inspection.pipelines import is_ranker, size_in_bytes
from tests.small import (
    numeric_rows,
    quick_classifier,
    quick_regressor,
    quick_student,
    rows_and_targets,
    two_trees,
)

X, Y = numeric_rows()
QUERIES = np.repeat(np.arange(10), 6)


@pytest.fixture(scope="module")
def pipeline():
    return make_pipeline(StandardScaler(), quick_classifier(keep_teachers=True)).fit(X, Y)


@pytest.fixture(scope="module")
def ranker():
    """A pipeline that ends with a ranker."""
    last = DistilledRanker(
        two_trees(), quick_student(), cv=2, augmenter=None, keep_teachers=True, random_state=0
    )
    return make_pipeline(StandardScaler(), last).fit(X, Y, distilledranker__qid=QUERIES)


def test_the_size_of_a_pipeline_is_without_the_teachers_of_its_student(pipeline):
    alone = make_pipeline(StandardScaler(), quick_classifier()).fit(X, Y)
    alone[-1].teachers = None

    assert size_in_bytes(pipeline) == size_in_bytes(alone)
    assert size_in_bytes(FrozenEstimator(pipeline[-1])) < size_in_bytes(pipeline)


def test_measuring_the_size_leaves_the_teachers_where_they_are(pipeline):
    size_in_bytes(pipeline)
    size_in_bytes(FrozenEstimator(pipeline[-1]))

    assert pipeline[-1].teacher_ is not None
    assert pipeline[-1].teachers is not None


def test_the_size_of_a_search_for_a_student_is_that_of_the_best(pipeline):
    search = GridSearchCV(pipeline, {"distilledclassifier__alpha": [0.5]}, cv=2).fit(X, Y)

    assert size_in_bytes(search) == pytest.approx(size_in_bytes(pipeline), abs=100)


def test_the_size_of_other_searches_is_that_of_their_file():
    search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2).fit(X, Y)

    assert size_in_bytes(search) > 2 * size_in_bytes(search.best_estimator_)


@pytest.mark.parametrize("wrap", [lambda each: each, lambda each: FrozenEstimator(each[-1])])
def test_a_ranker_is_found_behind_steps_and_frozen(ranker, wrap):
    assert is_ranker(wrap(ranker))
    with pytest.raises(ValueError, match=r"is a ranker, .* pass qid"):
        compare({"model": wrap(ranker)}, X, Y)
    with pytest.raises(ValueError, match=r"is a ranker, .* pass qid"):
        DistillationReport.from_estimator(wrap(ranker), X, Y)
    with pytest.raises(ValueError, match="scores compare only within a query"):
        disagreements(wrap(ranker), X)


def test_a_ranker_behind_steps_is_measured_by_query(ranker):
    report = DistillationReport.from_estimator(ranker, X, Y, qid=QUERIES, n_repeats=1)

    alone = compare({"student": ranker[-1]}, ranker[:-1].transform(X), Y, qid=QUERIES)
    assert report["student"].ndcg == alone["student"].ndcg


def test_quantiles_of_a_student_behind_steps_are_measured():
    rows, y = rows_and_targets()
    model = make_pipeline("passthrough", quick_regressor(quantiles=[0.1, 0.9])).fit(rows, y)

    row = compare({"student": model}, rows, y, n_repeats=1)["student"]

    assert row.coverage == compare({"student": model[-1]}, rows, y)["student"].coverage
    assert row.nominal_coverage == pytest.approx(0.8)


@pytest.mark.parametrize("display", [TrainingDisplay, DiversityDisplay])
def test_a_search_is_drawn_as_the_student_that_it_has_found(pipeline, display):
    search = GridSearchCV(pipeline, {"distilledclassifier__alpha": [0.5]}, cv=2).fit(X, Y)

    of_search = display.from_estimator(search)

    of_student = display.from_estimator(search.best_estimator_[-1])
    attribute = "history" if display is TrainingDisplay else "weights"
    assert getattr(of_search, attribute) == getattr(of_student, attribute)


def test_a_pool_counts_a_fitted_ensemble_that_it_was_given_once():
    X, y = numeric_rows()
    forest = RandomForestClassifier(30, random_state=0)
    sizes = [
        size_in_bytes(TeacherEnsemble([("forest", each)], cv=2, random_state=0).fit(X, y))
        for each in (clone(forest), forest.fit(X, y))
    ]

    assert sizes[0] == pytest.approx(sizes[1], rel=0.01)
