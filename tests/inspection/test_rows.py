"""What is measured of regressors, and that it is not mixed with classifiers."""

import json
import re

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_diabetes
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, RidgeClassifier
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeRegressor

from skdistill import TeacherEnsembleRegressor, compare
from skdistill.inspection.rows import RegressorRow, four_digits
from tests.small import quick_regressor

X, Y = load_diabetes(return_X_y=True)
NEW, TARGETS = X[1::2], Y[1::2]


def fitted(y=Y):
    """Two regressors of half of the rows."""
    tree, linear = DecisionTreeRegressor(max_depth=3, random_state=0), LinearRegression()
    return {"tree": tree.fit(X[::2], y[::2]), "linear": linear.fit(X[::2], y[::2])}


def test_losses_of_regressors_are_those_of_scikit_learn():
    models = fitted()
    predicted = models["linear"].predict(NEW)

    row = compare(models, NEW, TARGETS, n_repeats=1)["linear"]

    assert row.rmse == row.loss == root_mean_squared_error(TARGETS, predicted)
    assert row.mae == mean_absolute_error(TARGETS, predicted)
    assert row.r2 == models["linear"].score(NEW, TARGETS)


def test_agreement_is_how_well_the_predictions_of_the_reference_are_predicted():
    models = fitted()
    expected = r2_score(models["linear"].predict(NEW), models["tree"].predict(NEW))

    report = compare(models, NEW, TARGETS, reference="linear", n_repeats=1)

    assert report["linear"].agreement == 1
    assert report["tree"].agreement == expected


def test_measures_of_several_targets_are_means_over_the_targets():
    both = np.column_stack([Y, 100 * X[:, 0]])
    models = fitted(both)

    row = compare(models, NEW, both[1::2], n_repeats=1)["tree"]

    errors = models["tree"].predict(NEW) - both[1::2]
    assert row.rmse == pytest.approx(np.sqrt(np.square(errors).mean(0)).mean())
    assert row.r2 == pytest.approx(models["tree"].score(NEW, both[1::2]))


def test_a_column_of_targets_is_a_target():
    models = fitted()

    in_column = compare(models, NEW, TARGETS[:, None], n_repeats=1)["tree"]

    assert in_column.rmse == compare(models, NEW, TARGETS, n_repeats=1)["tree"].rmse


class Between(RegressorMixin, BaseEstimator):
    """Predicts the mean, and the quantiles that it was given."""

    def __init__(self, quantiles):
        self.quantiles = quantiles

    def fit(self, X, y):
        self.mean_, self.values_ = y.mean(), np.quantile(y, self.quantiles)
        self.quantiles_ = list(self.quantiles)
        return self

    def predict(self, X, *, quantiles=False):
        return np.tile(self.values_ if quantiles else self.mean_, (len(X), 1)).squeeze()


def test_coverage_is_the_share_of_targets_between_the_outer_quantiles():
    model = Between([0.1, 0.5, 0.9]).fit(X, Y)
    low, _, high = model.values_

    row = compare({"between": model}, NEW, TARGETS, n_repeats=1)["between"]

    assert row.coverage == np.mean((low <= TARGETS) & (high >= TARGETS))
    assert row.nominal_coverage == pytest.approx(0.8)


def test_coverage_has_a_column_only_if_some_model_predicts_quantiles():
    models = fitted()
    with_quantiles = models | {"between": Between([0.1, 0.9]).fit(X, Y)}

    lines = str(compare(with_quantiles, NEW, TARGETS, n_repeats=1)).splitlines()

    assert "coverage" not in str(compare(models, NEW, TARGETS, n_repeats=1))
    assert "coverage" in lines[0]
    assert re.search(r"\d% of 80%", lines[-1])
    assert {len(line) for line in lines} == {len(lines[0])}


def test_a_single_quantile_covers_nothing():
    model = quick_regressor(quantiles=[0.5]).fit(X[::2], Y[::2])

    assert compare({"student": model}, NEW, TARGETS, n_repeats=1)["student"].coverage is None


