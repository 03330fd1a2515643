"""`X_val` and `validation_fraction`: which rows validate teachers and student."""

import joblib
import numpy as np
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, KFold, PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping

from skdistill import CallableTeacher
from tests.small import (
    Linear,
    fits_in,
    logged_classifier,
    mixed_table,
    numeric_rows,
    quick_classifier,
    quick_student,
)

ROWS, LABELS = numeric_rows(260)
X, Y, X_VAL, Y_VAL = ROWS[:60], LABELS[:60], ROWS[60:], LABELS[60:]
VALIDATION = {"X_val": X_VAL, "y_val": Y_VAL}


def losses(clf):
    return [epoch.get("valid_loss") for epoch in clf.history_]


# ---------------------------------------------------------------- validation rows of one's own


def test_beside_synthetic_rows_the_student_stops_early_by_them_too():
    clf = quick_classifier(augmenter="munge").fit(X, Y, **VALIDATION)

    assert np.isfinite(losses(clf)).all()


def test_the_student_is_validated_on_them_and_its_best_epoch_is_kept():
    student = quick_student(max_epochs=12, lr=0.3)

    clf = quick_classifier(student=student).fit(X, Y, **VALIDATION)

    assert_allclose(log_loss(Y_VAL, clf.predict_proba(X_VAL)), min(losses(clf)), atol=2e-3)
    assert clf.report_["student"] == min(losses(clf))


@pytest.mark.parametrize("cv", [2, "oob", KFold(3), PredefinedSplit(np.arange(60) % 2)], ids=str)
def test_no_teacher_is_fitted_on_them(cv, spy):
    marked = np.full((30, 5), 99.0)

    clf = quick_classifier(spy, cv=cv, keep_teachers=True, augmenter="munge")
    clf.fit(X, Y, X_val=marked, y_val=np.arange(30) % 3)

    assert all((rows < 99).all() for rows, _, _ in spy.fitted_on)
    assert {len(np.concatenate([y for _, y, _ in spy.fitted_on])) % 60} == {0}


def test_no_row_of_x_is_held_out_beside_them(spy):
    quick_classifier(spy, cv=KFold(2)).fit(X, Y, **VALIDATION)

    assert {len(y) for _, y, _ in spy.fitted_on} == {30}


def test_the_inputs_know_nothing_of_them():
    frame, labels = mixed_table(80)
    other = frame.assign(age=1e6, city="Bonn")

    plain = quick_classifier().fit(frame, labels)
    validated = quick_classifier().fit(frame, labels, X_val=other, y_val=labels)

    assert_array_equal(validated.inputs_.center, plain.inputs_.center)
    assert validated.inputs_.layout == plain.inputs_.layout


def test_teachers_and_pool_are_scored_by_them():
    splits = list(KFold(2).split(X))
    tree = DecisionTreeClassifier(max_depth=2, random_state=0)

    clf = quick_classifier([("tree", tree)], cv=splits).fit(X, Y, **VALIDATION)

    proba = np.mean([tree.fit(X[a], Y[a]).predict_proba(X_VAL) for a, _ in splits], axis=0)
    assert_allclose(clf.teacher_scores_["tree"], log_loss(Y_VAL, proba))
    assert clf.report_["teachers"] == clf.teacher_scores_["pool"]


def test_candidates_are_compared_by_their_loss():
    y_val = np.where(np.arange(200) < 190, Y_VAL, (Y_VAL + 1) % 3)

    one = quick_classifier(alpha="auto").fit(X, Y, **VALIDATION).candidates_
    other = quick_classifier(alpha="auto").fit(X, Y, X_val=X_VAL, y_val=y_val).candidates_

    assert len(one) == len(other) == 2
    assert one[0]["valid_loss"] < other[0]["valid_loss"]


def repeated(n, times):
    return {"X_val": np.tile(X_VAL[:n], (times, 1)), "y_val": np.tile(Y_VAL[:n], times)}


@pytest.mark.parametrize("labels", [Y, np.where(np.arange(60) % 4, Y, 0)], ids=["clean", "noisy"])
def test_the_student_does_not_depend_on_how_many_there_are(labels):
    clf = quick_classifier(alpha="auto", augmenter="munge")

    few = clf.fit(X, labels, **repeated(20, 1))
    alpha, proba = few.alpha_, few.predict_proba(X)
    many = clf.fit(X, labels, **repeated(20, 7))  # too few to compare candidates by

    assert many.alpha_ == alpha
    assert_allclose(many.predict_proba(X), proba, atol=1e-6)


def test_trials_of_candidates_do_not_depend_on_how_many_there_are():
    clf = quick_classifier(alpha="auto", temperature="auto", augmenter="munge")

    few, many = (clf.fit(X, Y, **repeated(150, times)).candidates_ for times in (1, 9))

    losses = [[each["valid_loss"] for each in tried] for tried in (few, many)]
    assert len(losses[0]) == 4
    assert_allclose(*losses, rtol=1e-5)


