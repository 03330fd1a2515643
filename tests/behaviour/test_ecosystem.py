"""In the company of scikit-learn's tools, and on real tables."""

import joblib
import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import __version__ as sklearn_version
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier, StudentNet, TableClassifier, TeacherEnsemble
from tests.small import mixed_table, numeric_rows, quick_classifier, quick_student

CALIBRATIONS = ["sigmoid", "isotonic"]
if tuple(map(int, sklearn_version.split(".")[:2])) >= (1, 8):
    CALIBRATIONS.append("temperature")


def forest():
    """Anew for each test: set_params reaches into the very estimator."""
    return [("rf", RandomForestClassifier(5))]


def test_it_is_a_classifier():
    assert is_classifier(DistilledClassifier())


@pytest.mark.integration("scikit-learn", "the last step of a Pipeline", package="scikit-learn")
def test_it_works_at_the_end_of_a_pipeline():
    X, y = numeric_rows()
    pipeline = make_pipeline(StandardScaler(), SelectKBest(k=3), quick_classifier())

    assert pipeline.fit(X, y).predict_proba(X).shape == (60, 3)
    assert pipeline[-1].n_features_in_ == 3


def test_parameters_are_reached_through_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), quick_classifier(forest()))

    pipeline.set_params(
        distilledclassifier__rf__n_estimators=7, distilledclassifier__student__lr=0.5
    )

    assert dict(pipeline[-1].teachers)["rf"].n_estimators == 7
    assert pipeline[-1].student.lr == 0.5


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("temperature", [1.0, 3.0]),
        ("alpha", [0.0, 1.0]),
        ("student__lr", [1e-5, 0.05]),
        ("rf__n_estimators", [1, 5]),
        ("student__module__hidden_sizes", [(4,), (8, 8)]),
        ("rf", [DecisionTreeClassifier(max_depth=1), RandomForestClassifier(3)]),
    ],
)
@pytest.mark.integration(
    "scikit-learn", "GridSearchCV over teachers and student", package="scikit-learn"
)
def test_a_grid_can_be_searched_over(name, values):
    X, y = numeric_rows()
    clf = quick_classifier(forest(), quick_student(max_epochs=10))

    search = GridSearchCV(clf, {name: values}, cv=2, scoring="neg_log_loss").fit(X, y)

    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert scores[0] != scores[1]  # the parameter arrived


def test_a_grid_can_be_searched_over_default_teachers_and_the_default_student():
    clf = DistilledClassifier()

    for params in ({"rf__n_estimators": 3}, {"student__lr": 0.1}):
        clone(clf).set_params(**params)

    assert clf.teachers is None
    assert clf.student is None


def test_a_teacher_of_the_defaults_is_reached_by_its_name():
    clf = DistilledClassifier().set_params(rf__n_estimators=3)

    assert clf.get_params()["rf__n_estimators"] == 3
    assert [name for name, _ in clf.teachers] == [
        name for name, _ in DistilledClassifier()._default_teachers()
    ]


def test_a_teacher_of_the_defaults_can_be_dropped():
    clf = DistilledClassifier().set_params(rf="drop")

    assert dict(clf.teachers)["rf"] == "drop"


def test_the_default_student_is_reached_by_its_name():
    clf = DistilledClassifier().set_params(student__lr=0.5, student__module__dropout=0.3)

    assert isinstance(clf.student, StudentNet)
    assert clf.get_params()["student__lr"] == 0.5
    assert clf.student.get_params()["module__dropout"] == 0.3


def test_defaults_that_were_made_explicit_survive_a_clone():
    clf = DistilledClassifier().set_params(rf__n_estimators=3, student__lr=0.5)

    params = clone(clf).get_params()

    assert params["rf__n_estimators"] == 3
    assert params["student__lr"] == 0.5


def test_defaults_that_were_made_explicit_can_be_fitted():
    X, y = mixed_table()
    clf = DistilledClassifier(cv=2, alpha=0.5, random_state=0)
    others = {name: "drop" for name, _ in clf._default_teachers() if name != "rf"}
    clf.set_params(rf__n_estimators=3, student__max_epochs=3, **others).fit(X, y)

    assert clf.teacher_weights_ == {"rf": 1.0}
    assert len(clf.history_) == 3


def test_a_parameter_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="Invalid parameter 'temprature'"):
        DistilledClassifier().set_params(temprature=2.0)


def test_a_clone_has_the_same_parameters_and_is_not_fitted():
    X, y = numeric_rows()
    fitted = quick_classifier(forest()).fit(X, y)

    copy = clone(fitted)

    assert copy.get_params()["rf__n_estimators"] == 5
    assert not [name for name in vars(copy) if name.endswith("_")]


def test_a_clone_is_fitted_to_the_same_student():
    X, y = numeric_rows()
    clf = quick_classifier(forest()).fit(X, y)

    assert_array_equal(clone(clf).fit(X, y).predict_proba(X), clf.predict_proba(X))


