"""Student against teachers: which rows are marked, and what is drawn of each."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import AgreementDisplay, DistilledRanker
from tests.small import (
    numeric_rows,
    quick_classifier,
    quick_regressor,
    quick_student,
    rows_and_targets,
    two_trees,
)

X, Y = numeric_rows(120)
POOL, STUDENT = np.linspace(0, 1, 50), np.linspace(0, 1, 50)
STUDENT[[7, 30]] += [0.5, -0.3]


def texts(display):
    return [text.get_text() for text in display.ax_.texts if text.get_text()]


def points(display):
    return np.asarray(display.ax_.collections[0].get_offsets())


def test_the_rows_of_the_largest_disagreement_are_marked_by_their_index():
    names = [f"row {k}" for k in range(50)]

    display = AgreementDisplay(POOL, STUDENT, index=names, n_marked=2).plot()

    assert display.marked_.tolist() == [7, 30]
    assert set(texts(display)) == {"row 7", "row 30"}


def test_rows_that_agree_are_not_marked():
    assert len(AgreementDisplay(POOL, POOL).plot().marked_) == 0


def test_marked_rows_at_one_point_share_a_label():
    display = AgreementDisplay(np.zeros(5), np.ones(5)).plot()

    assert texts(display) == ["0\n1\n2\nand 2 more"]


def test_the_index_of_a_frame_names_its_rows():
    rows = pd.DataFrame(X, index=[f"patient {k}" for k in range(len(X))])
    clf = quick_classifier(keep_teachers=True).fit(rows, Y)

    display = AgreementDisplay.from_estimator(clf, rows, n_marked=1)

    assert texts(display) == [f"patient {display.marked_[0]}"]


def test_two_classes_are_drawn_by_the_probability_of_the_second():
    X, y = numeric_rows(120, n_classes=2)
    clf = quick_classifier(keep_teachers=True).fit(X, y)

    display = AgreementDisplay.from_estimator(clf, X)

    expected = clf.teacher_.predict_proba(X)[:, 1], clf.predict_proba(X)[:, 1]
    assert_allclose(points(display), np.column_stack(expected))
    assert display.ax_.get_xlabel() == "teachers: probability of 1"


def test_more_classes_are_drawn_by_that_of_the_teachers():
    clf = quick_classifier(keep_teachers=True).fit(X, Y)

    display = AgreementDisplay.from_estimator(clf, X)

    pool, rows = clf.teacher_.predict_proba(X), np.arange(len(X))
    top = pool.argmax(1)
    assert_allclose(
        points(display), np.column_stack([pool[rows, top], clf.predict_proba(X)[rows, top]])
    )


def test_one_of_more_classes_can_be_chosen():
    clf = quick_classifier(keep_teachers=True).fit(X, Y)

    display = AgreementDisplay.from_estimator(clf, X, label=2)

    assert_allclose(points(display)[:, 1], clf.predict_proba(X)[:, 2])


def test_teachers_that_were_not_kept_can_be_given_by_their_predictions():
    clf = quick_classifier().fit(X, Y)
    pool = np.full((len(X), 3), 1 / 3)

    display = AgreementDisplay.from_estimator(clf, X, teacher_predictions=pool)

    assert_array_equal(points(display)[:, 0], np.full(len(X), 1 / 3))


@pytest.mark.parametrize("target", [0, 1])
def test_a_regressor_is_drawn_by_one_target(target):
    rows, y = rows_and_targets(n_targets=2)
    reg = quick_regressor(keep_teachers=True).fit(rows, y)

    display = AgreementDisplay.from_estimator(reg, rows, target=target)

    assert_allclose(points(display)[:, 1], reg.predict(rows)[:, target])
    assert display.ax_.get_xlim() == display.ax_.get_ylim()


def test_a_ranker_is_drawn_by_its_scores():
    ranker = DistilledRanker(
        two_trees(), quick_student(), cv=2, augmenter=None, keep_teachers=True, random_state=0
    ).fit(X, Y, qid=np.repeat(np.arange(12), 10))

    display = AgreementDisplay.from_estimator(ranker, X)

    assert_allclose(points(display)[:, 1], ranker.predict(X))


def test_many_rows_are_counted_in_hexagons():
    rng = np.random.RandomState(0)

    display = AgreementDisplay(*rng.rand(2, 5000)).plot()

    assert display.ax_.collections[0].get_array().sum() == 5000


def test_without_teachers_it_says_how_to_get_them():
    with pytest.raises(ValueError, match=r"keep_teachers=True, or pass teacher_predictions="):
        AgreementDisplay.from_estimator(quick_classifier().fit(X, Y), X)


def test_predictions_of_other_rows_are_refused():
    with pytest.raises(ValueError, match=r"predict shape \(50, 1\), the student \(49, 1\)"):
        AgreementDisplay.from_predictions(POOL, STUDENT[:49])


def test_a_label_that_is_no_class_is_refused():
    clf = quick_classifier(keep_teachers=True).fit(X, Y)

    with pytest.raises(ValueError, match=r"label='9' is none of the classes \[0, 1, 2\]"):
        AgreementDisplay.from_estimator(clf, X, label="9")


def test_a_student_behind_steps_is_drawn_beside_its_teachers():
    model = make_pipeline(StandardScaler(), quick_classifier(keep_teachers=True)).fit(X, Y)

    display = AgreementDisplay.from_estimator(model, X, label=1)

    scaled = model[:-1].transform(X)
    expected = model[-1].teacher_.predict_proba(scaled)[:, 1], model.predict_proba(X)[:, 1]
    assert_allclose(points(display), np.column_stack(expected))


def test_missing_predictions_are_refused():
    with pytest.raises(ValueError, match="1 predictions are missing or infinite"):
        AgreementDisplay.from_predictions(POOL, [np.nan, *STUDENT[1:]])


def test_columns_of_a_frame_are_found_by_their_names():
    clf = quick_classifier().fit(X, Y)
    pool = pd.DataFrame({2: [0.7] * 120, 0: [0.2] * 120, 1: [0.1] * 120})

    display = AgreementDisplay.from_estimator(clf, X, teacher_predictions=pool, label=0)

    assert_array_equal(points(display)[:, 0], np.full(120, 0.2))


def test_rows_of_lists_are_named_by_their_position():
    clf = quick_classifier(keep_teachers=True).fit(X, Y)

    display = AgreementDisplay.from_estimator(clf, X.tolist(), n_marked=1)

    assert texts(display) == [str(display.marked_[0])]