def test_their_weights_weigh_their_losses():
    weight = np.where(np.arange(200) < 20, 1.0, 0.0)
    rows = {"X_val": X_VAL, "y_val": Y_VAL, "sample_weight_val": weight}

    weighted = quick_classifier().fit(X, Y, **rows)
    few = quick_classifier().fit(X, Y, X_val=X_VAL[:20], y_val=Y_VAL[:20])

    assert_allclose(losses(weighted), losses(few), rtol=1e-4)
    assert_allclose(weighted.teacher_scores_["pool"], few.teacher_scores_["pool"])


def test_class_weights_hold_for_them_too():
    class_weight = {0: 3.0, 2: 0.5}
    weight = np.array([3.0, 1.0, 0.5])

    by_class = quick_classifier(class_weight=class_weight).fit(X, Y, **VALIDATION)
    by_row = quick_classifier().fit(X, Y, weight[Y], **VALIDATION, sample_weight_val=weight[Y_VAL])

    assert_allclose(losses(by_class), losses(by_row), rtol=1e-4)


@pytest.mark.parametrize("dtype", [str, object])
def test_labels_that_are_strings_are_those_of_y(dtype):
    names = np.array(["b", "a", "c"], dtype=dtype)

    clf = quick_classifier().fit(X, names[Y], X_val=X_VAL, y_val=names[Y_VAL])

    loss = log_loss(Y_VAL, clf.predict_proba(X_VAL)[:, [1, 0, 2]])
    assert_allclose(clf.report_["student"], loss, atol=2e-3)


def test_a_class_may_be_absent_from_them():
    present = Y_VAL < 2

    clf = quick_classifier().fit(X, Y, X_val=X_VAL[present], y_val=Y_VAL[present])

    assert np.isfinite(losses(clf)).all()


@pytest.mark.parametrize("make", [csr_array, np.ndarray.tolist, pl.DataFrame])
def test_they_may_be_of_any_kind_that_x_may_be(make):
    clf = quick_classifier(LogisticRegression(), student=quick_student())

    clf.fit(make(X), Y, X_val=make(X_VAL), y_val=Y_VAL)

    assert np.isfinite(losses(clf)).all()


def test_given_soft_targets_are_validated_by_them_too():
    proba = 0.6 * np.eye(3)[Y] + 0.4 / 3

    clf = quick_classifier().fit(X, Y, teacher_proba=proba, **VALIDATION)

    assert np.isfinite(losses(clf)).all()


def test_a_black_box_is_asked_about_them_once():
    asked = []

    def proba(X):
        asked.append(len(X))
        return np.full((len(X), 3), 1 / 3)

    quick_classifier(CallableTeacher(proba, [0, 1, 2])).fit(X, Y, **VALIDATION)

    assert sorted(asked) == [60, 200]


def test_memory_tells_validation_rows_apart(tmp_path):
    log = tmp_path / "log"
    clf = logged_classifier(log, "a", memory=tmp_path / "memory")
    for _ in range(2):
        clf.fit(X, Y, **VALIDATION)
    first = sum(fits_in(log).values())

    few = {"X_val": X_VAL[:50], "y_val": Y_VAL[:50]}
    scores = clf.fit(X, Y, **few).teacher_scores_

    assert sum(fits_in(log).values()) == 2 * first
    assert scores == logged_classifier(log, "a").fit(X, Y, **few).teacher_scores_


def test_a_plain_skorch_net_is_validated_by_them():
    net = NeuralNet(Linear, criterion=torch.nn.CrossEntropyLoss, max_epochs=3, lr=0.1)

    clf = quick_classifier(student=net).fit(X, Y, **VALIDATION)

    assert np.isfinite(losses(clf)).all()


def test_they_travel_through_a_pipeline_by_metadata_routing():
    with config_context(enable_metadata_routing=True):
        clf = quick_classifier().set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(StandardScaler(), clf, transform_input=["X_val"])
        pipeline.fit(X, Y, **VALIDATION)

    scale = StandardScaler().fit(X).transform
    direct = quick_classifier().fit(scale(X), Y, X_val=scale(X_VAL), y_val=Y_VAL)
    assert_allclose(losses(pipeline[-1]), losses(direct))


def test_a_search_passes_them_to_each_of_its_fits():
    search = GridSearchCV(quick_classifier(), {"alpha": [0.2, 0.8]}, cv=2)

    search.fit(X, Y, **VALIDATION)

    assert np.isfinite(losses(search.best_estimator_)).all()


@pytest.mark.parametrize(("given", "passed"), [(60, 30), (61, 61)])
def test_a_search_takes_only_as_many_as_rows_of_x_for_a_property_of_those(given, passed, spy):
    search = GridSearchCV(quick_classifier(spy), {"alpha": [0.5]}, cv=2, refit=False)

    search.fit(X, Y, X_val=np.full((given, 5), 99.0), y_val=np.arange(given) % 3)

    assert {len(rows) for rows in spy.asked_about if (rows == 99).all()} == {passed}


