"""Small tables and quick estimators that the tests share."""

from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from torch import nn

from skdistill import (
    DistilledClassifier,
    DistilledRegressor,
    StudentNet,
    TableClassifier,
    TableRegressor,
    default_teachers,
)
from skdistill.soft_targets.targets import SoftTargets
from skdistill.table.training_data import TrainingData
from skdistill.tasks.classification import Classification
from skdistill.transfer.transfer_set import TransferSet

# Of so many rows enough are held out to choose alpha and temperature by.
ENOUGH_ROWS = 1_600


def numeric_rows(n_samples=60, n_classes=3, seed=0):
    """Numbers only, as arrays (X, y); y is 0, 1, 2 …"""
    return make_classification(
        n_samples, n_features=5, n_informative=4, n_redundant=0, n_classes=n_classes,
        n_clusters_per_class=1, class_sep=1.5, random_state=seed,
    )  # fmt: skip


def rows_and_targets(n_samples=100, n_targets=1):
    """Numbers with missing values, and targets each with a center and a scale of its own."""
    X, _ = numeric_rows(n_samples)
    y = 20 + X[:, :n_targets] * [3, 0.01, 500][:n_targets] + X[:, 3:4]
    X[::7, 1] = np.nan
    return X, y[:, 0] if n_targets == 1 else y


def rows_with_binary_columns(n_samples=1200):
    """Numbers in which columns of two values stand between others, as arrays (X, y)."""
    X, y = numeric_rows(n_samples)  # from 1,000 rows on, with bins
    X[:, [0, 3]] = X[:, [0, 3]] > 0
    X[::5, 3] = X[1::5, 4] = np.nan
    return X, y


def extreme_rows(n_samples=200, seed=0):
    """Finite numbers as far from one as floats go, one kind in each column, as arrays (X, y)."""
    rng = np.random.RandomState(seed)
    z = rng.normal(size=(n_samples, 6)).clip(-3, 3)
    y = (z.sum(1) > 0).astype(int)
    ends = np.where(z[:, 4] > 0, 1.7e308, -1.7e308)
    one_off = np.where(np.arange(n_samples) == 3, 1.7e308, z[:, 5])
    columns = [1e-310 * z[:, 0], 1e-200 * z[:, 1], 1e120 * z[:, 2], 1e306 * z[:, 3], ends, one_off]
    return np.column_stack([*columns, np.full(n_samples, 1e308)]), y


