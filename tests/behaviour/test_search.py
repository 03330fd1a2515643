"""The tools that people search with, each doing the real thing, on one memory."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_score,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from tests.small import (
    fits_in,
    logged_classifier,
    numeric_rows,
    quick_classifier,
    quick_student,
)

WIDE = {
    "alpha": [0.2, 0.8, "auto"],
    "temperature": [1.0, 4.0],
    "weights": ["auto", None, [1]],
    "student__lr": [0.001, 0.1],
    "student__module__hidden_sizes": [(4,), (8, 8)],
    "rf__n_estimators": [1, 3],
}


def forest(**params):
    """A classifier with one forest for a teacher."""
    return quick_classifier([("rf", RandomForestClassifier(2))], **params)


@pytest.mark.parametrize("name", WIDE)
def test_a_grid_finds_with_memory_what_it_finds_without(tmp_path, name):
    X, y = numeric_rows()
    grid = {name: WIDE[name]}

    plain = GridSearchCV(forest(), grid, cv=2, scoring="neg_log_loss", error_score="raise")
    known = GridSearchCV(
        forest(memory=tmp_path), grid, cv=2, scoring="neg_log_loss", error_score="raise"
    )

    scores = plain.fit(X, y).cv_results_["mean_test_score"]
    assert_allclose(known.fit(X, y).cv_results_["mean_test_score"], scores, rtol=1e-12)
    assert known.best_params_ == plain.best_params_


def test_a_random_search_over_all_of_them_at_once(tmp_path):
    X, y = numeric_rows()
    search = RandomizedSearchCV(
        forest(memory=tmp_path), WIDE, n_iter=5, cv=2, random_state=0, error_score="raise"
    ).fit(X, y)

    assert set(search.best_params_) == set(WIDE)
    assert search.predict_proba(X).shape == (60, 3)


def test_halving_spends_epochs_of_the_student(log, tmp_path):
    X, y = numeric_rows()
    search = HalvingGridSearchCV(
        logged_classifier(log, "a", memory=tmp_path / "memory"),
        {"alpha": [0.1, 0.4, 0.7, 1.0]},
        resource="student__max_epochs",
        min_resources=2,
        max_resources=8,
        factor=2,
        cv=2,
        random_state=0,
        error_score="raise",
    ).fit(X, y)

    assert search.n_candidates_ == [4, 2, 1]
    assert [len(search.best_estimator_.history_)] == search.n_resources_[-1:]
    assert fits_in(log)["a"] == 2 * (2 + 1)  # two folds on two splits, and on all rows in the end


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.integration("Optuna", "OptunaSearchCV", package="optuna-integration")
def test_optuna_searches_without_refitting_a_teacher(log, tmp_path):
    optuna = pytest.importorskip("optuna")
    pytest.importorskip("optuna_integration")
    from optuna.distributions import CategoricalDistribution, FloatDistribution
    from optuna_integration import OptunaSearchCV

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    X, y = numeric_rows()
    space = {
        "alpha": FloatDistribution(0, 1),
        "student__lr": FloatDistribution(1e-3, 1e-1, log=True),
        "combination": CategoricalDistribution(["mean", "geometric"]),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        search = OptunaSearchCV(
            logged_classifier(log, "a", memory=tmp_path / "memory"),
            space,
            cv=2,
            n_trials=4,
            random_state=0,
            error_score="raise",
        )
        search.fit(X, y)

    assert set(search.best_params_) == set(space)
    assert search.predict(X).shape == (60,)
    assert fits_in(log)["a"] == 2 * (2 + 1)


def test_several_scores_at_once_choose_by_the_one_asked_for(tmp_path):
    X, y = numeric_rows()
    search = GridSearchCV(
        forest(memory=tmp_path),
        {"alpha": [0.0, 1.0]},
        scoring=["accuracy", "neg_log_loss"],
        refit="neg_log_loss",
        cv=2,
        error_score="raise",
    ).fit(X, y)

    best = np.argmax(search.cv_results_["mean_test_neg_log_loss"])
    assert search.best_index_ == best
    assert "mean_test_accuracy" in search.cv_results_


def test_nested_cross_validation_fits_teachers_once_a_table(log, tmp_path):
    X, y = numeric_rows(90)
    inner = GridSearchCV(
        logged_classifier(log, "a", memory=tmp_path / "memory"), {"alpha": [0.1, 0.9]}, cv=2
    )

    outer = StratifiedKFold(3, shuffle=True, random_state=0)  # in order, inner halves recur
    scores = cross_val_score(inner, X, y, cv=outer, error_score="raise")

    assert np.isfinite(scores).all()
    assert fits_in(log)["a"] == 2 * 3 * (2 + 1)  # folds × outer splits × (inner splits + refit)


def test_behind_a_scaler_the_teachers_are_known_by_the_scaled_rows(log, tmp_path):
    X, y = numeric_rows()
    clf = logged_classifier(log, "a", memory=tmp_path / "memory")
    pipeline = Pipeline([("scale", StandardScaler()), ("net", clf)])
    grid = {"net__alpha": [0.1, 0.9], "scale__with_mean": [True, False]}

    search = GridSearchCV(pipeline, grid, cv=2, refit=False, error_score="raise").fit(X, y)

    assert len(search.cv_results_["params"]) == 4
    assert fits_in(log)["a"] == 2 * 2 * 2  # folds × splits × scalers


def test_it_is_calibrated_tuned_and_explained_with_memory(log, tmp_path):
    X, y = numeric_rows(n_classes=2)
    clf = logged_classifier(log, "a", memory=tmp_path / "memory")

    calibrated = CalibratedClassifierCV(clf, cv=2).fit(X, y)
    tuned = TunedThresholdClassifierCV(clf, cv=2).fit(X, y)
    importance = permutation_importance(tuned, X, y, n_repeats=2, random_state=0)

    assert_allclose(calibrated.predict_proba(X).sum(1), 1)
    assert 0 <= tuned.best_threshold_ <= 1
    assert importance.importances_mean.shape == (5,)
    # Both make the same two splits; one calibrates all rows' fits, the other fits them too.
    assert fits_in(log)["a"] == 2 * (2 + 1)


def test_a_search_in_processes_gives_the_same_scores(tmp_path):
    X, y = numeric_rows()
    grid = {"alpha": [0.1, 0.9], "student__lr": [0.001, 0.1]}

    def scores(**params):
        clf = forest(memory=tmp_path / str(params), student=quick_student(max_epochs=2))
        search = GridSearchCV(clf, grid, cv=2, scoring="neg_log_loss", refit=False, **params)
        return search.fit(X, y).cv_results_["mean_test_score"]

    assert_allclose(scores(n_jobs=2), scores(), rtol=1e-6)


def test_one_forest_alone_is_searched_too():
    X, y = numeric_rows()
    clf = quick_classifier(RandomForestClassifier(2, random_state=0))

    search = GridSearchCV(clf, {"alpha": [0.3, 0.6], "teachers__max_depth": [1, 3]}, cv=2)

    assert search.fit(X, y).best_estimator_.get_params()["teachers__max_depth"] in (1, 3)


def test_a_teacher_of_a_tuple_can_be_exchanged_by_its_name():
    X, y = numeric_rows()
    clf = quick_classifier((("a", RandomForestClassifier(2)), ("b", RandomForestClassifier(3))))

    assert list(clf.set_params(a="drop").fit(X, y).teacher_weights_) == ["b"]


def test_the_default_student_is_named_again_by_its_parameters():
    clf = quick_classifier().set_params(student=None, student__lr=0.5)

    assert clf.student.lr == 0.5