def test_it_can_be_cross_validated():
    X, y = mixed_table()

    scores = cross_val_score(quick_classifier(), X, y, cv=3)

    assert scores.shape == (3,)
    assert np.isfinite(scores).all()


def test_cross_validation_in_two_processes_gives_the_same_scores():
    X, y = numeric_rows()

    alone = cross_val_score(quick_classifier(), X, y, cv=2, scoring="neg_log_loss")
    together = cross_val_score(quick_classifier(), X, y, cv=2, scoring="neg_log_loss", n_jobs=2)

    assert_allclose(together, alone, rtol=1e-6)


@pytest.mark.integration("scikit-learn", "cross_val_predict", package="scikit-learn")
def test_probabilities_can_be_cross_predicted():
    X, y = numeric_rows()

    proba = cross_val_predict(quick_classifier(), X, y, cv=2, method="predict_proba")

    assert_allclose(proba.sum(1), 1)


@pytest.mark.parametrize("method", CALIBRATIONS)
@pytest.mark.integration("scikit-learn", "CalibratedClassifierCV", package="scikit-learn")
def test_it_can_be_calibrated(method):
    X, y = numeric_rows(90)

    calibrated = CalibratedClassifierCV(quick_classifier(), method=method, cv=2).fit(X, y)

    assert_allclose(calibrated.predict_proba(X).sum(1), 1)


@pytest.mark.integration("scikit-learn", "a member of a VotingClassifier", package="scikit-learn")
def test_it_can_vote_among_others():
    X, y = numeric_rows()
    voting = VotingClassifier([("net", quick_classifier()), *forest()], voting="soft")

    assert voting.fit(X, y).predict_proba(X).shape == (60, 3)


def test_a_distilled_classifier_can_teach():
    X, y = numeric_rows()

    clf = quick_classifier([("net", quick_classifier())])

    assert clf.fit(X, y).teacher_weights_ == {"net": 1.0}


@pytest.mark.integration("scikit-learn", "permutation_importance", package="scikit-learn")
def test_the_importance_of_columns_can_be_asked():
    X, y = mixed_table()
    clf = quick_classifier().fit(X, y)

    importance = permutation_importance(clf, X, y, n_repeats=2, random_state=0)

    assert importance.importances_mean.shape == (4,)


def test_it_is_shown_as_html_in_a_notebook():
    assert "DistilledClassifier" in quick_classifier()._repr_html_()


def test_the_default_teachers_of_a_fitted_student_are_shown_by_their_names():
    X, y = mixed_table()
    clf = quick_classifier().fit(X, y).set_params(teachers=None)

    html = clf._repr_html_()

    assert all(f"<label>{name}</label>" in html for name in ("deep", "stump"))
    assert "XGBClassifier" not in html


def test_a_teacher_ensemble_comes_back_from_a_file(tmp_path):
    X, y = mixed_table()
    ensemble = TeacherEnsemble(TableClassifier(DecisionTreeClassifier()), cv=2).fit(X, y)

    joblib.dump(ensemble, tmp_path / "ensemble.joblib")

    again = joblib.load(tmp_path / "ensemble.joblib")
    assert_array_equal(again.predict_proba(X), ensemble.predict_proba(X))


def test_adult_with_its_categories_and_missing_values_is_learned(real_rows):
    X, y = real_rows("adult", 1200)
    clf = quick_classifier(student=quick_student(max_epochs=15)).fit(X[:600], y[:600])

    assert X[600:].isna().any().any()
    assert clf.score(X[600:], y[600:]) > y[600:].value_counts(normalize=True).max()


def test_letter_with_its_many_classes_is_learned(real_rows):
    X, y = real_rows("letter", 1200)
    forest = [("rf", RandomForestClassifier(20))]
    clf = quick_classifier(forest, quick_student(max_epochs=40, lr=0.02)).fit(X[:800], y[:800])

    assert clf.classes_.shape == (26,)
    assert clf.score(X[800:], y[800:]) > 0.4  # one in 26 is right by chance


def test_a_table_of_many_categories_with_rare_ones_is_learned(real_rows):
    X, y = real_rows("diabetes130", 600)
    clf = quick_classifier().fit(X[:300], y[:300])

    assert_allclose(clf.predict_proba(X[300:]).sum(1), 1)


def test_workers_heed_scikit_learns_configuration():
    frame, y = mixed_table()
    frame = frame[["age", "children"]].fillna(40)
    by_name = ColumnTransformer([("kept", "passthrough", ["age"])])
    teacher = make_pipeline(StandardScaler(), by_name, LogisticRegression())

    with config_context(transform_output="pandas"), parallel_config("threading"):
        alone, together = (
            quick_classifier(teacher, n_jobs=n).fit(frame, y).teacher_scores_ for n in (1, 2)
        )

    assert alone == together
