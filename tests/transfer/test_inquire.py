"""How rows are chosen that a student asks about."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skdistill import Inquire, Munge
from skdistill.transfer.inquire import draw_by_score, rows_of_rounds
from tests.small import mixed_table, numeric_rows

X, Y = numeric_rows(100)


def test_rows_are_drawn_without_replacement():
    drawn = draw_by_score(np.ones(50), 50, np.random.RandomState(0))

    assert_array_equal(drawn, np.arange(50))


def test_a_row_is_drawn_as_often_as_its_score_says():
    score = np.array([1.0, 2.0, 7.0])

    drawn = [draw_by_score(score, 1, np.random.RandomState(k))[0] for k in range(2000)]

    assert np.bincount(drawn) / 2000 == pytest.approx(score / 10, abs=0.03)


@pytest.mark.parametrize("nothing", [0.0, np.nan, -1.0])
def test_rows_without_a_score_are_drawn_after_all_others(nothing):
    score = np.r_[np.full(50, nothing), np.full(10, 1e-3)]

    assert_array_equal(draw_by_score(score, 10, np.random.RandomState(0)), np.arange(50, 60))
    assert len(draw_by_score(score, 30, np.random.RandomState(0))) == 30


def test_rows_are_drawn_where_all_have_no_score():
    assert len(draw_by_score(np.zeros(20), 5, np.random.RandomState(0))) == 5


@pytest.mark.parametrize(("rounds", "shares"), [(2, [50, 50]), (3, [34, 33, 33])])
def test_the_rounds_share_the_rows(rounds, shares):
    assert rows_of_rounds(Inquire(rounds=rounds), 100) == shares


@pytest.mark.parametrize("augmenter", [None, "auto", "munge", Munge()])
def test_other_augmenters_have_one_round(augmenter):
    assert rows_of_rounds(augmenter, 100) == [100]


@pytest.mark.parametrize("inner", [None, "munge", Munge(swap=0.5)])
def test_its_own_rows_are_those_of_the_augmenter_within(inner):
    frame, _ = mixed_table()

    rows = Inquire(inner).fit(frame).sample(30, 0)

    assert rows.equals(Munge().fit(frame).sample(30, 0))


def test_the_augmenter_within_is_not_changed():
    inner = Munge()

    Inquire(inner).fit(X)

    assert not hasattr(inner, "X_")


def test_a_task_that_cannot_be_asked_is_refused_in_its_words():
    task = SimpleNamespace(why_not_ask=lambda by_uncertainty: f"is no good: {by_uncertainty}.")

    with pytest.raises(ValueError, match=r"Inquire\(by='uncertainty'\) is no good: True"):
        Inquire(by="uncertainty").check(task, X)
