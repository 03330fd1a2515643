"""Measure what a search over the student costs, with and without `memory`.

    python benchmarks/bench_tuning.py

The same 12 candidates × 5 splits on `adult` at 10,000 rows run three times: with an empty
memory, with the memory that this run has filled, and without memory. The teachers are the
default ones made smaller (fewer trees, fewer epochs), since the search without memory would
take hours otherwise. Larger teachers save more. One fit with the unchanged default teachers
then measures what memory costs in time and on disk, and what two jobs gain.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import tempfile
import time
from pathlib import Path

from common import load_split, recorded, save
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skdistill import DistilledClassifier, StudentNet, TeacherEnsemble, default_teachers
from skdistill.jobs.memory import Memory

GRID = {
    "alpha": [0.3, 0.6, 0.9],
    "temperature": [1.0, 2.0],
    "student__module__hidden_sizes": [(64,), (128, 128)],
}
SMALL = {"rf__n_estimators": 50, "xgb__n_estimators": 50}
NETS = ("mlp", "mlp_periodic", "mlp_bins")


def main():
    """Time the fits and the search, and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--teacher-epochs", type=int, default=4)
    parser.add_argument("--student-epochs", type=int, default=4)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--parts", nargs="+", default=["fits", "search"])
    parser.add_argument("--smoke", action="store_true", help="tiny, written nowhere")
    arguments = parser.parse_args()
    name = "adult"
    if arguments.smoke:
        arguments.rows, arguments.splits, name = 200, 2, "wine"
        arguments.teacher_epochs = arguments.student_epochs = 1
    X, _, y, _ = load_split(name, 0, arguments.rows)
    done = {} if arguments.smoke else recorded("tuning")
    if "fits" in arguments.parts:
        small = {**SMALL, **dict.fromkeys(map("{}__net__max_epochs".format, NETS), 1)}
        done["default_fit"] = default_fits(X, y, small if arguments.smoke else {})
    if "search" in arguments.parts:
        with tempfile.TemporaryDirectory() as folder:
            done["search"] = searches(X, y, folder, arguments)
    if not arguments.smoke:
        save("tuning", {**done, "data": name, "n_rows": len(X), "arguments": vars(arguments)})


def searches(X, y, folder, arguments):
    """Time the same search with an empty memory, a full one and none."""
    student = StudentNet(max_epochs=arguments.student_epochs)
    clf = DistilledClassifier(default_teachers(), student, random_state=0)
    epochs = {f"{net}__net__max_epochs": arguments.teacher_epochs for net in NETS}
    clf.set_params(**SMALL, **epochs)
    seconds, scores = {}, {}
    for label, memory in [("first", folder), ("again", folder), ("without", None)]:
        search = GridSearchCV(
            clone(clf).set_params(memory=memory),
            GRID,
            cv=arguments.splits,
            scoring="neg_log_loss",
            refit=False,
        )
        seconds[label] = timed(search.fit, X, y)
        scores[label] = search.cv_results_["mean_test_score"].tolist()
        print(f"search, {label}: {seconds[label]:.1f} s", flush=True)
    assert scores["first"] == scores["again"] == scores["without"]
    shares = {
        "first_to_without": seconds["first"] / seconds["without"],
        "again_to_first": seconds["again"] / seconds["first"],
    }
    print(shares)
    return {"seconds": seconds, **shares, "mebibytes": mebibytes(folder), "grid": GRID, **SMALL}


def default_fits(X, y, params):
    """Time the default teachers with one and two jobs, and the overhead of memory."""
    clf = DistilledClassifier(random_state=0).set_params(**params)
    seconds = {}
    for n_jobs in (1, 2):
        teachers = TeacherEnsemble(random_state=0, n_jobs=n_jobs).set_params(**params)
        seconds[f"teachers, {n_jobs} jobs"] = timed(teachers.fit, X, y)
    seconds["fit"] = timed(clone(clf).fit, X, y)
    with tempfile.TemporaryDirectory() as folder:
        remembering = clone(clf).set_params(memory=folder)
        with Overhead() as overhead:
            seconds["fit, memory empty"] = timed(clone(remembering).fit, X, y)
        size = mebibytes(folder)
        seconds["fit, memory full"] = timed(clone(remembering).fit, X, y)
    shares = {
        "speedup_of_two_jobs": seconds["teachers, 1 jobs"] / seconds["teachers, 2 jobs"],
        "memory_seconds": overhead.seconds,
        "memory_share": overhead.seconds / seconds["fit"],
    }
    print(seconds, shares, f"{size:.1f} MiB", flush=True)
    return {"seconds": seconds, **shares, "mebibytes": size}


def timed(function, *args):
    """Return the seconds that a call takes."""
    started = time.perf_counter()
    function(*args)
    return time.perf_counter() - started


class Overhead:
    """Stopwatch of the time that a memory takes for keys, reading and writing."""

    METHODS = ("key", "table", "recall", "_claim", "_write")

    def __init__(self):
        self.seconds = 0.0

    def __enter__(self):
        self.original = {name: getattr(Memory, name) for name in self.METHODS}
        for name, method in self.original.items():
            setattr(Memory, name, self._timed(method))
        return self

    def __exit__(self, *_):
        for name, method in self.original.items():
            setattr(Memory, name, method)

    def _timed(self, method):
        def timed(*args, **kwargs):
            started = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - started

        return timed


def mebibytes(folder):
    """Return the size of all files in a folder."""
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 2**20


if __name__ == "__main__":
    main()
