"""Data splits, the machine's description and JSON files, shared by the benchmarks."""

import json
import os
import platform
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklearn import datasets
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
DATA = Path(os.environ.get("SKDISTILL_DATA", HERE.parents[1] / "shared" / "data"))
BUNDLED = ("digits", "breast_cancer", "wine")


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
MOST_ROWS = 120_000  # of a set from OpenML; of a larger set, a sample
ELSE = "set SKDISTILL_DATA to a folder with load.py (see benchmarks/README.md)"


def load_split(name, seed, rows=None):
    """Return X_train, X_test, y_train, y_test: 70 % training rows, but at most `rows`."""
    if name not in BUNDLED and has_data_folder():
        sys.path.insert(0, str(DATA))
        parts = import_module("load").split(name, seed)
    else:
        X, y = _bundled(name) if name in BUNDLED else from_openml(name)
        parts = train_test_split(X, y, test_size=0.3, random_state=seed, stratify=y)
    X_train, X_test, y_train, y_test = parts
    if rows and rows < len(X_train):
        X_train, _, y_train, _ = train_test_split(
            X_train, y_train, train_size=rows, random_state=seed, stratify=y_train
        )
    return X_train, X_test, y_train, y_test


def available(names):
    """Return the sets that `load_split` finds: all of them if there is a folder of data."""
    return [name for name in names if has_data_folder() or name in {*BUNDLED, *OPENML}]


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
    if name not in OPENML:
        raise SystemExit(f"{name} has no known OpenML id (these do: {', '.join(OPENML)}): {ELSE}")
    how = dict(OPENML[name])
    drop, coded = how.pop("drop", []), how.pop("coded", [])
    try:
        bunch = datasets.fetch_openml(**how, as_frame=True)
    except OSError as error:
        call = f"fetch_openml(data_id={how['data_id']})"
        raise SystemExit(f"{name}: {call} failed ({error}). Without network, {ELSE}") from error
    X, y = bunch.data.drop(columns=drop), bunch.target
    if y.dtype == "category":
        y = y.astype(y.cat.categories.dtype)
    if len(X) > MOST_ROWS:
        X, _, y, _ = train_test_split(X, y, train_size=MOST_ROWS, random_state=0, stratify=y)
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
        "versions": {name: version(name) for name in packages},
        "commit": _commit(),
    }


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
