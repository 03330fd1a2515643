"""Run calls in parallel, on one level only."""

from joblib import parallel_config
from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel, delayed


def in_parallel(calls, n_jobs, progress=None):
    """Yield the results of calls, in their order.

    Only the outermost level runs in parallel. Inside a parallel search, and inside a teacher,
    calls run one after another: two workers with two jobs each would compete for two cores, and
    torch's random numbers belong to a process, not to a thread.

    Parameters
    ----------
    calls : list of callable
        Called without arguments.
    n_jobs : int or None
    progress : Progress, default=None
        Advanced by one step with each result.

    Yields
    ------
    result : object
    """
    if get_active_backend()[0].nesting_level:
        n_jobs = 1
    if n_jobs not in (None, 1):
        calls = [_SequentialCall(call) for call in calls]
    for result in Parallel(n_jobs=n_jobs, return_as="generator")(delayed(c)() for c in calls):
        if progress is not None:
            progress.step()
        yield result


class _SequentialCall:
    """Call that starts no workers of its own: the cores are in use by its siblings."""

    def __init__(self, call):
        self.call = call

    def __call__(self):
        with parallel_config(backend="sequential"):
            return self.call()
