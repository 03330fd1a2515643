"""Who may start workers, and in what order results come."""

import os
import threading
from functools import partial

import joblib
import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.tree import DecisionTreeClassifier

from skdistill import NetClassifier, StudentMLP, TensorNet
from skdistill.jobs.parallel import in_parallel
from tests.small import assert_backend_searches_a_grid, numeric_rows, quick_classifier

# Dask and Ray are in tests/behaviour/test_engines.py. Forking needs torch to have one thread.
on_each_backend = pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
pytestmark = pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")


@pytest.fixture(autouse=True)
def no_threads_to_fork():
    """End loky's threads: a forked process would wait for the locks that they hold."""
    get_reusable_executor().shutdown(wait=True)


class Level(ClassifierMixin, BaseEstimator):
    """A teacher that notes how many it may do at once."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.jobs_ = joblib.effective_n_jobs(4)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def test_results_come_in_the_order_of_the_calls():
    calls = [partial(divmod, k, 3) for k in range(7)]

    assert (
        list(in_parallel(calls, 2))
        == list(in_parallel(calls, 1))
        == [divmod(k, 3) for k in range(7)]
    )


@on_each_backend
def test_teachers_of_a_backend_are_those_fitted_in_turn(backend):
    X, y = numeric_rows()
    alone = quick_classifier().fit(X, y)

    with joblib.parallel_config(backend):
        together = quick_classifier(n_jobs=2).fit(X, y)

    assert together.teacher_scores_ == alone.teacher_scores_


@on_each_backend
def test_a_backend_searches_a_grid(backend):
    assert_backend_searches_a_grid(backend)


@pytest.mark.parametrize("n_jobs", [2, None])
def test_teachers_that_are_fitted_at_once_start_no_workers_of_their_own(n_jobs):
    X, y = numeric_rows()
    clf = quick_classifier([("t", Level())], n_jobs=n_jobs, keep_teachers=True)
    with joblib.parallel_config("threading", n_jobs=2):
        clf.fit(X, y)

    assert clf.teacher_.teachers_[0].estimator.jobs_ == 1


def test_a_teacher_that_is_fitted_alone_may_use_all_cores():
    X, y = numeric_rows()
    clf = quick_classifier([("t", Level())], keep_teachers=True).fit(X, y)

    assert clf.teacher_.teachers_[0].estimator.jobs_ == 4


def test_within_a_search_that_has_workers_all_is_done_in_turn():
    inner = joblib.Parallel(n_jobs=2)(joblib.delayed(pids)(2) for _ in range(2))

    assert all(len(seen) == 1 for seen in inner)


def pids(n_jobs):
    """The processes and threads that work on some calls."""
    return set(in_parallel([who] * 4, n_jobs))


def who():
    return os.getpid(), threading.get_ident()


def test_nets_that_are_trained_in_threads_are_those_trained_in_turn():
    X, y = numeric_rows()
    net = NetClassifier(TensorNet(StudentMLP, max_epochs=3))
    clf = quick_classifier([("a", net), ("b", DecisionTreeClassifier()), ("c", net)])

    alone = clf.fit(X, y).teacher_scores_
    with joblib.parallel_config(backend="threading"):
        together = clf.set_params(n_jobs=4).fit(X, y).teacher_scores_

    assert together == alone
