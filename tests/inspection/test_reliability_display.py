"""Reliability: bins with enough rows, intervals, and several models on one picture."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from skdistill import ReliabilityDisplay, expected_calibration_error
from skdistill.inspection.metrics import equal_count_reliability, wilson_interval
from tests.small import numeric_rows

X, Y = numeric_rows(600)
WORDS = np.array(["low", "middle", "high"])[Y]


def bayes(y=Y):
    return GaussianNB().fit(X[:300], y[:300])


def labels(display):
    return display.ax_.get_legend_handles_labels()[1]


def test_a_curve_has_the_bins_and_the_intervals():
    proba = bayes().predict_proba(X[300:])

    display = ReliabilityDisplay.from_predictions(Y[300:], proba)

    counts, confidence, accuracy = equal_count_reliability(Y[300:], proba)
    assert counts.min() >= 50
    (container,) = display.ax_.containers
    line, _, (bars,) = container
    assert_allclose(line.get_xydata(), np.column_stack([confidence, accuracy]))
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    assert_allclose(ends, np.column_stack(wilson_interval(accuracy, counts)), atol=1e-9)


def test_the_legend_has_the_calibration_error():
    proba = bayes().predict_proba(X[300:])

    display = ReliabilityDisplay.from_predictions(Y[300:], {"bayes": proba})

    error = expected_calibration_error(Y[300:], proba)
    assert labels(display) == [f"bayes, error {error:.3f}"]


def test_labels_of_any_kind_are_found_in_the_classes():
    of_words = ReliabilityDisplay.from_estimator(bayes(WORDS), X[300:], WORDS[300:])
    of_numbers = ReliabilityDisplay.from_estimator(bayes(), X[300:], Y[300:])

    assert_allclose(of_words.curves["GaussianNB"][2], of_numbers.curves["GaussianNB"][2])


def test_several_models_are_drawn_together():
    models = {"bayes": bayes(), "logistic": LogisticRegression().fit(X[:300], Y[:300])}

    display = ReliabilityDisplay.from_estimator(models, X[300:], Y[300:])

    assert [label.split(",")[0] for label in labels(display)] == ["bayes", "logistic"]


def test_probabilities_of_the_second_of_two_classes_are_enough():
    share = np.linspace(0, 1, 200)
    y = (np.arange(200) % 3 == 0).astype(int)

    one = ReliabilityDisplay.from_predictions(y, share)
    both = ReliabilityDisplay.from_predictions(y, np.column_stack([1 - share, share]))

    assert_allclose(one.curves["model"], both.curves["model"])


def test_twenty_models_with_long_names_have_their_legend_beside_the_curves():
    curve = np.array([60] * 3), np.array([0.6, 0.8, 0.9]), np.array([0.5, 0.8, 1.0])
    names = [f"a model with a name that is much too long, number {k}" for k in range(20)]

    display = ReliabilityDisplay(dict.fromkeys(names, curve)).plot()

    display.figure_.draw_without_rendering()
    legend = display.ax_.get_legend().get_window_extent()
    assert legend.x0 > display.ax_.get_window_extent().x1
    assert legend.x1 <= display.figure_.bbox.x1
    assert len(set(labels(display))) == 20
    looks = {(each[0].get_marker(), each[0].get_linestyle()) for each in display.ax_.containers}
    assert len(looks) == 20  # colors alone do not tell them apart


def test_too_few_rows_for_a_bin_are_refused():
    with pytest.raises(ValueError, match="at least 50 for one bin"):
        ReliabilityDisplay.from_estimator(bayes(), X[:49], Y[:49])


def test_labels_that_a_model_does_not_know_are_refused():
    with pytest.raises(ValueError, match=r"the labels \['.* of GaussianNB"):
        ReliabilityDisplay.from_estimator(bayes(), X, WORDS)


def test_a_model_without_probabilities_is_refused_by_name():
    with pytest.raises(ValueError, match="svc has no predict_proba"):
        ReliabilityDisplay.from_estimator({"svc": LinearSVC().fit(X, Y)}, X, Y)


@pytest.mark.parametrize("proba", [np.nan, 1.5])
def test_what_are_no_probabilities_is_refused(proba):
    with pytest.raises(ValueError, match="model does not predict probabilities for 60 of 60 rows"):
        ReliabilityDisplay.from_predictions(np.zeros(60, int), np.full(60, proba))
