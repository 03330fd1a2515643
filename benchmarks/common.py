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


def load_split(name, seed, rows=None):
    """Return X_train, X_test, y_train, y_test, with at most `rows` training rows.

    The training part of the bundled sets is 70 % of the rows.
    """
    if name in BUNDLED:
        bunch = getattr(datasets, f"load_{name}")(as_frame=True)
        parts = train_test_split(
            bunch.data, bunch.target, test_size=0.3, random_state=seed, stratify=bunch.target
        )
    else:
        if not (DATA / "load.py").exists():
            raise SystemExit(f"no load.py in {DATA}: set SKDISTILL_DATA to the data's folder")
        sys.path.insert(0, str(DATA))
        parts = import_module("load").split(name, seed)
    X_train, X_test, y_train, y_test = parts
    if rows and rows < len(X_train):
        X_train, _, y_train, _ = train_test_split(
            X_train, y_train, train_size=rows, random_state=seed, stratify=y_train
        )
    return X_train, X_test, y_train, y_test


def without_text(X_train, X_test):
    """Return a table of one column of text as sparse tf-idf; any other table as it is."""
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
