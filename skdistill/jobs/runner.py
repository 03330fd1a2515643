"""What teachers have to do, as pieces: found in memory or done, each under its teacher's name."""

import warnings
from contextlib import contextmanager
from functools import partial

from scipy.sparse import issparse

from skdistill.jobs.fingerprint import Unhashable, fingerprint
from skdistill.jobs.memory import Absent
from skdistill.jobs.parallel import Progress, in_parallel


def recall_or_make(pieces, keys, memory, n_jobs, verbose):
    """Results of all pieces: those in memory first, then those that nobody is at, then all."""
    results = {}
    if memory is not None:
        found = zip(pieces, map(memory.recall, keys))
        results = {label: result for label, result in found if result is not Absent.MISSING}
    for wait in (False, True):
        calls = {
            label: partial(_remember, memory, key, make, wait)
            for (label, make), key in zip(pieces.items(), keys)
            if label not in results
        }
        if not calls:
            break
        progress = Progress("teachers", calls, verbose)
        for label, (result, problem) in zip(
            calls, in_parallel(list(calls.values()), n_jobs, progress)
        ):
            if result is not Absent.BUSY:
                results[label] = result
            if problem and not memory.problem:
                memory.problem = problem
                memory.warn()
        progress.close()
    return [results[label] for label in pieces]


def _remember(memory, key, make, wait):
    """A result, and the memory's problem: in another process both have to be brought back."""
    if memory is None:
        return make(), None
    return memory.remember(key, make, wait=wait), memory.problem


def recipes_of(memory, teachers):
    """What each teacher is, as a fingerprint; None where that cannot be told, or need not."""
    recipes = []
    for name, teacher in teachers:
        try:
            recipes.append(memory and fingerprint(name, teacher))
        except Unhashable as error:
            recipes.append(None)
            warnings.warn(
                f"memory is not used for teacher {name!r}, whose work is done each time: {error}.",
                UserWarning,
                stacklevel=5,
            )
    return recipes


@contextmanager
def naming(name, where, X):
    """Say of an error which teacher it is from, and where."""
    try:
        yield
    except Exception as error:
        hint = ""
        if issparse(X) and isinstance(error, (TypeError, ValueError)):
            hint = (
                " X is sparse: if that is what this teacher does not take, put TruncatedSVD in "
                "front of it, in a Pipeline, or what makes the rows dense."
            )
        raise ValueError(
            f"Teacher {name!r} failed on {where}: {type(error).__name__}: {error}{hint}"
        ) from error
