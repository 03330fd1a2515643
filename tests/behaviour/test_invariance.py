"""What must not matter: how labels, columns and levels are called, and in what they are counted.

Where only the quality is compared, other numbers are drawn: which rows are held out and
how the net starts follow the order of classes and columns.
"""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import TeacherEnsemble
from tests.small import (
    mixed_table,
    numeric_rows,
    quick_classifier,
    quick_student,
    small_default_classifier,
    two_trees,
)

N = 120
X, Y = numeric_rows(N)
FRAME, LABELS = mixed_table(N)
FRAME_OF_X = pd.DataFrame(X, columns=list("abcde"))
HALVES = [(np.arange(N // 2, N), np.arange(N // 2)), (np.arange(N // 2), np.arange(N // 2, N))]


def smooth_teachers():
    """Two whose answers hang on no tie between two splits, which rounding would decide."""
    return [("sharp", GaussianNB()), ("blunt", GaussianNB(var_smoothing=0.1))]


def proba(X, y, sample_weight=None, *, asked=None, **params):
    """What a student says of the rows that it was taught on, or of those that are asked."""
    params = {"augmenter": "munge"} | params
    clf = quick_classifier(**params).fit(X, y, sample_weight)
    return clf.predict_proba(X if asked is None else asked)


@pytest.fixture(scope="module")
def expected():
    return proba(X, Y)


@pytest.fixture(scope="module")
def expected_of_frame():
    return proba(FRAME, LABELS)


@pytest.mark.parametrize(
    "names",
    [[-5, 0, 70], ["ant", "bee", "cow"], ["10", "2", "3"], [0.0, 1.0, 2.0]],
    ids=str,
)
def test_other_labels_in_the_same_order_change_nothing(names, expected):
    assert_array_equal(proba(X, np.array(names)[Y]), expected)


def test_booleans_and_strings_as_labels_are_the_same(expected_of_frame):
    assert_array_equal(proba(FRAME, LABELS == "yes"), expected_of_frame)


def test_teachers_whose_labels_come_in_another_order_say_the_same():
    ensembles = [TeacherEnsemble(smooth_teachers(), cv=HALVES).fit(X, y) for y in (Y, 2 - Y)]

    forward, backward = (ensemble.predict_proba(X) for ensemble in ensembles)

    assert_allclose(backward[:, ::-1], forward, rtol=0, atol=1e-6)
    assert ensembles[1].weights_ == pytest.approx(ensembles[0].weights_, abs=1e-4)


def loss_on_new_rows(columns=slice(None), labels=(0, 1, 2), **params):
    """Held-out log loss of a student taught on these columns and labels."""
    X, y = numeric_rows(1200)
    X, y = X[:, columns], np.array(labels)[y]
    clf = quick_classifier(
        smooth_teachers(),
        quick_student(max_epochs=6, lr=0.02, batch_size=256),
        augmenter="munge",
        **params,
    )
    return log_loss(y[600:], clf.fit(X[:600], y[:600]).predict_proba(X[600:]))


@pytest.fixture(scope="module")
def loss():
    return loss_on_new_rows()


@pytest.mark.parametrize(
    "change",
    [
        {"labels": [2, 1, 0]},
        {"columns": [4, 2, 0, 1, 3]},
        {"random_state": 1},
    ],
    ids=["labels", "columns", "seed"],
)
def test_what_is_drawn_anew_changes_the_quality_little(change, loss):
    # Who knows nothing has a log loss of 1.1.
    assert loss_on_new_rows(**change) == pytest.approx(loss, abs=0.05)


def test_weights_of_one_are_no_weights(expected, expected_of_frame):
    assert_array_equal(proba(X, Y, np.ones(N)), expected)
    assert_array_equal(proba(FRAME, LABELS, np.ones(N, dtype=int)), expected_of_frame)


@pytest.mark.parametrize("factor", [1e-6, 1 / 3, 10, 1e6])
def test_weights_matter_by_their_shares_alone(factor):
    weight = np.linspace(0.5, 2, N)

    plain = proba(X, Y, weight, teachers=smooth_teachers())

    scaled = proba(X, Y, factor * weight, teachers=smooth_teachers())
    assert_allclose(scaled, plain, rtol=0, atol=1e-5)


def test_the_precision_of_exact_numbers_does_not_matter():
    single = X.astype(np.float32)

    assert_array_equal(
        proba(single, Y, augmenter=None), proba(single.astype(float), Y, augmenter=None)
    )
    # Between two rows a synthetic one is rounded to the precision of its column.
    assert_allclose(proba(single, Y), proba(single.astype(float), Y), rtol=0, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float16, np.float32, object])
def test_the_type_of_whole_numbers_does_not_matter(dtype):
    whole = np.round(4 * X)

    assert_array_equal(proba(whole.astype(dtype), Y), proba(whole, Y))


@pytest.mark.parametrize(
    "same",
    [np.asfortranarray(X), X.tolist(), FRAME_OF_X, FRAME_OF_X.set_index(np.arange(N)[::-1])],
    ids=["Fortran order", "lists", "frame", "index"],
)
def test_what_holds_the_numbers_does_not_matter(same, expected):
    assert_array_equal(proba(same, Y), expected)


def test_names_of_columns_do_not_matter(expected_of_frame):
    renamed = FRAME.rename(columns=dict(zip(FRAME.columns, ["z", "y", "x", "w"])))

    assert_array_equal(proba(renamed, LABELS), expected_of_frame)


def test_names_of_categories_do_not_matter_as_long_as_their_order_stays(expected_of_frame):
    names = {"Lima": "1 of 3", "Oslo": "2 of 3", "Rome": "3 of 3"}
    renamed = FRAME.assign(city=FRAME["city"].cat.rename_categories(names))

    assert_array_equal(proba(renamed, LABELS), expected_of_frame)


def test_categories_may_be_numbers(expected_of_frame):
    ranks = {"Lima": -1, "Oslo": 5, "Rome": 40}
    renamed = FRAME.assign(city=FRAME["city"].cat.rename_categories(ranks))

    assert_array_equal(proba(renamed, LABELS), expected_of_frame)


@pytest.mark.parametrize("factor", [2.0**-20, 0.5, 1024.0])
def test_the_unit_of_a_column_does_not_matter(factor):
    scaled = X * [1, factor, 1, 1, 1]
    # To a tree of scikit-learn's, numbers that differ by less than 1e-7 are the same.
    teachers = [(name, make_pipeline(StandardScaler(), tree)) for name, tree in two_trees()]

    # A power of two changes no digit of a number.
    assert_array_equal(proba(scaled, Y, teachers=teachers), proba(X, Y, teachers=teachers))


@pytest.mark.parametrize("shift", [-8.0, 1024.0])
def test_where_a_column_begins_does_not_matter(shift):
    coarse = np.round(256 * X) / 256  # so that the sum is exact, in single precision too

    shifted = coarse + np.array([0, shift, 0, 0, 0])
    assert_allclose(proba(shifted, Y), proba(coarse, Y), rtol=0, atol=1e-5)


def test_the_default_teachers_do_not_see_how_labels_columns_and_categories_are_called():
    names = {"Lima": "a", "Oslo": "b", "Rome": "c"}
    renamed = FRAME.assign(city=FRAME["city"].cat.rename_categories(names))
    renamed = renamed.rename(columns=dict(zip(FRAME.columns, ["z", "y", "x", "w"])))
    clf = small_default_classifier()

    before = clf.fit(FRAME, LABELS).predict_proba(FRAME)
    after = clf.fit(renamed, LABELS == "yes").predict_proba(renamed)

    assert_array_equal(after, before)
