import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import r2_score

from skdistill.transfer.transfer_set import TransferSet
from tests.small import training_data, transfer_set, with_unlabeled

RNG = np.random.RandomState(0)
LABELS = np.arange(30) % 3
PROBA = RNG.dirichlet([1, 1, 1], size=30) / 2 + np.eye(3)[LABELS] / 2
WEIGHT = RNG.uniform(1, 2, size=30)
HELD_OUT = np.arange(30) < 6
SYNTHETIC, INFORMED = np.tile([0.3, 0.3, 0.4], (4, 1)), np.tile([0.1, 0.1, 0.8], (4, 1))


def rows_of(proba=PROBA, weight=None):
    rows = transfer_set(np.zeros((30, 1)), proba, LABELS, weight, HELD_OUT)
    return with_unlabeled(rows, np.ones((4, 1)), SYNTHETIC, INFORMED)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_the_unexplained_variance_is_one_minus_r2_of_the_training_rows(weight):
    known = ~HELD_OUT

    found = rows_of(weight=weight).unexplained_variance()

    explained = r2_score(
        np.eye(3)[LABELS[known]],
        PROBA[known],
        sample_weight=None if weight is None else weight[known],
        multioutput="variance_weighted",
    )
    assert found == pytest.approx(1 - explained)
    assert 0.05 < found < 0.95


@pytest.mark.parametrize(("proba", "expected"), [(np.eye(3)[LABELS], 0), (1 - PROBA, 1)])
def test_it_is_between_none_and_all(proba, expected):
    assert rows_of(proba).unexplained_variance() == expected


@pytest.mark.parametrize("trust", [0.0, 0.5, 1.0])
def test_the_noisier_the_labels_the_less_refitted_targets_count(trust):
    rows = rows_of(trust * np.eye(3)[LABELS] + (1 - trust) / 3)
    share = rows.unexplained_variance() ** 2 / 2

    whole = rows.for_final_training()

    assert whole.held_out.tolist() == [False] * 34
    assert share == pytest.approx((1 - trust) ** 4 / 2)  # of balanced labels, (1 - trust)² is left
    assert_allclose(whole.soft_targets[30:], share * SYNTHETIC + (1 - share) * INFORMED)
    assert_array_equal(whole.soft_targets[:30], rows.soft_targets[:30])
    assert_array_equal(rows.soft_targets[30:], SYNTHETIC)


def test_rows_without_refitted_targets_keep_theirs():
    rows = transfer_set(np.zeros((30, 1)), PROBA, LABELS, None, HELD_OUT)

    assert_array_equal(rows.for_final_training().soft_targets, PROBA)


def test_the_labeled_part_has_what_belongs_to_its_rows():
    labeled = rows_of(weight=WEIGHT).labeled()

    assert_array_equal(labeled.X, np.zeros((30, 1)))
    assert_array_equal(labeled.soft_targets, PROBA)
    assert_array_equal(labeled.refitted_targets, PROBA)
    assert_array_equal(labeled.y, LABELS)
    assert_array_equal(labeled.sample_weight, WEIGHT)
    assert_array_equal(labeled.held_out, HELD_OUT)


def test_a_set_of_labels_alone_takes_them_weights_and_validation_rows_from_the_data():
    X = RNG.normal(size=(30, 2))
    data = training_data(X, LABELS, sample_weight=WEIGHT, held_out=HELD_OUT)

    rows = TransferSet.from_labels(X, data)

    assert_array_equal(rows.soft_targets, np.eye(3)[LABELS])
    assert_array_equal(rows.sample_weight, WEIGHT)
    assert_array_equal(rows.held_out, HELD_OUT)
    assert rows.refitted_targets is None


def test_an_unlabeled_row_has_the_mean_weight_and_is_never_held_out():
    rows = rows_of(weight=WEIGHT)

    assert_allclose(rows.sample_weight, [*WEIGHT, *[WEIGHT.mean()] * 4])
    assert_array_equal(rows.held_out, [*HELD_OUT, *[False] * 4])
    assert_array_equal(rows.is_labeled, [True] * 30 + [False] * 4)
