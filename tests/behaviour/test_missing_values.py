"""Missing values that no row had at fit: taken or refused, as by the teachers."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import skdistill
from tests.small import encoded_tree, numeric_rows, quick_classifier


def test_a_missing_number_that_no_row_had_at_fit_counts_as_the_median():
    X, y = numeric_rows(61)
    clf = quick_classifier(encoded_tree()).fit(X, y)
    missing, median = X.copy(), X.copy()
    missing[:, 1], median[:, 1] = np.nan, np.median(X[:, 1])

    assert clf.allows_missing_
    assert_array_equal(clf.predict_proba(missing), clf.predict_proba(median))


FRAMES = [np.asarray, pd.DataFrame, lambda X: pl.DataFrame(X, schema=list("abcde"))]


@pytest.mark.parametrize("container", FRAMES, ids=["array", "pandas", "polars"])
def test_missing_values_are_refused_where_neither_rows_nor_teachers_had_any(container, tmp_path):
    X, y = numeric_rows()
    clf = quick_classifier([("lr", LogisticRegression())]).fit(container(X), y)
    clf.save(tmp_path / "student.safetensors")
    X[3, 1] = np.nan

    for each in (clf, skdistill.load(tmp_path / "student.safetensors")):
        with pytest.raises(ValueError, match=r"X contains NaN or None.*impute them"):
            each.predict(container(X))


def test_missing_values_are_taken_where_fit_was_given_some(spy):
    X, y = numeric_rows()
    X[3, 1] = np.nan
    clf = quick_classifier([("spy", spy)]).fit(X, y)  # whose tags do not allow them

    assert clf.allows_missing_
    assert np.isfinite(clf.predict_proba(X)).all()


class Imputing(ClassifierMixin, BaseEstimator):
    """Takes missing values, but does not say so."""

    def fit(self, X, y):
        self.tree_ = DecisionTreeClassifier(max_depth=2).fit(X, y)
        self.classes_ = self.tree_.classes_
        return self

    def predict_proba(self, X):
        return self.tree_.predict_proba(X)


def test_missing_values_of_unlabeled_rows_are_missing_values_of_the_fit():
    X, y = numeric_rows(60)
    unlabeled = np.where(np.arange(60)[:, None] % 3 == 0, np.nan, X)
    clf = quick_classifier([("t", Imputing())]).fit(X, y)
    with pytest.raises(ValueError, match="neither did the X of fit"):
        clf.predict(unlabeled)

    clf.fit(X, y, X_unlabeled=unlabeled)

    assert np.isfinite(clf.predict_proba(unlabeled)).all()
