"""The pool of regressors: weights, combination, and quantiles of the residuals."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skdistill.table.target import weighted_quantiles
from skdistill.tasks.regression_diversity import regression_diversity
from skdistill.tasks.regression_pool import Residuals, pool_values, value_weights

RNG = np.random.RandomState(0)
Y = RNG.normal(size=(400, 2))
TEACHERS = np.stack([Y + size * RNG.normal(size=Y.shape) for size in (0.3, 0.6, 1.0)])


def squared_error(y, predictions, sample_weight=None):
    return float(np.average(np.square(y - predictions).mean(1), weights=sample_weight))


HOW = {"loss": squared_error, "find_weights": value_weights}


def test_weights_are_those_of_the_lowest_squared_error():
    weights = value_weights("auto", TEACHERS, Y)

    # Of independent errors the best weights are the inverse variances.
    expected = 1 / np.array([0.3, 0.6, 1.0]) ** 2
    assert weights.sum() == pytest.approx(1)
    assert_allclose(weights, expected / expected.sum(), atol=0.05)


def test_weights_are_not_negative_and_leave_out_a_teacher_that_adds_nothing():
    worse = TEACHERS[0] + 0.5 * RNG.normal(size=Y.shape)

    weights = value_weights("auto", np.stack([TEACHERS[0], worse]), Y)

    assert (weights >= 0).all()
    assert weights[1] < 0.02


def test_teachers_that_are_equal_share_the_weight():
    assert_allclose(value_weights("auto", np.stack([TEACHERS[0]] * 2), Y), [0.5, 0.5])


def test_a_row_of_weight_two_counts_as_two_rows():
    twice = np.r_[np.arange(400), np.arange(100)]
    weight = np.r_[np.full(100, 2.0), np.ones(300)]

    assert_allclose(
        value_weights("auto", TEACHERS, Y, weight),
        value_weights("auto", TEACHERS[:, twice], Y[twice]),
        atol=1e-3,
    )


def test_the_median_is_that_of_the_weight():
    predictions = np.array([1.0, 2.0, 10.0])[:, None, None]

    assert pool_values(predictions, np.full(3, 1 / 3), "median") == 2
    assert pool_values(predictions, np.array([0.1, 0.1, 0.8]), "median") == 10
    assert pool_values(predictions[:2], np.full(2, 0.5), "median") == 1.5


def test_predicted_quantiles_have_their_share_of_the_rows_below():
    n = 4000
    spread = RNG.uniform(0.1, 2, n)
    pooled = RNG.normal(size=n)
    y = pooled + spread * RNG.normal(size=n)

    found = Residuals.fit((0.1, 0.5, 0.9), pooled, spread, y).predict(pooled, spread)

    assert_allclose((y[:, None] < found).mean(0), [0.1, 0.5, 0.9], atol=0.01)
    for part in (spread < 0.5, spread > 1.5):  # and not only in the mean over all rows
        assert_allclose((y[part, None] < found[part]).mean(0), [0.1, 0.5, 0.9], atol=0.05)


def test_quantiles_of_few_rows_do_not_depend_on_the_spread():
    residuals = Residuals.fit((0.1, 0.9), np.zeros(20), np.arange(20.0), RNG.normal(size=20))

    assert_allclose(np.ptp(residuals.predict(np.zeros(5), np.arange(5.0)), axis=0), 0)


def test_rows_of_weight_zero_play_no_part_in_quantiles():
    y, weight = np.r_[RNG.normal(size=30), np.full(30, 1000.0)], np.r_[np.ones(30), np.zeros(30)]

    found = Residuals.fit((0.02, 0.99), np.zeros(60), np.zeros(60), y, weight)

    assert found.predict(np.zeros(1), np.zeros(1)).max() < 5


def test_a_weight_of_two_is_two_rows_for_quantiles():
    values, weight = np.arange(7.0), np.array([1, 2, 1, 3, 1, 1, 2])

    for level in (0.1, 0.25, 0.5, 0.9, 1.0):
        one = weighted_quantiles(values, [level], weight)
        assert one == weighted_quantiles(np.repeat(values, weight), [level])


def test_the_marginal_gain_is_what_a_teacher_adds():
    measures = regression_diversity(
        TEACHERS, Y, list("abc"), "auto", loss=squared_error, find_weights=value_weights
    )

    assert measures["marginal_gain"]["a"] > measures["marginal_gain"]["c"] > -1e-3
    assert measures["loss"]["a"] == pytest.approx(0.09, rel=0.1)
    assert abs(measures["error_correlation"]["a"]["b"]) < 0.1


def test_teachers_with_the_same_errors_do_not_differ():
    measures = regression_diversity(np.stack([TEACHERS[0]] * 2), Y, list("ab"), None, **HOW)

    assert measures["error_correlation"]["a"]["b"] == pytest.approx(1)
    assert measures["disagreement"]["a"]["b"] == pytest.approx(0, abs=1e-6)


def test_a_single_teacher_is_compared_with_the_mean():
    measures = regression_diversity(
        TEACHERS[:1], Y, ["a"], "auto", loss=squared_error, find_weights=value_weights
    )

    assert measures["marginal_gain"]["a"] == pytest.approx(Y.var(0).mean() - 0.09, rel=0.1)
