"""A student that is an estimator of scikit-learn, in ONNX."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from skdistill import OnnxStudent
from skdistill.serving.onnx_estimator import _check_predictions, _converted
from tests.small import mixed_table, numeric_rows, quick_classifier, quick_regressor

skl2onnx = pytest.importorskip("skl2onnx")

STUDENTS = {
    "HistGradientBoosting": HistGradientBoostingClassifier(max_iter=5),
    "HistGradientBoosting, regression": HistGradientBoostingRegressor(max_iter=5),
    "logistic regression": LogisticRegression(),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
    "forest, regression": RandomForestRegressor(3),
    "ridge": Ridge(),
    "tree": DecisionTreeClassifier(max_depth=4),
}
anyone = pytest.mark.parametrize("kind", STUDENTS)


def fitted(student, X, y):
    return quick_classifier(student=student).fit(X, y)


@anyone
@pytest.mark.integration("skl2onnx", "a student of scikit-learn to ONNX", package="skl2onnx")
def test_a_table_with_categories_and_missing_values_is_predicted_as_here(kind):
    frame, y = mixed_table(80)
    clf = fitted(STUDENTS[kind], frame, y)

    student = OnnxStudent(clf.to_onnx(dtype="float64"))

    assert_allclose(student.predict_proba(frame), clf.predict_proba(frame), atol=1e-5)
    assert_array_equal(student.predict(frame), clf.predict(frame))


@anyone
def test_three_classes_of_numbers_are_predicted_as_here(kind):
    X, y = numeric_rows(80)
    X = X.astype(np.float32)
    clf = fitted(STUDENTS[kind], X, y)

    student = OnnxStudent(clf.to_onnx())

    assert_allclose(student.predict_proba(X), clf.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_a_regressor_predicts_as_here(loss):
    X, y = numeric_rows(80)
    X = X.astype(np.float32)
    reg = quick_regressor(student=RandomForestRegressor(3), loss=loss).fit(X, y)

    student = OnnxStudent(reg.to_onnx())

    same = np.isclose(student.predict(X), reg.predict(X), atol=1e-4)
    assert same.mean() > 0.9  # a number at a tree's threshold may fall to the other side


def test_a_pipeline_around_it_is_exported_too():
    X, y = numeric_rows(80)
    X = X.astype(np.float32)
    pipeline = make_pipeline(
        StandardScaler(), quick_classifier(student=HistGradientBoostingRegressor(max_iter=3))
    ).fit(X, y)

    model = skl2onnx.to_onnx(pipeline, X[:1], options={"zipmap": False})

    same = np.isclose(OnnxStudent(model).predict_proba(X), pipeline.predict_proba(X), atol=1e-5)
    assert same.mean() > 0.9  # a number at a tree's threshold may fall to the other side


def test_what_skl2onnx_cannot_convert_is_refused_by_name(tmp_path):
    clf = fitted(XGBClassifier(n_estimators=2), *numeric_rows())

    with pytest.raises(ValueError, match=r"cannot convert the student, a XGBClassifier.*joblib"):
        clf.to_onnx(tmp_path / "student.onnx")

    assert not list(tmp_path.iterdir())


def test_a_model_that_predicts_something_else_is_refused():
    X, y = numeric_rows()
    one, other = (fitted(Ridge(alpha=alpha), X, y).student_ for alpha in (1.0, 1e4))
    model = _converted(one, 5)

    _check_predictions(model, one, 5)
    with pytest.raises(ValueError, match="the converter of Ridge writes a model that predicts"):
        _check_predictions(model, other, 5)


def test_probabilities_can_be_maps():
    X, y = numeric_rows()
    clf = fitted(LogisticRegression(), X, y)

    model = clf.to_onnx(zipmap=True)

    assert [node.op_type for node in model.graph.node][-1] == "ZipMap"
