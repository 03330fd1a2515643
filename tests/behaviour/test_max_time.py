"""`max_time` bounds the whole fit: teachers that no longer fit in are left out."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.frozen import FrozenEstimator
from sklearn.tree import DecisionTreeClassifier

from skdistill.soft_targets import time_limit
from skdistill.soft_targets.time_limit import Trial
from tests.small import encoded_tree, fits_in, logged_classifier, numeric_rows, quick_classifier

X, Y = numeric_rows(300)
TOLD = "max_time=.* leaves out the teachers"


@pytest.fixture
def deep_fits_in(monkeypatch):
    """The trials say that the teacher of two levels is quick and the stump is not."""

    def trial(name, estimator, data, seconds):
        return Trial(0.5, 1e6 if "stump" in name or name == "a" else 0.0)

    monkeypatch.setattr(time_limit, "_try", trial)


def fitted(clf, told=TOLD, **rows):
    with pytest.warns(UserWarning, match=told) as warned:
        clf.fit(X, Y, **rows)
    assert len(warned) == 1
    assert warned[0].filename == __file__
    return clf


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_teacher_that_does_not_fit_in_is_left_out_with_a_warning(deep_fits_in, n_jobs):
    clf = fitted(quick_classifier(max_time=1e3, n_jobs=n_jobs), r"teachers \['stump'\]")

    assert clf.teacher_weights_ == {"deep": 1.0}
    assert set(clf.teacher_scores_) == {"deep", "pool"}


def test_the_student_is_that_of_the_teachers_that_are_left(deep_fits_in):
    limited = fitted(quick_classifier(max_time=1e3, weights=None))
    alone = quick_classifier(weights=None, teachers=quick_classifier().teachers[:1]).fit(X, Y)

    assert_allclose(limited.predict_proba(X), alone.predict_proba(X))


@pytest.mark.parametrize("weights", [[0.5, 0.5], {"deep": 3, "stump": 7}, [0.0, 1.0]], ids=str)
def test_given_weights_are_those_of_the_teachers_that_are_left(deep_fits_in, weights):
    assert fitted(quick_classifier(max_time=1e3, weights=weights)).teacher_weights_ == {"deep": 1}


def test_teachers_that_are_kept_are_those_that_were_fitted(deep_fits_in):
    clf = fitted(quick_classifier(max_time=1e3, keep_teachers=True))

    assert [each.name for each in clf.teacher_.teachers_] == ["deep"]
    assert clf.teacher_.predict_proba(X).shape == (300, 3)


def test_one_that_runs_out_of_time_between_its_folds_is_left_out_too(monkeypatch, tmp_path):
    log = tmp_path / "log"
    monkeypatch.setattr(time_limit, "_try", lambda *_: Trial(0.5))
    times = iter([0.0] * 6)  # four for the choice, two folds of the second, and it is over
    clock = SimpleNamespace(time=lambda: next(times, 1e9))
    monkeypatch.setattr(time_limit, "time", clock)

    fitted(logged_classifier(log, max_time=1e3, cv=4), r"teachers \['b'\]")

    assert fits_in(log)["a"] >= 4
    assert fits_in(log)["b"] == 2


def test_what_was_not_fitted_is_not_found_in_memory(deep_fits_in, tmp_path):
    log = tmp_path / "log"
    clf = fitted(logged_classifier(log, memory=tmp_path / "memory", max_time=1e3))
    assert set(fits_in(log)) == {"b"}

    clf.set_params(max_time=None).fit(X, Y)

    assert set(clf.teacher_weights_) == {"a", "b"}
    assert fits_in(log)["b"] == fits_in(log)["a"]


def test_what_memory_has_is_used_however_short_the_time(deep_fits_in, tmp_path):
    log = tmp_path / "log"
    clf = logged_classifier(log, memory=tmp_path / "memory").fit(X, Y)

    clf.set_params(max_time=1e3).fit(X, Y)

    assert set(clf.teacher_weights_) == {"a", "b"}


def test_the_last_teacher_is_never_left_out():
    with pytest.warns(UserWarning, match="max_time was over"):
        clf = quick_classifier(encoded_tree(), max_time=1e-9).fit(X, Y)

    assert clf.teacher_weights_ == {"tree": 1.0}


def test_a_prefit_teacher_is_always_asked(deep_fits_in):
    frozen = FrozenEstimator(DecisionTreeClassifier(max_depth=2).fit(X, Y))
    teachers = [("stump", DecisionTreeClassifier()), ("frozen", frozen)]

    with pytest.warns(UserWarning, match=TOLD), pytest.warns(UserWarning, match="is frozen"):
        clf = quick_classifier(teachers, max_time=1e3).fit(X, Y)

    assert clf.teacher_weights_ == {"frozen": 1.0}


def test_validation_rows_score_the_teachers_that_are_left(deep_fits_in):
    clf = fitted(quick_classifier(max_time=1e3), X_val=X, y_val=Y)

    assert set(clf.teacher_scores_) == {"deep", "pool"}
    assert np.isfinite(clf.teacher_scores_["pool"])
