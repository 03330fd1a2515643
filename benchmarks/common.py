"""Data splits, measured fits, the machine and JSON files, shared by the benchmarks."""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections import defaultdict
from copy import copy
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from sklearn import datasets
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
DATA = Path(os.environ.get("SKDISTILL_DATA", HERE.parents[1] / "shared" / "data"))
BUNDLED = ("digits", "breast_cancer", "wine")
BUNDLED_NUMBERS = ("diabetes",)  # whose target is a number


# Sets by their id on openml.org, used without a folder of data. OpenML has all rows of
# covtype. `drop`: identifiers; `coded`: categories that are written as numbers.
OPENML = {
    "adult": {"data_id": 1590},
    "covtype": {"data_id": 1596},
    "credit_default": {"data_id": 42477},
    "credit_risk": {"data_id": 43454, "target_column": "loan_status"},
    "diabetes130": {
        "data_id": 4541,
        "drop": ["encounter_id", "patient_nbr"],
        "coded": ["admission_type_id", "discharge_disposition_id", "admission_source_id"],
    },
    "eeg_eye": {"data_id": 1471},
    "fashion_mnist": {"data_id": 40996},
    "letter": {"data_id": 6},
    "magic": {"data_id": 1120},
}
OPENML_NUMBERS = {  # whose target is a number
    "ames": {"data_id": 42165, "drop": ["Id"], "coded": ["MSSubClass"]},
    "cpu_act": {"data_id": 573},
    "house_16h": {"data_id": 574},
    "houses": {"data_id": 537},
    "pol": {"data_id": 201},
}
MOST_ROWS = 120_000  # of a set from OpenML; of a larger set, a sample
ELSE = "set SKDISTILL_DATA to a folder with load.py (see benchmarks/README.md)"


def load_split(name, seed, rows=None):
    """Return X_train, X_test, y_train, y_test: 70 % training rows, but at most `rows`.

    Stratified by label, unless the target is a float.
    """
    is_bundled = name in BUNDLED + BUNDLED_NUMBERS
    if not is_bundled and has_data_folder():
        sys.path.insert(0, str(DATA))
        parts = import_module("load").split(name, seed)
    else:
        X, y = _bundled(name) if is_bundled else from_openml(name)
        parts = train_test_split(X, y, test_size=0.3, random_state=seed, stratify=_labels(y))
    X_train, X_test, y_train, y_test = parts
    if rows and rows < len(X_train):
        X_train, _, y_train, _ = train_test_split(
            X_train, y_train, train_size=rows, random_state=seed, stratify=_labels(y_train)
        )
    return X_train, X_test, y_train, y_test


def _labels(y):
    return None if y.dtype == float else y


def available(names):
    """Return the sets that `load_split` finds: all of them if there is a folder of data."""
    known = {*BUNDLED, *BUNDLED_NUMBERS, *OPENML, *OPENML_NUMBERS}
    return [name for name in names if has_data_folder() or name in known]


def has_data_folder():
    """Return whether there is a folder with load.py; fail if SKDISTILL_DATA has none."""
    if (DATA / "load.py").exists():
        return True
    if "SKDISTILL_DATA" in os.environ:
        raise SystemExit(f"no load.py in {DATA}: {ELSE}, or unset it to read from OpenML")
    return False


def _bundled(name):
    """Return X and y of a set that scikit-learn bundles."""
    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    return bunch.data, bunch.target


def from_openml(name):
    """Return X, a DataFrame whose text columns are categories, and y."""
    known = OPENML | OPENML_NUMBERS
    if name not in known:
        raise SystemExit(f"{name} has no known OpenML id (these do: {', '.join(known)}): {ELSE}")
    how = dict(known[name])
    drop, coded = how.pop("drop", []), how.pop("coded", [])
    try:
        bunch = datasets.fetch_openml(**how, as_frame=True)
    except OSError as error:
        call = f"fetch_openml(data_id={how['data_id']})"
        raise SystemExit(f"{name}: {call} failed ({error}). Without network, {ELSE}") from error
    X, y = bunch.data.drop(columns=drop), bunch.target
    if y.dtype == "category":
        y = y.astype(y.cat.categories.dtype)
    if name in OPENML_NUMBERS:
        y = y.astype(float)
    if len(X) > MOST_ROWS:
        X, _, y, _ = train_test_split(
            X, y, train_size=MOST_ROWS, random_state=0, stratify=_labels(y)
        )
    texts = X.select_dtypes(exclude=["number", "bool"]).columns
    X = X.assign(**{column: _as_category(X[column]) for column in [*texts, *coded]})
    return X.reset_index(drop=True), y.reset_index(drop=True)


