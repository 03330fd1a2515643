import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import log_loss

from skdistill import pool
from skdistill.tasks.pooling import COMBINATIONS, pool_sharpness, pool_weights, sharpen

# Three teachers, one row, two classes.
THREE = np.array([[[0.9, 0.1]], [[0.6, 0.4]], [[0.2, 0.8]]])
EQUAL = np.full(3, 1 / 3)


def good_and_bad_teacher(n_samples=400, seed=0):
    """Soft targets of a teacher that knows much, and of one that guesses, with labels."""
    rng = np.random.RandomState(seed)
    y = rng.randint(3, size=n_samples)
    good = rng.dirichlet(np.ones(3), n_samples) + 2 * np.eye(3)[y]
    bad = rng.dirichlet(np.ones(3), n_samples)
    return np.stack([good / good.sum(1, keepdims=True), bad]), y


def pooled_loss(soft_targets, weights, y, combination="mean"):
    return log_loss(y, pool(soft_targets, np.asarray(weights), combination))


def test_the_mean_by_hand():
    assert_allclose(pool(THREE, np.array([0.5, 0.25, 0.25])), [[0.65, 0.35]])


def test_the_geometric_mean_by_hand():
    weights = np.array([0.5, 0.5, 0.0])
    first, second = np.sqrt(0.9 * 0.6), np.sqrt(0.1 * 0.4)

    pooled = pool(THREE, weights, "geometric")

    assert_allclose(pooled, [[first / (first + second), second / (first + second)]])


def test_the_median_by_hand():
    assert_allclose(pool(THREE, EQUAL, "median"), [[0.6, 0.4]])


def test_the_weighted_median_by_hand():
    # Class 0 in order: 0.2 (weight 0.6) reaches half at once; class 1: 0.1, 0.4, then 0.8.
    assert_allclose(pool(THREE, np.array([0.2, 0.2, 0.6]), "median"), [[0.2, 0.8]])


def test_medians_are_made_to_sum_to_one():
    P = np.array([[[0.8, 0.1, 0.1]], [[0.1, 0.8, 0.1]], [[0.2, 0.1, 0.7]]])

    assert_allclose(pool(P, EQUAL, "median"), [[0.5, 0.25, 0.25]])


def test_the_vote_by_hand():
    assert_allclose(pool(THREE, np.array([0.5, 0.2, 0.3]), "vote"), [[0.7, 0.3]])


def test_a_geometric_mean_lets_a_teacher_veto():
    P = np.array([[[0.99, 0.01]], [[0.0, 1.0]]])

    pooled = pool(P, np.array([0.5, 0.5]), "geometric")

    assert pooled[0, 0] < 0.01


def test_the_median_of_teachers_that_agree_on_nothing_is_their_mean():
    sure_of_another = np.eye(3)[:, None, :]

    assert_allclose(pool(sure_of_another, EQUAL, "median"), [[1 / 3, 1 / 3, 1 / 3]])


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_pooled_rows_sum_to_one(combination):
    P = np.random.RandomState(0).dirichlet(np.full(4, 0.05), (3, 50))

    assert_allclose(pool(P, np.array([0.5, 0.3, 0.2]), combination).sum(1), 1)


@pytest.mark.parametrize("combination", ["mean", "geometric", "median"])
def test_a_teacher_that_has_all_the_weight_is_the_pool(combination):
    P = np.random.RandomState(0).dirichlet(np.ones(4), (3, 50))

    assert_allclose(pool(P, np.array([0.0, 1.0, 0.0]), combination), P[1])


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_pooling_leaves_the_soft_targets_as_they_were(combination):
    P = THREE.copy()

    pool(P, EQUAL, combination)

    assert_array_equal(P, THREE)


def test_an_unknown_combination_is_refused_by_name():
    with pytest.raises(ValueError, match=r"combination must be one of .* got 'max'"):
        pool(THREE, EQUAL, "max")


@pytest.mark.parametrize("combination", ["mean", "geometric"])
def test_auto_weights_sum_to_one(combination):
    soft_targets, y = good_and_bad_teacher()

    weights = pool_weights("auto", soft_targets, y, combination=combination)

    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("combination", ["mean", "geometric"])
def test_auto_weights_beat_equal_weights_in_log_loss(combination):
    soft_targets, y = good_and_bad_teacher()

    auto = pool_weights("auto", soft_targets, y, combination=combination)

    equal = pooled_loss(soft_targets, [0.5, 0.5], y, combination)
    assert pooled_loss(soft_targets, auto, y, combination) < equal - 0.05


