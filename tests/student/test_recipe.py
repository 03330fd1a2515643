import numpy as np
import pytest

from skdistill.student.recipe import alpha_of_noise
from tests.small import transfer_set, with_unlabeled

LABELS = np.arange(30) % 3
NOBODY = np.zeros(30, dtype=bool)


def rows_known_by(trust, n_unlabeled=0):
    """Rows of which the teachers leave (1 - trust)² of the labels' variance unexplained."""
    proba = trust * np.eye(3)[LABELS] + (1 - trust) / 3
    rows = transfer_set(np.zeros((30, 1)), proba, LABELS, None, NOBODY)
    new = np.full((n_unlabeled, 3), 1 / 3)
    return with_unlabeled(rows, np.zeros((n_unlabeled, 1)), new, new)


@pytest.mark.parametrize("trust", [0.0, 0.2, 0.5, 1.0])
def test_without_unlabelled_rows_alpha_is_what_the_teachers_leave_unexplained(trust):
    assert alpha_of_noise(rows_known_by(trust)) == pytest.approx((1 - trust) ** 2)


@pytest.mark.parametrize("trust", [0.0, 0.2, 0.5, 1.0])
def test_beside_as_many_unlabelled_rows_the_odds_are_to_the_power_of_one_and_a_half(trust):
    signal_to_noise = (1 - (1 - trust) ** 2) / max((1 - trust) ** 2, 1e-12)

    found = alpha_of_noise(rows_known_by(trust, n_unlabeled=30))

    assert found == pytest.approx(1 / (1 + signal_to_noise**1.5))


def test_unlabelled_rows_move_alpha_away_from_a_half():
    noisy, clean = ([alpha_of_noise(rows_known_by(t, n)) for n in (0, 30, 300)] for t in (0.2, 0.6))

    assert 0.5 < noisy[0] < noisy[1] < noisy[2] < 1
    assert 0.5 > clean[0] > clean[1] > clean[2] > 0
