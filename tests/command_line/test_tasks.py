"""Whether a target holds classes or numbers."""

import numpy as np
import pandas as pd
import pytest

from skdistill.command_line.tasks import task_of

N = 40


@pytest.mark.parametrize("y", [[0, 1] * N, [1.0, 2.0] * N, range(20)])
def test_whole_numbers_that_repeat_are_classes_and_it_is_said_what_else_they_may_be(y):
    task, (note,) = task_of(pd.Series(y), "grade")

    assert task.name == "classification"
    assert "'grade' holds" in note
    assert "--task regression predicts them as numbers" in note


@pytest.mark.parametrize("y", [[0.5, 1.5] * N, np.arange(N)], ids=["decimals", "never alike"])
def test_other_numbers_are_predicted_as_numbers_and_it_is_said(y):
    task, (note,) = task_of(pd.Series(y), "price")

    assert task.name == "regression"
    assert "'price' holds" in note
    assert "for classes, choose a column of labels" in note


def test_many_whole_numbers_that_are_floats_are_predicted_as_numbers_unless_said():
    y = pd.Series(np.repeat(np.arange(25.0), 10))

    task, (note,) = task_of(y, "share")

    assert task.name == "regression"
    assert "for classes, say --task classification" in note
    assert task_of(y, "share", "classification")[0].name == "classification"


@pytest.mark.parametrize("y", [["a", "b"] * N, [True, False] * N])
def test_labels_leave_no_choice_to_speak_of(y):
    task, notes = task_of(pd.Series(y), "kind")

    assert (task.name, notes) == ("classification", [])


def test_a_task_that_is_named_is_taken_without_a_word():
    task, notes = task_of(pd.Series([0, 1] * N), "grade", "regression")

    assert (task.name, notes) == ("regression", [])


@pytest.mark.parametrize("y", [["low", "high"] * N, [True, False] * N])
def test_labels_are_refused_as_numbers(y):
    with pytest.raises(ValueError, match=r"'kind' holds 2 different labels.*--task regression"):
        task_of(pd.Series(y), "kind", "regression")


@pytest.mark.parametrize("y", [[0.5, 1.5] * N, np.arange(N)], ids=["decimals", "never alike"])
def test_numbers_are_refused_as_classes(y):
    with pytest.raises(ValueError, match=r"'price' holds .* no classes: leave --task out"):
        task_of(pd.Series(y), "price", "classification")


def test_a_target_of_texts_that_do_not_repeat_is_refused():
    with pytest.raises(ValueError, match="choose a column whose labels repeat"):
        task_of(pd.Series([f"K{k}" for k in range(N)]), "name")
