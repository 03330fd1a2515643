"""Teachers that fit their folds side by side: nets, and XGBoost with early stopping."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from xgboost import XGBClassifier

from skdistill import NetClassifier, StudentMLP, TableClassifier, TensorNet
from skdistill.nets.stack import Stack
from skdistill.soft_targets.cross_fitting import cross_fit
from skdistill.soft_targets.plan import group_fits, plan_fits
from skdistill.table.training_data import TrainingData
from skdistill.tasks.classification import Classification
from tests.small import Linear, mixed_table, numeric_rows, quick_classifier, training_data

X, Y = numeric_rows(150)
SPLITS = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, Y))


def net(side_by_side=True, **params):
    params = {"max_epochs": 15, "lr": 1e-2, "module__hidden_sizes": (16,)} | params
    net = TensorNet(StudentMLP, **params)
    return NetClassifier(net, side_by_side=side_by_side, random_state=0)


def boosted(side_by_side=True, **params):
    params = {"n_estimators": 60, "early_stopping_rounds": 5, "random_state": 0} | params
    return TableClassifier(XGBClassifier(**params), side_by_side=side_by_side)


TEACHERS = {"net": net(), "xgb": boosted()}


def fitted(teacher, data, **kwargs):
    kwargs = {"splits": SPLITS, "refit": True, "keep": True} | kwargs
    return cross_fit([("t", teacher)], data, **kwargs)


@pytest.mark.parametrize("kind", TEACHERS)
def test_their_soft_targets_are_good_and_sum_to_one(kind):
    soft_targets, _ = fitted(TEACHERS[kind], training_data(X, Y))

    assert_allclose(soft_targets.labeled[0].sum(1), 1)
    assert log_loss(Y, soft_targets.labeled[0]) < 0.7


@pytest.mark.parametrize("kind", TEACHERS)
def test_the_teacher_on_all_rows_is_kept_and_predicts(kind):
    data = training_data(X, Y, unlabeled=[X[:20] + 0.1])

    soft_targets, (teacher,) = fitted(TEACHERS[kind], data)

    assert_allclose(soft_targets.refitted[0][0], teacher.predict_proba(X[:20] + 0.1), atol=1e-6)
    assert abs(soft_targets.refitted[0] - soft_targets.unlabeled[0]).max() > 1e-3
    assert (teacher.predict_proba(X).argmax(1) == Y).mean() > 0.85


@pytest.mark.parametrize("kind", TEACHERS)
def test_validation_rows_neither_train_a_fold_nor_count_its_epochs(kind):
    held_out = np.arange(150) % 5 == 0
    changed = np.where(held_out, (Y + 1) % 3, Y)

    one, other = (
        fitted(TEACHERS[kind], training_data(X, y, held_out=held_out), refit=False)[0]
        for y in (Y, changed)
    )

    assert_array_equal(one.labeled, other.labeled)


def test_the_net_on_all_rows_drops_weak_bins_where_folds_are_too_small_for_bins():
    X, y = numeric_rows(1_500, n_classes=2)
    X = np.column_stack([X, np.random.RandomState(0).rand(1_500)])  # the last says nothing
    splits = list(StratifiedKFold(2).split(X, y))  # of 750 rows
    teacher = net(max_epochs=1)

    _, (fitted_one,) = fitted(teacher, training_data(X, y), splits=splits)

    weak = fitted_one.estimator.net_.module_.layout.weak_bins
    assert weak == fitted_one.estimator.inputs_.layout.weak_bins
    assert weak[-1]
    assert not all(weak)


def test_nets_that_are_asked_for_bfloat16_are_trained_alone():
    assert not net(mixed_precision=True).can_fit_folds(X)
    assert net(mixed_precision="auto").can_fit_folds(X)


@pytest.mark.parametrize("kind", TEACHERS)
def test_rows_of_weight_zero_train_nothing(kind):
    weight = (np.arange(150) % 4 > 0).astype(float)
    changed = np.where(weight > 0, Y, (Y + 1) % 3)

    one, other = (
        fitted(TEACHERS[kind], training_data(X, y, sample_weight=weight), refit=False)[0]
        for y in (Y, changed)
    )

    assert_array_equal(one.labeled, other.labeled)


@pytest.mark.parametrize("kind", TEACHERS)
def test_mixed_tables_are_fitted_side_by_side(kind):
    frame, labels = mixed_table(150)
    data = TrainingData.check(quick_classifier(), Classification, frame, labels)

    soft_targets, _ = fitted(TEACHERS[kind], data)

    assert log_loss(data.y, soft_targets.labeled[0]) < 0.65


@pytest.mark.parametrize("kind", TEACHERS)
def test_a_fold_that_lacks_a_class_is_fitted_by_itself(kind):
    y = Y.copy()
    y[SPLITS[0][1]] = 3  # a class that no other fold holds out

    soft_targets, _ = fitted(TEACHERS[kind], training_data(X, y), refit=False, keep=False)

    assert (soft_targets.labeled[0][SPLITS[0][1], 3] == 0).all()


def groups(teacher, data):
    fits = plan_fits("t", teacher, data, SPLITS, out_of_bag=False, refit=True, keep=False)
    return [len(group) for group in group_fits(teacher, fits, data)]


def test_a_net_with_more_than_settings_is_fitted_fold_by_fold():
    data = training_data(X, Y)
    own = NetClassifier(TensorNet(Linear), side_by_side=True)
    watched = net(callbacks=[("nothing", None)])

    assert groups(net(), data) == groups(boosted(), data) == [4]
    assert groups(net(False), data) == groups(boosted(False), data) == [1, 1, 1, 1]
    assert groups(own, data) == groups(watched, data) == [1, 1, 1, 1]
    assert groups(boosted(early_stopping_rounds=None), data) == [1, 1, 1, 1]


def test_all_folds_of_xgboost_have_the_rounds_of_the_lowest_mean_loss():
    data = training_data(X, Y)
    names = ["a", "b", "c", "all"]
    splits = [*SPLITS, (np.arange(150), np.arange(0))]

    *folds, last = boosted().fit_folds(data, splits, names)

    n_rounds = last.classifier_.get_num_boosting_rounds()
    assert {each.classifier_.best_iteration + 1 for each in folds} == {n_rounds}
    curves = [each.classifier_.evals_result()["validation_0"]["mlogloss"] for each in folds]
    shortest = min(map(len, curves))
    mean = np.mean([curve[:shortest] for curve in curves], axis=0)
    assert n_rounds == mean.argmin() + 1


def test_the_bins_of_a_fold_follow_its_own_labels():
    X, y = numeric_rows(1500)
    data = training_data(X, y)
    splits = [(np.arange(1100), np.arange(1100, 1500)), (np.arange(400, 1500), np.arange(400))]

    one, other = net(max_epochs=1).fit_folds(data, splits, ["a", "b"])

    assert one.inputs_.layout == other.inputs_.layout
    pairs = zip(one.inputs_.split_points, other.inputs_.split_points)
    assert not all(np.array_equal(a, b) for a, b in pairs)


def test_a_net_that_diverges_is_named_with_its_fold():
    with pytest.raises(ValueError, match=r"Teacher 't' failed.*diverged on fold 1 of 3.*net__lr"):
        fitted(net(lr=1e38), training_data(X, Y))


def test_without_test_rows_that_count_xgboost_has_its_usual_rounds():
    held_out = np.arange(150) < 100
    data = training_data(X, Y, held_out=held_out)
    splits = [(np.arange(100, 150), np.arange(0)), (np.arange(100, 150), np.arange(0))]

    one, other = boosted(n_estimators=500).fit_folds(data, splits, ["a", "b"])

    assert one.classifier_.get_num_boosting_rounds() == 100
    assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def test_a_stack_that_does_not_fit_into_memory_gets_smaller_batches(monkeypatch):
    def forward(self, X, bins=None):
        if self.training and X.shape[1] > 60:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return whole(self, X, bins)

    whole = Stack.forward
    monkeypatch.setattr(Stack, "forward", forward)

    with pytest.warns(UserWarning, match="batches of 64 rows: training starts again .* 32"):
        soft_targets, _ = fitted(net(batch_size=64), training_data(X, Y))

    assert log_loss(Y, soft_targets.labeled[0]) < 0.7
