"""The picture: which panels, what is highlighted, and labels that can be read."""

import sys
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose

import skdistill
from skdistill.inspection.displays import ReportDisplay, gain, marker_areas, spell_ratio, spell_size
from skdistill.inspection.labels import place_labels
from skdistill.inspection.report import DistillationReport
from skdistill.inspection.rows import ClassifierRow, RegressorRow
from skdistill.student.path import StudentPath

SINGLE = ["rf", "xgb", "mlp", "mlp_periodic", "mlp_bins", "lightgbm"]
NAMES = [*(f"teacher {name}" for name in SINGLE), "pooled teachers", "same net", "student"]
NO_CURVE = (np.array([], int), np.array([]), np.array([]))
TOO_SHORT = (np.array([60, 60]), np.array([0.7, 0.9]), np.array([0.6, 0.9]))
CURVE = (np.array([60] * 4), np.array([0.6, 0.7, 0.8, 0.97]), np.array([0.7, 0.6, 0.85, 1.0]))


def row(name, loss=0.2, kilobytes=100.0, microseconds=50.0, reliability=CURVE):
    return ClassifierRow(name, 0.9, loss, 0.02, 0.1, 0.95, kilobytes, microseconds, reliability)


def regressor(name, rmse, kilobytes=100.0, microseconds=50.0):
    return RegressorRow(name, rmse, 0.8 * rmse, 0.9, 0.99, None, None, kilobytes, microseconds)


def pool_and_student(**kwargs):
    return [row("pool", 0.2, 8000.0, 12000.0, **kwargs), row("student", 0.19, **kwargs)]


def random_rows(n_models, seed):
    """Models that cost anything from next to nothing to a lot."""
    rng = np.random.RandomState(seed)
    measured = np.exp(rng.uniform(np.log([0.1, 15, 40]), np.log([0.5, 3e5, 2e4]), (n_models, 3)))
    return [row(name, *each) for name, each in zip(NAMES[-n_models:], measured)]


def texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


@pytest.mark.parametrize(
    ("reliability", "n_axes"), [(NO_CURVE, 1), (TOO_SHORT, 1), (CURVE, 2)], ids=["0", "2", "4"]
)
def test_calibration_is_drawn_only_from_three_bins_on(reliability, n_axes):
    display = ReportDisplay(pool_and_student(reliability=reliability)).plot()

    assert len(display.axes_) == len(display.figure_.axes) == n_axes


def test_of_regressors_the_rmse_is_drawn_and_no_calibration():
    display = DistillationReport(
        [regressor("pool", 56_000, 8000), regressor("student", 57_000)]
    ).plot()

    (ax,) = display.axes_
    assert ax.get_ylabel() == "RMSE, lower is better"
    assert ax.get_title(loc="left") == "RMSE, time and size"
    assert_allclose(ax.collections[0].get_offsets()[:, 1], [56_000, 57_000])


def test_the_second_of_two_axes_is_switched_off_for_regressors():
    _, axes = plt.subplots(1, 2)

    DistillationReport([regressor("pool", 5.6), regressor("student", 5.7)]).plot(axes=axes)

    assert not axes[1].axison


def test_one_axes_gets_the_first_panel_alone():
    _, ax = plt.subplots()

    display = ReportDisplay(pool_and_student()).plot(axes=ax)

    assert list(display.axes_) == [ax]
    assert display.figure_ is ax.figure
    assert "log loss" in ax.get_ylabel()


def test_two_axes_get_a_panel_each():
    figure, axes = plt.subplots(1, 2)

    display = ReportDisplay(pool_and_student()).plot(axes=axes)

    assert list(display.axes_) == list(axes)
    assert display.figure_ is figure
    assert axes[1].get_xlabel() == "confidence"


def test_the_second_of_two_axes_is_switched_off_without_a_curve():
    _, axes = plt.subplots(1, 2)

    display = ReportDisplay(pool_and_student(reliability=NO_CURVE)).plot(axes=axes)

    assert list(display.axes_) == [axes[0]]
    assert not axes[1].axison


def test_three_axes_are_refused():
    _, axes = plt.subplots(1, 3)

    with pytest.raises(ValueError, match="got 3 axes, expected one or two"):
        ReportDisplay(pool_and_student()).plot(axes=axes)


def test_highlighting_a_model_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"highlight names \['tree'\].*\['pool', 'student'\]"):
        ReportDisplay(pool_and_student()).plot(highlight=["tree"])


def test_the_reference_and_the_last_model_are_highlighted_by_default():
    rows = [row("teacher rf"), *pool_and_student()]

    display = DistillationReport(rows, reference="pool").plot()

    labels = display.axes_[1].get_legend_handles_labels()[1]
    assert [label.split(",")[0] for label in labels] == ["pool", "student"]


def test_only_highlighted_models_have_a_color():
    rows = [row("teacher rf"), *pool_and_student()]

    (points,) = ReportDisplay(rows).plot(highlight=["student"]).axes_[0].collections

    gray, _, colored = points.get_facecolor()[:, :3]
    assert np.ptp(gray) == 0
    assert_allclose(colored, to_rgba("C0")[:3])


def test_every_model_is_labeled_with_its_size():
    labels = texts(ReportDisplay(pool_and_student()).plot().axes_[0])

    assert {"pool\n8.0 MB", "student\n100 kB"} < set(labels)


def test_an_arrow_says_what_the_student_wins():
    assert "80× smaller\n240× faster" in texts(ReportDisplay(pool_and_student()).plot().axes_[0])