@pytest.mark.parametrize("combination", ["mean", "geometric"])
def test_no_pair_of_weights_on_a_grid_is_better_than_auto(combination):
    soft_targets, y = good_and_bad_teacher()
    auto = pool_weights("auto", soft_targets, y, combination=combination)

    grid = [pooled_loss(soft_targets, [w, 1 - w], y, combination) for w in np.linspace(0, 1, 101)]

    # Each teacher's imagined row costs a little of the optimum.
    assert pooled_loss(soft_targets, auto, y, combination) <= min(grid) + 2 / len(y)


def test_auto_weights_do_not_depend_on_the_scale_of_the_sample_weights():
    soft_targets, y = good_and_bad_teacher()
    sample_weight = np.random.RandomState(0).rand(len(y))

    one = pool_weights("auto", soft_targets, y, sample_weight=sample_weight)
    other = pool_weights("auto", soft_targets, y, sample_weight=1000 * sample_weight)

    assert_allclose(one, other)


@pytest.mark.parametrize("combination", ["mean", "geometric"])
def test_rows_of_no_weight_have_no_say_in_the_weights(combination):
    soft_targets, y = good_and_bad_teacher()
    half = np.arange(len(y)) < 200
    swapped = np.where(half[:, None], soft_targets[::-1], soft_targets)  # bad on half the rows

    weights = pool_weights(
        "auto", swapped, y, combination=combination, sample_weight=half.astype(float)
    )

    assert weights[1] > 0.9


def test_two_equal_teachers_share_their_weight():
    soft_targets, y = good_and_bad_teacher()

    weights = pool_weights("auto", soft_targets[[0, 0, 1]], y)

    assert weights[0] == pytest.approx(weights[1])


def test_a_teacher_that_is_sure_and_wrong_leaves_the_weights_finite():
    y = np.array([0, 1, 0, 1])
    wrong = np.eye(2)[1 - y]

    weights = pool_weights("auto", np.stack([wrong, wrong]), y)

    assert_allclose(weights, [0.5, 0.5])


def test_no_weights_are_equal_weights():
    assert_allclose(pool_weights(None, THREE, np.array([0])), EQUAL)


def test_given_weights_are_scaled_to_sum_to_one():
    assert_allclose(pool_weights([2, 1, 1], THREE, np.array([0])), [0.5, 0.25, 0.25])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([0, 0, 0], "weights must be finite, non-negative and not all zero"),
        ([1, -1, 1], "weights must be finite, non-negative and not all zero"),
        ([1, np.nan, 1], "weights must be finite, non-negative and not all zero"),
        ([1, 1], "weights has shape .* there are 3 teachers"),
        ("best", "weights must be 'auto', None or an array, got 'best'"),
    ],
)
def test_weights_that_make_no_sense_are_refused_by_name(weights, message):
    with pytest.raises(ValueError, match=message):
        pool_weights(weights, THREE, np.array([0]))


def unsure_pool(power, n_samples=4000):
    """Probabilities that are right, raised to a power, and labels drawn by the right ones."""
    rng = np.random.RandomState(0)
    right = rng.dirichlet([0.5, 0.5, 0.5], n_samples)
    y = np.array([rng.choice(3, p=each) for each in right])
    return sharpen(right, power), y


@pytest.mark.parametrize("power", [0.6, 1.0, 1.5])
def test_a_pool_is_made_as_sure_as_it_may_be(power):
    pooled, y = unsure_pool(power)

    assert pool_sharpness(pooled, y) == pytest.approx(1 / power, rel=0.05)


@pytest.mark.parametrize(("power", "sharpness"), [(0.2, 2.0), (5.0, 0.5)])
def test_a_pool_is_squared_or_its_root_taken_at_most(power, sharpness):
    assert pool_sharpness(*unsure_pool(power)) == sharpness


def test_on_few_rows_a_pool_is_hardly_sharpened():
    pooled, y = unsure_pool(0.6)

    assert 1 < pool_sharpness(pooled[:20], y[:20]) < 1.2


def test_on_few_rows_a_pool_is_hardly_flattened():
    pooled, y = unsure_pool(1.6)

    assert 0.85 < pool_sharpness(pooled[:20], y[:20]) < 1


