"""A million predictions from eight threads and four forked processes: `make stress`."""

import multiprocessing
import resource
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from tests.small import numeric_rows, quick_classifier

N_PREDICTIONS, N_THREADS, N_PROCESSES = 1_000_000, 8, 4


def main():
    """Compare each answer with the first one; print how much memory was added."""
    X, y = numeric_rows(200)
    clf = quick_classifier().fit(X, y)
    rows = [X[k : k + 1] for k in range(len(X))]
    expected = [clf.predict_proba(row) for row in rows]
    n_each = N_PREDICTIONS // 2 // N_THREADS
    ask = partial(_ask, clf, rows, expected)
    with ThreadPoolExecutor(N_THREADS) as threads:
        _report("threads", list(threads.map(ask, [n_each] * N_THREADS)))
    with multiprocessing.get_context("fork").Pool(N_PROCESSES) as processes:
        n_each = N_PREDICTIONS // 2 // N_PROCESSES
        _report("processes", processes.map(ask, [n_each] * N_PROCESSES))


def _report(what, found):
    """Print the outcome; threads share their memory, so the largest growth is told."""
    n_asked, n_different, _ = np.array(found).sum(0)
    growth = max(each[2] for each in found) / 1000
    print(
        f"{what}: {n_asked:,} predictions, {n_different} differ, {growth:.1f} MB more", flush=True
    )


def _ask(clf, rows, expected, n):
    """Predict n rows; return their number, how many differ, and the kilobytes added."""
    warm = n // 10
    n_different = 0
    for k in range(n):
        if k == warm:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        i = k % len(rows)
        n_different += not np.array_equal(clf.predict_proba(rows[i]), expected[i])
    return n, n_different, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


if __name__ == "__main__":
    main()
