"""How alpha, temperature, validation rows and the length of the training are chosen."""

from unittest.mock import patch

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from skdistill import TensorNet
from skdistill.student.recipe import _is_clearly_lower, alpha_of_noise
from tests.small import (
    Linear,
    Spy,
    numeric_rows,
    quick_classifier,
    quick_student,
    transfer_set,
    with_unlabeled,
)

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


def test_alpha_auto_is_labels_alone_where_the_teachers_do_harm():
    X, y = numeric_rows(1600)
    useful, harmful = LogisticRegression(), Spy([0.98, 0.01, 0.01])

    of_useful, of_harmful = (
        quick_classifier([("t", teacher)], alpha="auto", augmenter="munge").fit(X, y)
        for teacher in (useful, harmful)
    )

    assert of_useful.alpha_ > 0
    assert of_harmful.alpha_ == 0
    with_teachers, on_labels = (each["valid_loss"] for each in of_harmful.candidates_)
    assert on_labels < with_teachers


def test_labels_alone_win_by_more_than_chance():
    rng = np.random.RandomState(0)
    losses, noise = rng.exponential(size=300), rng.normal(size=300)
    noise -= noise.mean()  # its standard error is .058

    assert _is_clearly_lower(losses - 0.19, losses + noise, None)
    assert not _is_clearly_lower(losses - 0.16, losses + noise, None)
    assert not _is_clearly_lower(losses, losses - 0.1, None)
    assert _is_clearly_lower(losses, np.full(300, np.nan), None)


def test_temperature_auto_is_tried_at_the_alpha_that_was_chosen():
    X, y = numeric_rows(1600)

    clf = quick_classifier(alpha="auto", temperature="auto", augmenter="munge").fit(X, y)

    of_alpha = [each for each in clf.candidates_ if each["alpha"] == clf.alpha_]
    best = min(of_alpha, key=lambda candidate: candidate["valid_loss"])
    assert clf.temperature_ == best["temperature"]
    tried = [(each["alpha"], each["temperature"], each["teachers"]) for each in clf.candidates_]
    assert len(set(tried)) == len(tried)
    assert [each[1:] for each in tried[:2]] == [(1, True), (1, False)]
    assert tried[2:] in ([], [(clf.alpha_, 2, True), (clf.alpha_, 4, True)])


def test_temperature_auto_at_an_alpha_that_was_given():
    X, y = numeric_rows(1600)

    clf = quick_classifier(alpha=0.7, temperature="auto").fit(X, y)

    assert [each["temperature"] for each in clf.candidates_] == [1, 2, 4]
    assert {each["alpha"] for each in clf.candidates_} == {clf.alpha_} == {0.7}


@pytest.mark.parametrize(("augmenter", "n_tried"), [(None, 0), ("munge", 3)])
def test_no_temperature_is_tried_where_no_row_is_the_teachers(augmenter, n_tried):
    X, y = numeric_rows(1600)

    clf = quick_classifier(alpha=0.0, temperature="auto", augmenter=augmenter).fit(X, y)

    assert len(clf.candidates_) == n_tried


def test_alpha_auto_is_the_larger_the_noisier_the_labels():
    X, y = numeric_rows()

    clean, noisy = (
        quick_classifier(alpha="auto", augmenter="munge").fit(X, labels)
        for labels in (y, np.random.RandomState(0).permutation(y))
    )

    assert clean.candidates_ == noisy.candidates_ == []  # too few rows to try anything by
    assert 0 < clean.alpha_ < 0.5 < noisy.alpha_ <= 1


@pytest.mark.parametrize(("n_unlabeled", "to_the_end"), [(1, False), (599, False), (600, True)])
def test_a_few_rows_without_labels_do_not_keep_a_student_from_stopping_early(
    n_unlabeled, to_the_end
):
    X, y = numeric_rows(600)

    clf = quick_classifier().fit(X, y, X_unlabeled=X[:n_unlabeled])

    assert ("valid_loss" not in clf.history_[0]) == to_the_end


def test_a_trial_of_a_student_that_does_not_stop_early_is_judged_at_its_end():
    X, y = numeric_rows(1600)
    student = quick_student(max_epochs=120, lr=0.05)  # 30 epochs a trial: soon past its best

    clf = quick_classifier(student=student, alpha="auto", augmenter="munge")
    judged = []

    def note(losses, others, weight):
        judged.append(others.mean())
        return False

    with patch("skdistill.student.recipe._is_clearly_lower", note):
        clf.fit(X, y)

    assert judged == [pytest.approx(clf.candidates_[0]["valid_loss"], abs=1e-4)]


def test_a_student_with_patience_keeps_the_rows_that_judge_it():
    X, y = numeric_rows()

    clf = quick_classifier(student=quick_student(patience=2), augmenter="munge").fit(X, y)

    assert "valid_loss" in clf.history_[0]


def test_no_row_is_held_out_where_there_are_too_few_to_decide(spy):
    X, y = numeric_rows()

    quick_classifier(spy, augmenter="munge").fit(X, y)
    assert [len(rows) for rows, _, _ in spy.fitted_on] == [30, 30, 60]
    spy.fitted_on.clear()
    quick_classifier(spy, augmenter=None).fit(X, y)
    assert max(len(rows) for rows, _, _ in spy.fitted_on) < 30


@pytest.mark.parametrize(
    "student", [quick_student(train_split=None), TensorNet(Linear, max_epochs=3)]
)
def test_alpha_auto_is_a_share_whatever_the_student(student):
    clf = quick_classifier(alpha="auto", student=student).fit(*numeric_rows())

    assert 0 <= clf.alpha_ <= 1


def test_a_given_alpha_is_used_as_it_is():
    clf = quick_classifier(alpha=0.3).fit(*numeric_rows())

    assert clf.alpha_ == 0.3
