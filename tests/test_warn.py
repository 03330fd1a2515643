"""Warnings name the line of the user."""

import pytest

from skdistill import TeacherEnsemble
from skdistill.warn import warn_user
from tests.small import numeric_rows, quick_classifier, two_trees


@pytest.mark.parametrize("clf", [quick_classifier(), TeacherEnsemble(two_trees())])
def test_a_warning_names_the_line_that_called_skdistill(clf):
    X, y = numeric_rows(60)
    with pytest.warns(UserWarning, match="in_sample") as told:
        clf.set_params(cv="in_sample").fit(X, y)

    assert [each.filename for each in told] == [__file__]


def test_a_warning_from_outside_names_its_own_line():
    with pytest.warns(UserWarning, match="here") as told:
        warn_user("here")

    assert [each.filename for each in told] == [__file__]
