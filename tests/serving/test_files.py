"""A student in a file predicts the same when it is loaded; bad files are refused."""

import json
import pickle
from copy import copy

import joblib
import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
from numpy.testing import assert_array_equal
from sklearn.tree import DecisionTreeClassifier

import skdistill
from skdistill import StudentNet, TableClassifier
from skdistill.serving import files
from tests.small import (
    Linear,
    encoded_tree,
    mixed_table,
    numeric_rows,
    quick_classifier,
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
        # Parameters that are estimators bring their own types.
        clf = copy(clf).set_params(student=None, teachers=None)
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


def test_saving_over_a_file_replaces_it_whole(saved, tmp_path, monkeypatch):
    clf, _, _ = saved
    path = tmp_path / "student"
    clf.save(path)
    before = path.read_bytes()
    monkeypatch.setattr(files.Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        clf.save(path)

    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["student"]


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


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.999])
def test_a_truncated_file_is_refused(saved, tmp_path, share):
    content = saved[2].read_bytes()
    path = tmp_path / "cut"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="damaged"):
        skdistill.load(path)


@pytest.mark.parametrize("where", [0.05, 0.3, 0.6, 0.95])
def test_an_altered_byte_is_noticed(saved, tmp_path, where):
    content = bytearray(saved[2].read_bytes())
    content[int(where * len(content))] ^= 1
    path = tmp_path / "altered"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"altered|damaged"):
        skdistill.load(path)


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('a pickle was executed')",))


def test_a_pickle_is_refused_and_not_executed(tmp_path):
    path = tmp_path / "bomb"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match="not a safetensors file"):
        skdistill.load(path)


def test_a_foreign_safetensors_file_is_refused(tmp_path):
    safetensors.numpy.save_file({"a": np.zeros(3)}, tmp_path / "foreign")
    with pytest.raises(ValueError, match="skdistill has not written"):
        skdistill.load(tmp_path / "foreign")


def test_a_file_that_does_not_exist_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        skdistill.load(tmp_path / "nothing")


def forged(path, out, *, header=None, content=None, arrays=None):
    """A file with changes, and a checksum that fits them."""
    with safetensors.safe_open(path, framework="numpy") as file:
        old_header = file.metadata()
        names = file.keys()
        old_arrays = {name: file.get_tensor(name) for name in names}
    new_arrays = {k: v for k, v in (old_arrays | (arrays or {})).items() if v is not None}
    text = json.dumps(json.loads(old_header["content"]) | (content or {}))
    new_header = old_header | {"content": text, "sha256": files._checksum(text, new_arrays)}
    safetensors.numpy.save_file(new_arrays, out, new_header | (header or {}))
    return out


def test_a_forged_file_without_changes_loads(saved, tmp_path):
    clf, X, path = saved
    back = skdistill.load(forged(path, tmp_path / "same"))
    assert_array_equal(back.predict_proba(X), clf.predict_proba(X))


def test_a_newer_file_asks_for_an_upgrade(saved, tmp_path):
    path = forged(saved[2], tmp_path / "newer", header={"format_version": "3"})
    with pytest.raises(ValueError, match="upgrade skdistill"):
        skdistill.load(path)


def test_a_file_of_version_1_asks_for_another_fit(saved, tmp_path):
    header = {"format_version": "1", "written_by": "skdistill 0.0"}
    path = forged(saved[2], tmp_path / "older", header=header)
    with pytest.raises(
        ValueError, match=r"version '1' \(written by skdistill 0.0\), expected 2.*fit"
    ):
        skdistill.load(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"class": "Popen"}, "class is 'Popen'"),
        ({"params": {"shape": 3}}, r"parameters \['shape'\]"),
        ({"fitted": {"predict_proba": 3}}, "attribute 'predict_proba'"),
        ({"fitted": {"__class__": 3}}, "attribute '__class__'"),
        ({"classes": {"dtype": "|O8,O", "values": ["a"]}}, "dtype"),
        ({"classes": {"dtype": "<U3", "values": ["no", "yes", "why"]}}, "3 classes"),
        ({"classes": {"dtype": "<U1", "values": ["no", "yes"]}}, "not a list of <U1"),
        ({"classes": {"dtype": "<i8", "values": [[1, 2]]}}, "not a list of <i8"),
        ({"categories": []}, "categories of 0 columns"),
        (
            {"categories": [{"dtype": "<U4", "values": ["Lima"]}]},
            "layer0.weight|category_embedding",
        ),
        ({"feature_names_in": {"dtype": "<U1", "values": ["a"]}}, "n_features_in_"),
        ({"categories": 3}, "cannot be understood"),
    ],
)
def test_metadata_that_makes_no_sense_is_refused(saved, tmp_path, content, message):
    path = forged(saved[2], tmp_path / "forged", content=content)
    with pytest.raises(ValueError, match=message):
        skdistill.load(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"layer0.bias": np.zeros(9, np.float32)}, r"layer0.weight is float32 of shape"),
        ({"layer0.bias": np.zeros(8)}, "layer0.bias is float64"),
        ({"layer0.bias": None}, r"\['layer0.bias'\] are missing or unknown"),
        ({"extra": np.zeros(1)}, r"\['extra'\]"),
        ({"is_categorical": np.zeros(4, np.int8)}, "is_categorical"),
        ({"center": np.full(3, np.nan)}, "center is not finite"),
        ({"center": np.zeros(2)}, "center is"),
        ({"split_points": np.array([[2.0, 1.0]] * 2)}, "not sorted"),
        ({"split_points": np.zeros((4, 1))}, "split_points is"),
        ({"number_columns": np.array([0, 1, 1])}, "number_columns"),
        ({"number_columns": np.array([[0], [1], [3]])}, "number_columns"),
        ({"missing_columns": np.array([7])}, "missing_columns"),
        ({"category_embedding": np.zeros((2, 8), np.float32)}, "category_embedding is"),
        ({"category_embedding": None}, "no category_embedding"),
        ({"periodic.phase": None}, "periodic.phase"),
    ],
)
def test_arrays_that_disagree_are_refused(saved, tmp_path, arrays, message):
    path = forged(saved[2], tmp_path / "forged", arrays=arrays)
    with pytest.raises(ValueError, match=message):
        skdistill.load(path)


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

    with pytest.raises(ValueError, match=r"only DistilledClassifier can be saved.* got a Mine"):
        Mine(**params).fit(X, y).save(tmp_path / "student.safetensors")

    assert not list(tmp_path.iterdir())


class Mine(skdistill.DistilledClassifier):
    """A classifier that no file may name."""


@pytest.mark.parametrize("suffix", [".joblib", ".pkl"])
def test_the_name_of_a_pickle_is_refused(tmp_path, suffix):
    clf, _ = numeric()

    with pytest.raises(ValueError, match=r"joblib\.load does not read: name it"):
        clf.save(tmp_path / f"student{suffix}")
