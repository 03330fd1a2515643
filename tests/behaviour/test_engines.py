"""Dask and Ray fit the teachers, and Dask predicts: with real clusters of two processes."""

import logging
import os
import signal
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from importlib.util import find_spec

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.tree import DecisionTreeClassifier

from skdistill.jobs.parallel import in_parallel
from skdistill.table.training_data import TrainingData
from tests.small import (
    Spy,
    assert_backend_searches_a_grid,
    mixed_table,
    numeric_rows,
    quick_classifier,
)

INSTALL = "pip install 'skdistill[engines]'"


@pytest.fixture(scope="module")
def dask():
    """Two processes of Dask. A task is given up when two workers have died of it."""
    pytest.importorskip("distributed", reason=f"needs Dask: {INSTALL}")
    import dask
    from distributed import Client, LocalCluster

    settings = {"distributed.scheduler.allowed-failures": 1}
    local = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        dask.config.set(settings),
        LocalCluster(**local, silence_logs=logging.CRITICAL) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def ray():
    """Two processes of Ray, and no trace of it in joblib afterwards."""
    ray = pytest.importorskip("ray", reason=f"needs Ray: {INSTALL}")
    from joblib.parallel import BACKENDS
    from joblib.pool import PicklingPool
    from ray.util.joblib import register_ray

    register_ray()
    bases = PicklingPool.__bases__  # Ray's pool takes the place of that of multiprocessing
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield ray
        ray.shutdown()
    PicklingPool.__bases__ = bases
    del BACKENDS["ray"]


@pytest.fixture(params=["dask", "ray"])
def engine(request):
    """The name of a backend whose cluster runs."""
    request.getfixturevalue(request.param)
    return request.param


class Logged:
    """Something that notes in a file each time that it is unpickled."""

    def __init__(self, log):
        self.log = log

    def __setstate__(self, state):
        self.log = state["log"]
        with open(self.log, "a") as file:
            file.write(f"{os.getpid()}\n")


def do_nothing(shared):
    pass


class Fatal(DecisionTreeClassifier):
    """A tree whose first fits end the worker, as a system does that is out of memory."""

    def __init__(self, marks=None, n_deaths=1, random_state=None):
        super().__init__(random_state=random_state)
        self.marks = marks
        self.n_deaths = n_deaths

    def fit(self, X, y, sample_weight=None):
        for k in range(self.n_deaths):
            with suppress(FileExistsError):  # another fit has died this death
                open(os.path.join(self.marks, str(k)), "x").close()
                os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y, sample_weight)


def fatal_classifier(marks, n_deaths):
    tree = DecisionTreeClassifier(random_state=0)
    return quick_classifier([("fatal", Fatal(str(marks), n_deaths)), ("tree", tree)], n_jobs=2)


@pytest.mark.integration("Dask", "teachers fitted in a cluster", package="distributed")
def test_teachers_of_dask_are_those_of_this_process(dask):
    assert_teachers_are_those_of_this_process("dask")


@pytest.mark.integration("Ray", "teachers fitted in a cluster", package="ray")
def test_teachers_of_ray_are_those_of_this_process(ray):
    assert_teachers_are_those_of_this_process("ray")


def assert_teachers_are_those_of_this_process(engine):
    X, y = numeric_rows()
    alone = quick_classifier().fit(X, y)

    with joblib.parallel_config(engine, n_jobs=2):
        together = quick_classifier().fit(X, y)

    assert together.teacher_scores_ == alone.teacher_scores_
    assert_allclose(together.predict_proba(X), alone.predict_proba(X), rtol=1e-6)


def test_an_engine_searches_a_grid(engine):
    assert_backend_searches_a_grid(engine)


def test_an_engine_returns_results_in_order(engine):
    with joblib.parallel_config(engine, n_jobs=2):
        results = list(in_parallel([partial(divmod, k, 3) for k in range(7)], None))

    assert results == [divmod(k, 3) for k in range(7)]


def test_what_tasks_share_is_sent_to_each_dask_worker_once(dask, tmp_path):
    log = tmp_path / "unpickled"
    with joblib.parallel_config("dask"):
        list(in_parallel([do_nothing] * 8, None, shared=(Logged(str(log)),)))

    pids = log.read_text().split()
    assert 1 <= len(pids) == len(set(pids)) <= 2


def test_the_rows_are_pickled_once_for_all_teachers_of_dask(dask, monkeypatch):
    X, y = numeric_rows()
    pickled = []

    def reduce(data, protocol):
        pickled.append(len(data))
        return object.__reduce_ex__(data, protocol)

    monkeypatch.setattr(TrainingData, "__reduce_ex__", reduce)
    with joblib.parallel_config("dask"):
        quick_classifier().fit(X, y)

    assert pickled == [60]


