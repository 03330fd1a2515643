"""Bins of confidence, and what is measured with them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdistill import expected_calibration_error
from skdistill.inspection.metrics import (
    agreement,
    brier_score,
    equal_count_reliability,
    reliability,
    wilson_interval,
)


def two_classes(confidence):
    """Probabilities whose first column is the confidence."""
    return np.column_stack([confidence, 1 - np.asarray(confidence)])


def random_rows(n_samples, seed=0):
    """Labels and probabilities of three classes, as (y, proba)."""
    rng = np.random.RandomState(seed)
    return rng.randint(0, 3, n_samples), rng.dirichlet([0.5, 0.5, 0.5], n_samples)


def test_a_model_that_is_as_often_right_as_it_is_confident_has_no_calibration_error():
    assert expected_calibration_error([0, 0, 0, 1], two_classes([0.75] * 4)) == 0


def test_the_calibration_error_of_one_bin_is_the_gap_between_confidence_and_accuracy():
    assert_allclose(expected_calibration_error([0, 1], two_classes([0.91, 0.91])), 0.41)


def test_bins_of_equal_width_hold_every_row_once():
    counts, _, _ = reliability(*random_rows(200))

    assert counts.sum() == 200


def test_the_surest_row_falls_into_the_last_bin():
    counts, confidence, _ = reliability([0, 0], two_classes([1.0, 0.99]), n_bins=10)

    assert_array_equal(counts, [2])
    assert_allclose(confidence, [0.995])


@pytest.mark.parametrize(
    ("n_samples", "n_bins"), [(49, 0), (50, 1), (99, 1), (149, 2), (499, 9), (500, 10), (5000, 10)]
)
def test_there_are_as_many_bins_of_equal_count_as_the_rows_fill(n_samples, n_bins):
    counts, _, _ = equal_count_reliability(*random_rows(n_samples))

    assert len(counts) == n_bins


@pytest.mark.parametrize("n_samples", [50, 149, 540, 2001])
def test_bins_of_equal_count_hold_every_row_once_and_enough_each(n_samples):
    counts, _, _ = equal_count_reliability(*random_rows(n_samples))

    assert counts.sum() == n_samples
    assert counts.min() >= 50
    assert np.ptp(counts) <= 1


def test_bins_of_equal_count_rise_in_confidence():
    _, confidence, _ = equal_count_reliability(*random_rows(700))

    assert (np.diff(confidence) > 0).all()


def test_the_bins_means_weighted_by_count_are_those_of_all_rows():
    y, proba = random_rows(333)

    counts, confidence, accuracy = equal_count_reliability(y, proba)

    assert_allclose(counts @ confidence / 333, proba.max(1).mean())
    assert_allclose(counts @ accuracy / 333, np.mean(proba.argmax(1) == y))


def test_rows_of_the_same_confidence_share_a_bin_whatever_their_order():
    proba = two_classes(np.repeat([0.6, 0.8, 1.0], [100, 60, 340]))

    counts, confidence, _ = equal_count_reliability(np.zeros(500, int), proba)

    assert_array_equal(counts, [100, 60, 340])
    assert_allclose(confidence, [0.6, 0.8, 1.0])


def test_a_remainder_too_small_for_a_bin_joins_the_one_below():
    proba = two_classes(np.repeat([0.6, 0.8, 1.0], [80, 80, 20]))

    counts, _, _ = equal_count_reliability(np.zeros(180, int), proba)

    assert_array_equal(counts, [80, 100])


def test_an_interval_holds_the_share_and_stays_between_zero_and_one():
    counts = np.arange(1, 200)[:, None]
    share = np.round(np.linspace(0, 1, 11) * counts) / counts

    low, high = wilson_interval(share, counts)

    assert (low >= 0).all()
    assert (high <= 1).all()
    assert (low <= share).all()
    assert (share <= high).all()


def test_an_interval_narrows_with_the_number_of_rows():
    low, high = wilson_interval(0.9, np.array([50, 500]))

    assert np.diff(high - low) < 0


def test_wilsons_interval_is_that_of_the_textbook():
    low, high = wilson_interval(0.5, 10)  # statsmodels' proportion_confint(5, 10, method="wilson")

    assert_allclose([low, high], [0.2366, 0.7634], atol=1e-4)


def test_agreement_is_the_share_of_rows_with_the_same_class():
    assert agreement(two_classes([0.9, 0.4, 0.8]), two_classes([0.6, 0.9, 0.7])) == pytest.approx(
        2 / 3
    )


@pytest.mark.parametrize(("confidence", "score"), [(1.0, 0.0), (0.5, 0.5), (0.0, 2.0)])
def test_the_brier_score_is_the_squared_distance_to_the_labels(confidence, score):
    assert brier_score(np.array([0]), two_classes([confidence])) == score
