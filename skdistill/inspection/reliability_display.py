"""`ReliabilityDisplay`, which plots how often confident predictions are right."""

from collections.abc import Mapping

import numpy as np
from sklearn.utils.validation import column_or_1d

from skdistill.inspection.drawing import PALE, axes_or_new, frame, shortened
from skdistill.inspection.metrics import (
    equal_count_reliability,
    expected_calibration_error,
    wilson_interval,
)
from skdistill.tasks.probabilities import check_probabilities

MIN_ROWS = 50  # in a bin
MARKERS, LINES = "osD^vPX<>p", ("-", "--", "-.", ":")  # so that colors are not all there is
MOST_INSIDE = 4  # curves whose legend has room within the axes


class ReliabilityDisplay:
    """Plot of accuracy against confidence, with a 95 % interval for each bin.

    Use `from_estimator` or `from_predictions` to create one.

    Parameters
    ----------
    curves : dict of str to tuple of ndarray
        Counts, mean confidence and accuracy of the bins of each model, by its name.
    errors : dict of str to float, default=None
        Expected calibration errors for the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Set by `plot`.
    figure_ : matplotlib Figure
        Set by `plot`.

    See Also
    --------
    expected_calibration_error : The distance from the diagonal, as a number.
    compare : Its report draws these curves beside loss, time and size.

    Notes
    -----
    The confidence of a row is the probability of its most probable class. Bins have about equal
    counts, of at least 50 rows: in bins of equal width, a good model has only a few rows in most,
    and their accuracy is noise. The intervals are Wilson's. A point below the diagonal is
    overconfident.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skdistill import ReliabilityDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> bayes = GaussianNB(var_smoothing=1e-3).fit(X[::2], y[::2])
    >>> display = ReliabilityDisplay.from_estimator(bayes, X[1::2], y[1::2])
    >>> display.ax_.get_xlabel()
    'confidence'
    """

    def __init__(self, curves, errors=None):
        self.curves = curves
        self.errors = errors

    @classmethod
    def from_estimator(cls, estimator, X, y, *, n_bins=10, min_rows=MIN_ROWS, ax=None):
        """Plot the curve of a fitted classifier, or of several.

        Parameters
        ----------
        estimator : classifier or dict of str to classifier
            Fitted, with `predict_proba`.
        X : table of shape (n_samples, n_features)
            Rows that no model was fitted on.
        y : array-like of shape (n_samples,)
            Their labels.
        n_bins : int, default=10
            Largest number of bins.
        min_rows : int, default=50
            Smallest number of rows in a bin.
        ax : matplotlib Axes, default=None
            None: create a figure.

        Returns
        -------
        display : ReliabilityDisplay

        Raises
        ------
        ValueError
            If a model has no `predict_proba`, y has labels that it was not fitted on, or there
            are fewer than `min_rows` rows.
        """
        models = estimator if isinstance(estimator, Mapping) else _named(estimator)
        y = column_or_1d(np.asarray(y), warn=True)
        predictions = {}
        for name, model in models.items():
            if not hasattr(model, "predict_proba"):
                raise ValueError(
                    f"{name} has no predict_proba: reliability is that of probabilities. Pass "
                    "classifiers that have it; see CalibratedClassifierCV."
                )
            predictions[name] = (_indices(name, y, model.classes_), model.predict_proba(X))
        return cls._of(predictions, n_bins, min_rows).plot(ax=ax)

    @classmethod
    def from_predictions(cls, y_true, proba, *, n_bins=10, min_rows=MIN_ROWS, ax=None):
        """Plot the curve of predicted probabilities, or of several.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,), int
            Indices of the true classes, as columns of `proba`.
        proba : array-like of shape (n_samples, n_classes) or dict of str to array-like
            Predicted probabilities. Those of shape (n_samples,) are of the second of two classes.
        n_bins : int, default=10
            Largest number of bins.
        min_rows : int, default=50
            Smallest number of rows in a bin.
        ax : matplotlib Axes, default=None
            None: create a figure.

        Returns
        -------
        display : ReliabilityDisplay

        Raises
        ------
        ValueError
            If `y_true` has no indices of columns, `proba` no probabilities, or there are fewer than
            `min_rows` rows.
        """
        y = column_or_1d(np.asarray(y_true), warn=True)
        probas = proba if isinstance(proba, Mapping) else {"model": proba}
        predictions = {}
        for name, each in probas.items():
            each = np.asarray(each, dtype=float)
            each = np.column_stack([1 - each, each]) if each.ndim == 1 else each
            predictions[name] = _indices(name, y, np.arange(each.shape[1])), each
        return cls._of(predictions, n_bins, min_rows).plot(ax=ax)

    @classmethod
    def _of(cls, predictions, n_bins, min_rows):
        """Return the display of class indices and probabilities by name."""
        curves, errors = {}, {}
        for name, (y, proba) in predictions.items():
            if len(y) != len(proba) or len(y) < min_rows:
                raise ValueError(
                    f"got {len(y)} labels and {len(proba)} rows of {name}, expected as many, and "
                    f"at least {min_rows} for one bin: pass more rows, or decrease min_rows."
                )
            proba = check_probabilities(np.asarray(proba, dtype=float), f"{name} does not predict")
            curves[name] = equal_count_reliability(y, proba, n_bins=n_bins, min_rows=min_rows)
            errors[name] = expected_calibration_error(y, proba)
        return cls(curves, errors)

    def plot(self, *, ax=None, colors=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None: create a figure.
        colors : dict of str to color, default=None
            Colors of the models. None: those of matplotlib's cycle.

        Returns
        -------
        display : ReliabilityDisplay
            The object itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        is_inside = len(self.curves) <= MOST_INSIDE
        self.ax_ = ax = axes_or_new(ax, (5.2, 4.8) if is_inside else (8.2, 5.2))
        self.figure_ = ax.figure
        lowest, above = 1.0, 0.0
        for k, (name, curve) in enumerate(self.curves.items()):
            color = f"C{k}" if colors is None else colors[name]
            above += np.sum(curve[2] - curve[1])
            style = {"color": color, "marker": MARKERS[k % 10], "linestyle": LINES[k // 10 % 4]}
            thin = 0.8 if is_inside else 0.4
            lowest = min(lowest, self._plot_curve(ax, name, curve, elinewidth=thin, **style))
        _lay_out(ax, max(0, np.floor(20 * lowest) / 20 - 0.02))
        if is_inside:
            corner = "lower right" if above > 0 else "upper left"  # away from the curves
            ax.legend(loc=corner, fontsize=8, frameon=False)
        else:
            ax.set_anchor("W")  # beside it, the legend has room
            ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=7.5, frameon=False)
        return self

    def _plot_curve(self, ax, name, curve, **style):
        """Draw one curve; return its lowest coordinate."""
        counts, confidence, accuracy = curve
        low, high = wilson_interval(accuracy, counts)
        error = "" if self.errors is None else f", error {self.errors[name]:.3f}"
        ax.errorbar(
            confidence, accuracy, (accuracy - low, high - accuracy),
            markersize=4, linewidth=1.2, alpha=0.85, label=f"{shortened(name)}{error}", **style,
        )  # fmt: skip
        return min([1.0, *low, *confidence])


def _lay_out(ax, lowest):
    """Draw the diagonal, and make both axes alike."""
    from matplotlib.ticker import MaxNLocator

    ax.plot([lowest, 1], [lowest, 1], color=PALE, linestyle="--", linewidth=1, zorder=1)
    ax.set(xlim=(lowest, 1.02), ylim=(lowest, 1.02), aspect="equal")
    ax.set(xlabel="confidence", ylabel="accuracy, with 95 % interval")
    ax.set_title("Calibration", loc="left")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    frame(ax)


def _named(estimator):
    return {type(estimator).__name__: estimator}


def _indices(name, y, classes):
    """Return labels as columns of a model's probabilities."""
    index = {label: k for k, label in enumerate(np.asarray(classes).tolist())}
    strange = [label for label in dict.fromkeys(y.tolist()) if label not in index]
    if strange:
        raise ValueError(
            f"the labels {strange[:5]} are none of the classes {list(index)[:10]} of {name}: "
            "leave these rows out, or pass the labels that the model was fitted on."
        )
    return np.array([index[label] for label in y.tolist()])
