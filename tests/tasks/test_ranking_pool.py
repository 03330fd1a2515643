"""The pool of rankers: slopes that make scores comparable, and weights."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import check_grad

from skdistill.tasks.ranking_pool import (
    Queries,
    RankingPool,
    best_slope,
    ranking_diversity,
    ranking_weights,
)

RNG = np.random.RandomState(0)
QUERY = RNG.permutation(np.arange(6000) // 6)
TRUTH = RNG.normal(size=6000)
LEVEL = 5 * RNG.normal(size=1000)[QUERY]  # differs between queries, not within
Y = np.column_stack([np.digitize(TRUTH, [0, 1]), QUERY]).astype(float)
SCORES = np.stack([TRUTH + size * RNG.normal(size=6000) for size in (0.3, 0.8, 2.0)])
QUERIES = Queries(Y)


def test_the_gradient_is_that_of_the_loss():
    queries = Queries(Y[QUERY < 50])
    scores = SCORES[0][QUERY < 50][queries.rows]

    error = check_grad(lambda s: queries.loss(s)[0], lambda s: queries.loss(s)[1], scores)

    assert error < 1e-6


def test_queries_of_equal_labels_and_rows_of_no_weight_play_no_part():
    y, weight = Y.copy(), np.ones(6000)
    y[QUERY < 300, 0] = 2
    weight[(QUERY >= 300) & (QUERY < 500)] = 0

    queries = Queries(y, weight)

    assert queries.rows.sum() == 6 * queries.n_queries
    assert 300 < queries.n_queries <= 500
    assert best_slope(SCORES[0], queries)[1] == pytest.approx(
        best_slope(SCORES[0][QUERY >= 500], Queries(y[QUERY >= 500]))[1], rel=1e-4
    )


def test_weights_of_queries_are_like_repetitions():
    twice = np.where(QUERY < 500, 2.0, 1.0)
    again = np.flatnonzero(QUERY < 500)
    y = np.concatenate([Y, Y[again] + [0, 1000]])

    one = best_slope(SCORES[1], Queries(Y, twice))
    other = best_slope(np.append(SCORES[1], SCORES[1][again]), Queries(y))

    assert_allclose(one, other, rtol=1e-3)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_a_slope_undoes_the_scale_of_scores(scale):
    slope, loss = best_slope(SCORES[1], QUERIES)

    assert_allclose(
        best_slope(scale * SCORES[1] + LEVEL, QUERIES), (slope / scale, loss), rtol=1e-3
    )


def test_a_surer_teacher_has_a_larger_slope():
    pool = RankingPool.fit(SCORES, QUERIES)

    assert pool.slopes[0] > pool.slopes[1] > pool.slopes[2] > 0


def test_a_teacher_that_orders_the_wrong_way_round_or_not_at_all_is_not_turned():
    uniform = QUERIES.loss(np.zeros(QUERIES.rows.sum()))[0]

    assert best_slope(-TRUTH, QUERIES) == pytest.approx((0, uniform), abs=1e-3)
    assert best_slope(LEVEL, QUERIES)[1] == pytest.approx(uniform)


def test_weights_favor_the_better_teacher_and_sum_to_one():
    scaled = RankingPool.fit(SCORES, QUERIES).scaled(SCORES)

    weights = ranking_weights("auto", scaled, QUERIES)

    assert weights.sum() == pytest.approx(1)
    assert weights[0] > 0.5
    assert weights.min() >= 0
    assert_allclose(ranking_weights(None, scaled, QUERIES), 1 / 3)
    assert_allclose(ranking_weights([2, 1, 1], scaled, QUERIES), [0.5, 0.25, 0.25])


def test_a_copy_of_a_teacher_shares_its_weight():
    scaled = RankingPool.fit(SCORES, QUERIES).scaled(SCORES)[[0, 0, 1]]

    weights = ranking_weights("auto", scaled, QUERIES)

    assert weights[0] == pytest.approx(weights[1], abs=1e-3)


def test_the_pool_is_the_weighted_mean_of_scaled_scores():
    pool = RankingPool(np.array([1.0, 2.0, 0.5]), np.array([0.0, 1.0, 2.0]), sharpness=3.0)

    pooled = pool.pool(SCORES, np.array([0.5, 0.5, 0.0]))

    assert_allclose(pooled, 3 * (0.5 * SCORES[0] + SCORES[1] - 1))
    middle = np.median(pool.scaled(SCORES), axis=0)
    assert_allclose(pool.pool(SCORES, np.full(3, 1 / 3), "median"), 3 * middle)


def test_diversity_names_what_is_redundant():
    scores = SCORES[[0, 0, 1]]
    scaled = RankingPool.fit(scores, QUERIES).scaled(scores)

    found = ranking_diversity(scaled, QUERIES, ["a", "copy", "b"], "auto")

    assert found["loss"]["a"] == found["loss"]["copy"] < found["loss"]["b"]
    assert abs(found["marginal_gain"]["copy"]) < 0.01 * found["loss"]["a"]
    assert found["error_correlation"]["a"]["copy"] == pytest.approx(1)
    assert found["disagreement"]["a"]["b"] > 0.1
    alone = ranking_diversity(scaled[:1], QUERIES, ["a"], None)
    assert alone["marginal_gain"]["a"] > 0.1
