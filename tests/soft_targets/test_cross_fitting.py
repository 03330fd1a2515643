from itertools import count

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted
from xgboost import XGBClassifier

from skdistill import CallableTeacher, NetClassifier, StudentMLP, TeacherEnsemble, TensorNet
from skdistill.jobs.clock import LABELLING, Clock
from skdistill.soft_targets import cross_fitting
from skdistill.soft_targets.cross_fitting import cross_fit
from skdistill.tasks.classification import Classification
from tests.small import Spy, mixed_table, numeric_rows, training_data, two_trees

CLASSES = np.arange(3)
TASK = Classification(CLASSES)
THREE_FOLDS = list(KFold(3).split(np.zeros(60)))


def quick_net():
    return NetClassifier(TensorNet(StudentMLP, max_epochs=3), random_state=0)


def targets(teacher, X, y, *, splits=THREE_FOLDS, sample_weight=None, **kwargs):
    data = training_data(X, y, CLASSES, sample_weight=sample_weight)
    soft_targets, _ = cross_fit([("t", teacher)], data, splits=splits, **kwargs)
    return soft_targets.labeled[0]


def test_soft_targets_ignore_the_labels_of_their_own_fold():
    X, y = numeric_rows()
    held_out = THREE_FOLDS[1][1]
    changed = y.copy()
    changed[held_out] = (y[held_out] + 1) % 3

    before = targets(KNeighborsClassifier(1), X, y)
    after = targets(KNeighborsClassifier(1), X, changed)

    assert_array_equal(before[held_out], after[held_out])


def test_soft_targets_are_those_of_scikit_learn_on_the_same_folds():
    X, y = numeric_rows()
    train, test = THREE_FOLDS[0]

    by_hand = LogisticRegression().fit(X[train], y[train]).predict_proba(X[test])

    assert_allclose(targets(LogisticRegression(), X, y)[test], by_hand, atol=1e-12)


def test_a_teacher_labels_the_rows_it_was_fitted_on_without_splits():
    X, y = numeric_rows()

    in_sample = targets(DecisionTreeClassifier(random_state=0), X, y, splits=None)

    assert_array_equal(in_sample, np.eye(3)[y])


@pytest.mark.parametrize("missing", [0, 1, 2])
@pytest.mark.parametrize(
    "teacher",
    [DecisionTreeClassifier(), LogisticRegression(), XGBClassifier(n_estimators=3), quick_net()],
    ids=lambda teacher: type(teacher).__name__,
)
def test_a_class_that_a_fold_misses_has_probability_zero_in_its_own_column(teacher, missing):
    X, y = numeric_rows()
    lacking = y == missing
    splits = [(np.flatnonzero(~lacking), np.flatnonzero(lacking))]
    splits += [(np.flatnonzero(lacking | (X[:, 0] > 0)), np.flatnonzero(~lacking))]

    p = targets(teacher, X, y, splits=splits)

    assert (p[lacking, missing] == 0).all()
    assert (np.delete(p[lacking], missing, axis=1) > 0).any(0).all()
    assert_allclose(p.sum(1), 1)


@pytest.mark.parametrize(
    "teacher",
    [DecisionTreeClassifier(), LogisticRegression(), XGBClassifier(n_estimators=3), quick_net()],
    ids=lambda teacher: type(teacher).__name__,
)
def test_a_fold_with_a_single_class_says_that_class(teacher):
    X, _ = numeric_rows()
    y = (np.arange(60) == 0).astype(int)

    p = targets(teacher, X, y)

    assert_array_equal(p[THREE_FOLDS[0][1]], np.tile([1.0, 0, 0], (20, 1)))


def test_targets_do_not_depend_on_the_number_of_jobs():
    X, y = numeric_rows()

    alone = targets(RandomForestClassifier(3, random_state=0), X, y)
    with joblib.parallel_config(backend="threading"):
        together = targets(RandomForestClassifier(3, random_state=0), X, y, n_jobs=2)

    assert_array_equal(alone, together)


def test_the_teachers_that_were_given_stay_unfitted():
    X, y = numeric_rows()
    teacher = DecisionTreeClassifier()

    targets(teacher, X, y, refit=True)

    with pytest.raises(NotFittedError):
        check_is_fitted(teacher)