def test_a_model_fitted_with_them_is_pickled_without_them(tmp_path):
    many = np.repeat(X_VAL, 200, axis=0), np.repeat(Y_VAL, 200)
    clf = quick_classifier().fit(X, Y, X_val=many[0], y_val=many[1])

    joblib.dump(clf, tmp_path / "clf")

    assert (tmp_path / "clf").stat().st_size < many[0].nbytes / 20


# ---------------------------------------------------------------- a share of the rows


@pytest.mark.filterwarnings("ignore:cv='in_sample'")
@pytest.mark.parametrize(("fraction", "n"), [(0.3, 90), (60, 60)])
def test_so_many_rows_are_held_out_from_everyone(fraction, n, spy):
    X, y = numeric_rows(300)

    quick_classifier(spy, cv="in_sample", validation_fraction=fraction, augmenter="munge").fit(X, y)

    assert abs(len(spy.fitted_on[0][1]) - (300 - n)) <= 3


@pytest.mark.parametrize("augmenter", [None, "munge"])
def test_a_student_with_a_fraction_of_its_own_stops_early(augmenter):
    clf = quick_classifier(validation_fraction=0.2, augmenter=augmenter).fit(X, Y)

    assert np.isfinite(losses(clf)).all()


@pytest.mark.filterwarnings("ignore:cv='in_sample'")
def test_without_a_fraction_no_row_is_held_out(spy):
    clf = quick_classifier(spy, cv="in_sample", validation_fraction=None).fit(X, Y)

    assert {len(y) for _, y, _ in spy.fitted_on} == {60}
    assert losses(clf) == [None] * 5


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("params", "rows", "told"),
    [
        ({}, {"X_val": X_VAL}, "got X_val only: pass X_val and y_val together"),
        ({}, {"y_val": Y_VAL}, "got y_val only"),
        ({}, {"sample_weight_val": np.ones(200)}, "got sample_weight_val only"),
        ({}, {"X_val": X_VAL, "y_val": Y_VAL[1:]}, "X_val.*inconsistent numbers"),
        ({}, {"X_val": X_VAL[:, 1:], "y_val": Y_VAL}, "X_val must be rows like.* 4 features"),
        ({}, {"X_val": X_VAL, "y_val": Y_VAL + 2}, r"y_val has the labels \[3, 4\].*0, 1, 2\]"),
        ({}, {"X_val": X_VAL, "y_val": list("abcd") * 50}, r"y_val has the labels \['a', 'b', 'c'"),
        ({}, {"X_val": X_VAL, "y_val": np.where(Y_VAL, 1, np.nan)}, "X_val.*NaN.*first in row"),
        ({}, {"X_val": csr_array(X_VAL), "y_val": Y_VAL}, "X_val is a scipy csr_array, but X is"),
        ({}, {**VALIDATION, "sample_weight_val": np.zeros(200)}, "X_val.*at least one non-zero"),
        ({"validation_fraction": 0.2}, VALIDATION, "got X_val and validation_fraction=0.2"),
        ({"validation_fraction": None}, VALIDATION, "got X_val and validation_fraction=None"),
        ({"student": quick_student(train_split=None)}, VALIDATION, "X_val asks for .*train_split"),
        ({"student": quick_student(train_split=None), "validation_fraction": 5}, {}, "=5 asks for"),
        ({"student": quick_student(patience=3), "validation_fraction": None}, {}, "stops early"),
        (
            {"student": quick_student(callbacks=[EarlyStopping()]), "validation_fraction": None},
            {},
            "watches 'valid_loss'",
        ),
        ({"validation_fraction": 0.001}, {}, "=0.001 of 60 rows leaves none to validate on"),
        ({"validation_fraction": 60}, {}, "=60 of 60 rows leaves none to train on"),
        ({"class_weight": {0: 0}}, {"X_val": X[Y == 0], "y_val": Y[Y == 0]}, "X_val.*weight zero"),
        ({"validation_fraction": 0}, {}, "validation_fraction"),
        ({"validation_fraction": 1.0}, {}, "validation_fraction"),
    ],
)  # fmt: skip
def test_what_contradicts_is_refused_before_a_teacher_is_fitted(params, rows, told, spy):
    with pytest.raises(ValueError, match=f"(?s){told}"):
        quick_classifier(spy, **params).fit(X, Y, **rows)

    assert not spy.fitted_on


@pytest.mark.parametrize(("column", "value"), [("age", "old"), ("age", np.inf), ("city", 1)])
def test_validation_rows_of_other_columns_are_refused_by_name(column, value, spy):
    frame, labels = mixed_table()

    with pytest.raises(ValueError, match=f"X_val must be rows like .*{column}"):
        quick_classifier(spy).fit(
            frame, labels, X_val=frame.assign(**{column: value}), y_val=labels
        )

    assert not spy.fitted_on
