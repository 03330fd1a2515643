"""Files that nobody should trust: refused by ValueError, quickly and in little memory."""

import json
import os
import pickle
import tracemalloc
from itertools import product

import numpy as np
import pytest
import safetensors.numpy
from numpy.testing import assert_array_equal

import skdistill
from tests.forged import forged, read_student, write_student
from tests.small import (
    encoded_tree,
    mixed_table,
    quick_classifier,
    quick_regressor,
    rows_and_targets,
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    X, y = mixed_table()
    clf = quick_classifier(encoded_tree()).fit(X, y)
    path = tmp_path_factory.mktemp("saved") / "student.safetensors"
    clf.save(path)
    return clf, X, path


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="not a file"):
        skdistill.load(tmp_path / "pipe")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not a file"):
        skdistill.load(tmp_path)


def test_a_forged_file_without_changes_loads(saved, tmp_path):
    clf, X, path = saved
    back = skdistill.load(forged(path, tmp_path / "same"))
    assert_array_equal(back.predict_proba(X), clf.predict_proba(X))


def test_a_newer_file_asks_for_an_upgrade(saved, tmp_path):
    path = forged(saved[2], tmp_path / "newer", header={"format_version": "4"})
    with pytest.raises(ValueError, match="upgrade skdistill"):
        skdistill.load(path)


def test_a_file_of_version_1_asks_for_another_fit(saved, tmp_path):
    header = {"format_version": "1", "written_by": "skdistill 0.0"}
    path = forged(saved[2], tmp_path / "older", header=header)
    with pytest.raises(
        ValueError, match=r"version '1' \(written by skdistill 0.0\), expected at least 2.*fit"
    ):
        skdistill.load(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"class": "Popen"}, "class is 'Popen'"),
        ({"params": {"shape": 3}}, r"parameters \['shape'\]"),
        ({"fitted": {"predict_proba": 3}}, r"attributes \['predict_proba'\]"),
        ({"fitted": {"__class__": 3}}, r"attributes \['__class__'\]"),
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
        ({"split_points": np.array([2.0, 1.0]), "n_bins": np.array([3])}, "not sorted"),
        ({"split_points": np.zeros(4)}, "split_points is"),
        ({"split_points": np.zeros((4, 1)), "n_bins": None}, "n_bins is"),
        ({"n_bins": np.array([0, 2])}, "not numbers of bins"),
        ({"n_bins": np.array([2**62, 2])}, "not numbers of bins"),
        ({"n_bins": np.array([1.0])}, "n_bins is float64"),
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


WIDE = {"dtype": "<U999999", "values": ["no", "yes"]}


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        ("params", {"memory": "/tmp/pickles"}, r"parameters \['memory'\]"),
        ("params", {"teachers": [["rf", "drop"]]}, "parameter teachers"),
        ("params", {"cv": [[[0], [1]]]}, "parameter cv"),
        ("params", {"device": 5}, "parameter device"),
        ("params", {"device": "cuda:first"}, "parameter device"),
        ("params", {"effort": "none"}, "'effort' parameter"),
        ("params", {"alpha": 2.0}, "'alpha' parameter"),
        ("params", {"n_jobs": 2**70}, "parameter n_jobs"),
        ("params", [], "parameters are not a dict"),
        ("fitted", {"n_features_in_": True}, "attribute n_features_in_"),
        ("fitted", {"row_shape_in_": []}, "attribute row_shape_in_"),
        ("fitted", {"history_": [{"valid_loss": "0"}]}, "attribute history_"),
        ("fitted", {"teacher_scores_": {}}, "attribute teacher_scores_"),
        ("fitted", {"candidates_": [{"chosen": True}]}, "attribute candidates_"),
        ("fitted", {"fit_times_": 1}, "attribute fit_times_"),
        ("fitted", {"student_": 1}, r"attributes \['student_'\]"),
        ("fitted", {"history_": None}, "attribute history_"),
        ("classes", {"dtype": "<i8", "values": [1, 2**70]}, "cannot be understood"),
        ("classes", {"dtype": "<i8", "values": [10**4000] * 9}, "cannot be understood"),
        ("classes", {"dtype": "<i8", "values": [2, 1]}, "not sorted"),
        ("classes", {"dtype": "|O", "values": ["no", None]}, "not a list of"),
        ("categories", [{"dtype": "<U4", "values": ["Lima", "Lima", "Rome"]}], "not distinct"),
        ("feature_names_in", {"dtype": "<i8", "values": [1, 2, 3, 4]}, "distinct strings"),
        ("feature_names_in", {"dtype": "|O", "values": ["a", "a", "b", "c"]}, "distinct strings"),
    ],
    ids=str,
)
def test_a_value_that_save_does_not_write_is_refused(saved, tmp_path, where, value, message):
    old = json.loads(read_student(saved[2])[0]["content"])
    value = old[where] | value if where in ("params", "fitted") and value else value
    path = forged(saved[2], tmp_path / "forged", content={where: value})

    with pytest.raises(ValueError, match=message):
        skdistill.load(path)


