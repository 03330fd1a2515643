"""`RobustnessDisplay`, which plots what corrupted rows cost each model."""

import numpy as np

from skdistill.inspection.corruptions import CORRUPTIONS
from skdistill.inspection.drawing import frame, pyplot
from skdistill.inspection.robustness_measures import CLEAN, METRICS, measure_robustness

MARKERS = "osD^vP*X"
WIDTH, HEIGHT, MOST_IN_A_ROW = 3.6, 3.2, 3  # of a panel, in inches; panels side by side


class RobustnessDisplay:
    """Plot of the loss, or the accuracy, over the strength of each corruption.

    Use ``robustness(...).plot()`` or `from_estimator` to create one.

    Parameters
    ----------
    rows : list of dict
        As `Robustness` has them.
    loss_name : str, default="log loss"
        What the loss is called.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Set by `plot`.
    axes_ : ndarray of matplotlib Axes of shape (n_corruptions,)
        Set by `plot`.

    See Also
    --------
    robustness : Measures models on corrupted rows.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import RobustnessDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X[::2], y[::2])
    >>> display = RobustnessDisplay.from_estimator(
    ...     tree, X[1::2], y[1::2], corruptions=["noise", "shift"], random_state=0
    ... )
    >>> len(display.axes_)
    2
    """

    def __init__(self, rows, loss_name="log loss"):
        self.rows = rows
        self.loss_name = loss_name

    @classmethod
    def from_estimator(cls, estimator, X, y, *, metric=None, axes=None, **kwargs):
        """Measure models on corrupted rows, and draw the result.

        Parameters
        ----------
        estimator : classifier or regressor
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            These, and `kwargs`, are as in `robustness`.
        metric : str, default=None
            As in `plot`.
        axes : sequence of matplotlib Axes, default=None
            As in `plot`.
        **kwargs
            Further parameters of `robustness`.

        Returns
        -------
        display : RobustnessDisplay
        """
        rows, loss_name, _ = measure_robustness(estimator, X, y, **kwargs)
        return cls(rows, loss_name).plot(metric=metric, axes=axes)

    def plot(self, *, metric=None, axes=None):
        """Draw one panel for each corruption, with a curve for each model.

        A curve begins with the rows as they are. It has no band: all models get the same rows,
        so the spread of the repeats, which `rows` have, says little of their differences.

        Parameters
        ----------
        metric : {"log_loss", "accuracy", "rmse"} or None, default=None
            What is drawn. None: the loss.
        axes : matplotlib Axes or sequence of them, default=None
            One for each corruption. None: create a figure.

        Returns
        -------
        display : RobustnessDisplay
            The object itself, with `figure_` and `axes_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there is no such metric, or not one of the axes for each corruption.
        """
        plt = pyplot()
        metrics = [name for name in METRICS if name in self.rows[0]]
        metric = metrics[0] if metric is None else metric
        if metric not in metrics:
            raise ValueError(f"metric is {metric!r}, but what was measured are {metrics}.")
        names = list(dict.fromkeys(row["corruption"] for row in self.rows))
        names.remove(CLEAN)
        axes = _new_axes(plt, len(names)) if axes is None else np.atleast_1d(axes).ravel()
        if not names or len(axes) != len(names):
            raise ValueError(
                f"got {len(axes)} axes, expected one for each of the corruptions: {names}."
            )
        self.axes_, self.figure_ = axes, axes[0].figure
        for ax, name in zip(axes, names):
            self._plot_panel(ax, name, metric)
        label = "accuracy" if metric == "accuracy" else f"{self.loss_name}, lower is better"
        axes[0].set_ylabel(label)
        axes[0].legend(fontsize=8, frameon=False)
        return self

    def _plot_panel(self, ax, corruption, metric):
        """Plot the measure of each model over the strength of one corruption."""
        models = dict.fromkeys(row["model"] for row in self.rows)
        for i, model in enumerate(models):
            own = [
                row
                for row in self.rows
                if row["model"] == model and row["corruption"] in (CLEAN, corruption)
            ]
            if len(own) < 2:  # it refused the corrupted rows
                continue
            ax.plot(
                [row["strength"] for row in own], [row[metric] for row in own], color=f"C{i}",
                marker=MARKERS[i % len(MARKERS)], markersize=4, linewidth=1.4, label=model,
                zorder=10 - i,
            )  # fmt: skip
        ax.set_title(corruption, loc="left")
        ax.set_xlabel(CORRUPTIONS[corruption].axis, fontsize=9)
        frame(ax)


def _new_axes(plt, n_panels):
    """Return new axes in rows of up to three, and four of them in two rows."""
    n_columns = 2 if n_panels == 4 else min(max(n_panels, 1), MOST_IN_A_ROW)
    n_rows = -(-max(n_panels, 1) // n_columns)
    size = n_columns * WIDTH, n_rows * HEIGHT
    axes = plt.subplots(n_rows, n_columns, figsize=size, layout="constrained", squeeze=False)[1]
    axes = axes.ravel()
    for unused in axes[n_panels:]:
        unused.set_axis_off()
    return axes[:n_panels]
