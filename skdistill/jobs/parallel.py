"""Calls run at once, without getting into each other's way."""

from joblib import parallel_config
from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel, delayed


def in_parallel(calls, n_jobs, progress=None):
    """Yield the results of calls, in their order.

    Cores are given away once. Within a search that runs its candidates at once, and
    within a teacher, all is done in turn: two searches' workers with two jobs each are
    four on two cores, and torch's random numbers belong to a process, not to a thread.

    Parameters
    ----------
    calls : list of callable
    n_jobs : int or None
    progress : Progress, default=None
        Makes a step with each.
    """
    if get_active_backend()[0].nesting_level:
        n_jobs = 1
    if n_jobs not in (None, 1):
        calls = [_Alone(call) for call in calls]
    for result in Parallel(n_jobs=n_jobs, return_as="generator")(delayed(c)() for c in calls):
        if progress is not None:
            progress.step()
        yield result


class _Alone:
    """A call that starts no workers of its own: its siblings have the cores."""

    def __init__(self, call):
        self.call = call

    def __call__(self):
        with parallel_config(backend="sequential"):
            return self.call()
