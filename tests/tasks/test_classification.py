"""What the other wings ask of a task, where labels are classes."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistillationLoss, DistilledClassifier
from skdistill.tasks.classification import Classification
from skdistill.tasks.task import Task
from tests.small import numeric_rows

NAMES = np.array(["a", "b", "c"])
TASK = Classification(NAMES)
Y = np.arange(12) % 3
PROBA = np.random.RandomState(0).dirichlet([1, 1, 1], 12)


def test_it_has_all_that_is_asked_of_a_task():
    assert isinstance(TASK, Task)  # which could not be made if a method were missing
    assert TASK.n_outputs == 3


def test_labels_become_indices_of_the_sorted_classes():
    X, y = numeric_rows()

    task, _, indices, weight = Classification.check(DistilledClassifier(), X, NAMES[::-1][y])

    assert_array_equal(task.classes, NAMES)
    assert_array_equal(indices, 2 - y)
    assert weight is None


def test_rows_that_count_are_of_two_classes_at_least():
    X, y = numeric_rows()

    with pytest.raises(ValueError, match=r"of one class: \[1\]"):
        Classification.check(DistilledClassifier(), X, y, np.where(y == 1, 1.0, 0.0))


def test_labels_as_soft_targets_are_sure_of_their_class():
    assert_array_equal(TASK.as_soft_targets(np.array([2, 0])), [[0, 0, 1], [1, 0, 0]])


def test_a_row_without_label_has_no_target():
    y = np.concatenate([[0], TASK.without_target(1), [2]])
    assert_array_equal(TASK.has_target(y), [True, False, True])


def test_folds_are_stratified_by_the_labels():
    assert_array_equal(TASK.strata(Y), Y)


@pytest.mark.parametrize("teacher", [DecisionTreeClassifier, LogisticRegression])
def test_a_classifier_with_probabilities_can_teach(teacher):
    TASK.check_teacher("t", teacher())


def test_a_classifier_without_probabilities_is_refused_by_name():
    with pytest.raises(ValueError, match=r"'svm' \(SVC\) has no predict_proba"):
        TASK.check_teacher("svm", SVC())


def test_a_teacher_of_some_classes_has_its_columns_put_in_place():
    X, y = numeric_rows()
    some = y != 1
    tree = DecisionTreeClassifier(random_state=0)

    columns = TASK.fit_teacher(tree, X[some], y[some])
    proba = TASK.predict_teacher(tree, columns, X)

    assert_array_equal(columns, [0, 2])
    assert_array_equal(proba[:, [0, 2]], tree.predict_proba(X))
    assert (proba[:, 1] == 0).all()


def test_a_teacher_of_one_class_is_not_fitted_and_predicts_that_class():
    X, _ = numeric_rows()
    tree = DecisionTreeClassifier()

    columns = TASK.fit_teacher(tree, X, np.full(60, 1))

    assert not hasattr(tree, "tree_")
    assert_array_equal(TASK.predict_teacher(tree, columns, X), np.tile([0, 1, 0], (60, 1)))


def test_rows_that_were_in_every_bag_have_no_targets_out_of_bag():
    bagged = SimpleNamespace(oob_decision_function_=np.array([[0.3, 0.7], [0, 0], [np.nan] * 2]))

    proba = TASK.predict_out_of_bag(bagged, np.array([0, 2]), 3)

    assert_allclose(proba, [[0.3, 0, 0.7], [np.nan] * 3, [np.nan] * 3])


def test_columns_of_a_frame_of_soft_targets_are_read_by_name():
    frame = pd.DataFrame(PROBA, columns=NAMES)[["c", "a", "b"]]

    assert_allclose(TASK.check_soft_targets(frame, 12), PROBA)


def test_soft_targets_of_another_number_of_rows_are_refused():
    with pytest.raises(ValueError, match=r"shape \(12, 3\), expected \(11, 3\)"):
        TASK.check_soft_targets(PROBA, 11)


@pytest.mark.parametrize("weights", [[1.0], [1, -1], "best"])
def test_weights_that_cannot_be_those_of_two_teachers_are_refused(weights):
    TASK.check_weights([1, 2], 2)

    with pytest.raises(ValueError, match="weights"):
        TASK.check_weights(weights, 2)


@pytest.mark.parametrize(
    ("combination", "sharpened"),
    [("mean", True), ("geometric", True), ("median", False), ("vote", False)],
)
def test_only_a_mean_is_sharpened(combination, sharpened):
    y = np.arange(300) % 3
    unsure = np.stack([0.2 * np.eye(3)[y] + 0.8 / 3] * 2)  # always right

    weights, sharpness = TASK.fit_pool(unsure, y, None, combination, sharpen=True)

    assert_allclose(weights, [0.5, 0.5])
    assert (sharpness > 1) == sharpened
    assert TASK.fit_pool(unsure, y, None, combination, sharpen=False)[1] == 1


def test_the_score_is_the_log_loss_and_the_mean_of_the_losses_of_rows():
    expected = log_loss(Y, PROBA)

    assert TASK.score(Y, PROBA) == pytest.approx(expected)
    assert TASK.label_losses(
        torch.as_tensor(np.log(PROBA)), torch.as_tensor(Y)
    ).mean() == pytest.approx(expected)


def test_labels_explain_all_of_their_variance_and_their_shares_none():
    assert TASK.unexplained_variance(Y, np.eye(3)[Y]) == 0
    assert TASK.unexplained_variance(Y, np.full((12, 3), 1 / 3)) == pytest.approx(1)


def test_a_student_is_trained_by_the_distillation_loss():
    assert TASK.criterion is DistillationLoss
