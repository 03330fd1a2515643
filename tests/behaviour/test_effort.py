"""`effort`: the default teachers, the synthetic rows and the student's epochs follow it."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skdistill import DistilledClassifier, NetClassifier, StudentNet
from skdistill.effort import EFFORTS
from tests.small import mixed_table, numeric_rows, two_trees

X, Y = numeric_rows()


def epochs_and_synthetic_rows(spy, effort, student=None):
    clf = DistilledClassifier([("spy", spy)], student, effort=effort, cv=2, random_state=0)
    clf.fit(X, Y)
    return clf.n_iter_, max(map(len, spy.asked_about))


@pytest.mark.parametrize("effort", EFFORTS)
def test_the_student_and_the_synthetic_rows_follow_the_effort(spy, effort):
    expected = EFFORTS[effort]

    found = epochs_and_synthetic_rows(spy, effort)

    # The spy explains nothing, which saves two fifths of the epochs.
    assert found == (round(0.6 * expected.student_epochs), expected.synthetic_rows * len(X))


def test_labels_that_the_teachers_explain_get_more_epochs_than_noise():
    clf = DistilledClassifier(two_trees()[:1], cv=2, random_state=0)

    explained, noise = clf.fit(X, Y).n_iter_, clf.fit(X, np.arange(60) % 2).n_iter_

    assert 18 <= noise < explained <= 30


def test_more_effort_is_more_work_throughout():
    low, default, high = EFFORTS["low"], EFFORTS["default"], EFFORTS["high"]

    for name in ("synthetic_rows", "student_epochs", "student_epochs_at_most", "net_epochs"):
        assert getattr(low, name) < getattr(default, name) < getattr(high, name), name


def test_a_student_that_stops_early_may_make_more_epochs():
    clf = DistilledClassifier(two_trees(), effort="low", augmenter=None, cv=2, random_state=0)

    n_epochs = clf.fit(X, Y).n_iter_

    assert EFFORTS["low"].student_epochs < n_epochs <= EFFORTS["low"].student_epochs_at_most


@pytest.mark.parametrize("effort", ["low", "high"])
def test_what_is_set_is_not_changed_by_the_effort(spy, effort):
    n_epochs, n_synthetic = epochs_and_synthetic_rows(spy, effort, StudentNet(max_epochs=4))

    assert n_epochs == 4
    assert n_synthetic == EFFORTS[effort].synthetic_rows * len(X)


def test_the_default_teachers_follow_the_effort_until_one_is_named():
    clf = DistilledClassifier(effort="low")
    assert [name for name, _ in clf._listed_teachers()] == ["xgb", "mlp_bins"]

    clf.set_params(effort="default")
    assert len(clf._listed_teachers()) == 5

    clf.set_params(effort="low", xgb__n_estimators=7)  # named with the new effort
    assert [name for name, _ in clone(clf).teachers] == ["xgb", "mlp_bins"]


def test_a_grid_can_be_searched_over_the_effort():
    clf = DistilledClassifier(two_trees(), cv=2, random_state=0)

    search = GridSearchCV(clf, {"effort": ["low", "default"]}, cv=2).fit(X, Y)

    assert search.best_params_["effort"] in ("low", "default")


def test_an_unknown_effort_is_refused_before_anything_is_fitted(spy):
    with pytest.raises(ValueError, match=r"'effort' parameter .* must be a str among .*'full'"):
        DistilledClassifier([("spy", spy)], effort="full").fit(X, Y)

    assert not spy.fitted_on


def test_a_net_on_labels_has_the_epochs_of_a_student_that_stops_early():
    net = NetClassifier(StudentNet(), random_state=0).fit(X, Y)

    assert len(net.history_) <= EFFORTS["default"].student_epochs_at_most
    assert net.net_.lr == 4e-3


def test_with_high_effort_catboost_and_lightgbm_teach_too():
    for library in ("catboost", "lightgbm"):
        pytest.importorskip(library)
    few = {f"{name}__n_estimators": 3 for name in ("rf", "xgb", "catboost", "lgbm")}
    few |= {f"{name}__net__max_epochs": 2 for name in ("mlp", "mlp_periodic", "mlp_bins")}
    clf = DistilledClassifier(effort="high", augmenter=None, alpha=0.5, cv=2, random_state=0)
    clf.set_params(**few, student__max_epochs=2)
    X, y = mixed_table(120)

    weights = clf.fit(X, y).teacher_weights_
    again = clone(clf).fit(X, y)

    assert list(weights)[-2:] == ["catboost", "lgbm"]
    assert len(weights) == 7
    assert again.teacher_scores_ == clf.teacher_scores_
    assert set(clf.predict(X)) <= {"yes", "no"}
