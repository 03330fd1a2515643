"""Time default fits on a GPU, and on the processors beside it.

    python benchmarks/bench_gpu.py            # needs a GPU
    python benchmarks/bench_gpu.py --smoke    # one small set, on the processor alone

All are fitted in one process, one after the other. Seconds are those passed, since a GPU's work
is not in the CPU seconds of a process. Nets of the pool and the student are trained on the GPU;
forests stay on the processor, and so does XGBoost but in "cuda, XGBoost too". `--table` prints
the table of the results.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import time

import torch
from common import load_split, machine, recorded, save, without_text
from sklearn.metrics import log_loss

from skdistill import DistilledClassifier

ROWS = {"magic": 3_000, "adult": 8_000, "covtype": 8_000, "fashion_mnist": 8_000, "heart2020": 0}
KINDS = {
    "cpu": {"device": "cpu"},
    "cuda": {"device": "cuda"},
    "cuda, XGBoost too": {"device": "cuda", "xgb__device": "cuda"},
}


def main():
    """Measure what the JSON lacks, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", metavar="NAME", default=list(ROWS))
    parser.add_argument("--rows", type=int, help="training rows at most, 0 for all")
    parser.add_argument("--jobs", type=int, default=1, help="n_jobs of each fit")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--out", default="gpu", help="name of the JSON in results/")
    parser.add_argument("--table", action="store_true", help="only print the table")
    parser.add_argument("--smoke", action="store_true", help="one small set, written nowhere")
    arguments = parser.parse_args()
    if arguments.smoke:
        print(table([measure("wine", 60, 1, "cpu")]))
        return
    runs = recorded(arguments.out).get("runs", [])
    done = {(run["data"], run["rows"], run["jobs"], run["kind"]) for run in runs}
    if not arguments.table:
        if not torch.cuda.is_available():
            parser.error("torch finds no CUDA device: run this on a machine with one, or --smoke.")
        for kind in arguments.kinds:  # loads the libraries and starts the GPU
            measure("wine", 60, 1, kind)
        for name in arguments.data:
            rows = ROWS.get(name, 8_000) if arguments.rows is None else arguments.rows
            for kind in arguments.kinds:
                if (name, rows, arguments.jobs, kind) not in done:
                    runs.append(measure(name, rows, arguments.jobs, kind))
                    save(arguments.out, {"runs": runs})
    print(table(runs))


def measure(name, rows, jobs, kind):
    """Fit one kind on one split; return a dict for the JSON."""
    X_train, X_test, y_train, y_test = load_split(name, 0, rows)
    X_train, X_test = without_text(X_train, X_test)
    clf = DistilledClassifier(random_state=0, n_jobs=jobs)
    clf.set_params(**KINDS[kind])
    started = time.perf_counter()
    clf.fit(X_train, y_train)
    seconds = time.perf_counter() - started
    loss = log_loss(y_test, clf.predict_proba(X_test), labels=clf.classes_)
    print(f"{name}, {kind}: {seconds:.1f} s, log loss {loss:.4f}", flush=True)
    return {
        "data": name,
        "rows": rows,
        "n_train": len(y_train),
        "jobs": jobs,
        "kind": kind,
        "seconds": seconds,
        "fit_times": clf.fit_times_,
        "log_loss": loss,
        "commit": machine()["commit"],
    }


def table(runs):
    """Return Markdown: seconds, those of the student, and log loss of each kind."""
    lines = [
        "| data (rows) | jobs | where | fit, s | of it the student, s | log loss |",
        "|---|---:|---|---:|---:|---:|",
    ]
    for run in runs:
        lines.append(
            f"| {run['data']} ({run['n_train']:,}) | {run['jobs']} | {run['kind']} "
            f"| {run['seconds']:.1f} | {run['fit_times']['student']:.1f} | {run['log_loss']:.4f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
