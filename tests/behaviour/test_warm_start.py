"""`warm_start`: a fit on new rows goes on with the present student."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import log_loss
from skorch import NeuralNet
from skorch.callbacks import Callback

import skdistill
from skdistill import CallableTeacher, StudentNet
from tests.small import Linear, mixed_table, numeric_rows, quick_classifier, quick_student

ROWS, LABELS = numeric_rows(900)
X, Y, X_NEW, Y_NEW = ROWS[:600], LABELS[:600], ROWS[600:], LABELS[600:]


def well_trained(**params):
    student = quick_student(max_epochs=30, module__hidden_sizes=(128, 64))
    return quick_classifier(student=student, warm_start=True, **params)


def short(clf):
    return clf.set_params(student__max_epochs=1)


def test_one_epoch_on_new_rows_is_far_ahead_of_one_of_a_new_student():
    clf = well_trained().fit(X, Y)
    cold = short(clone(clf)).fit(X_NEW, Y_NEW)

    warm = short(clf).fit(X_NEW, Y_NEW)

    losses = [log_loss(LABELS, each.predict_proba(ROWS)) for each in (warm, cold)]
    assert losses[0] < losses[1] / 2


def test_without_it_a_fit_forgets_the_student_before():
    clf = quick_classifier().fit(X, Y)

    again = clf.fit(X_NEW, Y_NEW)

    fresh = quick_classifier().fit(X_NEW, Y_NEW)
    assert_array_equal(again.predict_proba(X), fresh.predict_proba(X))


def test_the_first_fit_is_that_without_it():
    one, other = (quick_classifier(warm_start=warm).fit(X, Y) for warm in (True, False))

    assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def test_the_teachers_are_those_of_the_new_rows(spy):
    clf = quick_classifier(spy, warm_start=True).fit(X, Y)
    spy.fitted_on.clear()

    clf.fit(X_NEW, Y_NEW)

    assert sum(len(y) for _, y, _ in spy.fitted_on) <= 2 * 300


def test_the_student_keeps_its_inputs():
    clf = quick_classifier(warm_start=True).fit(X, Y)
    center = clf.inputs_.center

    clf.fit(X_NEW + 10, Y_NEW)

    assert_array_equal(clf.inputs_.center, center)


def test_a_category_that_only_new_rows_have_counts_as_unseen():
    frame, labels = mixed_table(200)
    clf = quick_classifier(warm_start=True).fit(frame, labels)
    new = frame.assign(city="Bonn")

    clf.fit(new, labels)

    assert_allclose(clf.predict_proba(new), clf.predict_proba(frame.assign(city="Cork")))


def test_a_student_from_a_file_keeps_its_size(tmp_path):
    small = quick_classifier(student=quick_student(module__hidden_sizes=(24,))).fit(X, Y)
    small.save(tmp_path / "small")
    loaded = skdistill.load(tmp_path / "small").set_params(
        teachers=small.teachers, cv=2, warm_start=True, student=StudentNet(max_epochs=1)
    )

    loaded.fit(X_NEW, Y_NEW)

    assert [bias.size for _, bias in loaded.student_.weights] == [24, 3]


@pytest.mark.parametrize("by", ["joblib", "safetensors"])
def test_a_student_from_a_file_goes_on_too(by, tmp_path):
    clf = well_trained().fit(X, Y)
    if by == "joblib":
        joblib.dump(clf, tmp_path / "clf")
        loaded = joblib.load(tmp_path / "clf")
    else:
        clf.save(tmp_path / "clf")
        loaded = skdistill.load(tmp_path / "clf").set_params(**clf.get_params(deep=False))

    one, other = (short(each).fit(X_NEW, Y_NEW) for each in (clf, loaded))

    assert_allclose(one.predict_proba(X), other.predict_proba(X), atol=1e-6)


def test_memory_tells_starts_apart(tmp_path):
    clf = well_trained(memory=tmp_path).fit(X, Y)

    before = clf.fit(X_NEW, Y_NEW).predict_proba(X)
    after = clf.fit(X_NEW, Y_NEW).predict_proba(X)

    assert (before != after).any()


def test_a_clone_starts_anew():
    clf = quick_classifier(warm_start=True).fit(X, Y)

    again = clone(clf).fit(X, Y)

    assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


FRAME = pd.DataFrame(X_NEW, columns=list("abcde"))
PLAIN_NET = NeuralNet(Linear, criterion=torch.nn.CrossEntropyLoss, max_epochs=2)


@pytest.mark.parametrize(
    ("change", "rows", "labels", "told"),
    [
        ({}, X_NEW[:, 1:], Y_NEW, "n_features_in_ is 5, but of the rows given it is 4"),
        ({}, FRAME, Y_NEW, r"feature_names_in_ is None, but .* \['a' 'b'"),
        ({}, X_NEW, Y_NEW + 1, r"classes_ is \[0 1 2\], but of the rows given it is \[1 2 3\]"),
        ({}, X_NEW[Y_NEW > 0], Y_NEW[Y_NEW > 0], r"it is \[1 2\]"),
        ({"student": PLAIN_NET}, X_NEW, Y_NEW, "StudentNet over StudentMLP"),
        ({"student": quick_student(module__hidden_sizes=(7,))}, X_NEW, Y_NEW, "other shapes"),
        ({"warm_start": "yes"}, X_NEW, Y_NEW, "'warm_start' parameter"),
    ],
)
def test_what_the_student_does_not_fit_is_refused_before_a_teacher_is_fitted(
    change, rows, labels, told, spy
):
    clf = quick_classifier(spy, warm_start=True).fit(X, Y)
    spy.fitted_on.clear()

    with pytest.raises(ValueError, match=told), warnings.catch_warnings():
        clf.set_params(**change).fit(rows, labels)

    assert not spy.fitted_on


TABLE, YES_NO = mixed_table(200)
CITIES = TABLE.assign(zip=TABLE["children"].astype("category"))


@pytest.mark.parametrize(
    ("change", "rows", "told"),
    [
        ({}, CITIES.astype({"zip": int}), r"are \['city', 'zip'\], but .* they are \['city'\]"),
        ({}, CITIES.astype({"children": str}), r"they are \['children', 'city', 'zip'\]: convert"),
        ({}, CITIES.assign(city=TABLE["age"]), r"they are \['zip'\]"),
        ({"categorical_features": ["city"]}, CITIES.astype({"zip": int}), r"they are \['city'\]"),
    ],
    ids=["a category is a number", "a number is a category", "strings are numbers", "unnamed"],
)
def test_a_column_that_changes_its_kind_is_refused_before_a_teacher_is_fitted(
    change, rows, told, spy
):
    clf = quick_classifier(spy, warm_start=True).fit(CITIES, YES_NO)
    spy.fitted_on.clear()

    with pytest.raises(ValueError, match=told):
        clf.set_params(**change).fit(rows, YES_NO)

    assert not spy.fitted_on


def test_columns_of_an_array_that_are_categorical_no_more_are_refused(spy):
    codes = np.column_stack([X_NEW, Y_NEW])
    clf = quick_classifier(spy, warm_start=True, categorical_features=[5]).fit(codes, Y_NEW)

    with pytest.raises(ValueError, match=r"are \[5\], but of the rows given they are \[\]"):
        clf.set_params(categorical_features="from_dtype").fit(codes, Y_NEW)


def test_a_column_that_is_named_instead_of_typed_is_the_same_one():
    clf = quick_classifier(warm_start=True).fit(CITIES, YES_NO)

    layout = clf.inputs_.layout

    named = clf.set_params(categorical_features=["city", "zip"])

    assert named.fit(CITIES.astype({"zip": int}), YES_NO).inputs_.layout == layout


def state_of(clf):
    fitted = {name: each for name, each in vars(clf).items() if name.endswith("_")}
    return joblib.hash(fitted), clf.predict_proba(X)


def told_by_a_teacher(X):
    raise OSError("the remote model is down")


class Interrupt(Callback):
    """Ctrl-C in the first epoch of the student."""

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        raise KeyboardInterrupt


FAILURES = {
    "a parameter": ({"alpha": 2.0}, X_NEW, ValueError),
    "other columns": ({}, X_NEW[:, 1:], ValueError),
    "a named column": ({}, FRAME, ValueError),
    "infinite rows": ({}, np.where(X_NEW > 2, np.inf, X_NEW), ValueError),
    "a teacher": ({"teachers": CallableTeacher(told_by_a_teacher, [0, 1, 2])}, X_NEW, ValueError),
    "Ctrl-C": ({"student": quick_student(callbacks=[Interrupt()])}, X_NEW, KeyboardInterrupt),
    "divergence": ({"student__lr": 1e30}, X_NEW, ValueError),
}


@pytest.mark.parametrize(("change", "rows", "error"), FAILURES.values(), ids=FAILURES)
def test_a_fit_that_fails_leaves_the_student_as_it_was(change, rows, error):
    clf = quick_classifier(warm_start=True, keep_teachers=True).fit(X, Y)
    before, proba = state_of(clf)

    with pytest.raises(error):
        clf.set_params(**change).fit(rows, Y_NEW)

    after, proba_after = state_of(clf)
    assert after == before
    assert_array_equal(proba_after, proba)


def test_after_a_fit_that_failed_the_student_goes_on():
    one, other = (quick_classifier(warm_start=True).fit(X, Y) for _ in range(2))
    with pytest.raises(ValueError, match="n_features_in_"):
        one.fit(X_NEW[:, 1:], Y_NEW)

    assert_array_equal(
        one.fit(X_NEW, Y_NEW).predict_proba(X), other.fit(X_NEW, Y_NEW).predict_proba(X)
    )


def test_teachers_in_a_file_stay_closed_where_a_fit_fails():
    clf = quick_classifier(warm_start=True, keep_teachers=True).fit(X, Y)
    loaded = pickle.loads(pickle.dumps(clf))

    with pytest.raises(ValueError, match="n_features_in_"):
        loaded.fit(X_NEW[:, 1:], Y_NEW)

    assert_array_equal(loaded.teacher_.predict_proba(X), clf.teacher_.predict_proba(X))


def test_a_first_fit_that_fails_leaves_nothing():
    change, rows, error = FAILURES["a teacher"]
    clf = quick_classifier(warm_start=True).set_params(**change)

    with pytest.raises(error):
        clf.fit(rows, Y_NEW)

    assert not [name for name in vars(clf) if name.endswith("_")]


def test_a_module_of_ones_own_cannot_go_on():
    clf = quick_classifier(student=PLAIN_NET, warm_start=True).fit(X, Y)

    with pytest.raises(ValueError, match="warm_start goes on with a StudentNet over StudentMLP"):
        clf.fit(X, Y)


def test_validation_rows_validate_it_too():
    clf = quick_classifier(warm_start=True).fit(X, Y)

    clf.fit(X, Y, X_val=X_NEW, y_val=Y_NEW)

    assert np.isfinite([epoch["valid_loss"] for epoch in clf.history_]).all()
