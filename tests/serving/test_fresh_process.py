"""What is shipped: a fitted default model in a fresh process, which never loads torch."""

import json
import subprocess
import sys

import joblib
import numpy as np
import pytest

from tests.small import mixed_table, small_default_classifier

PREDICT = """
import json, sys
import joblib
model, rows = sys.argv[1:]
proba = joblib.load(model).predict_proba(joblib.load(rows))
heavy = [name for name in ("torch", "skorch", "xgboost") if name in sys.modules]
print(json.dumps({"proba": proba.tolist(), "loaded": heavy}))
"""


@pytest.fixture(scope="module")
def default_model():
    """A model of default parameters, whose default teachers and student were made small."""
    X, y = mixed_table()
    clf = small_default_classifier().fit(X, y)
    return clf.set_params(teachers=None, student=None), X  # given ones are in the joblib file


@pytest.fixture(scope="module")
def in_a_fresh_process(default_model, tmp_path_factory):
    model, X = default_model
    folder = tmp_path_factory.mktemp("shipped")
    joblib.dump(model, folder / "model.joblib")
    joblib.dump(X, folder / "rows.joblib")
    command = [sys.executable, "-c", PREDICT, folder / "model.joblib", folder / "rows.joblib"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)


def test_a_fresh_process_predicts_without_torch_skorch_or_xgboost(in_a_fresh_process):
    assert in_a_fresh_process["loaded"] == []


def test_a_fresh_process_gives_the_same_probabilities(in_a_fresh_process, default_model):
    model, X = default_model

    np.testing.assert_allclose(in_a_fresh_process["proba"], model.predict_proba(X), atol=1e-6)


def test_the_file_of_a_default_model_names_neither_torch_nor_skorch(default_model, tmp_path):
    joblib.dump(default_model[0], tmp_path / "model.joblib")

    content = (tmp_path / "model.joblib").read_bytes()

    assert b"skdistill" in content
    assert b"torch" not in content
    assert b"skorch" not in content
