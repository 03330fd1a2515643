import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted
from xgboost import XGBClassifier

from skdistill import NetClassifier, StudentMLP, TeacherEnsemble, TensorNet
from skdistill.soft_targets.cross_fitting import cross_fit
from skdistill.tasks.classification import Classification
from tests.small import mixed_table, numeric_rows, training_data, two_trees

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
    assert "stump, fold 1 of 3" in lines[0]
    assert "deep, all rows" in lines[-1]


def test_a_fold_whose_training_rows_are_all_of_weight_zero_is_refused():
    X, y = numeric_rows()
    weight = (np.arange(60) < 20).astype(float)
    folds = [(np.arange(20), np.arange(20, 60)), (np.arange(20, 60), np.arange(20))]

    with pytest.raises(ValueError, match="cv has a fold without training rows"):
        TeacherEnsemble(two_trees(), cv=folds).fit(X, y, sample_weight=weight)
