"""Tasks run at once, or their results recalled from memory."""

from functools import partial

from skdistill.jobs.memory import Absent
from skdistill.jobs.parallel import in_parallel
from skdistill.jobs.progress import Progress


def run_or_recall(tasks, keys, memory, *, what, n_jobs=None, verbose=0):
    """Return the results of tasks: recall what is known, run the others.

    What another process is running meanwhile is left to it, and waited for in the end.

    Parameters
    ----------
    tasks : dict of str to callable
        By their labels.
    keys : list of str or None
        Of each task's result; None where it cannot be known again.
    memory : Memory or None
    what : str
        The tasks' common name, for the progress.
    n_jobs : int, default=None
        Tasks run at once.
    verbose : int, default=0

    Returns
    -------
    results : list
        In the order of the tasks.
    """
    keys = dict(zip(tasks, keys))
    results = {} if memory is None else _recall(memory, keys)
    for wait in (False, True):
        calls = {
            label: partial(_remember, memory, keys[label], task, wait)
            for label, task in tasks.items()
            if label not in results
        }
        if calls:
            with Progress(what, calls, verbose) as progress:
                results |= _run(calls, memory, progress, n_jobs)
    return [results[label] for label in tasks]


def _recall(memory, keys):
    """Return what memory holds, by label."""
    found = {label: memory.recall(key) for label, key in keys.items()}
    return {label: result for label, result in found.items() if result is not Absent.MISSING}


def _run(calls, memory, progress, n_jobs):
    """Run calls; return the results by label, without those that another process is at."""
    results = {}
    outcomes = in_parallel(list(calls.values()), n_jobs, progress)
    for label, (result, problem) in zip(calls, outcomes):
        if result is not Absent.BUSY:
            results[label] = result
        if problem and not memory.problem:
            memory.problem = problem
            memory.warn()
    return results


def _remember(memory, key, task, wait):
    """Return a result and the memory's problem: a worker process has to bring back both."""
    if memory is None:
        return task(), None
    return memory.remember(key, task, wait=wait), memory.problem
