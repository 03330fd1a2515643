"""What editors and type checkers see of the public names."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import skdistill

USER = """
import numpy as np
from sklearn.linear_model import LogisticRegression
from skdistill import DistilledClassifier, StudentNet, compare, default_teachers, load

X, y = np.eye(4), np.array([0, 1, 0, 1])
clf = DistilledClassifier([("lr", LogisticRegression())], StudentNet(lr=1e-3), alpha=0.5)
clf = clf.fit(X, y, sample_weight=np.ones(4))
proba = clf.predict_proba(X)
report = compare({"student": clf, "teachers": clf}, X, y, reference="student")
print(report, proba.shape, default_teachers("low"), load("student.safetensors"))
"""
ROOT = Path(skdistill.__file__).parents[1]  # an editable install is hidden from type checkers
# What is behind the public names is none of the user's, and takes long to read.
MYPY = """
[mypy]
ignore_missing_imports = true
[mypy-torch.*,skorch.*,sklearn.*,scipy.*,xgboost.*,joblib.*]
follow_imports = skip
"""
TYPO = "from skdistill import DistiledClassifier\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a user's script, and one with a name that is not there."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "user.py").write_text(USER)
    (folder / "typo.py").write_text(TYPO)
    (folder / "mypy.ini").write_text(MYPY)
    (folder / "pyrightconfig.json").write_text(json.dumps({"extraPaths": [str(ROOT)]}))
    return folder


def test_the_stub_names_what_is_public_and_where_it_lives():
    stub = Path(skdistill.__file__).with_name("__init__.pyi")
    imports = [
        node for node in ast.parse(stub.read_text()).body if isinstance(node, ast.ImportFrom)
    ]

    homes = {alias.asname: node.module for node in imports for alias in node.names}

    assert homes == skdistill._HOMES


def test_mypy_accepts_a_users_script_and_knows_the_names(folder):
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "."],
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )

    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert [line.partition(":")[0] for line in errors] == ["typo.py"], done.stdout
    assert "DistiledClassifier" in errors[0]


def test_pyright_accepts_a_users_script_and_knows_the_names(folder):
    pyright = shutil.which("pyright", path=Path(sys.executable).parent)
    if pyright is None or subprocess.run([pyright, "--version"], capture_output=True).returncode:
        pytest.skip("pyright, or the node that it runs on, is not installed")

    done = subprocess.run(
        [pyright, "--outputjson", "--pythonpath", sys.executable, "."],
        cwd=folder,
        capture_output=True,
        text=True,
    )

    found = json.loads(done.stdout)["generalDiagnostics"]
    errors = [each for each in found if each["severity"] == "error"]
    assert [Path(each["file"]).name for each in errors] == ["typo.py"], done.stdout
    assert "DistiledClassifier" in errors[0]["message"]
