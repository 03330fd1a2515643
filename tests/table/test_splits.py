"""Folds, and validation rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GroupKFold, KFold, RepeatedKFold, ShuffleSplit

from skdistill.table.splits import hold_out, make_folds
from tests.small import (
    numeric_rows,
    training_data,
)

HALVES = training_data(np.zeros((60, 1)), np.arange(60) % 2)
THREE_FOLDS = list(KFold(3).split(np.zeros(60)))


def held_out_counts(splits, n_samples):
    return np.bincount(np.concatenate([test for _, test in splits]), minlength=n_samples)


@pytest.mark.parametrize("cv", [2, 5, 60, KFold(4), THREE_FOLDS], ids=lambda cv: str(cv)[:8])
def test_folds_hold_out_every_row_once(cv):
    _, y = numeric_rows()
    y[:60] = np.arange(60) % 2 if cv != 60 else np.zeros(60)

    splits = make_folds(cv, training_data(np.zeros((60, 1)), y), np.random.RandomState(0))

    assert_array_equal(held_out_counts(splits, 60), 1)


def test_folds_have_a_like_share_of_each_class():
    y = np.repeat([0, 1], [80, 20])

    splits = make_folds(5, training_data(np.zeros((100, 1)), y), np.random.RandomState(0))

    assert [y[test].sum() for _, test in splits] == [4] * 5


def test_folds_are_made_although_no_class_reaches_into_each():
    y = np.arange(6) % 3

    splits = make_folds(5, training_data(np.zeros((6, 1)), y), np.random.RandomState(0))

    assert len(splits) == 5


@pytest.mark.parametrize("cv", [1, 0, 61])
def test_a_number_of_folds_that_cannot_be_is_refused(cv):
    with pytest.raises(ValueError, match=f"cv={cv} folds cannot be made of n_samples=60"):
        make_folds(cv, HALVES, np.random.RandomState(0))


@pytest.mark.parametrize(
    "cv",
    [
        ShuffleSplit(3, random_state=0),
        RepeatedKFold(n_splits=2, n_repeats=2, random_state=0),
        THREE_FOLDS[:2],
    ],
    ids=["shuffled", "repeated", "incomplete"],
)
def test_folds_that_hold_out_a_row_never_or_twice_are_refused(cv):
    with pytest.raises(ValueError, match=r"cv must hold out every row exactly once, but row \d+"):
        make_folds(cv, HALVES, np.random.RandomState(0))


def test_a_splitter_that_needs_groups_can_come_as_its_splits():
    groups = np.arange(60) // 6
    splits = GroupKFold(5).split(np.zeros((60, 1)), groups=groups)

    made = make_folds(splits, HALVES, np.random.RandomState(0))

    assert all(not set(groups[train]) & set(groups[test]) for train, test in made)


@pytest.mark.parametrize("size", [1, 5, 50])
def test_whole_groups_validate_the_student_with_a_like_share_of_each_class(size):
    rng = np.random.RandomState(0)
    y = rng.permutation(np.repeat([0, 1, 2], [1200, 600, 200]))
    groups = np.arange(2000) // size

    held_out = hold_out(y, np.random.RandomState(0), groups=groups)

    assert not set(groups[held_out]) & set(groups[~held_out])
    assert_allclose(np.bincount(y[held_out]) / np.bincount(y), 0.1, atol=0.03)


@pytest.mark.parametrize(
    "groups", [np.zeros(300, int), np.arange(300) // 150, np.where(np.arange(300) < 290, 0, 1)]
)
def test_groups_too_large_to_be_spared_all_train(groups):
    y = np.arange(300) % 2

    held_out = hold_out(y, np.random.RandomState(0), groups=groups)

    assert held_out.mean() <= 0.4
    assert set(y[~held_out]) == {0, 1}


def test_a_class_of_one_group_is_not_held_out():
    y = np.repeat([0, 1], [500, 50])
    groups = np.r_[np.arange(500) // 5, np.full(50, 1000)]

    held_out = hold_out(y, np.random.RandomState(0), groups=groups)

    assert held_out.any()
    assert not held_out[y == 1].any()


def test_rows_of_weight_zero_are_no_validation_rows():
    weight = np.where(np.arange(200) % 2 == 0, 0.0, 1.0)

    held_out = hold_out(np.arange(200) // 100, np.random.RandomState(0), sample_weight=weight)

    assert held_out.any()
    assert weight[held_out].all()


def test_a_like_share_of_each_class_is_held_out():
    y = np.repeat([0, 1, 2], [1000, 500, 100])

    held_out = hold_out(y, np.random.RandomState(0))

    shares = np.bincount(y[held_out]) / np.bincount(y)
    np.testing.assert_allclose(shares, shares[0], atol=0.01)


@pytest.mark.parametrize("n_members", [1, 2, 3])
def test_no_class_is_held_out_altogether(n_members):
    y = np.repeat([0, 1], [500, n_members])

    held_out = hold_out(y, np.random.RandomState(0))

    assert set(y[~held_out]) == {0, 1}


def test_a_fold_of_rows_that_are_not_there_is_refused():
    splits = [(np.arange(30, 60), np.arange(30)), (np.arange(30), np.arange(30, 61))]

    with pytest.raises(ValueError, match="cv names row 60 in fold 2 of 2, but X has 60 rows"):
        make_folds(splits, HALVES, np.random.RandomState(0))


@pytest.mark.parametrize(("fraction", "n"), [(0.3, 30), (50, 50), (np.int64(20), 20)])
def test_a_fraction_or_a_number_of_rows_is_held_out(fraction, n):
    strata = np.arange(100) % 2

    held_out = hold_out(strata, np.random.RandomState(0), fraction=fraction)

    assert_array_equal(np.bincount(strata[held_out]), [n // 2, n // 2])