def test_teachers_are_fitted_on_all_rows_only_when_asked():
    X, y = numeric_rows()

    *_, none = cross_fit(two_trees(), training_data(X, y), splits=THREE_FOLDS)
    *_, both = cross_fit(
        two_trees(), training_data(X, y), splits=THREE_FOLDS, refit=True, keep=True
    )

    assert none == []
    assert [teacher.name for teacher in both] == ["deep", "stump"]
    assert_array_equal(both[0].predict_proba(X), np.eye(3)[y])


def test_a_teacher_receives_the_frame_as_it_is(spy):
    frame, labels = mixed_table()
    y = (labels == "yes").astype(int)

    targets(spy, frame, y)

    for (X, _, _), (train, _) in zip(spy.fitted_on, THREE_FOLDS):
        assert X.equals(frame.iloc[train])
        assert (X.dtypes == frame.dtypes).all()


def test_each_fold_gets_the_sample_weights_of_its_rows_scaled_to_mean_one(spy):
    X, y = numeric_rows()
    weight = np.arange(1.0, 61.0)

    targets(spy, X, y, sample_weight=weight)

    assert len(spy.fitted_on) == 3
    for (_, _, given), (train, _) in zip(spy.fitted_on, THREE_FOLDS):
        assert_allclose(given, weight[train] / 30.5)


def test_the_last_step_of_a_pipeline_gets_the_sample_weights(spy):
    X, y = numeric_rows()

    teacher = make_pipeline(StandardScaler(), spy)
    targets(teacher, X, y, sample_weight=np.arange(1.0, 61.0))

    assert_allclose(spy.fitted_on[0][2], (THREE_FOLDS[0][0] + 1) / 30.5)


def test_the_last_step_of_a_pipeline_gets_the_sample_weights_under_metadata_routing_too(spy):
    X, y = numeric_rows()

    with config_context(enable_metadata_routing=True):
        teacher = make_pipeline(StandardScaler(), spy)
        targets(teacher, X, y, sample_weight=np.full(60, 2.0))

    assert_array_equal(spy.fitted_on[0][2], np.ones(40))


def test_no_teacher_is_fitted_on_rows_of_weight_zero(spy):
    X, y = numeric_rows()
    weight = np.tile([0.0, 2.0, 2.0], 20)

    targets(spy, X, y, sample_weight=weight, refit=True)

    assert [len(labels) for _, labels, _ in spy.fitted_on] == [27, 27, 26, 40]
    assert all((weights == 1).all() for _, _, weights in spy.fitted_on)


def test_a_teacher_that_takes_no_sample_weights_gets_none():
    X, y = numeric_rows()

    weighted = targets(KNeighborsClassifier(), X, y, sample_weight=np.arange(1.0, 61.0))

    assert_array_equal(weighted, targets(KNeighborsClassifier(), X, y))


def test_verbose_prints_a_line_for_each_teacher_and_fold(capsys):
    X, y = numeric_rows()

    cross_fit(two_trees(), training_data(X, y), splits=THREE_FOLDS, refit=True, verbose=1)

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * (3 + 1)
    assert lines[0].startswith("teachers 1/8 ")
    assert "stump, fold 1 of 3" in lines[0]
    assert "deep, all rows" in lines[-1]


def test_nothing_is_printed_unless_asked_for(capsys):
    X, y = numeric_rows()

    cross_fit(two_trees(), training_data(X, y), splits=THREE_FOLDS)

    assert capsys.readouterr().out == ""


def test_a_fold_whose_training_rows_are_all_of_weight_zero_is_refused():
    X, y = numeric_rows()
    weight = (np.arange(60) < 20).astype(float)
    folds = [(np.arange(20), np.arange(20, 60)), (np.arange(20, 60), np.arange(20))]

    with pytest.raises(ValueError, match="cv has a fold without training rows"):
        TeacherEnsemble(two_trees(), cv=folds).fit(X, y, sample_weight=weight)


