"""Time a default fit, and one with teachers of low effort, against a voting ensemble.

    python benchmarks/bench_fit.py                       # some ten minutes
    python benchmarks/bench_fit.py --data adult --rows 8000

All three are fitted in one process, one after the other, on one thread. Seconds are CPU seconds
of the process and its children, so that a shared machine matters less. The voting ensemble
averages a random forest, XGBoost and scikit-learn's `MLPClassifier` on the encoded table.
Results are added to the JSON after each data set. `--table` prints the table of the results.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import resource
import warnings
from statistics import geometric_mean

from common import load_split, machine, recorded, save
from sklearn.metrics import log_loss

DATA = ["wine", "breast_cancer", "adult", "credit_risk", "magic", "covtype", "letter"]
VOTE, LOW, DEFAULT = "voting ensemble", 'default_teachers("low")', "default fit"


def main():
    """Measure the data sets that the JSON lacks, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=DATA)
    parser.add_argument("--rows", type=int, default=3000, help="training rows at most")
    parser.add_argument("--table", action="store_true", help="only print the table")
    parser.add_argument("--smoke", action="store_true", help="one small set, written nowhere")
    arguments = parser.parse_args()
    if arguments.smoke:
        print(table([measure("wine", 60, [VOTE, LOW])]))
        return
    runs = recorded("fit").get("runs", [])
    done = {(run["data"], run["rows"]) for run in runs}
    for name in [] if arguments.table else arguments.data:
        if (name, arguments.rows) not in done:
            runs.append(measure(name, arguments.rows))
            save("fit", {"runs": runs})
    print(table(runs))


def measure(name, rows, kinds=(VOTE, LOW, DEFAULT)):
    """Fit each kind on one split; return a dict for the JSON."""
    import torch

    torch.set_num_threads(1)
    X_train, X_test, y_train, y_test = load_split(name, 0, rows)
    run = {"data": name, "rows": rows, "n_train": len(y_train), "commit": machine()["commit"]}
    for kind in kinds:
        before = _cpu_seconds()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the perceptron does not converge
            model = make(kind).fit(X_train, y_train)
            seconds = _cpu_seconds() - before
            loss = log_loss(y_test, model.predict_proba(X_test), labels=model.classes_)
        run[kind] = {"cpu_seconds": seconds, "log_loss": loss}
        print(f"{name}, {kind}: {seconds:.1f} s, log loss {loss:.4f}", flush=True)
    return run


def make(kind):
    """Return an unfitted model."""
    from skdistill import DistilledClassifier, default_teachers

    if kind == DEFAULT:
        return DistilledClassifier(random_state=0)
    if kind == LOW:
        return DistilledClassifier(default_teachers("low"), random_state=0)
    return _vote()


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
    kinds = [kind for kind in (VOTE, LOW, DEFAULT) if all(kind in run for run in runs)]
    lines = [
        f"| data (rows) | {' | '.join(f'{kind}: s' for kind in kinds)} | "
        f"{' | '.join(f'{kind}: log loss' for kind in kinds)} |",
        f"|---|{'---:|' * 2 * len(kinds)}",
    ]
    for run in runs:
        seconds = [f"{run[kind]['cpu_seconds']:.1f}" for kind in kinds]
        losses = [f"{run[kind]['log_loss']:.4f}" for kind in kinds]
        lines.append(f"| {run['data']} ({run['n_train']:,}) | {' | '.join(seconds + losses)} |")
    for kind in kinds[1:]:
        ratio = geometric_mean(run[kind]["cpu_seconds"] / run[VOTE]["cpu_seconds"] for run in runs)
        lines += ["", f"{kind}: {ratio:.0f} times the voting ensemble's seconds (geometric mean)."]
    return "\n".join(lines)


def _cpu_seconds():
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


if __name__ == "__main__":
    main()
