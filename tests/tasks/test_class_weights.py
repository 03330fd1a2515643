"""Weights of classes, as numbers by label."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skdistill.tasks.class_weights import weigh_rows, weights_of_classes

NAMES = np.array(["cat", "dog", "hen"])
Y = np.array([0, 0, 0, 0, 1, 1, 2])
WEIGHT = np.array([1.0, 1, 2, 0, 3, 1, 2])


@pytest.mark.parametrize("sample_weight", [None, WEIGHT], ids=["alike", "weighted"])
def test_balanced_classes_have_the_same_total_weight(sample_weight):
    weights = weights_of_classes("balanced", NAMES, Y, sample_weight)

    totals = np.bincount(Y, weigh_rows(weights, Y, sample_weight))
    assert_allclose(totals, np.full(3, totals.mean()))
    assert_allclose(totals.sum(), 7 if sample_weight is None else WEIGHT.sum())


def test_a_class_without_weight_does_not_unbalance_the_others():
    weights = weights_of_classes("balanced", NAMES, Y, np.where(Y == 2, 0.0, 1.0))

    assert_allclose(weights, [6 / 2 / 4, 6 / 2 / 2, 0])


def test_a_class_that_a_dict_does_not_name_has_weight_one():
    assert_allclose(weights_of_classes({"dog": 5}, NAMES, Y), [1, 5, 1])


def test_labels_that_are_no_whole_numbers_are_keys_too():
    assert_allclose(weights_of_classes({0.5: 2}, np.array([0.25, 0.5]), Y % 2), [1, 2])


@pytest.mark.parametrize(
    ("class_weight", "told"),
    [
        ({"cow": 1}, r"names \['cow'\], but the classes of y are \['cat', 'dog', 'hen'\]"),
        ({"cat": -1}, "has -1 for the class 'cat': expected a finite number of at least 0"),
        ({"dog": "many"}, "has 'many' for the class 'dog'"),
        ({"dog": np.inf}, "has inf for the class 'dog'"),
    ],
)
def test_a_dict_of_other_labels_or_of_no_weights_is_refused(class_weight, told):
    with pytest.raises(ValueError, match=told):
        weights_of_classes(class_weight, NAMES, Y)
