"""A student in a file predicts the same when it is loaded; bad files are refused."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.tree import DecisionTreeClassifier

import skdistill
from skdistill import StudentNet, TableClassifier
from skdistill.serving.schema import SCHEMAS
from tests.small import (
    Linear,
    encoded_tree,
    mixed_table,
    numeric_rows,
    quick_classifier,
    quick_regressor,
    rows_with_binary_columns,
)


def numeric():
    X, y = numeric_rows()
    return quick_classifier().fit(X, y), X


def numeric_with_missing():
    X, y = numeric_rows()
    X[::4, 2] = np.nan
    return quick_classifier().fit(X.astype(np.float32), y), X


def with_binary_columns():
    X, y = rows_with_binary_columns()
    return quick_classifier().fit(X, y), X


def mixed():
    X, y = mixed_table()
    return quick_classifier(encoded_tree()).fit(X, y), X


def coded():
    X, y = numeric_rows()
    X[:, 0] = np.round(X[:, 0])
    return quick_classifier(categorical_features=[0]).fit(X, y), X


def no_numbers():
    X, y = mixed_table()
    return quick_classifier(encoded_tree()).fit(X[["city"]], y), X[["city"]]


def no_embeddings():
    X, y = numeric_rows()
    student = StudentNet(max_epochs=2, module__n_frequencies=0, module__bin_embedding_size=0)
    return quick_classifier(student=student).fit(X, y == 1), X


EVERY_KIND = [
    numeric,
    numeric_with_missing,
    with_binary_columns,
    mixed,
    coded,
    no_numbers,
    no_embeddings,
]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    clf, X = mixed()
    path = tmp_path_factory.mktemp("saved") / "student.safetensors"
    clf.save(path)
    return clf, X, path


@pytest.fixture(scope="module", params=EVERY_KIND, ids=lambda make: make.__name__)
def fitted(request):
    """A classifier, and rows to ask it about."""
    return request.param()


@pytest.mark.parametrize("by", ["pickle", "joblib", "save", "skops"])
@pytest.mark.integration("skops", "dumps and loads, one trusted type", package="skops")
def test_every_file_brings_the_same_predictions_back(fitted, by, tmp_path):
    clf, X = fitted
    path = tmp_path / "student"
    if by == "pickle":
        back = pickle.loads(pickle.dumps(clf))
    elif by == "joblib":
        joblib.dump(clf, path)
        back = joblib.load(path)
    elif by == "save":
        clf.save(path)
        back = skdistill.load(path)
    else:
        sio = pytest.importorskip("skops.io")
        content = sio.dumps(clf)
        trusted = sio.get_untrusted_types(data=content)
        assert trusted == ["skdistill.classifier.DistilledClassifier"]
        back = sio.loads(content, trusted=trusted)

    assert_array_equal(back.predict_proba(X), clf.predict_proba(X))
    assert_array_equal(back.predict(X), clf.predict(X))
    assert back.classes_.dtype == clf.classes_.dtype
    assert back.history_ == clf.history_
    assert back.teacher_weights_ == clf.teacher_weights_
    assert getattr(back, "feature_names_in_", None) is None or (
        back.feature_names_in_.tolist() == clf.feature_names_in_.tolist()
    )


def test_pickling_leaves_the_student_as_it_was(saved):
    clf, X, _ = saved
    before = clf.predict_proba(X)
    pickle.dumps(clf)
    pickle.dumps(clf.inputs_)
    assert_array_equal(clf.predict_proba(X), before)


def test_files_are_hardly_larger_than_the_weights(tmp_path):
    X, y = numeric_rows(100)
    student = StudentNet(max_epochs=1, module__hidden_sizes=(256, 256))
    clf = quick_classifier(student=student).fit(X, y)
    n_bytes = sum(weight.nbytes + bias.nbytes for weight, bias in clf.student_.weights)
    clf.save(tmp_path / "saved")
    joblib.dump(clf, tmp_path / "dumped")

    assert (tmp_path / "saved").stat().st_size < 1.2 * n_bytes
    assert (tmp_path / "dumped").stat().st_size < 1.2 * n_bytes


def test_parameters_that_are_estimators_are_not_saved(saved):
    clf, _, path = saved
    back = skdistill.load(path)
    assert back.teachers is None
    assert back.student is None
    assert (back.cv, back.alpha, back.random_state) == (clf.cv, clf.alpha, clf.random_state)


def test_an_unfitted_student_cannot_be_saved(tmp_path):
    with pytest.raises(ValueError, match="not fitted"):
        quick_classifier().save(tmp_path / "student")
    assert not list(tmp_path.iterdir())


def test_a_torch_module_is_refused_and_joblib_recommended(tmp_path):
    X, y = numeric_rows()
    clf = quick_classifier(student=StudentNet(Linear, max_epochs=1)).fit(X, y)
    with pytest.raises(ValueError, match=r"Linear.*joblib"):
        clf.save(tmp_path / "student")


def test_categories_that_json_cannot_hold_are_refused_by_name(tmp_path):
    X, y = mixed_table()
    X["between"] = pd.cut(np.arange(len(X)), 3)
    clf = quick_classifier(encoded_tree()).fit(X, y)
    with pytest.raises(ValueError, match="Interval"):
        clf.save(tmp_path / "student")
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(X), clf.predict_proba(X))


def test_a_label_much_longer_than_the_others_is_restored(tmp_path):
    X, y = numeric_rows()
    labels = np.array(["a", "b", "c" * 200_000])[y]
    clf = quick_classifier().fit(X, labels)

    clf.save(tmp_path / "student")

    assert skdistill.load(tmp_path / "student").classes_.tolist() == clf.classes_.tolist()


def test_strings_of_numpy_in_an_object_column_are_saved(tmp_path):
    X, y = mixed_table()
    X["city"] = pd.Series([np.str_(each) for each in X["city"].astype(str)], dtype=object)
    clf = quick_classifier(encoded_tree()).fit(X, y)
    clf.save(tmp_path / "student")

    assert_array_equal(skdistill.load(tmp_path / "student").predict(X), clf.predict(X))


@pytest.mark.parametrize("make", [quick_classifier, quick_regressor])
def test_it_is_decided_of_each_parameter_and_attribute_whether_it_is_saved(make):
    X, y = mixed_table()
    model = make(encoded_tree() if make is quick_classifier else None).fit(X, y == "yes")
    fitted = {name for name in vars(model) if name.endswith("_")}
    schema = SCHEMAS[type(model).__name__]

    assert set(model.get_params(deep=False)) - set(schema.params) == {"memory"}
    assert fitted - set(schema.attributes) - set(schema.arrays.values()) == {
        "feature_names_in_", "inputs_", "student_",
    }  # fmt: skip


@pytest.mark.parametrize("center", [1e275, -1e306])
def test_targets_with_which_a_prediction_could_be_infinite_are_refused(tmp_path, center):
    X, _ = numeric_rows()
    reg = quick_regressor().fit(X, center * X[:, 0])

    with pytest.raises(ValueError, match=r"target_scale_ .* could be infinite: use joblib"):
        reg.save(tmp_path / "student.safetensors")
    assert not list(tmp_path.iterdir())


def test_memory_is_not_saved(tmp_path):
    clf = quick_classifier(memory=tmp_path / "memory").fit(*numeric_rows())
    clf.save(tmp_path / "student")

    assert skdistill.load(tmp_path / "student").memory is None
    assert str(tmp_path).encode() not in (tmp_path / "student").read_bytes()


def test_labels_of_any_byte_order_are_saved(tmp_path):
    X, y = numeric_rows()
    clf = quick_classifier().fit(X, y.astype(">i4"))
    clf.save(tmp_path / "student")

    assert_array_equal(skdistill.load(tmp_path / "student").predict(X), clf.predict(X))


@pytest.mark.parametrize("columns", [[2], [False, False, True, False]])
def test_categories_named_by_an_array_are_restored(tmp_path, columns):
    frame, y = mixed_table()
    X = frame.to_numpy(dtype=object)
    teacher = TableClassifier(DecisionTreeClassifier(max_depth=2), columns)
    clf = quick_classifier(
        [("tree", teacher)], weights=np.array([2.0]), categorical_features=np.array(columns)
    ).fit(X, y)

    clf.save(tmp_path / "student.safetensors")
    again = skdistill.load(tmp_path / "student.safetensors")

    assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    assert again.categorical_features == columns
    assert again.weights == [2.0]


def test_a_custom_class_is_refused_when_it_is_saved(tmp_path):
    X, y = numeric_rows()
    params = quick_classifier().get_params(deep=False)

    with pytest.raises(ValueError, match=r"only .*DistilledRegressor can be saved.* got a Mine"):
        Mine(**params).fit(X, y).save(tmp_path / "student.safetensors")

    assert not list(tmp_path.iterdir())


class Mine(skdistill.DistilledClassifier):
    """A classifier that no file may name."""


@pytest.mark.parametrize("suffix", [".joblib", ".pkl"])
def test_the_name_of_a_pickle_is_refused(tmp_path, suffix):
    clf, _ = numeric()

    with pytest.raises(ValueError, match=r"joblib\.load does not read: name it"):
        clf.save(tmp_path / f"student{suffix}")


@pytest.mark.parametrize(("name", "method"), [("s.onnx", "to_onnx"), ("s.c", "to_c")])
def test_a_name_of_another_format_is_refused_and_what_writes_it_is_said(tmp_path, name, method):
    clf = quick_classifier().fit(*numeric_rows())

    with pytest.raises(ValueError, match=rf"would be a safetensors file.*or use {method}"):
        clf.save(tmp_path / name)
    assert not list(tmp_path.iterdir())
