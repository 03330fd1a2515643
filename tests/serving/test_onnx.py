"""The ONNX graph predicts what `predict_proba` predicts."""

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression

from skdistill import OnnxStudent, StudentNet, TableRegressor
from tests.small import (
    Linear,
    encoded_tree,
    extreme_rows,
    mixed_table,
    numeric_rows,
    points_by_row,
    quick_classifier,
    quick_regressor,
    rows_and_targets,
    rows_with_binary_columns,
)


def assert_same_predictions(clf, X, **options):
    student = OnnxStudent(clf.to_onnx(**options))
    assert_allclose(student.predict_proba(X), clf.predict_proba(X), atol=1e-5)
    assert_array_equal(student.predict(X), clf.predict(X))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_with_missing_values(dtype):
    X, y = numeric_rows(200)
    X[::5, 1] = np.nan
    X = X.astype(dtype)
    clf = quick_classifier().fit(X, y)
    X[0] = np.nan  # also where fit has seen none
    assert_same_predictions(clf, X, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_columns_of_two_values(dtype):
    X, y = rows_with_binary_columns()
    X = X.astype(dtype)
    clf = quick_classifier().fit(X, y)
    X[0, 0] = 7
    assert_same_predictions(clf, X, dtype=dtype)


def test_float32_numbers_are_compared_as_numpy_does():
    X, y = numeric_rows(1200)  # with bins from 1,000 rows on
    clf = quick_classifier().fit(X, y)
    around = [points_by_row(clf.inputs_).astype(np.float32)]
    around += [np.nextafter(around[0], np.float32(side)) for side in (-np.inf, np.inf)]
    assert_same_predictions(clf, np.concatenate(around))


def test_extreme_numbers():
    X, y = extreme_rows()
    clf = quick_classifier().fit(X, y)
    assert_same_predictions(clf, X, dtype="float64")
    assert_same_predictions(clf, X[:, ::-1], dtype="float64")
    of_single = OnnxStudent(clf.to_onnx()).predict_proba(X[:, ::-1].clip(-3e38, 3e38))
    assert np.isfinite(of_single).all()


@pytest.mark.parametrize("huge", [1e30, -1e30])
def test_huge_numbers(huge):
    X, y = numeric_rows(100)
    clf = quick_classifier().fit(X, y)
    X[0, 0] = huge
    assert_same_predictions(clf, X.astype(np.float32))


@pytest.mark.integration("ONNX Runtime", "a student with categories", package="onnxruntime")
def test_strings_missing_and_unseen_categories():
    X, y = mixed_table(200)
    clf = quick_classifier(encoded_tree()).fit(X, y)
    X = X.astype({"city": object})
    X.loc[:3, "city"] = ["Atlantis", None, "", np.nan]

    model = clf.to_onnx()

    assert [one.name for one in model.graph.input] == list(X.columns)
    assert_same_predictions(clf, X, dtype="float64")


@pytest.mark.parametrize("categories", [[3, 1, 2], [0.5, 1.5, -2.0], [True, False, True]])
def test_categories_that_are_numbers(categories):
    X, y = mixed_table(120)
    X = X.astype({"city": object})
    X["code"] = pd.Categorical(np.resize(categories, len(X)))
    clf = quick_classifier(encoded_tree()).fit(X, y)
    X.loc[0, "code"] = None

    assert_same_predictions(clf, X, dtype="float64")
    numbers_only = X.drop(columns="city")
    clf = quick_classifier(encoded_tree()).fit(numbers_only, y)
    assert_same_predictions(clf, numbers_only, dtype="float64")


def test_an_array_with_coded_categories():
    X, y = numeric_rows(100)
    X[:, [0, 3]] = np.round(X[:, [0, 3]])
    clf = quick_classifier(categorical_features=[0, 3]).fit(X, y)
    X[0, 0], X[1, 3] = 77, np.nan
    assert_same_predictions(clf, X, dtype="float64")


def test_a_table_without_numbers():
    X, y = mixed_table(80)
    X = X[["city"]]
    assert_same_predictions(quick_classifier(encoded_tree()).fit(X, y), X)


@pytest.mark.parametrize("labels", [[0, 1], ["no", "yes"], [False, True], [-1.0, 1.0]])
def test_labels_keep_their_kind(labels):
    X, y = numeric_rows(60, n_classes=2)
    clf = quick_classifier().fit(X.astype(np.float32), np.array(labels)[y])
    assert_same_predictions(clf, X.astype(np.float32))


def test_rows_of_probabilities_sum_to_one():
    X, y = numeric_rows(100)
    proba = OnnxStudent(quick_classifier().fit(X, y).to_onnx()).predict_proba(X)
    assert_allclose(proba.sum(1), 1, atol=1e-6)


def test_the_file_is_the_model(tmp_path):
    X, y = numeric_rows()
    model = quick_classifier().fit(X, y).to_onnx(tmp_path / "student.onnx")
    assert onnx.load(tmp_path / "student.onnx") == model
    assert [one.name for one in model.graph.output] == ["label", "probabilities"]


def test_a_torch_module_is_refused_and_torch_export_recommended():
    X, y = numeric_rows()
    clf = quick_classifier(student=StudentNet(Linear, max_epochs=1)).fit(X, y)
    with pytest.raises(ValueError, match=r"Linear.*torch.onnx.export"):
        clf.to_onnx()


def test_eight_bits_are_smaller_and_predict_alike(tmp_path):
    X, y = numeric_rows(200)
    student = StudentNet(max_epochs=20, module__hidden_sizes=(64, 64))
    clf = quick_classifier(student=student).fit(X, y)
    clf.to_onnx(tmp_path / "float")
    clf.to_onnx(tmp_path / "int8", int8=True, X=X, max_changed=0.05)

    sizes = [(tmp_path / name).stat().st_size for name in ("int8", "float")]
    assert sizes[0] < 0.8 * sizes[1]
    same = OnnxStudent(tmp_path / "int8").predict(X) == clf.predict(X)
    assert same.mean() >= 0.95


def test_eight_bits_that_change_too_much_are_refused(tmp_path):
    X, y = numeric_rows(200)
    clf = quick_classifier().fit(X, y)
    many, _ = numeric_rows(20_000, seed=1)
    best_two = np.sort(clf.predict_proba(many), axis=1)[:, -2:]
    X = many[np.argsort(best_two[:, 1] - best_two[:, 0])[:50]]  # close calls
    with pytest.raises(ValueError, match="of 50 predictions"):
        clf.to_onnx(tmp_path / "int8", int8=True, X=X, max_changed=0)
    assert not list(tmp_path.iterdir())


def test_eight_bits_change_targets_by_less_than_a_hundredth_of_their_scale():
    X, y = rows_and_targets(200)
    reg = quick_regressor(quantiles=(0.1, 0.9)).fit(X, y)

    student = OnnxStudent(reg.to_onnx(int8=True, X=X))

    changes = student.predict(X) - reg.predict(X)
    assert 0 < np.sqrt(np.mean(changes**2)) < 0.02 * reg.target_scale_


@pytest.mark.parametrize("n_targets", [1, 3])
def test_eight_bits_that_change_targets_too_much_are_refused(n_targets):
    X, y = rows_and_targets(n_targets=n_targets)
    reg = quick_regressor().fit(X, y)
    with pytest.raises(ValueError, match=r"changes predictions by .* of target_scale_"):
        reg.to_onnx(int8=True, X=X, max_changed=1e-5)


def test_eight_bits_need_rows_to_compare_on():
    X, y = numeric_rows()
    with pytest.raises(ValueError, match="needs X"):
        quick_classifier().fit(X, y).to_onnx(int8=True)


def test_a_number_type_that_onnx_lacks_is_refused():
    X, y = numeric_rows()
    with pytest.raises(ValueError, match="float16"):
        quick_classifier().fit(X, y).to_onnx(dtype="float16")


def test_a_missing_number_stands_on_the_bin_of_the_center_whatever_the_rounding():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(1200, 2)), rng.randint(0, 2, 1200)
    clf = quick_classifier().fit(X, y)
    inputs = clf.inputs_
    # The center and a split point between the same two of float32, nearer to the upper one.
    cell = np.spacing(np.float32(0.25)).astype(float)
    inputs.center[:] = 0.25 + 0.75 * cell, 0.25 + 0.9 * cell
    for points, first in zip(inputs.split_points, (0.25 + 0.9 * cell, 0.25 + 0.75 * cell)):
        points[0], points[1:] = first, np.inf
    inputs._lay_out()
    clf.student_.bins[:] = rng.normal(size=clf.student_.bins.shape)  # so that each bin counts

    assert_same_predictions(clf, np.full((1, 2), np.nan))
    assert_same_predictions(clf, np.full((1, 2), np.nan), dtype="float64")