def test_unlabeled_rows_get_the_mean_of_the_folds_and_the_teacher_of_all_rows():
    X, y = numeric_rows()
    new, teacher = X[:7] + 0.1, LogisticRegression()
    of_folds = [teacher.fit(X[train], y[train]).predict_proba(new) for train, _ in THREE_FOLDS]
    of_all = teacher.fit(X, y).predict_proba(new)
    data = training_data(X, y, unlabeled=[new])

    refitted, _ = cross_fit([("t", teacher)], data, splits=THREE_FOLDS, refit=True)
    once, _ = cross_fit([("t", teacher)], data, splits=THREE_FOLDS)
    in_sample, _ = cross_fit([("t", teacher)], data, splits=None, refit=True, keep=True)

    assert_allclose(refitted.unlabeled[0][0], np.mean(of_folds, axis=0), atol=1e-9)
    assert_allclose(refitted.refitted[0][0], of_all, atol=1e-9)
    assert_allclose(once.refitted[0][0], np.mean(of_folds, axis=0), atol=1e-9)
    assert_allclose(in_sample.refitted[0][0], of_all, atol=1e-9)


def test_scores_are_scaled_on_the_rows_of_each_fold_and_on_all_rows():
    X, y = numeric_rows()
    data = training_data(X, y, CLASSES, unlabeled=[X[:9]])
    box = CallableTeacher(
        LogisticRegression().fit(X, y).decision_function, CLASSES, output="scores"
    )

    refitted, (kept,) = cross_fit([("t", box)], data, splits=THREE_FOLDS, refit=True, keep=True)
    once, _ = cross_fit([("t", box)], data, splits=THREE_FOLDS)

    assert_array_equal(once.unlabeled[0], once.refitted[0])
    assert_array_equal(once.unlabeled[0], refitted.unlabeled[0])
    assert abs(refitted.refitted[0] - refitted.unlabeled[0]).max() > 1e-4
    assert_allclose(kept.predict_proba(X[:9]), refitted.refitted[0][0])


def test_a_forest_labels_the_rows_held_out_by_all_of_its_trees():
    X, y = numeric_rows()
    held_out = np.arange(60) < 10
    forest = RandomForestClassifier(60, oob_score=True, random_state=0)
    by_hand = forest.fit(X[~held_out], y[~held_out])
    data = training_data(X, y, held_out=held_out)

    p, _ = cross_fit([("t", forest)], data, splits=THREE_FOLDS, out_of_bag=True)

    assert_allclose(p.labeled[0][held_out], by_hand.predict_proba(X[held_out]))
    assert_allclose(p.labeled[0][~held_out], by_hand.oob_decision_function_)


def test_weights_of_equal_ratios_are_equal_to_the_last_digit(spy):
    X, y = numeric_rows()
    weight = np.random.RandomState(0).uniform(1, 2, 60)

    for each in (weight, weight * 0.7, weight / 3):
        targets(spy, X, y, sample_weight=each)

    given = [weights for *_, weights in spy.fitted_on]
    assert given[0].dtype == np.float64
    assert_array_equal(given[:3], given[3:6])
    assert_array_equal(given[:3], given[6:])


@pytest.mark.filterwarnings("ignore:Teacher .* is frozen")
def test_verbose_names_the_tables_that_a_frozen_teacher_labels(spy, capsys):
    X, y = numeric_rows()
    data = training_data(X, y, unlabeled=[X[:5], X[:6]])

    teachers = [("old", FrozenEstimator(spy.fit(X, y)))]
    cross_fit(teachers, data, splits=THREE_FOLDS, verbose=1)

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("teachers 1/3")
    assert [line.partition("last: ")[2] for line in lines[:3]] == [
        "old, all rows",
        "old, unlabeled rows 1",
        "old, unlabeled rows 2",
    ]


def test_verbose_tells_which_fits_are_made_side_by_side(capsys):
    X, y = numeric_rows()
    net = NetClassifier(TensorNet(StudentMLP, max_epochs=2), side_by_side=True, random_state=0)

    cross_fit([("t", net)], training_data(X, y), splits=THREE_FOLDS, refit=True, verbose=1)

    assert "t, 4 fits side by side" in capsys.readouterr().out


