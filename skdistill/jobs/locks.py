"""Locks of a process, and what a forked child of it does with them."""

import os
import threading
from contextlib import contextmanager


class ForkSafeLock:
    """A reentrant lock that is free in a forked child, whichever thread of the parent held it.

    The thread that would release an ordinary lock does not exist in the child.
    """

    def __init__(self):
        self._renew()
        in_each_child(self._renew)

    def _renew(self):
        self._lock = threading.RLock()

    @contextmanager
    def held(self):
        """Hold the lock within the block."""
        with self._lock:  # a child that is forked within the block releases this one, not its own
            yield


def in_each_child(function):
    """Call a function in each child that this process forks; Windows knows no fork."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)
