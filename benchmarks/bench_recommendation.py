"""Compare a student with its teachers where columns have thousands of categories: users and films.

    SKDISTILL_DATA=… python benchmarks/bench_recommendation.py
    python benchmarks/bench_recommendation.py --table

Rows of MovieLens, at most 8,000 for training, are split in two ways: at random, and by user, so
that each user of the test rows is new. Beside the teachers, all with default settings, stand
logistic regression on one-hot users and films, LightGBM with its own categories, and the
student's net on labels alone.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from importlib import import_module

import numpy as np
from common import (
    DATA,
    by_data,
    has_data_folder,
    machine,
    mean_and_spread,
    measure_splits,
    measured_fit,
    model_of,
    parse_splits,
)
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

ROWS = {"movielens, random": 8_000, "movielens, by user": 8_000}  # training rows at most
MOST_TEST_ROWS = 20_000
POOL, LOGISTIC, LIGHTGBM, LABELS, STUDENT = (
    "pooled teachers", "logistic regression", "LightGBM", "same net on labels", "student",
)  # fmt: skip


def main():
    """Measure the splits that the JSON lacks, then print the table."""
    arguments = parse_splits(__doc__.splitlines()[0], TABLES, "recommendation")
    if arguments.smoke:
        print(table([measure("made up, random", 0, 300, arguments.jobs, effort="low")]))
        return
    if not arguments.table and not has_data_folder():
        sys.exit("MovieLens comes from a folder of data: set SKDISTILL_DATA")
    print(table(measure_splits(arguments, ROWS, measure)))


def measure(name, seed, rows, n_jobs, effort="default"):
    """Measure one split; return a dict for the JSON."""
    from skdistill import DistilledClassifier, NetClassifier, StudentNet, compare

    X_train, X_test, y_train, y_test = split(name, seed, rows)
    clf = DistilledClassifier(effort=effort, random_state=seed, n_jobs=n_jobs, keep_teachers=True)
    teacher, costs = measured_fit(clf, X_train, y_train)
    models = {
        POOL: teacher,
        LOGISTIC: logistic_regression().fit(X_train, y_train),
        LIGHTGBM: lightgbm(seed).fit(X_train, y_train),
        LABELS: NetClassifier(StudentNet(), random_state=seed).fit(X_train, y_train),
        STUDENT: clf,
    }
    report = compare(models, X_test, y_test)
    print(f"{name}, seed {seed}: {costs['fit_seconds']:.0f} s\n{report}\n", flush=True)
    new = {column: X_test[column].isin(set(X_train[column])) for column in ("user", "movie")}
    return {
        "data": name,
        "seed": seed,
        "rows": rows,
        "n_train": len(y_train),
        "n_test": len(y_test),
        "share_of_new": {column: float(1 - known.mean()) for column, known in new.items()},
        **costs,
        "jobs": n_jobs,
        "commit": machine()["commit"],
        "alpha": clf.alpha_,
        "teacher_weights": clf.teacher_weights_,
        "models": report.to_dicts(),
    }


def split(name, seed, rows):
    """Return X_train, X_test, y_train, y_test of a kind of split."""
    X, y = made_up() if name.startswith("made up") else movielens()
    if name.endswith("by user"):
        splitter = GroupShuffleSplit(1, test_size=0.3, random_state=seed)
        train, test = next(splitter.split(X, y, X["user"]))
    else:
        train, test = train_test_split(np.arange(len(X)), test_size=0.3, random_state=seed)
    rng = np.random.RandomState(seed)
    train, test = rng.permutation(train)[:rows], rng.permutation(test)[:MOST_TEST_ROWS]
    return X.iloc[train], X.iloc[test], y[train], y[test]


def movielens():
    """Return the ratings: users, films and what is known of both, and whether one liked it."""
    sys.path.insert(0, str(DATA))
    X, y = import_module("load").load("movielens")
    return X, y.to_numpy()


def made_up():
    """Return a small table of the same kind, for a smoke test."""
    from pandas import DataFrame

    numbers, y = make_classification(600, random_state=0)
    codes = np.argsort(np.argsort(numbers, axis=0), axis=0)
    frame = DataFrame({"user": codes[:, 0] // 20, "movie": codes[:, 1] // 4}).astype(str)
    return frame.astype("category").assign(year=numbers[:, 2]), y


def logistic_regression():
    """Return logistic regression on one-hot users and films."""
    one_hot = OneHotEncoder(handle_unknown="ignore")
    return make_pipeline(
        make_column_transformer((one_hot, ["user", "movie"])), LogisticRegression(max_iter=1000)
    )


def lightgbm(seed):
    """Return LightGBM at its defaults, which knows pandas' categories."""
    from lightgbm import LGBMClassifier

    return LGBMClassifier(random_state=seed, verbose=-1, n_jobs=1)


def table(runs):
    """Return a Markdown table with one line for each kind of split, means over its splits."""
    models = [row["name"] for row in runs[0]["models"]]
    names = [f"**{name}**" if name == STUDENT else name for name in models]
    lines = [
        f"| log loss (rows, splits) | {' | '.join(names)} | student / pool | kB | one row, µs |",
        "|---|" + "---:|" * (len(names) + 3),
    ]
    for (name, n_train), group in by_data(runs).items():
        loss = {m: [model_of(run, m)["log_loss"] for run in group] for m in models}
        cells = [mean_and_spread(loss[m]) for m in models]
        cells[-1] = f"**{cells[-1]}**"
        ratio = np.exp(np.mean(np.log(loss[STUDENT]) - np.log(loss[POOL])))
        of_student = [
            np.mean([model_of(run, STUDENT)[key] for run in group])
            for key in ("kilobytes", "microseconds")
        ]
        cells += [f"{ratio:.3f}", *(f"{value:,.0f}" for value in of_student)]
        lines.append(f"| {name} ({n_train:,}, {len(group)}) | {' | '.join(cells)} |")
    return "\n".join(lines)


TABLES = {"all": table}

if __name__ == "__main__":
    main()