def test_tasks_for_one_job_stay_in_this_process(dask):
    with joblib.parallel_config("dask"):
        pids = list(in_parallel([os.getpid] * 2, 1))

    assert set(pids) == {os.getpid()}


def test_a_task_of_dask_starts_no_tasks_of_its_own(dask):
    with joblib.parallel_config("dask"):
        inner = list(in_parallel([level] * 2, None))

    assert inner == [(1, 1)] * 2


def level():
    """How many tasks may run at once in a task, in our own calls and in a teacher's."""
    pids = set(in_parallel([os.getpid] * 4, None))
    return len(pids), joblib.effective_n_jobs(4)


def test_an_error_of_a_task_of_dask_is_its_own(dask):
    calls = [partial(divmod, 1, 0), partial(divmod, 1, 1)]

    with joblib.parallel_config("dask"), pytest.raises(ZeroDivisionError):
        list(in_parallel(calls, None))


def test_the_other_tasks_of_one_that_fails_are_taken_back_from_dask(dask):
    calls = [partial(divmod, 1, k) for k in range(4)]

    with joblib.parallel_config("dask"), pytest.raises(ZeroDivisionError) as held:
        list(in_parallel(calls, None))

    assert held  # and with it the frames that know the tasks
    assert not [key for key in dask.futures if key.startswith("_call_configured")]


@pytest.mark.integration("Dask", "a fit goes on without a killed worker", package="distributed")
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_dask_goes_on_where_one_of_two_workers_is_killed(dask, tmp_path):
    X, y = numeric_rows()
    with joblib.parallel_config("dask"):
        clf = fatal_classifier(tmp_path, 1).fit(X, y)

    assert len(os.listdir(tmp_path)) == 1  # it was
    assert clf.teacher_scores_ == fatal_classifier(tmp_path, 1).fit(X, y).teacher_scores_


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_where_an_engine_gives_up_it_is_told_what_killed_its_workers(engine, tmp_path):
    X, y = numeric_rows()

    told = r"running were .*'fatal, fold [12] of 2'.*Set memory to a folder"
    with joblib.parallel_config(engine), pytest.raises(BrokenProcessPool, match=told):
        fatal_classifier(tmp_path, n_deaths=9).fit(X, y)


@pytest.mark.parametrize(
    ("name", "package", "told"),
    [
        ("dask", "distributed", "dask is not installed"),
        ("ray", "ray", "Invalid backend: ray"),
        ("abacus", "abacus", "Invalid backend: abacus"),
    ],
)
def test_a_backend_that_there_is_not_is_told_before_anything_is_trained(name, package, told, spy):
    X, y = numeric_rows()
    if find_spec(package):
        pytest.skip(f"{package} is installed")

    with pytest.raises(ValueError, match=told), joblib.parallel_config(name):
        quick_classifier([("spy", spy)], n_jobs=2).fit(X, y)

    assert not Spy.fitted_on


@pytest.mark.integration("Dask", "predict_proba of a DataFrame's parts", package="distributed")
def test_parts_of_a_dask_frame_are_predicted():
    dd = pytest.importorskip("dask.dataframe", reason=f"needs Dask: {INSTALL}")
    X, y = mixed_table(90)
    X["row"] = np.arange(90)
    clf = quick_classifier().fit(X, y)
    table = dd.from_pandas(X, npartitions=3)
    table = table[table.row >= 45]  # the first part has no rows left

    def predict(part):
        proba = clf.predict_proba(part) if len(part) else None
        return pd.DataFrame(proba, part.index, clf.classes_, dtype=float)

    proba = table.map_partitions(predict).compute(scheduler="synchronous")

    some = X[45:]
    assert proba.index.equals(some.index)
    assert list(proba.columns) == ["no", "yes"]
    assert_allclose(proba, clf.predict_proba(some), atol=1e-7)


def test_a_dask_frame_is_refused_as_it_holds_no_rows():
    dd = pytest.importorskip("dask.dataframe", reason=f"needs Dask: {INSTALL}")
    X, y = mixed_table()
    table, labels = dd.from_pandas(X, npartitions=2), dd.from_pandas(pd.Series(y), npartitions=2)
    clf = quick_classifier().fit(X, y)

    with pytest.raises(TypeError, match=r"X is a DataFrame, .*X\.map_partitions"):
        clf.predict_proba(table)
    with pytest.raises(TypeError, match=r"X is a DataFrame, .* call X\.compute\(\)"):
        quick_classifier().fit(table, y)
    with pytest.raises(TypeError, match=r"y is a Series, .* call y\.compute\(\)"):
        quick_classifier().fit(X, labels)
    assert np.isfinite(clf.predict_proba(table.compute(scheduler="synchronous"))).all()
