"""What an estimator of scikit-learn is fitted to, as a student of soft targets."""

import numpy as np
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression
from sklearn.multioutput import MultiOutputRegressor
from sklearn.svm import SVR

from skdistill.tasks.classification import Classification
from skdistill.tasks.student_estimators import centered_logits, fit_outputs, weighted_copies
from tests.small import Spy

PROBA = np.array([[0.7, 0.3, 0.0], [0.1, 0.8, 0.1], [0.9995, 0.0005, 0.0]])


def test_the_weights_of_the_copies_are_the_probabilities():
    rows, classes, weight = weighted_copies(PROBA[:2])

    again = np.zeros((2, 3))
    again[rows, classes] = weight
    assert_allclose(again, PROBA[:2])


def test_negligible_copies_are_left_out():
    rows, _, _ = weighted_copies(PROBA)

    assert (rows == 2).sum() == 1


def test_each_class_has_a_copy():
    _, classes, _ = weighted_copies(np.array([[1.0, 0.0, 0.0], [0.9, 1e-5, 0.1]]))

    assert set(classes) == {0, 1, 2}


def test_logits_bring_the_probabilities_back():
    odds = np.exp(centered_logits(PROBA, 1e-9))

    assert_allclose(odds / odds.sum(1, keepdims=True), PROBA, atol=1e-8)
    assert_allclose(centered_logits(PROBA, 1e-3).sum(1), 0, atol=1e-12)


def test_a_regressor_of_one_output_is_cloned_for_each():
    X, outputs = np.eye(3), PROBA
    weight = np.ones(3)

    assert isinstance(fit_outputs(SVR(), X, outputs, weight), MultiOutputRegressor)
    assert isinstance(fit_outputs(LinearRegression(), X, outputs, weight), LinearRegression)
    assert isinstance(fit_outputs(SVR(), X, outputs[:, :1], weight), SVR)


def test_unlabeled_rows_follow_the_teachers_alone_and_weights_multiply(spy):
    task, y = Classification(np.arange(2)), np.array([1, -1])
    soft_targets = np.array([[0.6, 0.4], [0.6, 0.4]])

    task.fit_student(Spy(), np.eye(2), soft_targets, y, 0.5, np.array([1.0, 10.0]))

    ((X, classes, weight),) = spy.fitted_on
    assert_allclose(weight, [0.3, 0.7, 6, 4])
    assert_allclose(classes, [0, 1, 0, 1])
    assert_allclose(X, np.eye(2).repeat(2, axis=0))
