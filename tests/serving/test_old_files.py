"""Students that were saved once are loaded for ever, whatever their format."""

import json
import shutil
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose
from sklearn.exceptions import InconsistentVersionWarning

import skdistill
from tests.compiled import compiled

FOLDER = Path(__file__).parents[1] / "students"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


@pytest.fixture(params=NAMES)
def old(request):
    """The path of the files of a student without suffix, its rows, and its predictions."""
    expected = json.loads((FOLDER / f"{request.param}.json").read_text())
    X = expected["X"]
    X = pd.DataFrame(X) if isinstance(X, dict) else np.array(X)
    return FOLDER / request.param, X, expected


def assert_predicts(student, X, expected):
    if "predict_proba" in expected:
        assert_allclose(student.predict_proba(X), expected["predict_proba"], atol=1e-6)
        assert student.predict(X).tolist() == expected["predict"]
    else:
        assert_allclose(student.predict(X), expected["predict"], rtol=1e-5)
    if "quantiles" in expected:
        assert_allclose(student.predict(X, quantiles=True), expected["quantiles"], rtol=1e-5)


def test_the_files_are_there():
    assert NAMES == ["counts", "images", "mixed", "numbers", "prices", "steps"]
    assert {path.suffix for path in FOLDER.iterdir()} >= {".safetensors", ".onnx", ".c", ".joblib"}


def test_a_safetensors_file(old):
    path, X, expected = old
    student = skdistill.load(path.with_suffix(".safetensors"))

    assert_predicts(student, X, expected)
    assert student.n_iter_ == len(student.history_) > 0
    assert student.report_["teachers"] > 0


def test_a_pickle_of_the_same_major_versions(old):
    path, X, expected = old
    for library in (np, sklearn):
        if (
            library.__version__.split(".")[0]
            != expected["versions"][library.__name__].split(".")[0]
        ):
            pytest.skip(f"pickled with another major version of {library.__name__}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        student = joblib.load(path.with_suffix(".joblib"))

    assert_predicts(student, X, expected)


def test_an_onnx_file(old):
    path, X, expected = old
    X = X.reshape(len(X), -1) if isinstance(X, np.ndarray) else X

    assert_predicts(skdistill.OnnxStudent(path.with_suffix(".onnx")), X, expected)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_a_c_file(old, tmp_path):
    path, _, expected = old
    names = ["predict_proba"] if "predict_proba" in expected else ["predict", "quantiles"]
    predicted = [np.array(expected[name]) for name in names if name in expected]
    written = np.hstack([each.reshape(len(each), -1) for each in predicted])

    student = compiled(path.with_suffix(".c"), written.shape[1], tmp_path)
    returned, found = student(expected["rows_for_c"])

    assert_allclose(found, written, rtol=1e-5, atol=1e-5)
    best = written.argmax(1) if "predict_proba" in expected else np.zeros(len(written), dtype=int)
    assert returned.tolist() == best.tolist()