def test_a_student_is_compared_with_its_teachers():
    student = quick_regressor(quantiles=[0.1, 0.9], keep_teachers=True).fit(X[::2], Y[::2])
    teachers = {one.name: one for one in student.teacher_.teachers_}

    report = compare({"pool": student.teacher_, **teachers, "student": student}, NEW, TARGETS)

    assert isinstance(student.teacher_, TeacherEnsembleRegressor)
    assert report["tree"].agreement == pytest.approx(1)
    assert 0 < report["student"].coverage < 1
    assert report["student"].kilobytes < 20


def test_the_dicts_of_regressors_can_be_written_as_json():
    dicts = json.loads(json.dumps(compare(fitted(), NEW, TARGETS, n_repeats=1).to_dicts()))

    assert set(dicts[0]) == set(RegressorRow.__annotations__)


def test_a_notebook_shows_regressors_in_the_same_table():
    html = compare(fitted(), NEW, TARGETS, n_repeats=1)._repr_html_()

    assert "<th>RMSE</th><th>MAE</th><th>R2</th>" in html
    assert "<b>tree</b>" in html


@pytest.mark.parametrize(
    ("value", "text"),
    [(123_456.7, "123,457"), (56.0, "56.00"), (0.01234567, "0.01235"), (1.2e-9, "1.200e-09")],
)
def test_losses_are_shown_with_four_digits_whatever_their_unit(value, text):
    assert four_digits(value) == text


def test_classifiers_and_regressors_have_no_common_report():
    mixed = fitted() | {"bayes": GaussianNB().fit(X, Y > 100)}

    with pytest.raises(ValueError, match="'tree' is a regressor, but 'bayes' a classifier"):
        compare(mixed, NEW, TARGETS)


def test_a_classifier_without_probabilities_is_refused():
    ridge = RidgeClassifier().fit(X, Y > 100)

    with pytest.raises(ValueError, match=r"'ridge', a RidgeClassifier, has no predict_proba"):
        compare({"ridge": ridge}, NEW, TARGETS > 100)


def test_regressors_are_not_measured_by_labels():
    with pytest.raises(ValueError, match="the models are regressors, but y holds 'low'"):
        compare(fitted(), NEW, np.where(TARGETS < 100, "low", "high"))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.append(np.nan, TARGETS[1:]), "with 1 missing or infinite ones"),
        (
            X[1::2],
            r"'tree' predicts shape \(221, 1\), expected .* shape \(221, 10\)",
        ),
        (TARGETS[:7], r"expected finite numbers of shape \(7, 1\)"),
    ],
    ids=["missing", "many columns", "few rows"],
)
def test_targets_that_do_not_suit_the_models_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        compare(fitted(), NEW, y)


def test_predictions_that_are_no_numbers_are_refused_by_the_models_name():
    broken = DummyRegressor(strategy="constant", constant=1.0).fit(X, Y)
    broken.constant_ = np.full_like(broken.constant_, np.inf)

    with pytest.raises(ValueError, match="'broken' predicts shape"):
        compare(fitted() | {"broken": broken}, NEW, TARGETS)


class Counting(LinearRegression):
    """Records of how many rows it predicts."""

    asked_about: list = []

    def predict(self, X):
        self.asked_about.append(len(X))
        return super().predict(X)


def test_the_time_of_a_regressor_is_that_of_predict():
    Counting.asked_about.clear()

    report = compare({"counting": Counting().fit(X, Y)}, NEW, TARGETS, n_repeats=3)

    assert Counting.asked_about == [len(NEW), 1, 1, 1, 1]
    assert report["counting"].microseconds > 0


def test_of_one_number_no_share_is_explained():
    models = {"constant": DummyRegressor().fit(X, Y), "tree": fitted()["tree"]}

    row = compare(models, NEW, TARGETS, n_repeats=1)["tree"]

    assert row.agreement is None  # the reference predicts the same of all rows
    assert row.r2 == r2_score(TARGETS, models["tree"].predict(NEW))
    assert compare(models, NEW, np.full(len(NEW), 0.1), n_repeats=1)["tree"].r2 is None