@pytest.fixture(scope="module")
def saved_regressor(tmp_path_factory):
    X, y = rows_and_targets()
    path = tmp_path_factory.mktemp("saved") / "student.safetensors"
    quick_regressor(quantiles=(0.1, 0.9)).fit(X, y).save(path)
    return path


def doubles(*values):
    return {"dtype": "<f8", "values": list(values)}


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        ("target_center", doubles(1.0, 2.0), r"target_center_ is float64 of shape \(2,\)"),
        ("target_center", {"dtype": "<U1", "values": ["a"]}, "target_center_ is <U1"),
        ("target_center", doubles(float("inf")), "not finite"),
        ("target_scale", doubles(0.0), "not above 0"),
        ("target_scale", doubles(-1.0), "not above 0"),
        ("target_scale", doubles(1e280), "could be infinite"),
        ("target_scale", {"dtype": "<i8", "values": [1]}, "target_scale_ is int64"),
        ("fitted", {"link_": "exec"}, "link_ is 'exec'"),
        ("fitted", {"n_outputs_": 0}, "attribute n_outputs_"),
        ("fitted", {"n_outputs_": 3}, "n_outputs_ is 3"),
        ("fitted", {"quantiles_": [0.9, 0.1]}, "expected sorted numbers between 0 and 1"),
        ("fitted", {"quantiles_": [0.1, 1.0]}, "expected sorted numbers between 0 and 1"),
        ("fitted", {"quantiles_": [0.1]}, "1 targets and 1 quantiles, but its net has 3 outputs"),
        ("fitted", {"classes_": 1}, r"attributes \['classes_'\]"),
        ("fitted", {"temperature_": 1.0}, r"attributes \['temperature_'\]"),
        ("params", {"loss": "none"}, "'loss' parameter"),
        ("params", {"quantiles": "0.1"}, "parameter quantiles"),
        ("params", {"class_weight": None}, r"parameters \['class_weight'\]"),
        ("class", "DistilledClassifier", "parameters"),
    ],
    ids=str,
)
def test_a_regressor_that_save_does_not_write_is_refused(
    saved_regressor, tmp_path, where, value, message
):
    old = json.loads(read_student(saved_regressor)[0]["content"])
    value = old[where] | value if where in ("params", "fitted") else value
    path = forged(saved_regressor, tmp_path / "forged", content={where: value})

    with pytest.raises(ValueError, match=message):
        skdistill.load(path)


@pytest.mark.parametrize("name", ["n_features_in_", "history_", "teacher_scores_"])
def test_a_file_without_a_fitted_attribute_is_refused(saved, tmp_path, name):
    fitted = json.loads(read_student(saved[2])[0]["content"])["fitted"]
    del fitted[name]
    path = forged(saved[2], tmp_path / "forged", content={"fitted": fitted})

    with pytest.raises(ValueError, match=f"lacks .*{name}"):
        skdistill.load(path)


WEIGHTS = [
    "layer0.bias", "layer1.bias", "periodic.frequency", "periodic.phase", "periodic.weight",
    "periodic.bias", "category_embedding",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "size"),
    # A scaled number saturates, however large its scale is.
    [*product(WEIGHTS, [1e38, np.inf, np.nan]), ("inverse_scale", np.nan), ("center", np.inf)],
)
def test_weights_that_could_make_a_prediction_infinite_are_refused(saved, tmp_path, name, size):
    array = read_student(saved[2])[1][name]
    array.flat[-1] = size
    path = forged(saved[2], tmp_path / "forged", arrays={name: array})

    with pytest.raises(ValueError, match=r"not finite|huge|overflow"):
        skdistill.load(path)


NOT_STUDENTS = {
    "deep": '{"class":' + "[" * 200_000,
    "brackets": "[" + "[]," * 300_000 + "[]]",
    "brackets in strings": '{"class":"' + "[" * 400_000 + '\\"' + "[" * 400_000 + '"}',
    "open string": '"\\"' * 300_000,
    "keys": "{" + ",".join(f'"{i}":0' for i in range(100_000)) + "}",
    "wide characters": '{"class":"' + "a" * 400_000 + "\U0001f600" + '"}',
    "large number": '{"class":' + "9" * 900_000 + "}",
}


@pytest.mark.parametrize("text", NOT_STUDENTS.values(), ids=NOT_STUDENTS)
def test_json_that_is_a_trap_is_refused_in_little_memory(saved, tmp_path, text):
    path = tmp_path / "trap"
    header, arrays = read_student(saved[2])
    write_student(path, header, text, arrays)

    with pytest.raises(ValueError, match="cannot be understood"):
        peak_of(skdistill.load, path)
    assert peak_of.bytes < 10 * path.stat().st_size


def test_wide_labels_take_no_more_memory_than_narrow_ones(saved, tmp_path):
    clf, X, _ = saved
    path = forged(saved[2], tmp_path / "wide", content={"classes": WIDE})

    back = peak_of(skdistill.load, path)

    assert peak_of.bytes < 1e6
    assert back.predict(X).tolist() == clf.predict(X).tolist()


def peak_of(function, *args):
    """Call a function; its largest memory is kept in `peak_of.bytes`."""
    tracemalloc.start()
    try:
        return function(*args)
    finally:
        peak_of.bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
