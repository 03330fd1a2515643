"""Training curves: what is drawn, on which axes, and what cannot be drawn."""

import matplotlib.pyplot as plt
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import NetClassifier, StudentMLP, TensorNet, TrainingDisplay
from tests.small import numeric_rows, quick_classifier, quick_regressor, rows_and_targets

X, Y = numeric_rows(120)
TRAINED, VALIDATED, RATES = [0.9, 0.5, 0.4], [0.8, 0.6, 0.7], [0.1, 0.05, 0.01]


def history(**series):
    series = {"train_loss": TRAINED, "valid_loss": VALIDATED, "lr": RATES} | series
    return [
        {"epoch": k + 1} | {key: values[k] for key, values in series.items() if values}
        for k in range(3)
    ]


def lines(display):
    """The curves by their labels in the legend."""
    drawn = [line for ax in display.figure_.axes for line in ax.lines]
    return {line.get_label(): line for line in drawn if not line.get_label().startswith("_")}


def test_losses_and_learning_rate_are_drawn_by_epoch():
    curves = lines(TrainingDisplay(history(), valid_name="log loss").plot())

    expected = {
        "training": TRAINED,
        "validation, log loss": VALIDATED,
        "learning rate, 0.1 to 0.01": RATES,
    }
    assert curves.keys() == expected.keys()
    for label, values in expected.items():
        assert_allclose(curves[label].get_xdata(), [1, 2, 3])
        assert_allclose(curves[label].get_ydata(), values)


def test_the_epoch_of_the_lowest_validation_loss_is_named():
    ax = TrainingDisplay(history()).plot().ax_

    assert "lowest in epoch 2: 0.6" in [text.get_text() for text in ax.texts]


@pytest.mark.parametrize(("scale", "n_axes"), [(1, 2), (100, 3)], ids=["alike", "far apart"])
def test_losses_far_apart_have_an_axis_each(scale, n_axes):
    display = TrainingDisplay(history(valid_loss=[scale * loss for loss in VALIDATED])).plot()

    assert len(display.figure_.axes) == n_axes  # that of the learning rate is one


def test_without_validation_rows_nothing_is_named():
    display = TrainingDisplay(history(valid_loss=[], lr=[])).plot()

    assert list(lines(display)) == ["training"]
    assert not display.ax_.texts


def test_a_single_epoch_is_drawn_with_a_tick_of_its_own():
    ax = TrainingDisplay(history()[:1]).plot().ax_

    low, high = ax.get_xlim()
    assert [tick for tick in ax.get_xticks() if low <= tick <= high] == [1]
    assert ax.lines[0].get_marker() == "o"


def test_an_interrupted_epoch_without_losses_is_left_out():
    display = TrainingDisplay([*history(), {"epoch": 4}]).plot()

    assert_allclose(lines(display)["training"].get_xdata(), [1, 2, 3])


@pytest.mark.parametrize(
    ("make", "valid_name"),
    [
        (lambda: quick_classifier().fit(X, Y), "log loss"),
        (lambda: quick_regressor().fit(*rows_and_targets()), "RMSE"),
        (lambda: make_pipeline(StandardScaler(), quick_classifier()).fit(X, Y), "log loss"),
        (lambda: NetClassifier(TensorNet(StudentMLP, max_epochs=2)).fit(X, Y), "loss"),
    ],
    ids=["classifier", "regressor", "pipeline", "torch teacher"],
)
def test_a_fitted_estimator_shows_its_history(make, valid_name):
    display = TrainingDisplay.from_estimator(make())

    assert f"validation, {valid_name}" in lines(display)


def test_it_is_drawn_on_given_axes():
    figure, ax = plt.subplots()

    display = TrainingDisplay(history()).plot(ax=ax)

    assert (display.ax_, display.figure_) == (ax, figure)


def test_what_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError):
        TrainingDisplay.from_estimator(quick_classifier())


def test_what_is_not_trained_by_epochs_is_refused_by_name():
    with pytest.raises(ValueError, match="LogisticRegression has no history_"):
        TrainingDisplay.from_estimator(LogisticRegression().fit(X, Y))
