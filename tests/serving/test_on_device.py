"""The forward pass in torch returns what the one in numpy returns."""

import gc
import pickle
import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

import skdistill.serving.on_device as module
from skdistill.serving.forward import ROWS_WORTH_A_GPU, batched_outputs
from skdistill.serving.on_device import DeviceForward, on_device
from tests.small import (
    encoded_tree,
    mixed_table,
    numeric_rows,
    quick_classifier,
    quick_regressor,
    rows_and_targets,
    rows_with_binary_columns,
)

TABLES = [lambda: mixed_table(300), rows_with_binary_columns]


@pytest.mark.parametrize("table", TABLES, ids=["mixed", "binary columns"])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_columns_of_all_kinds_give_the_same_logits(device, table):
    X, y = table()
    clf = quick_classifier(encoded_tree()).fit(X, y)
    there = on_device(clf.student_, device)

    assert isinstance(there, DeviceForward)
    one, other = (batched_outputs(clf.inputs_, s, X, checked=False) for s in (clf.student_, there))
    assert_allclose(one, other, atol=1e-4)


def test_arrays_go_to_the_device_once_and_leave_with_the_student():
    X, y = numeric_rows()
    clf = quick_classifier().fit(X, y)
    n_bytes = len(pickle.dumps(clf))
    assert on_device(clf.student_, "cpu") is on_device(clf.student_, "cpu")
    assert len(pickle.dumps(clf)) == n_bytes
    before = len(module._uploaded)
    del clf
    gc.collect()
    assert len(module._uploaded) == before - 1


@pytest.mark.parametrize(("n_gpus", "device"), [(0, "cuda"), (0, "cuda:0"), (1, "cuda:1")])
def test_a_gpu_that_is_not_there_is_done_without(monkeypatch, n_gpus, device):
    X, y = numeric_rows()
    clf = quick_classifier().fit(X, y)
    many = np.resize(X, (ROWS_WORTH_A_GPU, X.shape[1]))
    expected = clf.predict_proba(many)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: n_gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_gpus)
    clf.device = device
    assert_array_equal(clf.predict_proba(many), expected)


def test_a_machine_without_torch_predicts_without_a_gpu(monkeypatch):
    X, y = numeric_rows()
    clf = quick_classifier().fit(X, y)
    many = np.resize(X, (ROWS_WORTH_A_GPU, X.shape[1]))
    expected = clf.predict_proba(many)
    clf.device = "cuda"
    monkeypatch.setitem(sys.modules, module.__name__, None)  # importing it fails
    assert_array_equal(clf.predict_proba(many), expected)


def test_many_rows_go_to_the_device_that_is_asked_for(monkeypatch):
    X, y = numeric_rows()
    clf = quick_classifier().fit(X, y)
    many = np.resize(X, (ROWS_WORTH_A_GPU, X.shape[1]))
    asked = []
    monkeypatch.setattr(module, "on_device", lambda s, d: asked.append(d) or on_device(s, "cpu"))
    expected = clf.predict_proba(many)
    clf.device = "cuda:1"

    clf.predict_proba(X)
    assert not asked
    assert_allclose(clf.predict_proba(many), expected, atol=1e-5)
    assert asked == ["cuda:1"]


def test_a_regressor_predicts_on_the_device_too(monkeypatch):
    X, y = rows_and_targets()
    reg = quick_regressor(quantiles=(0.1, 0.9)).fit(X, y)
    many = np.resize(X, (ROWS_WORTH_A_GPU, X.shape[1]))
    asked = []
    monkeypatch.setattr(module, "on_device", lambda s, d: asked.append(d) or on_device(s, "cpu"))
    expected = [reg.predict(many, quantiles=each) for each in (False, True)]
    reg.device = "cuda"

    found = [reg.predict(many, quantiles=each) for each in (False, True)]

    assert asked == ["cuda", "cuda"]
    for one, other in zip(found, expected):
        assert_allclose(one, other, rtol=1e-5)
