"""Measure what each part of the default settings contributes, by leaving out one at a time.

    python benchmarks/bench_ablation.py
    python benchmarks/bench_ablation.py --data magic --seeds 0 1 --rows 4000

Variants that do not change the teachers share their fits. Results are added to the JSON after
each split. `--table` prints the table of the results so far.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import tempfile
import time
import warnings
from collections import defaultdict
from statistics import geometric_mean

from common import available, load_split, machine, mean_and_spread, recorded, save
from sklearn.metrics import accuracy_score, log_loss

WHOLE = "the whole recipe"
NOT_SHARPENED = "the mean of the teachers not sharpened"
PLAIN = {"student__module__n_frequencies": 0, "student__module__bin_embedding_size": 0}
WITHOUT = {
    WHOLE: {},
    "alpha = .5": {"alpha": 0.5},
    "alpha = 1, the teachers alone": {"alpha": 1.0},
    "equal weights": {"weights": None},
    NOT_SHARPENED: {},
    "no embeddings: numbers as they are": PLAIN,
    "a tenth held out, early stopping": {"student__patience": 15},
    "no synthetic rows": {"augmenter": None},
    "no cross-fitting": {"cv": "in_sample"},
}
DATA = ["adult", "covtype", "credit_default", "magic", "otto"]


def main():
    """Measure the splits that the JSON lacks, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", metavar="NAME", help="default: all that are found")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--rows", type=int, default=2000, help="training rows at most")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--table", action="store_true", help="only print the table")
    parser.add_argument("--smoke", action="store_true", help="one small split, written nowhere")
    arguments = parser.parse_args()
    if arguments.smoke:
        few = [WHOLE, NOT_SHARPENED, "no synthetic rows", "no cross-fitting"]
        print(table([measure("wine", 0, None, arguments.jobs, few)]))
        return
    runs = recorded("ablation").get("runs", [])
    done = {(run["data"], run["seed"], run["rows"]) for run in runs}
    for seed in [] if arguments.table else arguments.seeds:
        for name in arguments.data or available(DATA):
            if (name, seed, arguments.rows) not in done:
                runs.append(measure(name, seed, arguments.rows, arguments.jobs))
                save("ablation", {"runs": runs})
    print(table(runs))


def measure(name, seed, rows, n_jobs, chosen=tuple(WITHOUT)):
    """Measure the variants on one split; return a dict for the JSON."""
    from skdistill import DistilledClassifier

    X_train, X_test, y_train, y_test = load_split(name, seed, rows)
    variants, fitted_weights = {}, None
    with tempfile.TemporaryDirectory() as folder:
        for variant in chosen:
            clf = DistilledClassifier(random_state=seed, n_jobs=n_jobs, memory=folder)
            started = time.perf_counter()
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "cv=.in_sample. labels each row")
                if variant == NOT_SHARPENED:  # the pool is sharpened only if it fits the weights
                    clf.set_params(weights=fitted_weights)
                clf.set_params(**WITHOUT[variant]).fit(X_train, y_train)
            if variant == WHOLE:
                fitted_weights = list(clf.teacher_weights_.values())
            seconds = time.perf_counter() - started
            proba = clf.predict_proba(X_test)
            variants[variant] = {
                "log_loss": log_loss(y_test, proba, labels=clf.classes_),
                "accuracy": accuracy_score(y_test, clf.classes_[proba.argmax(1)]),
                "seconds": seconds,  # without the fits that memory recalled
            }
            print(f"{name}, seed {seed}, {variant}: {variants[variant]}", flush=True)
    run = {"data": name, "seed": seed, "rows": rows, "n_train": len(y_train)}
    return {**run, "commit": machine()["commit"], "variants": variants}


def table(runs):
    """Return a Markdown table of log losses, with one line for each variant."""
    by_data = defaultdict(list)
    for run in runs:
        by_data[f"{run['data']} ({run['n_train']:,})"].append(run["variants"])
    lines = [f"| | {' | '.join(by_data)} | log loss | accuracy, points |"]
    lines.append("|---|" + "---:|" * (len(by_data) + 2))
    for variant in (each for each in WITHOUT if each in runs[0]["variants"]):
        pairs = [(each[variant], each[WHOLE]) for group in by_data.values() for each in group]
        worse = geometric_mean(one["log_loss"] / whole["log_loss"] for one, whole in pairs)
        points = sum(one["accuracy"] - whole["accuracy"] for one, whole in pairs) / len(pairs)
        losses = [
            mean_and_spread([each[variant]["log_loss"] for each in group])
            for group in by_data.values()
        ]
        lines.append(f"| {variant} | {' | '.join(losses)} | × {worse:.3f} | {100 * points:+.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
