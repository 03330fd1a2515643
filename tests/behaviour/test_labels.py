"""Labels of every type, and classes that are rare."""

import pickle
from datetime import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import log_loss
from sklearn.tree import DecisionTreeClassifier

import skdistill
from skdistill import NetClassifier, TableClassifier, TeacherEnsemble, compare
from tests.small import numeric_rows, quick_classifier, quick_student, training_data, two_trees

X, Y = numeric_rows(n_classes=3)
FEW = {"student": quick_student(max_epochs=2)}
WORDS = np.array(["a", "b", "c"])[Y]
BITS = Y > 0

LABELS = {
    "strings": (WORDS, ["a", "b", "c"]),
    "a list": (WORDS.tolist(), ["a", "b", "c"]),
    "strings as objects": (WORDS.astype(object), ["a", "b", "c"]),
    "booleans": (BITS, [False, True]),
    "booleans as objects": (BITS.astype(object), [False, True]),
    "integers with gaps": (7 * Y - 7, [-7, 0, 7]),
    "unsigned integers": (Y.astype(np.uint8), [0, 1, 2]),
    "integers as objects": (Y.astype(object), [0, 1, 2]),
    "large integers": (Y * 2**61, [0, 2**61, 2**62]),
    "whole floats": (10.0 * Y, [0.0, 10.0, 20.0]),
    "dates": (
        (np.datetime64("2024-01-01") + Y).astype("datetime64[us]"),
        [datetime(2024, 1, day) for day in (1, 2, 3)],
    ),
    "Categorical": (pd.Categorical(WORDS, categories=list("xcbay")), ["a", "b", "c"]),
    "ordered Categorical": (
        pd.Series(pd.Categorical(WORDS, categories=list("cba"), ordered=True)),
        ["a", "b", "c"],
    ),
    "Categorical of integers": (pd.Series(pd.Categorical(Y)), [0, 1, 2]),
    "Int64": (pd.Series(Y, dtype="Int64"), [0, 1, 2]),
    "boolean": (pd.Series(BITS, dtype="boolean"), [False, True]),
    "string": (pd.Series(WORDS, dtype="string"), ["a", "b", "c"]),
    "pyarrow integers": (pd.Series(Y, dtype=pd.ArrowDtype(pa.int8())), [0, 1, 2]),
    "pyarrow strings": (pd.Series(WORDS, dtype=pd.ArrowDtype(pa.string())), ["a", "b", "c"]),
    "polars integers": (pl.Series(Y), [0, 1, 2]),
    "polars booleans": (pl.Series(BITS), [False, True]),
    "polars strings": (pl.Series(WORDS), ["a", "b", "c"]),
    "polars Categorical": (pl.Series(WORDS, dtype=pl.Categorical), ["a", "b", "c"]),
    "polars Enum": (pl.Series(WORDS, dtype=pl.Enum(["x", "c", "b", "a"])), ["a", "b", "c"]),
}


@pytest.mark.parametrize(("y", "classes"), LABELS.values(), ids=LABELS)
def test_labels_are_predicted_as_what_they_are(y, classes):
    clf = quick_classifier(**FEW).fit(X, y)

    found = clf.predict(X).tolist()

    assert clf.classes_.tolist() == classes
    assert [type(label) for label in clf.classes_.tolist()] == [type(label) for label in classes]
    assert set(found) <= set(classes)
    assert clf.predict_proba(X).shape == (60, len(classes))


@pytest.mark.parametrize("kind", ["Int64", "boolean", "polars Enum", "Categorical"])
def test_what_is_predicted_can_be_scored_against_such_labels(kind):
    y, _ = LABELS[kind]
    clf = quick_classifier().fit(X, y)

    assert clf.score(X, y) == np.mean(clf.predict(X) == np.asarray(y))
    assert compare({"student": clf}, X, y)["student"].accuracy == clf.score(X, y)


