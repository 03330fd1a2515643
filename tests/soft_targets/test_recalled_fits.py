"""Memory recalls the fits of which nothing has changed, and only those."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skdistill.jobs.memory import Memory
from skdistill.soft_targets.cross_fitting import cross_fit
from tests.small import Spy, numeric_rows, training_data

CLASSES = np.arange(3)
THREE_FOLDS = list(KFold(3).split(np.zeros(60)))


def targets(teacher, X, y, *, splits=THREE_FOLDS, **kwargs):
    soft_targets, _ = cross_fit(
        [("t", teacher)], training_data(X, y, CLASSES), splits=splits, **kwargs
    )
    return soft_targets.labeled[0]


CHANGES = {
    "nothing": ({}, 0),
    "X": ({"X": numeric_rows(seed=1)[0]}, 4),
    "y": ({"y": (numeric_rows()[1] + 1) % 3}, 4),
    "weights": ({"sample_weight": np.linspace(1, 2, 60)}, 4),
    "unlabeled rows": ({"unlabeled": [np.ones((5, 5))]}, 4),
    "teacher": ({"teacher": Spy([0.2, 0.3, 0.5])}, 4),
    "name": ({"name": "other"}, 4),
    "folds": ({"splits": list(KFold(2).split(np.zeros(60)))}, 2),
    "test rows of a fold": ({"splits": [*THREE_FOLDS[:2], (THREE_FOLDS[2][0], np.arange(9))]}, 1),
    "training rows of a fold": (
        {"splits": [*THREE_FOLDS[:2], (THREE_FOLDS[2][0][1:], THREE_FOLDS[2][1])]},
        1,
    ),
    "labels": ({"classes": np.array(["a", "b", "c"])}, 4),
    "kept teachers": ({"keep": True}, 1),
}


@pytest.mark.parametrize(("change", "n_fits"), CHANGES.values(), ids=CHANGES)
def test_memory_recalls_the_fits_on_which_nothing_has_changed(spy, tmp_path, change, n_fits):
    X, y = numeric_rows()
    usual = {"X": X, "y": y, "sample_weight": None, "unlabeled": [X[:5] + 1], "teacher": spy}
    usual |= {"name": "t", "splits": THREE_FOLDS, "keep": False, "classes": CLASSES}

    def fit(X, y, classes, sample_weight, unlabeled, teacher, name, **kwargs):
        data = training_data(X, y, classes, sample_weight=sample_weight, unlabeled=unlabeled)
        return cross_fit([(name, teacher)], data, refit=True, memory=Memory(tmp_path), **kwargs)

    first, _ = fit(**usual)
    before = len(spy.fitted_on)
    second, _ = fit(**usual | change)

    assert before == 4
    assert len(spy.fitted_on) - before == n_fits
    if not change:
        assert_array_equal(first.labeled, second.labeled)
        assert_array_equal(first.refitted[0], second.refitted[0])


def test_memory_tells_out_of_bag_from_in_sample(tmp_path):
    X, y = numeric_rows()
    forest = RandomForestClassifier(60, random_state=0)

    in_sample = targets(forest, X, y, splits=None, memory=Memory(tmp_path))
    out_of_bag = targets(forest, X, y, splits=None, out_of_bag=True, memory=Memory(tmp_path))

    assert abs(in_sample - out_of_bag).max() > 0.1


def test_a_teacher_without_a_fingerprint_is_fitted_each_time_with_a_warning(spy, tmp_path):
    X, y = numeric_rows()
    teacher = make_pipeline(FunctionTransformer(lambda X: X), spy)

    for _ in range(2):
        told = "memory is not used for teacher 't', which is fitted each time: .*lambda"
        with pytest.warns(UserWarning, match=told):
            targets(teacher, X, y, memory=Memory(tmp_path))

    assert len(spy.fitted_on) == 6


@pytest.mark.filterwarnings("ignore:Teacher .* is frozen")
def test_memory_recalls_what_a_frozen_teacher_said_of_each_table(spy, tmp_path):
    X, y = numeric_rows()
    frozen = FrozenEstimator(spy.fit(X, y))

    for new in (X[:5], X[:5].copy(), X[:6]):
        data = training_data(X, y, unlabeled=[new])
        cross_fit([("t", frozen)], data, splits=THREE_FOLDS, memory=Memory(tmp_path))

    assert [len(rows) for rows in spy.asked_about] == [60, 5, 6]


@pytest.mark.filterwarnings("ignore:Teacher .* is frozen")
def test_memory_tells_frozen_teachers_apart(tmp_path):
    X, y = numeric_rows()

    for teacher in (LogisticRegression().fit(X, y), LogisticRegression(C=0.01).fit(X, y)):
        p = targets(FrozenEstimator(teacher), X, y, memory=Memory(tmp_path))
        assert_allclose(p, teacher.predict_proba(X), atol=1e-12)
