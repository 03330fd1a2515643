"""What is shipped: students in a fresh process, which never loads torch nor a teacher."""

import json
import subprocess
import sys

import joblib
import numpy as np
import pytest

from tests.small import mixed_table, quick_classifier, quick_regressor, small_default_classifier

HEAVY = {"torch", "skorch", "xgboost", "onnx", "sklearn.ensemble", "sklearn.model_selection"}
PREDICT = """
import json, sys
import joblib, skdistill
for path in sys.argv[2:]:
    load = skdistill.load if path.endswith("safetensors") else joblib.load
    model = load(path)
    predictions = getattr(model, "predict_proba", model.predict)(joblib.load(sys.argv[1]))
    print(json.dumps({"predictions": predictions.tolist(), "loaded": list(sys.modules)}))
"""
FILES = [
    "student.safetensors",
    "student.joblib",
    "regressor.safetensors",
    "regressor.joblib",
    "with teachers.joblib",
]


@pytest.fixture(scope="module")
def default_model():
    """A model of default parameters, whose default teachers and student were made small."""
    X, y = mixed_table()
    clf = small_default_classifier().fit(X, y)
    return clf.set_params(teachers=None, student=None), X  # given ones are in the joblib file


@pytest.fixture(scope="module")
def shipped(default_model, tmp_path_factory):
    """What one fresh process says of each file, and what the model in it says here."""
    folder = tmp_path_factory.mktemp("shipped")
    model, X = default_model
    reg = quick_regressor().fit(X, X["children"])
    reg.set_params(teachers=None, student=None)
    with_teachers = quick_classifier(keep_teachers=True).fit(*mixed_table())
    models = [model, model, reg, reg, with_teachers]
    for each, name in zip(models, FILES):
        path = folder / name
        each.save(path) if path.suffix == ".safetensors" else joblib.dump(each, path)
    joblib.dump(X, folder / "rows")
    command = [sys.executable, "-c", PREDICT, folder / "rows", *(folder / name for name in FILES)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    there = [json.loads(line) for line in run.stdout.splitlines()]
    return {
        name: (said["predictions"], said["loaded"], predictions_of(each, X))
        for name, said, each in zip(FILES, there, models, strict=True)
    }


def predictions_of(model, X):
    return getattr(model, "predict_proba", model.predict)(X)


@pytest.mark.parametrize("name", FILES[:4])
def test_loading_and_predicting_loads_neither_torch_nor_a_teacher(name, shipped):
    _, loaded, _ = shipped[name]

    assert not HEAVY & set(loaded)


@pytest.mark.parametrize("name", FILES)
def test_a_fresh_process_gives_the_same_predictions(name, shipped):
    there, _, here = shipped[name]

    np.testing.assert_allclose(there, here, atol=1e-6)


def test_the_file_of_a_default_model_names_neither_torch_nor_skorch(default_model, tmp_path):
    joblib.dump(default_model[0], tmp_path / "model.joblib")

    content = (tmp_path / "model.joblib").read_bytes()

    assert b"skdistill" in content
    assert b"torch" not in content
    assert b"skorch" not in content
