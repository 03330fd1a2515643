"""A pipeline in ONNX predicts what it predicts in scikit-learn."""

import subprocess
import sys

import joblib
import numpy as np
import onnx
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import skdistill
from skdistill import OnnxStudent
from tests.small import (
    encoded_tree,
    mixed_table,
    numeric_rows,
    quick_classifier,
    quick_regressor,
)

skl2onnx = pytest.importorskip("skl2onnx")

EXPORT = """
import sys
import {first}
import {second}
import joblib, skl2onnx
pipeline, X = joblib.load(sys.argv[1])
print(len(skl2onnx.to_onnx(pipeline, X[:1]).graph.node) > 0)
"""


@pytest.fixture(scope="module")
def scaled():
    X, y = numeric_rows(100)
    X = X.astype(np.float32)
    return make_pipeline(StandardScaler(), quick_classifier()).fit(X, y), X


def assert_same_predictions(model, pipeline, X):
    student = OnnxStudent(model)
    assert_allclose(student.predict_proba(X), pipeline.predict_proba(X), atol=1e-5)
    assert_array_equal(student.predict(X), pipeline.predict(X))


@pytest.mark.parametrize(
    ("first", "second"),
    [("skdistill", "skl2onnx"), ("skl2onnx", "skdistill.classifier, skdistill.regressor")],
)
@pytest.mark.parametrize("kind", ["scaled", "scaled_regressor"])
def test_skl2onnx_knows_students_whatever_is_imported_first(first, second, kind, request, tmp_path):
    joblib.dump(request.getfixturevalue(kind), tmp_path / "pipeline")
    code = EXPORT.format(first=first, second=second)

    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "pipeline"], capture_output=True, text=True
    )

    assert run.stdout == "True\n", run.stderr


@pytest.mark.integration("skl2onnx", "a pipeline to ONNX", package="skl2onnx")
def test_skl2onnx_exports_a_pipeline(scaled):
    pipeline, X = scaled

    model = skl2onnx.to_onnx(pipeline, X[:1], options={"zipmap": False})

    assert_same_predictions(model, pipeline, X)


def test_skl2onnx_maps_labels_to_probabilities_by_default(scaled):
    pipeline, X = scaled

    model = skl2onnx.to_onnx(pipeline, X[:1])

    assert "ZipMap" in {node.op_type for node in model.graph.node}


def test_skl2onnx_exports_a_student_that_votes(scaled):
    _, X = scaled
    y = np.arange(len(X)) % 2
    parts = [("student", quick_classifier()), ("logistic", LogisticRegression())]
    voting = VotingClassifier(parts, voting="soft", flatten_transform=False).fit(X, y)

    model = skl2onnx.to_onnx(voting, X[:1], options={"zipmap": False})

    assert_same_predictions(model, voting, X)


@pytest.fixture(scope="module")
def scaled_regressor():
    """A pipeline whose targets are too far from zero for float32."""
    X, _ = numeric_rows(100)
    X = X.astype(np.float32)
    reg = quick_regressor(quantiles=(0.1, 0.9))
    return make_pipeline(StandardScaler(), reg).fit(X, 1e6 + X[:, 0]), X


@pytest.mark.parametrize("by", ["skdistill", "skl2onnx"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_pipeline_with_a_regressor_gives_targets_and_quantiles(by, dtype, scaled_regressor):
    pipeline, X = scaled_regressor
    X = X.astype(dtype)

    if by == "skdistill":
        model = skdistill.to_onnx(pipeline, dtype=dtype)
    else:
        model = skl2onnx.to_onnx(pipeline, X[:1])

    student = OnnxStudent(model)
    assert set(student.outputs) == {"variable", "quantiles"}
    for quantiles in (False, True):
        expected = pipeline.predict(X, quantiles=quantiles)
        assert_allclose(student.predict(X, quantiles=quantiles), expected, rtol=0, atol=1e-4)


def test_skl2onnx_exports_a_regressor_that_votes(scaled):
    _, X = scaled
    y = X[:, :1] @ [2.0]
    voting = VotingRegressor([("student", quick_regressor()), ("ridge", Ridge())]).fit(X, y)

    model = skl2onnx.to_onnx(voting, X[:1])

    assert_allclose(OnnxStudent(model).predict(X), voting.predict(X), rtol=1e-4, atol=1e-4)


def test_a_pipeline_with_a_regressor_has_no_maps(scaled_regressor, tmp_path):
    with pytest.raises(ValueError, match="zipmap=True maps labels to probabilities"):
        skdistill.to_onnx(scaled_regressor[0], tmp_path / "pipeline.onnx", zipmap=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_pipeline_is_exported_as_one_matrix(dtype, scaled):
    pipeline, X = scaled

    model = skdistill.to_onnx(pipeline, dtype=dtype)

    assert [one.name for one in model.graph.input] == ["X"]
    assert_same_predictions(model, pipeline, X)


def test_a_pipeline_of_pipelines_is_exported():
    X, y = numeric_rows(100)
    X = X.astype(np.float32)
    X[::7, 1] = np.nan
    inner = make_pipeline(StandardScaler(), quick_classifier())
    pipeline = make_pipeline(SimpleImputer(), inner).fit(X, y)

    assert_same_predictions(skdistill.to_onnx(pipeline), pipeline, X)


def test_columns_are_selected_by_their_names():
    X, y = mixed_table(200)
    X = X.dropna().astype({"city": str})
    y = y[X.index]
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["age"]),
            ("cities", OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["city"]),
            ("rest", "passthrough", ["children"]),
        ]
    )
    pipeline = make_pipeline(columns, quick_classifier(encoded_tree())).fit(X, y)

    model = skdistill.to_onnx(pipeline, X=X[:3])

    assert_same_predictions(model, pipeline, X)


def test_a_student_alone_is_exported_as_by_its_method(scaled):
    clf = scaled[0][-1]

    assert skdistill.to_onnx(clf, dtype="float64") == clf.to_onnx(dtype="float64")


def test_the_file_is_the_model(scaled, tmp_path):
    model = skdistill.to_onnx(scaled[0], tmp_path / "pipeline.onnx")

    assert onnx.load(tmp_path / "pipeline.onnx") == model


def test_probabilities_are_maps_on_request(scaled):
    import onnxruntime

    pipeline, X = scaled

    model = skdistill.to_onnx(pipeline, zipmap=True)

    session = onnxruntime.InferenceSession(model.SerializeToString())
    label, rows = session.run(["label", "probabilities"], {"X": X})
    assert_array_equal(label, pipeline.predict(X))
    assert_allclose([list(row.values()) for row in rows], pipeline.predict_proba(X), atol=1e-5)


def test_a_pipeline_without_a_student_is_refused():
    with pytest.raises(TypeError, match="got DecisionTreeClassifier: convert it with skl2onnx"):
        skdistill.to_onnx(make_pipeline(StandardScaler(), DecisionTreeClassifier()))


def test_an_unfitted_pipeline_is_refused():
    with pytest.raises(NotFittedError):
        skdistill.to_onnx(make_pipeline(StandardScaler(), quick_classifier()))


def test_a_number_type_that_onnx_lacks_is_refused(scaled):
    with pytest.raises(ValueError, match="float16"):
        skdistill.to_onnx(scaled[0], dtype="float16")


def test_a_missing_skl2onnx_is_named(scaled, monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(ImportError, match="a pipeline needs skl2onnx: pip install"):
        skdistill.to_onnx(scaled[0])