def _as_category(column):
    """Convert a column of strings or codes to categories; "?" is a missing value."""
    values = column.astype(object)
    return values.mask(values == "?").astype("category")


def without_text(X_train, X_test):
    """Encode a table of one column of text as sparse tf-idf; return other tables unchanged."""
    if X_train.shape[1] != 1 or X_train.dtypes.iloc[0].kind != "O":
        return X_train, X_test
    tfidf = TfidfVectorizer()
    return tfidf.fit_transform(X_train.iloc[:, 0]), tfidf.transform(X_test.iloc[:, 0])


def measured_fit(estimator, X, y):
    """Fit a distilled estimator that keeps its teachers.

    Returns
    -------
    teacher : estimator
        The pooled teachers, taken from the student: a default student keeps none.
    costs : dict
        For the JSON; "fit_seconds" and "fit_cpu_seconds" include the refit of the teachers on
        all rows, "student_seconds" is the part that trains the student and its trials.
    """
    started, cpu = time.perf_counter(), _cpu_seconds()
    estimator.fit(X, y)
    times = estimator.fit_times_
    costs = {
        "fit_seconds": time.perf_counter() - started,
        "student_seconds": times["trials"] + times["student"],
        "fit_cpu_seconds": _cpu_seconds() - cpu,
    }
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, -1))
    return vars(estimator).pop("teacher_"), {**costs, "peak_megabytes": peak / 1000}


def equally_weighted(teacher):
    """Return a copy of a pool with equal weights."""
    equal = copy(teacher)
    equal.weights_ = dict.fromkeys(teacher.weights_, 1 / len(teacher.weights_))
    return equal


def _cpu_seconds():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def parse_splits(description, tables, out):
    """Read the command line of a script that measures splits of data sets."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", nargs="+", metavar="NAME", help="default: all that are found")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--rows", type=int, help="training rows at most, 0 for all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--out", default=out, help="name of the JSON in results/")
    parser.add_argument(
        "--table", nargs="?", const="all", choices=tables, help="only print a table of the JSON"
    )
    parser.add_argument("--smoke", action="store_true", help="one small split, written nowhere")
    return parser.parse_args()


def measure_splits(arguments, rows_of, measure):
    """Measure the splits that the JSON lacks, and return the runs of all.

    Parameters
    ----------
    arguments : Namespace
        Of `parse_splits`.
    rows_of : dict of str to int
        Training rows at most of each data set.
    measure : callable
        ``measure(name, seed, rows, n_jobs)`` returns a dict for the JSON.
    """
    runs = recorded(arguments.out).get("runs", [])
    done = {(run["data"], run["seed"], run["rows"]) for run in runs}
    for seed in [] if arguments.table else arguments.seeds:
        for name in arguments.data or available(rows_of):
            rows = arguments.rows if arguments.rows is not None else rows_of[name]
            if (name, seed, rows) not in done:
                runs.append(measure(name, seed, rows, arguments.jobs))
                save(arguments.out, {"runs": runs})
    return runs


def by_data(runs):
    """Group the runs by data set and number of rows."""
    groups = defaultdict(list)
    for run in runs:
        groups[run["data"], run["n_train"]].append(run)
    return groups


def model_of(run, name):
    """Return the measures of a model."""
    return next(row for row in run["models"] if row["name"] == name)


def best_of_teachers(group, loss):
    """Return the teacher with the lowest loss on the test rows of a set's splits."""
    teachers = group[0]["teacher_weights"]
    return min(teachers, key=lambda t: sum(model_of(run, t)[loss] for run in group))


def machine():
    """Return what the numbers depend on besides the data: hardware, versions and commit."""
    try:
        import torch

        gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    except ImportError:
        gpu = None
    packages = ("numpy", "scikit-learn", "skorch", "torch", "xgboost")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "gpu": gpu,
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in packages},
        "commit": _commit(),
    }


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return f"{version(f'{package}-cpu')} (built without CUDA)"


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def _commit():
    command = ["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def recorded(name):
    """Return the results of an earlier run, or an empty dict."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def save(name, results):
    """Write results and the machine's description as JSON."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({**results, "machine": machine()}, indent=1) + "\n")
    print(f"wrote {path}")


def mean_and_spread(values, form=".4f"):
    """Return the mean ± standard deviation; of a single value, only that value."""
    mean = format(np.mean(values), form)
    return mean if len(values) == 1 else f"{mean} ± {format(np.std(values, ddof=1), form)}"
