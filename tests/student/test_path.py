"""`student_path`: students of several widths on the same teachers."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skdistill import DistilledRanker, StudentNet, TensorNet, student_path
from tests.small import (
    Linear,
    encoded_tree,
    fits_in,
    logged_classifier,
    numeric_rows,
    quick_classifier,
    quick_regressor,
    quick_student,
)

X, Y = numeric_rows(120)
WIDTHS = [4, 16]


@pytest.fixture(scope="module")
def path():
    clf = quick_classifier(encoded_tree(), StudentNet(max_epochs=2, module__hidden_sizes=(32, 16)))
    return student_path(clf, X, Y, widths=WIDTHS)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_a_student_of_each_width_is_measured(path):
    assert [row.name for row in path.rows] == list(path.students) == ["4-2", "16-8"]
    assert path["4-2"].kilobytes < path["16-8"].kilobytes
    assert all(row.microseconds > 0 for row in path.rows)


def test_the_table_names_the_students(path):
    assert "16-8" in str(path)
    assert "<td" in path._repr_html_()


def test_a_students_measures_are_those_of_the_student(path):
    layers = path.students["16-8"].student_.weights

    assert [bias.size for _, bias in layers[:-1]] == [16, 8]


def test_widths_are_sorted_and_none_is_trained_twice():
    path = student_path(quick_classifier(encoded_tree()), X, Y, widths=[8, 2, 8])

    assert list(path.students) == ["2", "8"]


@pytest.mark.parametrize("random_state", [0, None, np.random.RandomState(0)], ids=str)
def test_the_teachers_are_fitted_once(tmp_path, random_state):
    one, several = tmp_path / "one", tmp_path / "several"
    student = quick_student(max_epochs=1)
    alike = {"student": student, "random_state": random_state}

    student_path(logged_classifier(one, **alike), X, Y, widths=[8])
    student_path(logged_classifier(several, **alike), X, Y, widths=[2, 4, 8])

    assert fits_in(several) == fits_in(one)


def test_a_memory_of_ones_own_serves_the_path_and_stays(tmp_path):
    clf = logged_classifier(tmp_path / "log", memory=tmp_path / "memory")
    student_path(clf, X, Y, widths=[8])
    before = fits_in(tmp_path / "log")

    path = student_path(clf, X, Y, widths=[4])

    assert fits_in(tmp_path / "log") == before
    assert path.students["4"].memory == tmp_path / "memory"


def test_the_classifier_that_is_passed_stays_as_it_is():
    clf = quick_classifier(encoded_tree(), max_size="1kB")
    before = {name: str(each) for name, each in clf.get_params(deep=False).items()}

    student_path(clf, X, Y, widths=[4])

    assert {name: str(each) for name, each in clf.get_params(deep=False).items()} == before
    assert not hasattr(clf, "student_")


def test_rows_of_ones_own_measure_the_students_and_weights_reach_them():
    clf = quick_classifier(encoded_tree())
    weight = np.linspace(0.1, 1, 80)

    path = student_path(
        clf, X[:80], Y[:80], widths=[8], X_test=X[80:], y_test=Y[80:],
        fit_params={"sample_weight": weight},
    )  # fmt: skip

    alone = clf.fit(X[:80], Y[:80], sample_weight=weight)
    assert_array_equal(path.students["8"].predict_proba(X), alone.predict_proba(X))
    assert path["8"].accuracy == alone.score(X[80:], Y[80:])


def test_kept_teachers_are_the_first_row_and_a_line(path):
    kept = student_path(quick_classifier(encoded_tree(), keep_teachers=True), X, Y, widths=[4, 8])

    assert [row.name for row in kept.rows] == ["teachers", "4", "8"]
    assert kept.reference == "teachers"
    assert len(kept.plot().axes_[0].lines) == len(path.plot().axes_[0].lines) + 1


def test_the_curve_has_a_point_for_each_student_by_size_and_by_time(path):
    display = path.plot()

    for ax, cost in zip(display.axes_, ["kilobytes", "microseconds"]):
        expected = [[getattr(row, cost), row.log_loss] for row in path.rows]
        assert_array_equal(ax.lines[0].get_xydata(), expected)
        names = [text.get_text() for text in ax.texts if text.get_text()]
        assert names == [row.name for row in path.rows]
    assert "kB" in display.axes_[0].get_xlabel()


def test_the_curve_is_drawn_on_axes_of_ones_own(path):
    figure, axes = plt.subplots(2, 1)

    assert path.plot(axes=axes).figure_ is figure
    with pytest.raises(ValueError, match="got 1 axes, expected two"):
        path.plot(axes=axes[0])


@pytest.mark.parametrize("widths", [[], [0, 8], [8.5], "8", 8], ids=str)
def test_widths_that_are_none_are_refused(widths):
    with pytest.raises(ValueError, match="widths must be a list of ints above 0"):
        student_path(quick_classifier(), X, Y, widths=widths)


@pytest.mark.parametrize(
    "student", [TensorNet(Linear), StudentNet(module__hidden_sizes=())], ids=["module", "linear"]
)
def test_a_student_without_widths_is_refused(student):
    with pytest.raises(ValueError, match="widths of a StudentMLP with hidden layers"):
        student_path(quick_classifier(student=student), X, Y)


def test_half_of_the_test_rows_is_refused():
    with pytest.raises(ValueError, match="only one of X_test and y_test"):
        student_path(quick_classifier(), X, Y, X_test=X)


def test_arguments_of_fit_are_refused_where_rows_are_held_out():
    with pytest.raises(ValueError, match=r"fit_params \['groups'\] .* pass X_test"):
        student_path(quick_classifier(), X, Y, fit_params={"groups": Y})


def test_a_regressors_path_has_the_rmse_on_its_axis():
    target = X[:, 0] + 0.01 * np.arange(120)  # no value repeats
    path = student_path(quick_regressor(keep_teachers=True), X, target, widths=[4, 16])

    assert [row.name for row in path.rows] == ["teachers", "4", "16"]
    display = path.plot()
    assert display.axes_[0].get_ylabel() == "RMSE, lower is better"
    expected = [[row.kilobytes, row.rmse] for row in path.rows[1:]]
    assert_array_equal(display.axes_[0].lines[0].get_xydata(), expected)


def test_a_regressors_students_have_the_proportions_of_its_default():
    target = X[:, 0] + 0.01 * np.arange(120)
    reg = quick_regressor(student=StudentNet(max_epochs=1))

    path = student_path(reg, X, target, widths=[8, 16])

    assert list(path.students) == ["8-4", "16-8"]


def test_a_ranker_is_refused_before_a_teacher_is_fitted():
    with pytest.raises(ValueError, match="a DistilledRanker ranks, and students of several widths"):
        student_path(DistilledRanker(), X, Y)
