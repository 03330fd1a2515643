"""What a fitted teacher predicts is checked."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.ensemble import RandomForestClassifier

from skdistill.soft_targets.fitted_teacher import FittedTeacher
from skdistill.tasks.classification import Classification
from tests.small import Spy

CLASSES = np.arange(3)
TASK = Classification(CLASSES)


def test_slightly_rounded_probabilities_are_made_to_sum_to_one():
    teacher = FittedTeacher("t", Spy([0.3334, 0.3333, 0.3334]), TASK)

    p = teacher.fit(np.zeros((3, 1)), CLASSES).predict_proba(np.zeros((4, 1)))

    assert_allclose(p.sum(1), 1, rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    "answer", [[0.5, 0.6, 0.5], [1.2, -0.1, -0.1], [np.nan, 0.5, 0.5], [0.0, 0.0, 0.0]], ids=str
)
def test_predictions_that_are_no_probabilities_are_refused(answer):
    teacher = FittedTeacher("t", Spy(answer), Classification(CLASSES)).fit(
        np.zeros((3, 1)), CLASSES
    )

    with pytest.raises(ValueError, match="did not return probabilities"):
        teacher.predict_proba(np.zeros((4, 1)))


def test_a_missing_column_of_probabilities_is_refused():
    teacher = FittedTeacher("t", Spy([0.5, 0.5]), Classification(CLASSES)).fit(
        np.zeros((3, 1)), CLASSES
    )

    with pytest.raises(ValueError, match=r"returned shape \(4, 2\), expected \(4, 3\)"):
        teacher.predict_proba(np.zeros((4, 1)))


def test_the_repr_of_a_teacher_is_one_line():
    teacher = FittedTeacher("rf", RandomForestClassifier(300, min_samples_leaf=5), TASK)

    assert repr(teacher) == "FittedTeacher('rf', RandomForestClassifier(...))"