@pytest.mark.parametrize(
    "estimator",
    [
        TeacherEnsemble(two_trees(), cv=2),
        TableClassifier(DecisionTreeClassifier()),
        NetClassifier(),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_teachers_know_labels_of_nullable_columns_too(estimator):
    estimator = clone(estimator).fit(X, pd.Series(Y, dtype="Int64"))

    assert estimator.predict(X).dtype == np.int64


@pytest.mark.parametrize(
    "y",
    [pd.DataFrame({"y": WORDS}), pl.DataFrame({"y": WORDS}), WORDS[:, None]],
    ids=["pandas", "polars", "array"],
)
def test_labels_in_a_column_are_flattened_with_a_warning(y):
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        clf = quick_classifier(**FEW).fit(X, y)

    assert_array_equal(clf.classes_, ["a", "b", "c"])


@pytest.mark.parametrize(
    ("series", "values", "dtype"),
    [
        (pd.Series, Y, "Int64"),
        (pd.Series, BITS, "boolean"),
        (pd.Series, WORDS, "string"),
        (pd.Series, WORDS, "category"),
        (pd.Series, WORDS, pd.ArrowDtype(pa.string())),
        (pl.Series, Y, None),
        (pl.Series, BITS, None),
        (pl.Series, WORDS, None),
        (pl.Series, WORDS, pl.Categorical),
    ],
)
def test_a_missing_label_is_refused_with_its_row(series, values, dtype):
    y = values.tolist()
    y[7] = y[9] = None

    with pytest.raises(ValueError, match="y contains NaN, infinity or None, first in row 7"):
        quick_classifier().fit(X, series(y, dtype=dtype))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, "a", 2], "several types, 1 in row 0 and 'a' in row 1: make them all strings"),
        ([True, True, 2], "several types, True in row 0 and 2 in row 2"),
        ([(1,), "a", "b"], r"several types, \(1,\) in row 0 and 'a' in row 1"),
    ],
)
def test_labels_of_several_types_are_refused_with_their_rows(labels, message):
    y = np.empty(60, dtype=object)
    y[:] = labels * 20

    with pytest.raises(ValueError, match=f"y has labels of {message}"):
        quick_classifier().fit(X, y)


def rare(n_rows, *n_members):
    """Rows of two large classes, and a few of each further one, far from the others."""
    X, y = numeric_rows(n_rows, n_classes=2)
    at = 0
    for k, n in enumerate(n_members, 2):
        y[at : at + n] = k
        X[at : at + n] += 6 * (k - 1)
        at += n
    return X, y


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_classes_of_nine_rows_and_of_one_keep_their_columns():
    X, y = rare(300, 9, 1)
    names = np.array(["no", "yes", "rare", "once"])[y]

    clf = quick_classifier(student=quick_student(max_epochs=30, lr=4e-3), augmenter="munge", cv=5)
    proba = clf.fit(X, names).predict_proba(X)

    assert_array_equal(clf.classes_, ["no", "once", "rare", "yes"])
    assert_allclose(proba.sum(1), 1)
    assert proba[names == "rare", 2].mean() > 10 * proba[names != "rare", 2].mean()
    # Nobody who labels the only row has seen another, and it is held out or not.
    assert proba[:, 1].max() < 0.5


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_soft_targets_of_rare_classes_sum_to_one():
    X, y = rare(200, 9, 1)
    ensemble = TeacherEnsemble(two_trees(), cv=5, random_state=0)

    targets = ensemble.fit_soft_targets(training_data(X, y, np.arange(4), unlabeled=[X[:20]]))
    soft_targets, (of_unlabeled,) = targets.labeled, targets.unlabeled

    assert soft_targets.shape == (200, 4)
    assert_allclose(soft_targets.sum(1), 1)
    assert_allclose(of_unlabeled.sum(1), 1)
    assert soft_targets[y == 3, 3].max() == 0  # no teacher has seen it


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_a_class_of_one_row_that_has_no_weight_keeps_its_column():
    X, y = rare(120, 1)

    clf = quick_classifier(cv=3).fit(X, y, sample_weight=(y < 2).astype(float))

    assert clf.predict_proba(X).shape == (120, 3)
    assert np.isfinite(clf.predict_proba(X)).all()


@pytest.mark.filterwarnings("ignore:The number of unique classes")
def test_every_class_of_two_rows_is_no_error():
    clf = quick_classifier(**FEW).fit(X, np.arange(60) // 2)

    assert clf.predict_proba(X).shape == (60, 30)


def test_six_in_a_hundred_are_told_from_the_rest(real_rows):
    X, y = real_rows("vehicle_fraud", 4500)
    trees = [
        (f"depth{depth}", TableClassifier(DecisionTreeClassifier(max_depth=depth, random_state=0)))
        for depth in (3, 5)
    ]

    clf = quick_classifier(trees, quick_student(lr=0.02, batch_size=512), augmenter="munge")
    proba = clf.fit(X[:3000], y[:3000]).predict_proba(X[3000:])

    share = np.mean(y[:3000] == clf.classes_[1])
    assert share < 0.08
    of_shares = log_loss(y[3000:], np.tile([1 - share, share], (1500, 1)), labels=clf.classes_)
    assert log_loss(y[3000:], proba, labels=clf.classes_) < of_shares


@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
def test_a_long_label_does_not_make_the_others_as_long(kind, tmp_path):
    labels = np.where(Y == 0, 10_000 * "a", np.where(Y == 1, "b", "c"))

    clf = quick_classifier().fit(X, kind(labels.tolist()))
    clf.save(tmp_path / "student.safetensors")

    assert clf.classes_.dtype == object
    assert len(pickle.dumps(clf)) < 20_000 + 2 * 10_000
    loaded = skdistill.load(tmp_path / "student.safetensors")
    assert_array_equal(loaded.predict(X), clf.predict(X))


def test_short_labels_stay_strings_of_numpy():
    assert quick_classifier().fit(X, [f"class {k}" for k in Y]).classes_.dtype.kind == "U"
