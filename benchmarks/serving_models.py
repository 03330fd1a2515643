"""The models and rows of `bench_serving.py`: the ensemble, its rivals and the student."""

import ctypes
import shutil
import subprocess
import warnings
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
from common import load_split
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdistill import (
    DistilledClassifier,
    OnnxStudent,
    StudentMLP,
    TableClassifier,
    TensorNet,
    default_teachers,
)
from skdistill.serving.forward import ForwardPass
from skdistill.serving.heads import ClassifierHead
from skdistill.serving.onnx import to_onnx

ROOT = Path(__file__).resolve().parent.parent


def task(name, smoke):
    """Return training rows, their labels, and rows to predict."""
    if name == "synthetic":
        n = 2_000 if smoke else 20_000
        X, y = make_classification(n + 10_000, 30, n_informative=15, n_classes=5, random_state=0)
        X = X.astype(np.float32)
        return X[:n], y[:n], X[n:]
    if smoke:
        return mixed_table(2_000)
    X, X_test, y, _ = load_split(name, 0)
    return X, np.asarray(y), X_test[:10_000]


def mixed_table(n):
    """Return a synthetic table of numbers and categories, in place of adult."""
    numbers, y = make_classification(2 * n, 14, n_informative=8, random_state=0)
    X = pd.DataFrame(numbers).rename(columns="x{}".format)
    for column in X.columns[:8]:
        X[column] = pd.qcut(X[column], 6, labels=list("abcdef")).astype("category")
    return X[:n], y[:n], X[n:]


def kept(path, make):
    """Load what an earlier run has stored, or make and store it."""
    if not path.exists():
        print(f"making {path.name} …", flush=True)
        joblib.dump(make(), path)
    return joblib.load(path)


def teachers(smoke):
    """Return a typical ensemble: a forest of 500 full trees, 300 rounds of XGBoost, three nets."""
    found = default_teachers(device="cpu")
    forest, boosted, *nets = (teacher for _, teacher in found)
    forest.set_params(n_estimators=10 if smoke else 500, min_samples_leaf=1)
    boosted.set_params(n_estimators=10 if smoke else 300, early_stopping_rounds=None)
    for net in nets:
        net.set_params(net__max_epochs=1 if smoke else 20)  # only timed, so few epochs suffice
    return found


def fit_student(X, y, smoke):
    """Return a student of default size, trained only briefly."""
    trees = TableClassifier(ExtraTreesClassifier(50, max_depth=10))
    clf = DistilledClassifier(
        [("trees", trees)], cv=2, alpha=0.5, augmenter=None, device="cpu", random_state=0
    )
    clf.set_params(student__max_epochs=1 if smoke else 10).fit(X, y)
    # The joblib file would hold these parameters too.
    return clf.set_params(teachers=None, student=None)


def fit_mlp(clf, X, y):
    """Return a scikit-learn net of the student's size, behind encoders if X is a DataFrame."""
    sizes = tuple(bias.size for _, bias in clf.student_.weights[:-1])
    mlp = MLPClassifier(sizes, max_iter=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it need not converge
        if not hasattr(X, "dtypes"):
            return mlp.fit(X, y)
        numbers = make_pipeline(SimpleImputer(), StandardScaler())
        categories = OneHotEncoder(handle_unknown="ignore")
        columns = make_column_transformer(
            (numbers, make_column_selector(dtype_include="number")),
            (categories, make_column_selector(dtype_exclude="number")),
        )
        return make_pipeline(columns, mlp).fit(X, y)


def onnx_ensemble(voting, folder):
    """Export the teachers to ONNX; return {name: (OnnxStudent, encoder or None)}."""
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType as Floats
    from skl2onnx import to_onnx as forest_to_onnx

    made = {}
    for (name, _), fitted in zip(voting.estimators, voting.estimators_):
        path = folder / f"{name}.onnx"
        if isinstance(fitted, TableClassifier):
            inner, width = fitted.classifier_, fitted.n_features_in_
            if not path.exists():
                print(f"making {path} …", flush=True)
                if name == "xgb":
                    model = convert_xgboost(inner, initial_types=[("X", Floats([None, width]))])
                else:
                    one = np.zeros((1, width), np.float32)
                    model = forest_to_onnx(inner, one, options={"zipmap": False})
                path.write_bytes(model.SerializeToString())
            made[name] = (OnnxStudent(path), fitted.encoder_)
        else:
            student = ForwardPass(**fitted.net_.module_.arrays())
            net = {"inputs_": fitted.inputs_, "student_": student}
            head = ClassifierHead(fitted.classes_)
            to_onnx(SimpleNamespace(_head=head, **net, **_names(fitted)), path)
            made[name] = (OnnxStudent(path), None)
    return made


def _names(fitted):
    """Return the attributes that name classes and columns."""
    return {
        key: vars(fitted)[key] for key in ("classes_", "feature_names_in_") if key in vars(fitted)
    }


def torch_student(clf):
    """Return a skorch net of the student's shape with random weights."""
    sizes = tuple(bias.size for _, bias in clf.student_.weights[:-1])
    net = TensorNet(
        StudentMLP,
        module__layout=clf.inputs_.layout,
        module__n_classes=len(clf.classes_),
        module__hidden_sizes=sizes,
    )
    return net.initialize()


def c_student(clf, folder):
    """Compile the student with gcc to a function of one row of doubles; None without gcc."""
    if shutil.which("gcc") is None:
        return None
    clf.to_c(folder / "student.c")
    options = ["-std=c99", "-O3", "-march=native", "-fPIC", "-shared"]
    library = folder / "student.so"
    subprocess.run(["gcc", *options, folder / "student.c", "-o", library, "-lm"], check=True)
    function = ctypes.CDLL(str(library)).student
    function.argtypes = [ctypes.c_void_p] * 2
    proba = np.zeros(len(clf.classes_))
    return lambda row: function(row.ctypes.data, proba.ctypes.data)
