"""Does a student that asks its teachers in rounds become better than one on Munge's rows?

    python benchmarks/bench_augmenters.py --seeds 0 1       # the table of docs/experiments.md
    python benchmarks/bench_augmenters.py --data magic --seeds 0 --rows 1000

Each data set and split trains students on as many synthetic rows, drawn by each augmenter and
labeled by the same teachers, those of low effort. Results are added to the JSON after each
split. `--table` prints the table of the JSON.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import tempfile
from statistics import geometric_mean

import numpy as np
from common import (
    by_data,
    load_split,
    machine,
    mean_and_spread,
    measure_splits,
    parse_splits,
)
from sklearn.metrics import log_loss, root_mean_squared_error

SETS = "adult magic covtype credit_risk eeg_eye letter"
NUMBERS = "houses cpu_act"  # whose target is a number
ROWS = dict.fromkeys([*SETS.split(), *NUMBERS.split()], 3_000)
MUNGE, DISAGREEMENT, UNCERTAINTY = "Munge", "Inquire, disagreement", "Inquire, uncertainty"
AUGMENTERS = MUNGE, DISAGREEMENT, UNCERTAINTY


def main():
    """Measure the splits that the JSON lacks, then print the table."""
    arguments = parse_splits(__doc__.splitlines()[0], TABLES, "augmenters")
    if arguments.smoke:
        runs = [measure(name, 0, 150, arguments.jobs) for name in ("wine", "diabetes")]
        print(table(runs))
        return
    runs = measure_splits(arguments, ROWS, measure)
    print(TABLES[arguments.table or "all"](runs))


def measure(name, seed, rows, n_jobs):
    """Measure one split of one data set; return a dict for the JSON."""
    from skdistill import DistilledClassifier, DistilledRegressor, Inquire

    X_train, X_test, y_train, y_test = load_split(name, seed, rows)
    is_number = y_train.dtype == float
    estimator = DistilledRegressor if is_number else DistilledClassifier
    augmenters = {
        MUNGE: "munge",
        DISAGREEMENT: Inquire(),
        UNCERTAINTY: Inquire(by="uncertainty"),
    }
    losses, scores, seconds, weights = {}, {}, {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for label, augmenter in augmenters.items():
            if is_number and label == UNCERTAINTY:
                continue
            model = estimator(
                effort="low", augmenter=augmenter, random_state=seed, memory=folder, n_jobs=n_jobs
            ).fit(X_train, y_train)
            losses[label], scores[label] = _measures(model, X_test, y_test)
            seconds[label] = {
                part: round(model.fit_times_[part], 1)
                for part in ("synthetic rows", "labelling", "student")
            }
            weights[label] = model.teacher_weights_
            print(f"{name}, seed {seed}, {label}: {losses[label]:.4f}", flush=True)
    return {
        "data": name,
        "seed": seed,
        "rows": rows,
        "n_train": len(y_train),
        "commit": machine()["commit"],
        "loss": losses,
        "accuracy or R2": scores,
        "seconds": seconds,
        "teacher_weights": weights,
    }


def _measures(model, X, y):
    """Return log loss and accuracy, or RMSE and R²."""
    if not hasattr(model, "predict_proba"):
        return root_mean_squared_error(y, model.predict(X)), model.score(X, y)
    return log_loss(y, model.predict_proba(X), labels=model.classes_), model.score(X, y)


def table(runs):
    """Return a Markdown table of losses, with one line for each data set."""
    lines = [
        f"| log loss or RMSE | {' | '.join(AUGMENTERS)} |",
        "|---|" + "---:|" * len(AUGMENTERS),
    ]
    for (name, n_train), group in by_data(runs).items():
        losses = [[run["loss"].get(label) for run in group] for label in AUGMENTERS]
        cells = ["–" if None in each else mean_and_spread(each, _form(each)) for each in losses]
        lines.append(f"| {name} ({n_train:,}, {len(group)}) | {' | '.join(cells)} |")
    cells = []
    for label in AUGMENTERS:
        ratios = [run["loss"][label] / run["loss"][MUNGE] for run in runs if label in run["loss"]]
        lower = sum(ratio < 1 for ratio in ratios)
        of = "" if label == MUNGE else f", lower in {lower} of {len(ratios)}"
        cells.append(f"× {geometric_mean(ratios):.3f}{of}")
    lines.append(f"| all splits | {' | '.join(cells)} |")
    return "\n".join(lines)


def _form(losses):
    """Return the format of four digits."""
    return ",.0f" if np.min(losses) >= 1000 else ".4f"


TABLES = {"all": table}

if __name__ == "__main__":
    main()
