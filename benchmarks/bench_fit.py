"""Time fits of each effort against a voting ensemble and against commit 12151c1.

    python benchmarks/bench_fit.py                          # some twenty minutes
    python benchmarks/bench_fit.py --data adult --rows 0    # all rows
    python benchmarks/bench_fit.py --rows 0 --kinds default --jobs 2 --out growth --data adult
    PYTHONPATH=<checkout of 12151c1> python benchmarks/bench_fit.py --kinds 12151c1

All are fitted in one process, one after the other, on one thread. Seconds are CPU seconds of the
process and its children, so that a shared machine matters less. The voting ensemble averages a
random forest, XGBoost and scikit-learn's `MLPClassifier` on the encoded table. "teachers once"
fits the default teachers once on all rows. Results are added to the JSON after each fit. `--table`
prints the table of the results; `draw_fit.py` draws them.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import resource
import subprocess
import threading
import time
import warnings
from contextlib import contextmanager
from statistics import geometric_mean

from bench_quality import FEW_ROWS
from bench_quality import ROWS as ROWS_OF_QUALITY
from common import available, load_split, machine, recorded, save, without_text
from sklearn.datasets import load_iris
from sklearn.metrics import log_loss

VOTE, TEACHERS, BEFORE = "voting ensemble", "teachers once", "12151c1"
EFFORTS = ["low", "default", "high"]
KINDS = [VOTE, TEACHERS, *EFFORTS]
# As few as when 12151c1 was measured.
ROWS = {name: min(rows, 3_000) for name, rows in ROWS_OF_QUALITY.items()} | {"fashion_mnist": 2_000}


def main():
    """Measure what the JSON lacks, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", metavar="NAME", help="default: all that are found")
    parser.add_argument("--rows", type=int, help="training rows at most, 0 for all")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=[*KINDS, BEFORE])
    parser.add_argument("--jobs", type=int, help="fits at once; then seconds are those passed")
    parser.add_argument("--out", default="fit", help="name of the JSON in results/")
    parser.add_argument("--table", action="store_true", help="only print the table")
    parser.add_argument("--smoke", action="store_true", help="one small set, written nowhere")
    arguments = parser.parse_args()
    if arguments.smoke:
        print(table([measure("wine", 0, 60, kind) for kind in (VOTE, "low", "default")]))
        return
    if not arguments.table:
        make(arguments.kinds[-1]).fit(*load_iris(return_X_y=True))  # loads the libraries
    runs = recorded(arguments.out).get("runs", [])
    done = {(run["data"], run["seed"], run["rows"], run["kind"]) for run in runs}
    for seed in [] if arguments.table else arguments.seeds:
        for name in arguments.data or available([n for n in ROWS if n != "ag_news"]):
            rows = ROWS[name] if arguments.rows is None else arguments.rows
            for kind in arguments.kinds:
                if (name, seed, rows, kind) not in done:
                    runs.append(measure(name, seed, rows, kind, arguments.jobs))
                    save(arguments.out, {"runs": runs})
    print(table(runs))


def measure(name, seed, rows, kind, n_jobs=None):
    """Fit one kind on one split; return a dict for the JSON."""
    import torch

    torch.set_num_threads(1)
    X_train, X_test, y_train, y_test = load_split(name, seed, rows)
    X_train, X_test = without_text(X_train, X_test)
    before, started = _cpu_seconds(), time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the perceptron does not converge
        model = make(kind, seed)
        if n_jobs is not None:
            model.set_params(n_jobs=n_jobs)
        with peak_of_all_processes() as peak:
            model.fit(X_train, y_train)
        seconds, elapsed = _cpu_seconds() - before, time.perf_counter() - started
        proba = model.predict_proba(X_test)
    loss = log_loss(y_test, proba, labels=model.classes_)
    accuracy = float((model.classes_[proba.argmax(1)] == y_test).mean())
    print(f"{name}, {kind}: {seconds:.1f} s, log loss {loss:.4f}", flush=True)
    return {
        "data": name,
        "seed": seed,
        "rows": rows,
        "n_train": len(y_train),
        "kind": kind,
        "cpu_seconds": seconds,
        "seconds": elapsed,
        "jobs": n_jobs,
        "peak_megabytes": peak[0] / 1000,
        "log_loss": loss,
        "accuracy": accuracy,
        "fit_times": getattr(model, "fit_times_", None),
        "commit": BEFORE if kind == BEFORE else machine()["commit"],
    }


def make(kind, seed=0):
    """Return an unfitted model."""
    from skdistill import DistilledClassifier

    if kind == VOTE:
        return _vote()
    if kind == TEACHERS:
        return TeachersOnce(seed)
    effort = {} if kind == BEFORE else {"effort": kind}
    return DistilledClassifier(random_state=seed, **effort)


