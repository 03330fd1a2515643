"""What a net gets of a table: numbers scaled, missing indicators, bins, category codes."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdistill.table.bins import find_weak_bins
from skdistill.table.net_inputs import NetInputs
from tests.small import mixed_table, numeric_rows, points_by_row

NAN = np.nan


def inputs_of(X, *, targets=None, **params):
    """Fitted `NetInputs`, and what it makes of X cut into its kinds."""
    targets = np.eye(2)[np.arange(len(X)) % 2] if targets is None else targets
    inputs = NetInputs(**params).fit(X, targets, np.random.RandomState(0))
    return inputs, inputs.layout.split(inputs.transform(X))


@pytest.mark.parametrize("unit", [1.0, 1e-200, 1e90])
def test_counts_that_are_mostly_zero_are_scaled_by_two_standard_deviations(unit):
    counts = np.array([0.0] * 80 + [1.0] * 10 + [2.0] * 5 + [3.0, 4.0, 5.0, 6.0, 60.0])

    _, (numbers, *_) = inputs_of(unit * counts[:, None])

    scaled = counts / (2 * counts.std())  # before the smooth clip
    assert_allclose(numbers[:, 0], scaled / np.sqrt(1 + (scaled / 3) ** 2), rtol=1e-6)


def test_of_two_values_the_rarer_is_two_spreads_away():
    flags = np.array([1.0] * 97 + [5.0, 5.0, NAN])

    _, (numbers, *_) = inputs_of(flags[:, None])

    assert_allclose(numbers[97:, 0], [2 / np.sqrt(1 + (2 / 3) ** 2)] * 2 + [0], rtol=1e-6)


def test_numbers_are_centered_by_their_median_and_clipped_smoothly():
    X = np.r_[np.linspace(-1, 1, 101), 1e12][:, None]

    _, (numbers, *_) = inputs_of(X)

    assert numbers[50, 0] == pytest.approx(0, abs=0.02)
    assert (np.diff(numbers[:, 0]) > 0).all()
    assert abs(numbers).max() <= 3


def test_shifting_and_stretching_a_column_changes_no_input():
    X = np.random.RandomState(0).normal(size=(60, 1))

    _, (numbers, *_) = inputs_of(X)
    _, (stretched, *_) = inputs_of(1000 * X + 5)

    assert_allclose(stretched, numbers, atol=1e-5)


def test_a_missing_number_is_a_zero_and_an_indicator():
    X = np.arange(40.0)[:, None]
    X[3] = NAN

    _, (numbers, flags, _, _) = inputs_of(X)

    assert numbers[3, 0] == 0
    assert_array_equal(np.flatnonzero(flags[:, 0]), [3])


def test_a_column_without_gaps_gets_no_indicator():
    X = np.arange(80.0).reshape(40, 2)
    X[3, 1] = NAN

    inputs, _ = inputs_of(X)

    assert inputs.layout.n_indicators == 1
    assert_array_equal(inputs.missing_columns, [1])


def test_a_gap_first_seen_later_is_the_median():
    X = np.arange(41.0)[:, None]
    inputs, _ = inputs_of(X)

    assert_array_equal(inputs.transform(np.array([[NAN]])), inputs.transform(np.array([[20.0]])))


@pytest.mark.parametrize("value", [0.0, 5.0, NAN], ids=["zeros", "fives", "missing"])
def test_a_column_without_variation_gives_finite_inputs(value):
    X = np.column_stack([np.full(40, value), np.arange(40.0)])

    inputs, _ = inputs_of(X)

    for anything in (0.0, 7.0, 1e300, NAN):
        assert np.isfinite(inputs.transform(np.array([[anything, 1.0]]))).all()


def test_a_number_beyond_all_that_was_seen_gives_finite_inputs():
    inputs, _ = inputs_of(np.arange(40.0)[:, None])

    assert np.isfinite(inputs.transform(np.array([[1e308], [-1e308]]))).all()


def test_bins_end_where_the_targets_change():
    X = np.arange(60.0)[:, None]
    y = (X[:, 0] > 29.5).astype(int)

    inputs, (*_, steps) = inputs_of(X, targets=np.eye(2)[y], max_bins=16)

    assert_allclose(inputs.split_points, [[29.5]])
    assert_array_equal(steps[:, 0], y)


def in_steps(n_samples, n_steps, seed=0):
    """A number whose class changes from step to step, and one of which it depends smoothly."""
    rng = np.random.RandomState(seed)
    X = rng.rand(n_samples, 2)
    chance = 0.6 * rng.rand(n_steps)[(n_steps * X[:, 0]).astype(int)] + 0.4 * X[:, 1]
    return X, np.column_stack([chance, 1 - chance])


def test_a_column_gets_as_many_bins_as_predict_held_out_rows_clearly_better():
    X, targets = in_steps(4_000, 120)

    inputs, _ = inputs_of(X, targets=targets)

    many, few = inputs.layout.n_bins
    assert 64 < many <= 512
    assert few <= 32


def test_bins_are_weak_that_explain_little_of_the_targets_alone():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(4_000, 4))
    X[:, 2] = X[:, 2] > 0  # has no bins, as it has two values
    X[::5, 3] = np.nan
    y = (X[:, 0] * X[:, 1] > 0) | (X[:, 3] > 0.5)

    inputs, _ = inputs_of(X, targets=np.eye(2)[y.astype(int)])

    assert inputs.layout.weak_bins == (True, True, False)


def test_noise_alone_does_not_seem_to_explain_the_labels():
    rng = np.random.RandomState(0)
    X, labels = rng.rand(400, 5), np.eye(2)[rng.randint(0, 2, 400)]
    points = [np.linspace(0, 1, 100)] * 5  # so many that they explain a quarter of their own rows

    assert find_weak_bins(X, labels, points) == (True,) * 5


@pytest.mark.parametrize(("chance", "is_weak"), [(0.63, True), (0.69, False)])  # .07 and .14
def test_bins_are_weak_below_a_tenth(chance, is_weak):
    rng = np.random.RandomState(0)
    X = rng.choice([-1.0, 1.0], (20_000, 1))
    y = (X[:, 0] > 0) ^ (rng.rand(20_000) > chance)

    assert find_weak_bins(X, np.eye(2)[y.astype(int)], [np.array([0.0])]) == (is_weak,)


def test_labels_that_do_not_vary_have_weak_bins():
    X = np.random.RandomState(0).rand(100, 1)

    assert find_weak_bins(X, np.eye(2)[np.zeros(100, int)], [np.array([0.5])]) == (True,)


def test_no_bins_are_weak_where_numbers_are_predicted():
    rng = np.random.RandomState(0)

    inputs, _ = inputs_of(rng.rand(1_000, 2), targets=rng.normal(size=(1_000, 1)))

    assert inputs.layout.weak_bins == (False, False)


def test_no_column_gets_more_bins_than_asked_for():
    X, targets = in_steps(4_000, 120)

    inputs, _ = inputs_of(X, targets=targets, max_bins=100)

    assert 32 < inputs.layout.n_bins[0] <= 100


@pytest.mark.parametrize(("n_rows", "n_bins"), [(1_500, 16), (4_000, 32), (16_000, 64)])
def test_noise_gets_few_bins(n_rows, n_bins):
    rng = np.random.RandomState(0)
    X, targets = rng.rand(n_rows, 3), np.eye(2)[rng.randint(0, 2, n_rows)]

    inputs, _ = inputs_of(X, targets=targets)

    assert inputs.layout.n_bins == (n_bins,) * 3


def test_bins_grow_with_the_number_and_stay_below_their_count():
    X = np.random.RandomState(0).normal(size=(200, 2))
    y = (np.sin(4 * X[:, 0]) > 0).astype(int)

    inputs, (*_, steps) = inputs_of(X, targets=np.eye(2)[y], max_bins=8)

    assert (steps.max(0) < inputs.layout.n_bins).all()
    assert max(inputs.layout.n_bins) <= 8
    assert (np.diff(steps[X[:, 0].argsort(), 0]) >= 0).all()


@pytest.mark.parametrize(
    ("n_rows", "n_numbers", "stepped"), [(999, 1, False), (1000, 100, True), (1000, 101, False)]
)
def test_bins_are_made_where_they_can_be_found_and_afforded(n_rows, n_numbers, stepped):
    X = np.random.RandomState(0).normal(size=(n_rows, n_numbers))

    inputs, _ = inputs_of(X, targets=np.eye(2)[(X[:, 0] > 0).astype(int)])

    assert bool(inputs.layout.n_bins) == stepped


def test_columns_of_two_values_come_last_and_have_no_bins():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(1000, 5))
    X[:, 0], X[:, 2] = 3, np.where(X[:, 2] > 0, 5, -1)
    X[::3, 3] = NAN

    inputs, (numbers, flags, _, steps) = inputs_of(X, targets=np.eye(2)[(X[:, 1] > 0).astype(int)])

    assert_array_equal(inputs.number_columns, [1, 3, 4, 0, 2])
    assert (inputs.layout.n_numbers, inputs.layout.n_embedded) == (5, 3)
    assert_array_equal(np.unique(numbers[:, 4]).size, 2)
    assert_array_equal(flags[:, 0], np.isnan(X[:, 3]))
    assert steps.shape == (1000, 3)


def test_a_module_that_embeds_nothing_gets_the_columns_in_their_order():
    X = np.random.RandomState(0).normal(size=(50, 3))
    X[:, 0] = X[:, 0] > 0

    inputs, _ = inputs_of(X, max_bins=0, one_hot=True)

    assert_array_equal(inputs.number_columns, [0, 1, 2])


def test_many_binary_columns_keep_no_other_number_from_having_bins():
    rng = np.random.RandomState(0)
    X = np.hstack([rng.normal(size=(1000, 2)), rng.rand(1000, 60) > 0.5])

    inputs, _ = inputs_of(X, targets=np.eye(2)[(X[:, 0] > 0).astype(int)])

    assert max(inputs.layout.n_bins) > 1


def test_no_bins_are_made_where_none_are_allowed():
    inputs, (*_, steps) = inputs_of(np.arange(60.0)[:, None], max_bins=0)

    assert inputs.layout.n_bins == ()
    assert steps.shape == (60, 0)


def test_missing_and_unseen_categories_share_the_last_code():
    frame = pd.DataFrame({"c": ["b", None, "a"] * 10})
    inputs, (_, _, levels, _) = inputs_of(frame)

    unseen = inputs.layout.split(inputs.transform(pd.DataFrame({"c": ["z"]})))[2]

    assert inputs.layout.n_categories == (3,)
    assert_array_equal(levels[:3, 0], [1, 2, 0])
    assert unseen[0, 0] == 2


def test_categories_can_come_as_one_hot_columns():
    frame = pd.DataFrame({"c": ["b", None, "a"] * 10, "d": ["x", "x", "y"] * 10})

    _, (_, flags, levels, _) = inputs_of(frame, one_hot=True)

    assert levels.shape == (30, 0)
    assert_array_equal(flags[:3], [[0, 1, 0, 1, 0, 0], [0, 0, 1, 1, 0, 0], [1, 0, 0, 0, 1, 0]])


def test_a_row_is_encoded_the_same_alone_and_among_others():
    X, _ = mixed_table(700)
    inputs, _ = inputs_of(X)

    together = inputs.transform(X)

    for i in (0, 3, 7, 699):
        assert_array_equal(inputs.transform(X.iloc[[i]]), together[[i]])


def test_split_points_are_found_beside_numbers_that_a_tree_does_not_take():
    column = np.arange(1200.0)
    targets = np.eye(2)[(column > 500).astype(int)]
    column[:2] = 1e39, -1e200

    inputs, _ = inputs_of(column[:, None], targets=targets)

    assert 500.5 in inputs.split_points[0]


def test_bins_are_counted_as_searchsorted_would():
    X, y = numeric_rows(300)
    inputs = NetInputs(max_bins=16).fit(X, np.eye(3)[y], np.random.RandomState(0))
    on_points = points_by_row(inputs)

    together = inputs.parts(on_points)[3]
    alone = np.vstack([inputs.parts(row[None])[3] for row in on_points])

    for j, points in enumerate(inputs.split_points):
        assert_array_equal(together[:, j], np.searchsorted(points, on_points[:, j]))
    assert_array_equal(alone, together)


def test_the_repr_of_inputs_counts_columns_and_bins():
    X = pd.DataFrame({"age": np.arange(60.0), "height": np.arange(60.0), "city": ["a", "b"] * 30})

    inputs, _ = inputs_of(X, max_bins=4)

    assert repr(inputs) == "NetInputs(2 numbers, 1 categories, 8 bins)"
    assert repr(NetInputs()) == "NetInputs(not fitted)"


def test_the_statistics_of_a_long_table_are_those_of_a_part_of_its_rows(monkeypatch):
    rng = np.random.RandomState(0)
    X = np.column_stack([rng.normal(5, 2, 4_000), rng.choice([0.0, 1.0], 4_000, p=[0.9, 0.1])])
    targets = np.eye(2)[(X[:, 0] > 5).astype(int)]
    _, (numbers, *_) = inputs_of(X, targets=targets)

    monkeypatch.setattr("skdistill.table.net_inputs.ROWS_FOR_STATISTICS", 2_000)
    part, (of_part, *_) = inputs_of(X, targets=targets)

    assert not np.array_equal(numbers, of_part)
    assert_allclose(numbers, of_part, atol=0.2)
    assert abs(part.split_points[0] - 5).min() < 0.1  # where the classes part
