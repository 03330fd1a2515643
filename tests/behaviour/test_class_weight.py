"""`class_weight`, for teachers, pool and student alike."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.neighbors import KNeighborsClassifier

from skdistill import CallableTeacher
from tests.small import Spy, numeric_rows, quick_classifier, quick_student

X, Y = numeric_rows(n_classes=2)
RARE = np.r_[np.flatnonzero(Y == 0), np.flatnonzero(Y == 1)[:6]]
X, Y = X[RARE], np.array(["common", "rare"])[Y[RARE]]


@pytest.mark.parametrize("class_weight", ["balanced", {"rare": 5, "common": 1}])
def test_class_weights_are_weights_of_rows(class_weight):
    n = (Y == "rare").sum()
    rare = 5 if isinstance(class_weight, dict) else (len(Y) - n) / n
    weight = np.where(Y == "rare", rare, 1.0)

    by_class = quick_classifier(class_weight=class_weight).fit(X, Y)
    by_row = quick_classifier().fit(X, Y, sample_weight=weight)

    assert_allclose(by_class.predict_proba(X), by_row.predict_proba(X), atol=1e-5)
    assert_allclose(by_class.teacher_scores_["pool"], by_row.teacher_scores_["pool"])


def test_they_multiply_the_weights_of_the_rows(spy):
    sample_weight = np.linspace(1, 2, len(Y))

    quick_classifier(spy, class_weight={"rare": 3}).fit(X, Y, sample_weight)

    for rows, labels, weight in spy.fitted_on:
        own = sample_weight[[np.flatnonzero((row == X).all(1))[0] for row in rows]]
        expected = own * np.where(labels == "rare", 3, 1)
        assert_allclose(weight / weight.mean(), expected / expected.mean(), rtol=1e-5)


def test_balanced_classes_find_more_of_the_rare_one():
    params = {"student": quick_student(max_epochs=30)}
    plain = quick_classifier(LogisticRegression(), **params).fit(X, Y)
    balanced = quick_classifier(LogisticRegression(), class_weight="balanced", **params).fit(X, Y)

    recalls = [recall_score(Y, c.predict(X), pos_label="rare") for c in (plain, balanced)]
    assert recalls[1] > recalls[0]


def test_a_class_of_weight_zero_is_trained_on_by_nobody(spy):
    labels = np.where(np.arange(len(Y)) % 3 == 0, "odd", Y)

    clf = quick_classifier(spy, class_weight={"odd": 0}).fit(X, labels)

    assert "odd" not in set.union(*(set(labels) for _, labels, _ in spy.fitted_on))
    assert_array_equal(clf.classes_, ["common", "odd", "rare"])


def first_column(X):
    return X[:, 0]


def even(X):
    return np.full((len(X), 2), 0.5)


@pytest.mark.parametrize(
    "teacher", [KNeighborsClassifier(), CallableTeacher(even, ["common", "rare"])]
)
def test_a_teacher_that_takes_no_weights_is_told_of(teacher):
    clf = quick_classifier([("knn", teacher)], class_weight="balanced")

    with pytest.warns(UserWarning, match="'knn' takes no sample_weight") as told:
        clf.fit(X, Y)

    assert [each.filename for each in told] == [__file__]


@pytest.mark.parametrize(
    "teacher", [None, CallableTeacher(first_column, ["common", "rare"], output="scores")]
)
def test_a_teacher_that_takes_weights_is_not_told_of(teacher):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick_classifier(teacher, class_weight="balanced").fit(X, Y)


@pytest.mark.parametrize(
    ("class_weight", "told"),
    [
        ({1: 2.0}, r"class_weight names \[1\], but the classes of y are \['common', 'rare'\]"),
        ({"rare": -1}, "class_weight has -1 for the class 'rare'"),
        ({"rare": 0}, "at least two classes"),
        ("even", "class_weight"),
        ([1, 2], "class_weight"),
    ],
)
def test_other_class_weights_are_refused_before_a_teacher_is_fitted(class_weight, told, spy):
    with pytest.raises(ValueError, match=told):
        quick_classifier(spy, class_weight=class_weight).fit(X, Y)

    assert not Spy.fitted_on
