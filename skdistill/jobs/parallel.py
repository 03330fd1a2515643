"""Run calls in parallel, on one level only, by whichever backend joblib has."""

import sys
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool

from joblib import effective_n_jobs, parallel_config
from joblib.parallel import get_active_backend
from sklearn import config_context, get_config
from sklearn.utils.parallel import Parallel, delayed


def in_parallel(calls, n_jobs, progress=None, *, shared=()):
    """Yield the results of calls, in their order.

    Only the outermost level runs in parallel. Inside a parallel search, and inside a teacher,
    calls run one after another: two workers with two jobs each would compete for two cores, and
    torch's random numbers belong to a process, not to a thread.

    Parameters
    ----------
    calls : list of callable
    n_jobs : int or None
        None: as many as `joblib.parallel_config` says.
    progress : Progress, default=None
        Advanced by one step with each result; by all steps at the end if the backend cannot
        return results one by one.
    shared : tuple, default=()
        The arguments of each call. Dask sends them to a worker once, not with each call.

    Yields
    ------
    result : object
    """
    at_once, client = jobs_at_once(n_jobs), _dask_client()
    is_here = _is_nested() or n_jobs == 1 or (at_once == 1 and client is None)
    if _is_nested() or not is_here:
        calls = [_SequentialCall(call) for call in calls]
    if is_here:
        results = (call(*shared) for call in calls)
    elif client is not None:
        results = _by_dask(calls, client, shared)
    else:
        results = _by_joblib(calls, at_once, shared)
    if isinstance(results, list) and progress is not None:
        progress.step(n_steps=len(results))
        progress = None
    for result in results:
        if progress is not None:
            progress.step()
        yield result


def jobs_at_once(n_jobs):
    """Return how many calls run at once: one, if this is a call of another parallel level."""
    return 1 if _is_nested() else effective_n_jobs(n_jobs)


def lost_worker_errors():
    """Return the errors by which joblib's backends tell that a worker was killed."""
    names = {"distributed.scheduler": "KilledWorker", "ray.exceptions": "RayActorError"}
    found = [
        getattr(sys.modules[module], name)
        for module, name in names.items()
        if module in sys.modules
    ]
    return (BrokenProcessPool, CancelledError, *found)


def _is_nested():
    return bool(get_active_backend()[0].nesting_level) or _is_in_dask_worker()


def _is_in_dask_worker():
    """Tell whether this is a task of Dask, whose backend says level 0 at each level."""
    distributed = sys.modules.get("distributed")
    try:
        return distributed is not None and distributed.get_worker() is not None
    except ValueError:
        return False


def _dask_client():
    """Return the client of Dask's backend, or None with another backend."""
    return getattr(get_active_backend()[0], "client", None)


def _by_joblib(calls, n_jobs, shared):
    """Return a generator of the results, or a list if the backend has no generator."""
    has_generator = get_active_backend()[0].supports_return_generator
    return_as = "generator" if has_generator else "list"
    return Parallel(n_jobs=n_jobs, return_as=return_as)(delayed(call)(*shared) for call in calls)


def _by_dask(calls, client, shared):
    """Yield the results of Dask's workers.

    Dask repeats the tasks of a worker that is killed. joblib is not asked: it waits for ever if
    Dask gives up.
    """
    import dask
    from distributed.protocol import pickle

    config, options = get_config(), get_active_backend()[0].submit_kwargs
    # The result of a task, which goes from worker to worker and is made again if it is lost with
    # one. Scattered data would be lost: Dask drops all copies but one.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 PiB"}):
        shared = client.submit(pickle.loads, pickle.dumps(shared), pure=False)
    futures = [
        client.submit(_call_configured, config, call, shared, pure=False, **options)
        for call in calls
    ]
    try:
        for future in futures:
            yield future.result()
    finally:
        client.cancel(futures)


def _call_configured(config, call, args):
    with config_context(**config):
        return call(*args)


class _SequentialCall:
    """Call that starts no workers of its own: the cores are in use by its siblings."""

    def __init__(self, call):
        self.call = call

    def __call__(self, *args):
        with parallel_config(backend="sequential"):
            return self.call(*args)