class Together(DecisionTreeClassifier):
    """Trees that are fitted side by side."""

    def can_fit_folds(self, X):
        return True

    def fit_folds(self, data, splits, names):
        self.told.append((splits, names))
        return [clone(self).fit(data.X[train], data.y[train]) for train, _ in splits]


def test_fits_side_by_side_label_as_those_one_by_one(monkeypatch):
    monkeypatch.setattr(Together, "told", [], raising=False)
    X, y = numeric_rows()
    held_out = np.arange(60) % 10 == 0
    data = training_data(X, y, held_out=held_out, unlabeled=[X[:7] + 0.1])
    how = {"splits": THREE_FOLDS, "refit": True, "keep": True}
    own = {"max_depth": 2, "random_state": 0}

    one, (a,) = cross_fit([("t", DecisionTreeClassifier(**own))], data, **how)
    other, (b,) = cross_fit([("t", Together(**own))], data, **how)

    assert_array_equal(one.labeled, other.labeled)
    assert_array_equal(one.unlabeled[0], other.unlabeled[0])
    assert_array_equal(one.refitted[0], other.refitted[0])
    assert_array_equal(a.predict_proba(X), b.predict_proba(X))
    assert (b.name, b.classes_.tolist()) == ("t", [0, 1, 2])
    ((splits, names),) = Together.told
    assert names == ["fold 1 of 3", "fold 2 of 3", "fold 3 of 3", "all rows"]
    assert [len(test) for _, test in splits] == [18, 18, 18, 0]


def test_an_error_of_fits_side_by_side_names_the_teacher(monkeypatch):
    monkeypatch.setattr(Together, "fit_folds", None)
    X, y = numeric_rows()

    with pytest.raises(ValueError, match=r"Teacher 't' failed on 3 fits side by side: TypeError"):
        targets(Together(), X, y)


def test_an_error_in_labelling_names_teacher_and_fold(monkeypatch):
    monkeypatch.setattr(Together, "told", [], raising=False)
    monkeypatch.setattr(Together, "predict_proba", None)
    X, y = numeric_rows()

    with pytest.raises(ValueError, match=r"Teacher 't' failed on fold 1 of 3: .*TruncatedSVD"):
        targets(Together(), csr_matrix(X), y)


@pytest.fixture
def ticks(monkeypatch):
    """A clock in which each look at it takes one second."""
    monkeypatch.setattr(cross_fitting, "perf_counter", count(100.0).__next__)


def test_the_seconds_of_all_fits_are_added_up_by_teacher(ticks, spy):
    X, y = numeric_rows()
    clock = Clock()

    teachers = [("a", spy), ("b", spy)]
    cross_fit(teachers, training_data(X, y), splits=THREE_FOLDS, refit=True, clock=clock)

    assert list(clock.of_teachers.items()) == [("a", 4), ("b", 4)]
    assert clock.of_parts[LABELLING] == 8


def test_the_seconds_of_fits_side_by_side_are_those_of_all_together(ticks):
    X, y = numeric_rows()
    net = NetClassifier(TensorNet(StudentMLP, max_epochs=2), side_by_side=True, random_state=0)
    clock = Clock()

    cross_fit([("t", net)], training_data(X, y), splits=THREE_FOLDS, refit=True, clock=clock)

    assert clock.of_teachers == {"t": 1}
    assert clock.of_parts[LABELLING] == 4


class Failing(Spy):
    def __init__(self, error=None):
        self.error = error

    def fit(self, X, y, sample_weight=None):
        raise self.error


@pytest.mark.parametrize(
    ("convert", "error", "has_hint"),
    [
        (np.asarray, ValueError("no"), False),
        (csr_matrix, ValueError("no"), True),
        (csr_matrix, TypeError("no"), True),
        (csr_matrix, KeyError("no"), False),
    ],
)
def test_an_error_names_teacher_and_fold_and_what_to_do_about_sparse_rows(convert, error, has_hint):
    X, y = numeric_rows()

    with pytest.raises(ValueError, match=r"Teacher 't' failed on fold 1 of 3: \w+: .*no") as told:
        targets(Failing(error), convert(X), y)

    assert ("TruncatedSVD" in str(told.value)) == has_hint
    assert type(told.value.__cause__) is type(error)
