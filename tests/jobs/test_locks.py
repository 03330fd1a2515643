"""A forked child is not stopped by what its parent was doing."""

import os
import signal
import threading
import warnings

import pytest

from skdistill.jobs.locks import ForkSafeLock
from skdistill.jobs.progress import _WRITING
from skdistill.nets.training import seeded
from tests.small import numeric_rows, quick_classifier

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows knows no fork")


def succeeds_in_a_child(function):
    """Tell whether a forked child calls a function without an error and without hanging."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that there are threads
        child = os.fork()
    if not child:
        signal.alarm(60)  # ends a child that hangs
        try:
            function()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def busy():
    """Another thread holds a lock until the test ends."""
    taken, done, threads = threading.Event(), threading.Event(), []

    def hold(lock):
        with lock:
            taken.set()
            done.wait()

    def start(lock):
        threads.append(threading.Thread(target=hold, args=[lock]))
        threads[0].start()
        taken.wait()

    yield start
    done.set()
    threads[0].join()


@pytest.mark.parametrize("lock", [lambda: seeded(0, "cpu"), _WRITING.held], ids=["train", "print"])
def test_a_child_fits_while_another_thread_of_the_parent_trains_or_prints(busy, lock, capfd):
    X, y = numeric_rows()
    clf = quick_classifier(verbose=1)
    busy(lock())

    assert succeeds_in_a_child(lambda: clf.fit(X, y))


def test_a_child_that_is_forked_while_the_lock_is_held_may_leave_the_block():
    lock = ForkSafeLock()

    def use():
        with lock.held():
            pass

    with lock.held():
        assert succeeds_in_a_child(use)


def test_the_lock_excludes_other_threads(busy):
    lock = ForkSafeLock()
    busy(lock.held())

    assert not lock._lock.acquire(blocking=False)
