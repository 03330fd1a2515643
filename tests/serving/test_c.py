"""The C file predicts what `predict_proba` predicts."""

import shutil

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skdistill import StudentNet
from tests.compiled import compiled
from tests.small import (
    Linear,
    encoded_tree,
    extreme_rows,
    mixed_table,
    numeric_rows,
    quick_classifier,
    quick_regressor,
    rows_and_targets,
    rows_with_binary_columns,
)

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


def compiled_student(clf, folder):
    clf.to_c(folder / "student.c")
    return compiled(folder / "student.c", len(clf.classes_), folder)


def assert_same_predictions(clf, X, rows, folder):
    best, proba = compiled_student(clf, folder)(rows)
    expected = clf.predict_proba(X)
    assert_allclose(proba, expected, atol=1e-5)
    assert (best == expected.argmax(1)).mean() > 0.99


@needs_gcc
@pytest.mark.parametrize("hidden_sizes", [(8,), (8, 8), (8, 16, 8), ()])
def test_numbers_with_missing_values(tmp_path, hidden_sizes):
    X, y = numeric_rows(100)
    X[::5, 1] = np.nan
    student = StudentNet(max_epochs=3, module__hidden_sizes=hidden_sizes)
    clf = quick_classifier(student=student).fit(X, y)
    X[0] = np.nan
    X[1] *= 1e200
    assert_same_predictions(clf, X, X, tmp_path)


@needs_gcc
def test_extreme_numbers(tmp_path):
    X, y = extreme_rows()
    clf = quick_classifier().fit(X, y)
    assert_same_predictions(clf, X, X, tmp_path)
    assert_same_predictions(clf, X[:, ::-1], X[:, ::-1], tmp_path)


@needs_gcc
def test_columns_of_two_values(tmp_path):
    X, y = rows_with_binary_columns()
    clf = quick_classifier().fit(X, y)
    X[0, 0] = 7
    assert_same_predictions(clf, X[:50], X[:50], tmp_path)


@needs_gcc
@pytest.mark.integration("gcc", "a student as C file, compiled")
def test_coded_categories(tmp_path):
    X, y = numeric_rows(100)
    X[:, [0, 3]] = np.round(X[:, [0, 3]])
    clf = quick_classifier(categorical_features=[0, 3]).fit(X, y)
    X[0, 0], X[1, 3] = 77, np.nan
    assert_same_predictions(clf, X, X, tmp_path)


@needs_gcc
def test_string_categories_are_passed_as_ranks(tmp_path):
    X, y = mixed_table(100)
    clf = quick_classifier(encoded_tree()).fit(X, y)
    rows = clf.inputs_.encoder.encode(X)
    assert_same_predictions(clf, X, rows, tmp_path)


@needs_gcc
def test_a_table_without_numbers(tmp_path):
    X, y = mixed_table(80)
    X = X[["city"]]
    clf = quick_classifier(encoded_tree()).fit(X, y)
    assert_same_predictions(clf, X, clf.inputs_.encoder.encode(X), tmp_path)


@needs_gcc
def test_a_net_without_embeddings(tmp_path):
    X, y = numeric_rows()
    student = StudentNet(max_epochs=2, module__n_frequencies=0, module__bin_embedding_size=0)
    assert_same_predictions(quick_classifier(student=student).fit(X, y), X, X, tmp_path)


@needs_gcc
def test_infinity_returns_minus_one(tmp_path):
    X, y = numeric_rows()
    predict = compiled_student(quick_classifier().fit(X, y), tmp_path)
    X[0, 2] = -np.inf
    best, proba = predict(X[:2])
    assert best[0] == -1
    assert best[1] >= 0
    assert (proba[0] == 0).all()


@needs_gcc
def test_infinity_returns_minus_one_of_a_regressor_and_writes_nothing(tmp_path):
    X, y = rows_and_targets()
    quick_regressor().fit(X, y).to_c(tmp_path / "student.c")
    X[0, 2] = np.inf
    returned, written = compiled(tmp_path / "student.c", 1, tmp_path)(X[:2])
    assert returned.tolist() == [-1, 0]
    assert written[0] == 0
    assert written[1] != 0


def test_the_comment_lists_targets_and_quantiles():
    X, y = rows_and_targets(n_targets=3)
    code = quick_regressor().fit(X, y).to_c(name="predict")
    assert "int predict(const double *x, double *y)\n" in code
    assert "returns 0, or -1 if a value is infinite." in code
    assert "y[2]: target 2\n" in code
    code = quick_regressor(quantiles=(0.05, 0.5)).fit(X, y[:, 0]).to_c()
    assert "y[2]: its quantile 0.5\n" in code


@needs_gcc
def test_no_label_can_end_the_comment(tmp_path):
    X, y = numeric_rows(60, n_classes=2)
    labels = np.array(["*/ #error /*", "a\\\nb"])[y]
    assert_same_predictions(quick_classifier().fit(X, labels), X, X, tmp_path)


@pytest.mark.parametrize("name", ["my student", "3rd", "int", "switch", "center", "weight0", "exp"])
def test_a_name_that_is_no_identifier_or_already_used_is_refused(name):
    X, y = numeric_rows()
    with pytest.raises(ValueError, match="neither C nor the file"):
        quick_classifier().fit(X, y).to_c(name=name)


def test_a_torch_module_is_refused():
    X, y = numeric_rows()
    clf = quick_classifier(student=StudentNet(Linear, max_epochs=1)).fit(X, y)
    with pytest.raises(ValueError, match=r"only a StudentMLP.*Linear"):
        clf.to_c()


def test_categories_that_are_equal_as_doubles_are_refused(tmp_path):
    X, y = numeric_rows()
    codes = 2**53 + np.arange(60) % 2
    frame = pd.DataFrame({"number": X[:, 0], "code": pd.Categorical(codes)})
    clf = quick_classifier().fit(frame, y)

    with pytest.raises(ValueError, match="9007199254740992 and 9007199254740993 are equal"):
        clf.to_c(tmp_path / "student.c")
    assert not list(tmp_path.iterdir())
