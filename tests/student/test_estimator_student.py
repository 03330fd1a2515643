"""`EstimatorStudent` and `NetStudent`: the same methods, which `fit` calls."""

import inspect

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skdistill.student.estimator_student import EstimatorStudent
from skdistill.student.net_student import NetStudent
from tests.small import numeric_rows, quick_classifier, training_data


def methods(cls):
    return {
        name: inspect.signature(method)
        for name, method in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_")
    }


def student(estimator):
    data = training_data(*numeric_rows(60))
    return EstimatorStudent(quick_classifier(student=estimator), data), data


def test_both_kinds_of_students_have_the_same_methods():
    assert methods(EstimatorStudent) == methods(NetStudent)


def test_no_rows_are_held_out_and_it_does_not_stop_early():
    one, data = student(LogisticRegression())

    assert not one.choose_validation_rows(data, np.random.RandomState(0), 0).any()
    assert not one.needs_early_stopping(data)


def test_its_training_is_forecast_from_a_few_rows():
    one, data = student(DecisionTreeClassifier())

    assert 0 < one.expected_seconds(data, False) < 60


def test_a_forecast_that_fails_ends_no_fit():
    one, data = student(LogisticRegression())
    one.estimator.set_params(C=-1)  # refused when it is fitted

    assert one.expected_seconds(data, False) == 0
