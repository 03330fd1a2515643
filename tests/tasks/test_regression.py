"""What the other wings ask of a task, where targets are numbers."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import (
    mean_absolute_error,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
    root_mean_squared_error,
)
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledRegressor
from skdistill.table.target import LOSSES, ROBUST
from skdistill.tasks.regression import Regression
from skdistill.tasks.regression_checks import check_quantiles
from skdistill.tasks.regression_pool import value_weights

RNG = np.random.RandomState(0)
X = RNG.normal(size=(50, 3))
Y = np.exp(X[:, 0] + 0.1 * RNG.normal(size=50)) * 1e3
PREDICTED = Y * np.exp(0.2 * RNG.normal(size=50))


def task_of(y=Y, **params):
    return Regression.check(DistilledRegressor(**params), X, y)


@pytest.mark.parametrize("loss", LOSSES)
def test_targets_come_back_as_they_were(loss):
    task, _, y, _ = task_of(loss=loss, quantile=0.5)

    assert y.shape == (50, 1)
    assert_allclose(task.in_unit_of_y(y), Y)
    if loss in ROBUST:
        assert abs(np.median(y)) < 0.1
        assert np.diff(np.quantile(y, [0.25, 0.75])) == pytest.approx(1.349, rel=0.1)
    else:
        assert_allclose(y.mean() if task.target.link == "log" else y.std(), 1)


def test_zeros_and_counts_reach_the_teachers_as_they_are():
    for seed in range(20):
        counts = np.random.RandomState(seed).poisson(0.7, 50).astype(float)
        for loss in LOSSES[:-1]:
            task, _, y, _ = task_of(counts, loss=loss, quantile=0.5)
            back = task.in_unit_of_y(y)
            assert_array_equal(back, counts)
            assert not np.signbit(back).any()


def test_an_outlier_hardly_moves_the_unit_of_robust_losses():
    outlier = np.r_[1e9, Y[1:]]

    for loss in ROBUST:
        one, other = (task_of(y, loss=loss, quantile=0.5)[0].target for y in (Y, outlier))
        assert_allclose(one.scale, other.scale, rtol=0.3)


def test_weights_minimize_the_loss():
    task, _, y, _ = task_of(loss="quantile", quantile=0.9)
    mean, quantile = y + 0.2 * RNG.normal(size=y.shape), y + 0.3 + 0.2 * RNG.normal(size=y.shape)

    weights, _ = task.fit_pool(np.stack([mean, quantile]), y, "auto", "mean", sharpen=True)

    assert weights[1] > 0.6  # by squared errors, the other one has more
    assert value_weights("auto", np.stack([mean, quantile]), y)[0] > 0.6


@pytest.mark.parametrize("loss", LOSSES)
def test_a_teacher_that_has_diverged_does_no_harm(loss):
    task, _, y, _ = task_of(loss=loss, quantile=0.5)
    good = np.abs(y + 0.1 * RNG.normal(size=y.shape)) if loss in ("poisson", "gamma") else y + 0.1
    teachers = np.stack([good, 1e9 * (1 + RNG.random_sample(y.shape))])

    weights, residuals = task.fit_pool(teachers, y, "auto", "mean", sharpen=True)

    pooled = task.pool(teachers[:, :, :1], weights, "mean", residuals)
    assert task.score(y, pooled) < 3 * task.score(y, good) + task.as_score(0.1)


def test_the_pool_of_a_quantile_predicts_it_whatever_its_teachers_predict():
    y = np.random.RandomState(1).normal(size=2000)
    task, _, encoded, _ = Regression.check(
        DistilledRegressor(loss="quantile", quantile=0.9), np.zeros((2000, 1)), y
    )
    means = np.zeros((1, 2000, 1)) - task.target.center / task.target.scale

    weights, residuals = task.fit_pool(means, encoded, "auto", "mean", sharpen=True)

    assert (encoded < task.pool(means, weights, "mean", residuals)).mean() == pytest.approx(
        0.9, abs=0.01
    )


def test_several_targets_are_standardized_one_by_one():
    _, _, y, _ = task_of(np.column_stack([Y, 1e9 + X[:, 1]]))

    assert_allclose(y.mean(0), 0, atol=1e-6)
    assert_allclose(y.std(0), 1)


@pytest.mark.parametrize(
    ("loss", "metric"),
    [
        ("squared_error", root_mean_squared_error),
        ("absolute_error", mean_absolute_error),
        ("quantile", lambda y, p: mean_pinball_loss(y, p, alpha=0.8)),
        ("poisson", mean_poisson_deviance),
        ("gamma", mean_gamma_deviance),
    ],
)
def test_the_score_is_the_metric_of_the_loss_in_the_unit_of_y(loss, metric):
    task, _, y, _ = task_of(loss=loss, quantile=0.8)

    soft_targets = task.target.scaled(PREDICTED[:, None])

    assert task.score(y, soft_targets) == pytest.approx(metric(Y, PREDICTED))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_score_is_that_of_the_mean_of_the_losses_of_rows(loss):
    task, _, y, _ = task_of(loss=loss, quantile=0.8)
    soft_targets = task.target.scaled(PREDICTED[:, None])
    outputs = np.log(soft_targets) if task.target.link == "log" else soft_targets

    losses = task.label_losses(torch.as_tensor(outputs), torch.as_tensor(y))

    assert task.as_score(losses.mean().item()) == pytest.approx(task.score(y, soft_targets))


def test_a_row_without_target_has_none():
    task, _, y, _ = task_of()

    assert_array_equal(task.has_target(np.vstack([y[:1], task.without_target(1)])), [True, False])


def test_the_weights_of_the_pool_follow_the_errors():
    task, _, y, _ = task_of()
    good, bad = y + 0.1 * RNG.normal(size=y.shape), y + RNG.normal(size=y.shape)

    weights, _ = task.fit_pool(np.stack([good, bad]), y, "auto", "mean", sharpen=True)

    assert weights.sum() == pytest.approx(1)
    assert weights[0] > 0.9


def test_quantiles_of_the_pool_are_above_and_below_its_mean():
    task, _, y, _ = task_of(quantiles=(0.1, 0.9))
    spread = np.linspace(0.05, 1, 50)[:, None]
    one = y + spread * RNG.normal(size=y.shape)
    teachers = np.stack([one + spread, one - spread])

    weights, residuals = task.fit_pool(teachers, y, None, "mean", sharpen=True)
    pooled = task.pool(teachers, weights, "mean", residuals)

    assert pooled.shape == (50, 3)
    assert (pooled[:, 1] < pooled[:, 0]).all()
    assert (pooled[:, 0] < pooled[:, 2]).all()
    assert_allclose(pooled[:, 0], one[:, 0])


def test_predictions_out_of_bag_are_missing_for_rows_in_every_bag():
    task, *_ = task_of()
    with pytest.warns(UserWarning, match="Some inputs do not have OOB scores"):
        forest = RandomForestRegressor(2, oob_score=True, random_state=0).fit(X, Y)

    of_bags = task.predict_out_of_bag(forest, np.arange(1), 50)

    lacking = np.isnan(of_bags[:, 0])
    assert 0 < lacking.sum() < 50
    assert_allclose(task.in_unit_of_y(of_bags)[~lacking], forest.oob_prediction_[~lacking])


def test_a_mean_that_has_no_logarithm_becomes_a_small_one():
    task, *_ = task_of(loss="poisson")

    assert (task.place_columns(np.full(5, -1.0), None, 5) > 0).all()


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        (np.ones((5, 2)), r"shape \(5, 2\), expected \(5, 1\)"),
        (np.r_[np.nan, np.ones(4)], "NaN or infinity for 1 of 5 rows, first in row 0"),
    ],
)
def test_predictions_that_are_no_targets_are_refused(predictions, message):
    with pytest.raises(ValueError, match=message):
        task_of()[0].place_columns(predictions, None, 5)


def test_a_classifier_is_refused_as_a_teacher():
    with pytest.raises(ValueError, match="'tree' must be a regressor, got DecisionTreeClassifier"):
        task_of()[0].check_teacher("tree", DecisionTreeClassifier())
    task_of()[0].check_teacher("linear", LinearRegression())


@pytest.mark.parametrize(
    ("params", "y", "message"),
    [
        ({"loss": "poisson"}, -Y, "must not be negative, but y has -"),
        ({"loss": "gamma"}, np.r_[0.0, Y[1:]], "must be above 0, but y has 0 in row 0"),
        ({"loss": "quantile"}, Y, "needs a quantile above 0 and below 1"),
        ({"quantiles": (0.1,)}, np.column_stack([Y, Y]), "are of a single target"),
        ({}, np.array(["a", "b"] * 25), "y must hold numbers, got a of dtype <U1"),
        ({}, np.arange(50).astype("datetime64[D]"), "y must hold numbers, got 1970-01-01"),
        ({}, np.r_[np.inf, Y[1:]], "first in row 0: drop rows without a target"),
    ],
)
def test_targets_that_cannot_be_learned_are_refused(params, y, message):
    with pytest.raises(ValueError, match=message):
        task_of(y, **params)


def test_a_constant_target_is_refused_of_the_rows_that_count():
    task, _, y, weight = Regression.check(
        DistilledRegressor(), X, np.r_[1.0, np.full(49, 7.0)], np.r_[0.0, np.ones(49)]
    )

    with pytest.raises(ValueError, match=r"constant: all n_samples=49 rows that count .* target 7"):
        task.check_learnable(y, weight)


@pytest.mark.parametrize(
    "quantiles", [(0.0, 0.5), (0.5, 1.0), (0.5, 0.5), (), 0.5, ("a",), [[0.5]]]
)
def test_quantiles_that_are_none_are_refused(quantiles):
    with pytest.raises(ValueError, match="distinct numbers above 0 and below 1"):
        check_quantiles(quantiles)


def test_quantiles_are_sorted():
    assert check_quantiles([0.9, 0.1]) == (0.1, 0.9)
    assert check_quantiles(None) == ()