class TeachersOnce:
    """The default teachers, each fitted once on all rows; their probabilities are averaged."""

    def __init__(self, seed):
        self.seed = seed

    def fit(self, X, y):
        """Fit each teacher."""
        from skdistill import default_teachers

        seeded = [each.set_params(random_state=self.seed) for _, each in default_teachers()]
        self.fitted = [each.fit(X, y) for each in seeded]
        self.classes_ = self.fitted[0].classes_
        return self

    def predict_proba(self, X):
        """Return the mean of the teachers' probabilities."""
        return sum(each.predict_proba(X) for each in self.fitted) / len(self.fitted)


def _vote():
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import RandomForestClassifier, VotingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from xgboost import XGBClassifier

    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
        remainder=make_pipeline(SimpleImputer(), StandardScaler()),
    )
    vote = VotingClassifier(
        [
            ("rf", RandomForestClassifier(random_state=0)),
            ("xgb", XGBClassifier(random_state=0)),
            ("mlp", MLPClassifier(random_state=0)),
        ],
        voting="soft",
    )
    return make_pipeline(encode, vote)


def table(runs):
    """Return Markdown: CPU seconds and log loss of each kind, by data set."""
    kinds = [kind for kind in (VOTE, BEFORE, TEACHERS, *EFFORTS) if any_of(runs, kind)]
    lines = [
        f"| data (rows) | {' | '.join(f'{kind}: s' for kind in kinds)} | "
        f"{' | '.join(f'{kind}: log loss' for kind in kinds)} |",
        f"|---|{'---:|' * 2 * len(kinds)}",
    ]
    sets = {(run["data"], run["n_train"]): None for run in runs}
    for name, n_train in sets:
        cells = [
            _mean(any_of(runs, kind, name, n_train), key, form)
            for key, form in (("cpu_seconds", ".1f"), ("log_loss", ".4f"))
            for kind in kinds
        ]
        lines.append(f"| {name} ({n_train:,}) | {' | '.join(cells)} |")
    pairs = [(kind, rival) for kind in EFFORTS for rival in (VOTE, BEFORE, TEACHERS)]
    for kind, rival in [*pairs, ("low", "default"), ("high", "default")]:
        seconds = ratios(runs, kind, rival, "cpu_seconds")
        losses = ratios(larger(runs), kind, rival, "log_loss")
        if losses:
            lines += [
                "",
                f"{kind}: {geometric_mean(seconds):.2f} times the seconds of {rival} (at most "
                f"{max(seconds):.2f}, {len(seconds)} fits), {geometric_mean(losses):.3f} times "
                f"its log loss ({len(losses)} fits of {FEW_ROWS:,} rows and more).",
            ]
    return "\n".join(lines)


def larger(runs):
    """Return the runs on tables whose test rows are enough for steady log losses."""
    return [run for run in runs if run["n_train"] >= FEW_ROWS]


def any_of(runs, kind, name=None, n_train=None):
    """Return the runs of a kind, of one table or of all."""
    return [
        run
        for run in runs
        if run["kind"] == kind and name in (None, run["data"]) and n_train in (None, run["n_train"])
    ]


def ratios(runs, kind, rival, key):
    """Return the ratios of a kind to a rival, one for each split that both were fitted on."""
    of_rival = {(r["data"], r["n_train"], r["seed"]): r[key] for r in any_of(runs, rival)}
    return [
        run[key] / of_rival[split]
        for run in any_of(runs, kind)
        if (split := (run["data"], run["n_train"], run["seed"])) in of_rival
    ]


def _mean(runs, key, form):
    return format(sum(run[key] for run in runs) / len(runs), form) if runs else "–"


@contextmanager
def peak_of_all_processes(every=1.0):
    """Give a list of the most kilobytes that this process and its workers took together."""
    peak, is_over = [0], threading.Event()

    def watch():
        while not is_over.wait(every):
            peak[0] = max(peak[0], _memory())

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield peak
    finally:
        is_over.set()
        watching.join()
        peak[0] = max(peak[0], _memory())


def _memory():
    """Return the resident kilobytes of this process and those that it has started."""
    done = subprocess.run(["ps", "-eo", "pid,ppid,rss"], capture_output=True, text=True, check=True)
    rows = [tuple(map(int, line.split())) for line in done.stdout.splitlines()[1:]]
    family = {os.getpid()}
    for _ in range(3):  # workers, and theirs
        family |= {pid for pid, parent, _ in rows if parent in family}
    return sum(size for pid, _, size in rows if pid in family)


def _cpu_seconds():
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


if __name__ == "__main__":
    main()
