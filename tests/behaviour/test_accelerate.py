"""Nets that several processes train together, by Hugging Face Accelerate."""

import json
import os
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax

from skdistill import NetClassifier, StudentMLP
from skdistill.serving.forward import ForwardPass
from tests.small import numeric_rows, quick_classifier

pytest.importorskip("accelerate", reason="pip install 'skdistill[accelerate]'")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What each of two processes has found."""
    folder = tmp_path_factory.mktemp("processes")
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    launch += ["--standalone", ROOT / "tests" / "accelerated.py", folder]
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    how = {"capture_output": True, "text": True, "check": False, "timeout": 240}
    run = subprocess.run(launch, env=os.environ | paths, **how)
    assert run.returncode == 0, run.stderr[-3000:]
    return [json.loads((folder / f"{index}.json").read_text()) for index in range(2)]


@pytest.fixture(scope="module")
def alone():
    """What this process finds alone."""
    from tests.accelerated import what_a_process_finds

    return what_a_process_finds()[0]


@pytest.mark.integration("Accelerate", "one student by two processes", package="accelerate")
def test_two_processes_end_with_the_same_student(two):
    one, other = two

    assert one["n_processes"] == 2
    assert_array_equal(one["student"], other["student"])
    assert one["history"] == other["history"]
    assert "valid_loss" in one["history"][0]


def test_two_processes_train_the_student_that_one_trains(two, alone):
    assert alone["n_processes"] == 1
    assert_allclose(two[0]["of all rows"], alone["of all rows"], atol=1e-4)


def test_each_process_predicts_all_rows_with_a_teacher_of_all(two, alone):
    for process in two:
        assert_allclose(process["teacher"], alone["teacher"], atol=1e-4)


def test_a_batch_is_shared_and_no_row_comes_twice(two, alone):
    seen, both = alone["seen"], [process["seen"] for process in two]

    assert len(both[0]) == len(both[1]) == len(seen)
    for whole, *shares in zip(seen, *both):
        assert_array_equal(np.sort(np.concatenate(shares)), np.sort(whole))


@pytest.mark.parametrize("name", ["n_jobs", "memory", "max_time", "random_state"])
def test_what_would_let_processes_part_is_refused(two, name):
    for process in two:
        assert f"{name} must be" in process["refused"][name]


def test_processes_of_a_net_that_would_not_stop_together_are_refused(two):
    assert "mix AccelerateMixin into StudentNet or TensorNet" in two[0]["refused"]["plain"]


def test_an_accelerated_student_can_be_stored_and_loaded(tmp_path):
    from tests.accelerated import SMALL, AcceleratedStudent, accelerate, distilled

    clf = distilled(AcceleratedStudent(accelerator=accelerate.Accelerator(cpu=True), **SMALL))
    joblib.dump(clf, tmp_path / "student.joblib")

    X, _ = numeric_rows()
    loaded = joblib.load(tmp_path / "student.joblib")
    assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))


def test_one_process_remembers_accelerated_teachers(tmp_path):
    from tests.accelerated import SMALL, AcceleratedNet, AcceleratedStudent, accelerate

    X, y = numeric_rows()
    own = {"accelerator": accelerate.Accelerator(cpu=True), **SMALL}
    teacher = NetClassifier(AcceleratedNet(StudentMLP, **own))
    student = AcceleratedStudent(**own)

    clf = quick_classifier([("net", teacher)], student, memory=str(tmp_path)).fit(X, y)
    again = quick_classifier([("net", teacher)], student).fit(X, y)

    assert any(tmp_path.iterdir())
    assert_array_equal(clf.predict_proba(X), again.predict_proba(X))


def test_workers_that_know_no_accelerator_are_refused():
    from tests.accelerated import SMALL, AcceleratedStudent, accelerate, distilled

    student = AcceleratedStudent(accelerator=accelerate.Accelerator(cpu=True), **SMALL)
    with pytest.raises(ValueError, match=r"1 process, which .* n_jobs must be None or 1, got 2"):
        distilled(student, n_jobs=2)


def test_a_net_that_an_accelerator_trains_in_bfloat16_predicts_in_single_precision(
    request,
):
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    from tests.accelerated import SMALL, AcceleratedNet

    X, y = numeric_rows()
    AcceleratorState._reset_state(reset_partial_state=True)  # one process has one precision
    request.addfinalizer(lambda: AcceleratorState._reset_state(reset_partial_state=True))
    accelerator = Accelerator(cpu=True, mixed_precision="bf16")
    net = NetClassifier(AcceleratedNet(StudentMLP, accelerator=accelerator, **SMALL)).fit(X, y)

    logits = ForwardPass(**net.net_.module_.arrays())(net.inputs_.transform(X))
    assert_allclose(net.predict_proba(X), softmax(logits, axis=1), atol=1e-5)
