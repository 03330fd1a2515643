"""Run tasks in parallel, or recall their results from memory."""

from concurrent.futures.process import BrokenProcessPool
from functools import partial

from skdistill.jobs.memory import Absent
from skdistill.jobs.parallel import in_parallel, jobs_at_once, lost_worker_errors
from skdistill.jobs.progress import Progress
from skdistill.jobs.running import Running


def run_or_recall(tasks, keys, memory, *, what, shared=(), n_jobs=None, verbose=0, forecast=None):
    """Return the results of tasks: recall those that memory has, run the others.

    Tasks that another process is running are left to that process, and waited for at the end.

    Parameters
    ----------
    tasks : dict of str to callable
        Tasks by label.
    keys : list of str or None
        Key of each task's result; None for a result that is not kept.
    memory : Memory or None
    what : str
        Name of the tasks in the progress report.
    shared : tuple, default=()
        The arguments of each task, such as the rows.
    n_jobs : int, default=None
        Number of tasks run in parallel.
    verbose : int, default=0
    forecast : callable, default=None
        As in `Progress`.

    Returns
    -------
    results : list
        In the order of `tasks`.

    Raises
    ------
    BrokenProcessPool
        If a worker is killed. The message names the tasks that were running.
    """
    keys = dict(zip(tasks, keys))
    results = {} if memory is None else _recall(memory, keys)
    for wait in (False, True):
        calls = {
            label: partial(_remember, memory, keys[label], wait, task)
            for label, task in tasks.items()
            if label not in results
        }
        if not calls:
            continue
        at_once = jobs_at_once(n_jobs)
        reporting = Progress(what, calls, verbose, forecast=forecast, n_jobs=at_once)
        with reporting as progress, Running(calls) as running:
            try:
                results |= _run(calls, shared, memory, progress, n_jobs, running)
            except lost_worker_errors() as error:
                n_kept = 0 if memory is None else len(_recall(memory, keys))
                told = _what_is_lost(error, running.labels(), memory, n_kept, len(tasks), what)
                raise BrokenProcessPool(told) from error
    return [results[label] for label in tasks]


def _recall(memory, keys):
    """Return the results that memory has, by label."""
    found = {label: memory.recall(key) for label, key in keys.items()}
    return {label: result for label, result in found.items() if result is not Absent.MISSING}


def _run(calls, shared, memory, progress, n_jobs, running):
    """Run calls; return the results by label, except those that another process computes."""
    results = {}
    outcomes = in_parallel(running.watch(calls.values()), n_jobs, progress, shared=shared)
    for label, (result, problem) in zip(calls, outcomes):
        if result is not Absent.BUSY:
            results[label] = result
        if problem:
            memory.problem = problem
            memory.warn()
    return results


def _what_is_lost(error, running, memory, n_kept, n_tasks, what):
    """Return the message for a killed worker: what it was doing, and what is kept."""
    doing = " and ".join(map(repr, running)) if running else "nothing"
    kept = "Set memory to a folder, and a fit that fails keeps what it has finished."
    if memory is not None:
        kept = f"memory in {str(memory.folder)!r} keeps {n_kept} of {n_tasks} results"
        kept += ": the next fit goes on from there." if n_kept else "."
    return (
        f"a worker process was killed or crashed; running were {doing}. Often the system is out "
        f"of memory: use a smaller n_jobs, or smaller {what}. {kept} The error was: "
        f"{type(error).__name__}: {error}"
    )


def _remember(memory, key, wait, task, *shared):
    """Return a result and the memory's problem; a worker process must send back both."""
    if memory is None:
        return task(*shared), None
    task = partial(task, *shared)
    return memory.remember(key, task, keep=_is_result, wait=wait), memory.problem


def _is_result(result):
    """Tell whether a task was run: one whose time is over returns None."""
    return result is not None
