"""Write the files of this folder, which every later version has to load.

python -m tests.students.make

It is run again only to add files: those that are here stay as they are.
"""

import json
from pathlib import Path

import joblib
import numpy as np
import sklearn
from sklearn.tree import DecisionTreeClassifier

import skdistill
from tests.small import (
    ENOUGH_ROWS,
    encoded_tree,
    mixed_table,
    numeric_rows,
    quick_classifier,
    quick_regressor,
    quick_student,
    rows_and_targets,
)

FOLDER = Path(__file__).parent
N_ROWS = 12


def mixed():
    """Numbers with missing values, strings and booleans, in a frame with names."""
    X, y = mixed_table()
    clf = quick_classifier(
        encoded_tree(), quick_student(max_epochs=40, module__n_frequencies=4)
    ).fit(X, y)
    encoder = clf.inputs_.encoder
    return clf, X[:N_ROWS], encoder.encode(X[:N_ROWS])


def numbers():
    """Numbers with bins and a column of codes, three integer labels, and trials of alpha."""
    X, y = numeric_rows(ENOUGH_ROWS)
    X[:, 0] = np.round(X[:, 0])
    X[::7, 2] = np.nan
    student = quick_student(max_epochs=3, module__n_frequencies=4, module__bin_embedding_size=2)
    params = {"alpha": "auto", "categorical_features": [0]}
    clf = quick_classifier(encoded_tree(), student, **params).fit(X, 5 * y)
    return clf, X[:N_ROWS], X[:N_ROWS]


def images():
    """Rows of several axes, and two labels that are booleans."""
    X, y = numeric_rows()
    X = X[:, :4].reshape(-1, 2, 2)
    clf = quick_classifier(
        encoded_tree(), quick_student(max_epochs=40, module__n_frequencies=0)
    ).fit(X, y == 1)
    return clf, X[:N_ROWS], X[:N_ROWS].reshape(N_ROWS, -1)


def steps():
    """A number of many bins beside one of few, as of format version 3."""
    rng = np.random.RandomState(0)
    X = rng.rand(ENOUGH_ROWS, 2)
    y = np.arange(25)[(25 * X[:, 0]).astype(int)] % 2
    tree = DecisionTreeClassifier(min_samples_leaf=5, random_state=0)
    student = quick_student(max_epochs=3, module__n_frequencies=0, module__bin_embedding_size=2)
    clf = quick_classifier([("tree", tree)], student).fit(X, y)
    return clf, X[:N_ROWS], X[:N_ROWS]


def prices():
    """A regressor of numbers, strings and booleans, with quantiles."""
    X, labels = mixed_table()
    y = 200_000 + 1_000.0 * X["children"] + 5_000 * (labels == "yes")
    student = quick_student(max_epochs=40, module__n_frequencies=4)
    reg = quick_regressor(student=student, quantiles=(0.1, 0.5, 0.9)).fit(X, y)
    return reg, X[:N_ROWS], reg.inputs_.encoder.encode(X[:N_ROWS])


def counts():
    """A regressor of two counts, with a logarithm as link."""
    X, y = rows_and_targets(n_targets=2)
    student = quick_student(max_epochs=40, module__n_frequencies=4)
    reg = quick_regressor(student=student, loss="poisson").fit(X, np.round(np.abs(y)))
    return reg, X[:N_ROWS], X[:N_ROWS]


def write(name, model, X, rows_for_c):
    """Write a student in every format, and what it predicts."""
    # The teachers would pull the classes of their libraries into the pickle.
    model.teachers = model.student = None
    model.save(FOLDER / f"{name}.safetensors")
    model.to_onnx(FOLDER / f"{name}.onnx", dtype="float64")
    model.to_c(FOLDER / f"{name}.c")
    joblib.dump(model, FOLDER / f"{name}.joblib")
    predictions = {"predict": model.predict(X).tolist()}
    if hasattr(model, "predict_proba"):
        predictions["predict_proba"] = model.predict_proba(X).tolist()
    elif model.quantiles_:
        predictions["quantiles"] = model.predict(X, quantiles=True).tolist()
    expected = {
        "X": X.to_dict("list") if hasattr(X, "columns") else X.tolist(),
        "rows_for_c": rows_for_c.tolist(),
        **predictions,
        "versions": {each.__name__: each.__version__ for each in (np, sklearn, skdistill)},
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(expected, indent=None) + "\n")


if __name__ == "__main__":
    for make in (mixed, numbers, images, steps, prices, counts):
        if not (FOLDER / f"{make.__name__}.json").exists():
            write(make.__name__, *make())