def test_the_scale_of_the_sample_weights_does_not_sharpen():
    pooled, y = unsure_pool(0.8, 400)
    sample_weight = np.random.RandomState(0).rand(len(y))

    one, other = (
        pool_sharpness(pooled, y, sample_weight=scale * sample_weight) for scale in (1, 1000)
    )

    assert one == other
    # Rows of no weight have no say.
    wrong = np.where(sample_weight < 0.5, (y + 1) % 3, y)
    counts = sample_weight >= 0.5
    assert pool_sharpness(pooled, wrong, sample_weight=counts.astype(float)) == pool_sharpness(
        pooled[counts], y[counts]
    )


def test_a_sharpened_row_sums_to_one_and_keeps_its_zeros_and_its_order():
    proba = np.array([[0.0, 0.3, 0.7], [0.5, 0.25, 0.25], [0.0, 0.0, 1.0]])

    sharper = sharpen(proba, 2)

    assert_allclose(sharper, [[0, 0.09 / 0.58, 0.49 / 0.58], [2 / 3, 1 / 6, 1 / 6], [0, 0, 1]])
    assert_array_equal(sharpen(proba, 1), proba)


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_only_the_ratios_of_weights_matter(combination):
    soft_targets, _ = good_and_bad_teacher()

    assert_allclose(
        pool(soft_targets, [3, 1], combination), pool(soft_targets, [0.75, 0.25], combination)
    )


def test_weights_of_another_number_than_teachers_are_refused():
    with pytest.raises(ValueError, match=r"weights has shape \(2,\), but there are 3 teachers"):
        pool(THREE, [1, 1])


# The mean has a prior of one row per teacher.
@pytest.mark.parametrize(("combination", "tolerance"), [("mean", 0.015), ("geometric", 1e-3)])
@pytest.mark.parametrize("truth", [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
def test_the_weights_by_which_the_labels_were_drawn_are_found(combination, tolerance, truth):
    rng = np.random.RandomState(0)
    teachers = rng.dirichlet(np.ones(3), (3, 200))
    proba = pool(teachers, truth, combination)
    # Each row once with each label, weighted by the label's probability.
    y, rows = np.tile(np.arange(3), 200), np.repeat(np.arange(200), 3)

    weights = pool_weights(
        "auto", teachers[:, rows], y, combination=combination, sample_weight=proba.ravel()
    )

    assert_allclose(weights, truth, atol=tolerance)


def test_of_two_equal_teachers_the_median_is_the_lower():
    two = [[[0.8, 0.2]], [[0.4, 0.6]]]

    assert_allclose(pool(two, [1, 1], "median"), [[2 / 3, 1 / 3]])


def test_only_rows_whose_medians_are_all_zero_get_the_mean():
    disagree, agree = np.eye(3)[:, None], np.tile([[0.2, 0.3, 0.5]], (3, 1, 1))
    unequal = np.array([[[1.0, 0, 0]], [[0, 1, 0]], [[0, 0.5, 0.5]]])

    pooled = pool(np.concatenate([disagree, agree, unequal], axis=1), EQUAL, "median")

    assert_allclose(pooled, [[1 / 3, 1 / 3, 1 / 3], [0.2, 0.3, 0.5], [0, 1, 0]])


def test_the_mean_in_place_of_zero_medians_is_that_of_each_class():
    rows = np.array([[[1.0, 0, 0, 0]], [[0, 1, 0, 0]], [[0, 0, 0.5, 0.5]]])

    assert_allclose(pool(rows, EQUAL, "median"), [[1 / 3, 1 / 3, 1 / 6, 1 / 6]])


@pytest.mark.parametrize("n_samples", [1, 8, 98])
def test_the_prior_of_the_weights_is_one_row_per_teacher(n_samples):
    y = np.zeros(n_samples, dtype=int)
    right, wrong = np.tile([1.0, 0.0], (n_samples, 1)), np.tile([0.0, 1.0], (n_samples, 1))

    weights = pool_weights("auto", np.stack([right, wrong]), y)

    # Laplace's rule of succession
    assert_allclose(weights, [(n_samples + 1) / (n_samples + 2), 1 / (n_samples + 2)], atol=1e-4)


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_a_pool_is_computed_in_double_precision(combination):
    pooled = pool(THREE.astype(np.float32), EQUAL, combination)

    assert pooled.dtype == np.float64
    assert_allclose(pooled.sum(1), 1, rtol=1e-15)
