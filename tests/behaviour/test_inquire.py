"""A student that asks its teachers in rounds: what its users do with it."""

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    BetweenSplits,
    CallableTeacher,
    DistilledRanker,
    DistilledRegressor,
    Inquire,
    load,
)
from tests.small import (
    extreme_rows,
    mixed_table,
    numeric_rows,
    quick_classifier,
    quick_regressor,
    quick_student,
    rows_and_targets,
)

X, Y = numeric_rows()
FRAME, LABELS = mixed_table()
TREE = [("tree", DecisionTreeClassifier(max_depth=3, random_state=0))]


def asking(teachers=None, **params):
    return quick_classifier(teachers, **{"augmenter": Inquire()} | params)


def n_asked_about(spy):
    """Rows that the teachers labeled, beside those of X."""
    return sum(len(table) for table in spy.asked_about)


def test_the_teachers_label_as_many_rows_as_for_munge(spy):
    quick_classifier(spy, augmenter="munge").fit(X, Y)
    of_munge = n_asked_about(spy)
    spy.asked_about.clear()

    asking(spy).fit(X, Y)

    assert n_asked_about(spy) == of_munge


def test_no_teacher_is_fitted_more_often_than_for_munge(spy):
    asking(spy).fit(X, Y)

    assert len(spy.fitted_on) == 2 + 1  # folds, and all rows


@pytest.mark.parametrize("by", ["disagreement", "uncertainty"])
def test_a_seed_repeats_the_student(by):
    first, again = (asking(augmenter=Inquire(by=by)).fit(X, Y) for _ in range(2))

    assert_allclose(first.predict_proba(X), again.predict_proba(X), atol=1e-6)


def test_memory_recalls_what_was_fitted(tmp_path):
    first, again = (asking(memory=tmp_path).fit(X, Y) for _ in range(2))

    assert_allclose(first.predict_proba(X), again.predict_proba(X), atol=1e-6)
    assert again.teacher_scores_ == first.teacher_scores_


@pytest.mark.parametrize("frame", [FRAME, pl.from_pandas(FRAME)], ids=["pandas", "polars"])
def test_tables_of_all_kinds_of_columns_are_asked_about(frame):
    clf = asking().fit(frame, LABELS)

    assert clf.predict_proba(frame).shape == (60, 2)


def test_rows_of_more_than_one_axis_are_asked_about():
    images = X[:, None, :]

    assert asking(TREE_OF_IMAGES).fit(images, Y).predict_proba(images).shape == (60, 3)


class FlatTree(DecisionTreeClassifier):
    """A tree that flattens images."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X.reshape(len(X), -1), y, sample_weight)

    def predict_proba(self, X):
        return super().predict_proba(X.reshape(len(X), -1))


TREE_OF_IMAGES = [("tree", FlatTree(max_depth=3))]
TEACHERS = {
    "a forest by its bags": {"teachers": RandomForestClassifier(20), "cv": "oob"},
    "folds of a forest": {"teachers": RandomForestClassifier(5)},
    "a black box": {
        "teachers": CallableTeacher(
            LogisticRegression().fit(X, Y).decision_function, [0, 1, 2], output="logits"
        )
    },
}


@pytest.mark.parametrize("params", TEACHERS.values(), ids=TEACHERS)
def test_any_teacher_that_labels_new_rows_can_be_asked(params):
    assert asking(**params).fit(X, Y).predict_proba(X).shape == (60, 3)


@pytest.mark.filterwarnings("ignore:Teacher .* is frozen")
def test_a_frozen_teacher_can_be_asked():
    frozen = FrozenEstimator(LogisticRegression().fit(X, Y))

    assert asking(frozen).fit(X, Y).score(X, Y) > 0.5


def test_the_rows_of_another_augmenter_can_be_asked_about():
    forest = RandomForestClassifier(5, random_state=0).fit(X, Y)

    clf = asking(augmenter=Inquire(BetweenSplits(forest), rounds=2)).fit(X, Y)

    assert clf.predict_proba(X).shape == (60, 3)


def test_a_regressor_asks_where_it_differs_from_its_teachers():
    rows, y = rows_and_targets(n_targets=2)
    forest = [("forest", RandomForestRegressor(5, random_state=0))]

    reg = quick_regressor(forest, augmenter=Inquire()).fit(rows, y)

    assert reg.predict(rows).shape == (100, 2)


@pytest.mark.parametrize("params", [{"loss": "poisson"}, {"quantiles": (0.1, 0.9)}])
def test_a_regressor_of_any_loss_asks(params):
    rows, y = rows_and_targets()

    reg = quick_regressor(augmenter=Inquire(), **params).fit(rows, y)

    assert np.isfinite(reg.predict(rows)).all()


def test_finite_numbers_of_any_size_can_be_asked_about():
    rows, y = extreme_rows()

    clf = asking().fit(rows, y)  # its trees get them as they are

    assert np.isfinite(clf.predict_proba(rows)).all()


def test_a_student_of_scikit_learn_asks():
    clf = asking(student=DecisionTreeClassifier(max_depth=4), alpha=1.0).fit(X, Y)

    assert clf.predict_proba(X).shape == (60, 3)


def test_validation_rows_and_rows_without_labels_go_with_it():
    clf = asking(TREE, student=quick_student(), keep_teachers=True)

    clf.fit(X, Y, X_unlabeled=X[:20], X_val=X[:30], y_val=Y[:30])

    assert "valid_loss" in clf.history_[-1]
    assert list(clf.teacher_.named_teachers_) == ["tree"]


def test_the_file_of_a_student_does_not_need_it(tmp_path):
    clf = asking().fit(X, Y)

    clf.save(tmp_path / "student.safetensors")

    loaded = load(tmp_path / "student.safetensors")
    assert_allclose(loaded.predict_proba(X), clf.predict_proba(X), atol=1e-6)


def test_predictions_from_elsewhere_cannot_be_asked_about():
    rows, y = rows_and_targets()
    rows = np.nan_to_num(rows)

    with pytest.raises(
        ValueError, match=r"Inquire\(\) needs teachers, and with teacher_prediction"
    ):
        DistilledRegressor(Ridge(), augmenter=Inquire()).fit(rows, y, teacher_prediction=y)


def test_a_regressor_is_never_unsure():
    with pytest.raises(ValueError, match=r"by='uncertainty'\) needs probabilities"):
        quick_regressor(augmenter=Inquire(by="uncertainty")).fit(X, X[:, 0])


def test_a_ranker_does_not_ask():
    ranker = DistilledRanker(Ridge(), augmenter=Inquire())

    with pytest.raises(ValueError, match="is for classifiers and regressors: a ranker's scores"):
        ranker.fit(X, Y, qid=np.arange(60) // 6)


def test_what_cannot_ask_is_refused_before_a_teacher_is_fitted(spy):
    with pytest.raises(ValueError, match="Inquire must be"):
        asking(spy, augmenter=Inquire(rounds=0)).fit(X, Y)

    assert spy.fitted_on == []