@pytest.mark.parametrize("name", ["label", "probabilities"])
def test_a_column_that_is_named_like_an_output_is_refused(name):
    X, y = mixed_table()
    X = X.rename(columns={"age": name})

    with pytest.raises(ValueError, match=f"a column is named '{name}', like an output"):
        quick_classifier().fit(X, y).to_onnx()


def test_a_column_that_is_named_like_another_models_output_is_an_input():
    X, y = mixed_table()
    X = X.rename(columns={"age": "variable", "children": "quantiles"})
    reg = quick_regressor().fit(X, y == "yes")

    with pytest.raises(ValueError, match="a column is named 'variable', like an output"):
        reg.to_onnx()
    X = X.rename(columns={"variable": "label"})
    model = quick_regressor().fit(X, y == "yes").to_onnx()
    assert {"label", "quantiles"} < {one.name for one in model.graph.input}


@pytest.mark.parametrize("labels", [[0, 1], ["no", "yes"], [False, True]])
def test_probabilities_are_maps_on_request(labels):
    X, y = numeric_rows(60, n_classes=2)
    clf = quick_classifier().fit(X, np.array(labels)[y])

    model = clf.to_onnx(zipmap=True)

    session = onnxruntime.InferenceSession(model.SerializeToString())
    label, rows = session.run(["label", "probabilities"], {"X": X.astype(np.float32)})
    assert_array_equal(label, clf.predict(X))
    assert set(rows[0]) == set(labels)
    assert_allclose(
        [[row[each] for each in labels] for row in rows], clf.predict_proba(X), atol=1e-5
    )