@pytest.mark.parametrize("highlight", [["student"], []], ids=len)
def test_without_a_pair_there_is_no_arrow(highlight):
    labels = texts(ReportDisplay(pool_and_student()).plot(highlight=highlight).axes_[0])

    assert not any("faster" in label for label in labels)


@pytest.mark.parametrize(
    ("losses", "scale"), [((0.2, 0.25), "linear"), ((0.02, 0.25), "log"), ((0, 0.25), "linear")]
)
def test_losses_far_apart_are_drawn_on_a_logarithmic_axis(losses, scale):
    rows = [row(name, loss) for name, loss in zip("ab", losses)]

    assert ReportDisplay(rows).plot().axes_[0].get_yscale() == scale


def test_a_logarithmic_axis_has_three_ticks_in_plain_numbers():
    ax = ReportDisplay([row("a", microseconds=500), row("b", microseconds=700)]).plot().axes_[0]

    low, high = ax.get_xlim()
    shown = [tick for tick in ax.get_xticks() if low <= tick <= high]
    assert len(shown) >= 3
    assert all("$" not in label.get_text() for label in ax.get_xticklabels())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n_models", [4, 6, 8, 9])
def test_labels_overlap_neither_each_other_nor_the_frame(n_models, seed):
    display = ReportDisplay(random_rows(n_models, seed), reference="pooled teachers").plot()

    ax = display.axes_[0]
    display.figure_.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text()]
    assert len(boxes) == n_models + 1
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert all(ax.bbox.containsx(x) for box in boxes for x in (box.x0, box.x1))
    assert all(ax.bbox.containsy(y) for box in boxes for y in (box.y0, box.y1))


@pytest.mark.parametrize("n_models", [1, 2])
def test_models_that_are_all_alike_can_be_drawn(n_models):
    display = ReportDisplay([row(name) for name in "ab"[:n_models]]).plot()

    display.figure_.draw_without_rendering()


def test_plotting_without_matplotlib_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)

    with pytest.raises(ImportError, match=r"pip install 'skdistill\[plot\]'"):
        ReportDisplay(pool_and_student()).plot()


@pytest.mark.parametrize(
    ("kilobytes", "text"),
    [(0.4, "0.4 kB"), (15, "15 kB"), (999.7, "1.0 MB"), (31_000, "31 MB"), (2.5e6, "2.5 GB")],
)
def test_a_size_is_spelt_with_the_unit_that_fits(kilobytes, text):
    assert spell_size(kilobytes) == text


@pytest.mark.parametrize(
    ("ratio", "text"), [(1.44, "1.4"), (2.0, "2"), (9.96, "10"), (285, "280"), (20_667, "21,000")]
)
def test_a_ratio_is_spelt_in_two_digits(ratio, text):
    assert spell_ratio(ratio) == text


@pytest.mark.parametrize(
    ("after", "text"),
    [
        (row("student", kilobytes=10, microseconds=200), "10× smaller\n4× slower"),
        (row("student", kilobytes=130, microseconds=49), "1.3× larger\nsame speed"),
    ],
    ids=["slower", "larger"],
)
def test_what_is_lost_is_said_as_well(after, text):
    assert gain(row("pool"), after) == text


def test_areas_grow_with_the_size_within_bounds():
    areas = marker_areas([15, 400, 310_000])

    assert_allclose(areas[[0, 2]], [40, 640])
    assert (np.diff(areas) > 0).all()


def test_models_of_like_size_have_markers_of_like_area():
    assert np.ptp(marker_areas([100, 101])) < 10


def test_a_label_avoids_what_is_beside_its_point():
    centers = place_labels([(50, 50)], [(20, 10)], [2], [(52, 0, 100, 100)], (0, 0, 100, 100))

    assert centers[0, 0] + 10 <= 52


def test_a_label_at_the_edge_stays_within_the_bounds():
    centers = place_labels([(99, 50)], [(20, 10)], [2], [], (0, 0, 100, 100))

    assert centers[0, 0] + 10 <= 100


def test_labels_of_the_same_point_lie_apart():
    one, other = place_labels([(50, 50)] * 2, [(20, 10)] * 2, [2, 2], [], (0, 0, 100, 100))

    assert abs(one - other)[0] >= 20 or abs(one - other)[1] >= 10


def path_of(rows):
    """As `student_path` returns it, with teachers in front."""
    return StudentPath([row("teachers"), *rows], {each.name: None for each in rows})


def test_a_path_of_students_is_a_line_with_names_at_its_ends_and_its_best():
    losses = {"8-8": 0.3, "16-16": 0.25, "32-32": 0.2, "64-64": 0.21}
    path = path_of([row(name, loss) for name, loss in losses.items()])

    ax = ReportDisplay(pool_and_student()).plot(path=path).axes_[0]

    (line,) = (line for line in ax.lines if len(line.get_xdata()) == 4)
    assert_allclose(line.get_ydata(), list(losses.values()))
    assert set(losses) & set(texts(ax)) == {"8-8", "32-32", "64-64"}


def test_a_path_measured_by_another_loss_is_refused():
    path = path_of([regressor("8-8", 3.0)])

    with pytest.raises(ValueError, match="path are measured by RMSE, the models by log loss"):
        ReportDisplay(pool_and_student()).plot(path=path)


@pytest.mark.parametrize("name", [name for name in skdistill.__all__ if name.endswith("Display")])
def test_a_display_is_public_with_its_docstring(name):
    display = getattr(skdistill, name)

    assert "Parameters" in display.__doc__
    assert display.plot.__doc__.split("\n")[0].startswith("Draw")