def queries(n_queries=50, seed=0, rows=8):
    """Rows of queries in random order, as (X, relevance, qid); each query has its own level."""
    rng = np.random.RandomState(seed)
    n = rows * n_queries
    X, qid = rng.normal(size=(n, 4)), rng.permutation(np.arange(n) // rows)
    level = rng.normal(size=n_queries)[qid]
    X[:, 3] += level
    y = np.digitize(X[:, 0] + X[:, 1] + 0.3 * rng.normal(size=n) + level, [0, 1.5])
    return X, y, qid


def mixed_table(n_samples=60, seed=0):
    """Numbers, a boolean, categories, and missing values in both kinds, as (frame, labels)."""
    rng = np.random.RandomState(seed)
    age = rng.normal(40, 12, n_samples)
    city = rng.choice(["Oslo", "Rome", "Lima"], n_samples)
    y = np.where(age + 15 * (city == "Rome") + rng.normal(0, 5, n_samples) > 45, "yes", "no")
    age[::7] = np.nan
    city = city.astype(object)
    city[3::11] = None
    frame = pd.DataFrame(
        {
            "age": age,
            "children": rng.randint(0, 4, n_samples),
            "city": pd.Categorical(city),
            "member": rng.rand(n_samples) > 0.5,
        }
    )
    return frame, y


def two_trees():
    """Two teachers that differ, take any table, and are fitted in no time."""
    return [
        ("deep", TableClassifier(DecisionTreeClassifier(random_state=0))),
        ("stump", TableClassifier(DecisionTreeClassifier(max_depth=1, random_state=0))),
    ]


def encoded_tree():
    """One teacher that takes any table, and is fitted in no time."""
    return [("tree", TableClassifier(DecisionTreeClassifier(max_depth=3, random_state=0)))]


def quick_classifier(teachers=None, student=None, **params):
    """A `DistilledClassifier` whose fit takes a fraction of a second."""
    teachers = two_trees() if teachers is None else teachers
    student = quick_student() if student is None else student
    params = {"cv": 2, "alpha": 0.5, "augmenter": None, "random_state": 0} | params
    return DistilledClassifier(teachers, student, **params)


def quick_regressor(teachers=None, student=None, **params):
    """A `DistilledRegressor` whose fit takes a fraction of a second."""
    if teachers is None:
        tree = DecisionTreeRegressor(max_depth=3, random_state=0)
        teachers = [("tree", TableRegressor(tree))]
    student = quick_student() if student is None else student
    params = {"cv": 2, "alpha": 0.5, "augmenter": None, "random_state": 0} | params
    return DistilledRegressor(teachers, student, **params)


def quick_student(**params):
    small = {"max_epochs": 5, "batch_size": 64, "module__hidden_sizes": (8,)}
    return StudentNet(**(small | params))


def small_default_teachers(**params):
    """The default teachers, of three trees, rounds or epochs each."""
    teachers = default_teachers(**params)
    for name, teacher in teachers:
        few = "n_estimators" if name in ("rf", "xgb") else "net__max_epochs"
        teacher.set_params(**{few: 3})
    return teachers


def small_default_classifier(**params):
    """A `DistilledClassifier` of the default teachers and student, made quick."""
    teachers, student = small_default_teachers(), StudentNet(max_epochs=3)
    params = {"cv": 2, "alpha": 0.5, "random_state": 0} | params
    return DistilledClassifier(teachers, student, **params)


def points_by_row(inputs):
    """Rows whose numbers are the finite split points of each embedded column, or zeros."""
    points = [np.nan_to_num(each, posinf=0) for each in inputs.split_points]
    rows = np.zeros((max(map(len, points)), inputs.layout.n_embedded))
    for column, of_column in zip(rows.T, points):
        column[: len(of_column)] = of_column
    return rows


def training_data(X, y, classes=None, **fields):
    """What `fit` is given, of class indices."""
    classes = np.arange(y.max() + 1) if classes is None else np.asarray(classes)
    return TrainingData(X, y, Classification(classes), **fields)


def transfer_set(X, soft_targets, y, sample_weight=None, held_out=None, refitted_targets=None):
    """Rows for a net to be trained on."""
    task = Classification(np.arange(soft_targets.shape[1]))
    held_out = np.zeros(len(y), dtype=bool) if held_out is None else held_out
    return TransferSet(X, soft_targets, y, task, sample_weight, held_out, refitted_targets)


def with_unlabeled(labeled, X, soft_targets, refitted_targets):
    """A transfer set with unlabeled rows below the labeled ones."""
    as_they_are = SimpleNamespace(transform=lambda X: X)
    data = TrainingData(
        labeled.X, labeled.y, labeled.task, labeled.sample_weight, unlabeled=[X],
        held_out=labeled.held_out,
    )  # fmt: skip
    targets = SoftTargets(labeled.soft_targets, [soft_targets], [refitted_targets])
    return TransferSet.build(as_they_are, data, targets)


def assert_backend_searches_a_grid(backend):
    """A search by a backend of joblib finds the scores of one in this process."""
    X, y = numeric_rows()
    search = GridSearchCV(quick_classifier(n_jobs=2), {"alpha": [0.0, 1.0]}, cv=2, refit=False)
    alone = search.fit(X, y).cv_results_["mean_test_score"]

    with joblib.parallel_config(backend, n_jobs=2):
        together = search.fit(X, y).cv_results_["mean_test_score"]

    assert_allclose(together, alone)


class Linear(nn.Module):
    """A module that asks for nothing but sizes, and embeds nothing."""

    def __init__(self, n_features, n_classes):
        super().__init__()
        self.linear = nn.Linear(n_features, n_classes)

    def forward(self, X):
        return self.linear(X)


class Spy(ClassifierMixin, BaseEstimator):
    """A teacher that records what it is given, and predicts the same for every row.

    The records belong to the class, so that clones write into one list; the fixture `spy`
    empties them.

    Parameters
    ----------
    proba : array-like of shape (n_classes,), default=None
        What it predicts. None: all classes alike.
    """

    fitted_on: list = []  # (X, y, sample_weight) of each fit
    asked_about: list = []  # X of each prediction

    def __init__(self, proba=None):
        self.proba = proba

    def fit(self, X, y, sample_weight=None):
        self.fitted_on.append((X, y, sample_weight))
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        self.asked_about.append(X)
        n_classes = len(self.classes_)
        proba = np.full(n_classes, 1 / n_classes) if self.proba is None else self.proba
        return np.tile(proba, (X.shape[0], 1))


class LoggedTree(DecisionTreeClassifier):
    """A tree that writes a line each time it is fitted, whichever process does it."""

    def __init__(self, log=None, mark="", max_depth=None, random_state=None):
        super().__init__(max_depth=max_depth, random_state=random_state)
        self.log = log
        self.mark = mark

    def fit(self, X, y, sample_weight=None):
        with open(self.log, "a") as file:
            file.write(f"{self.mark}\n")
        return super().fit(X, y, sample_weight)


def logged_classifier(log, marks="ab", **params):
    """A classifier whose teachers write their mark into a file when they are fitted."""
    teachers = [(mark, LoggedTree(log, mark, max_depth=d)) for d, mark in enumerate(marks, 1)]
    return quick_classifier(teachers, **params)


def fits_in(log):
    """How often each mark was fitted."""
    return Counter(Path(log).read_text().split()) if Path(log).exists() else Counter()


@contextmanager
def full_disk(n_bytes=1000):
    """No file of this process can grow beyond so many bytes."""
    resource = pytest.importorskip("resource", reason="Windows has no limit on a file's size")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