def test_maps_of_labels_that_onnx_has_no_maps_for_are_refused():
    X, y = numeric_rows(60, n_classes=2)
    with pytest.raises(ValueError, match="zipmap=True needs labels that are integers or strings"):
        quick_classifier().fit(X, y.astype(float)).to_onnx(zipmap=True)


def test_a_student_of_onnx_needs_a_matrix_of_probabilities():
    X, y = numeric_rows()
    with pytest.raises(ValueError, match="export it with zipmap=False"):
        OnnxStudent(quick_classifier().fit(X, y).to_onnx(zipmap=True))


def test_a_target_far_from_zero_loses_no_digits():
    X, _ = numeric_rows()
    X = X.astype(np.float32)
    teacher = [("linear", TableRegressor(LinearRegression()))]
    reg = quick_regressor(teacher, quantiles=(0.5,)).fit(X, 1e6 + X[:, 0])
    student = OnnxStudent(reg.to_onnx())

    for quantiles in (False, True):
        expected = reg.predict(X, quantiles=quantiles)
        assert_allclose(student.predict(X, quantiles=quantiles), expected, rtol=0, atol=1e-4)
    assert set(student.outputs.values()) == {"tensor(double)"}


def test_a_regressor_has_no_maps_of_probabilities():
    X, y = rows_and_targets()
    with pytest.raises(ValueError, match=r"zipmap=True maps labels .* a regressor has none"):
        quick_regressor().fit(X, y).to_onnx(zipmap=True)


def test_a_student_of_onnx_has_the_methods_of_its_kind():
    X, y = rows_and_targets()
    student = OnnxStudent(quick_regressor().fit(X, y).to_onnx())

    assert not hasattr(student, "predict_proba")
    assert hasattr(
        OnnxStudent(quick_classifier(encoded_tree()).fit(X, y > 20).to_onnx()), "predict_proba"
    )
    with pytest.raises(ValueError, match="this model predicts no quantiles"):
        student.predict(X, quantiles=True)


def test_the_shapes_of_targets_and_quantiles_are_declared():
    X, y = rows_and_targets()
    model = quick_regressor(quantiles=(0.1, 0.5, 0.9)).fit(X, y).to_onnx()
    shapes = {
        one.name: [dim.dim_value for dim in one.type.tensor_type.shape.dim]
        for one in model.graph.output
    }
    assert shapes == {"variable": [0, 1], "quantiles": [0, 3]}  # 0 stands for any number
