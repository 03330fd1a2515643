"""`StudentPathDisplay`, which plots what students of several widths gain and cost."""

import numpy as np

from skdistill.inspection.drawing import (
    GRAY,
    PALE,
    Label,
    frame,
    in_points,
    pyplot,
    set_plain_ticks,
    settle_labels,
)

RADIUS = 2.5  # of a marker, in points
PANELS = {"kilobytes": "size, kB", "microseconds": "time for one row, µs"}


class StudentPathDisplay:
    """Plot of the loss of students of several widths, over size and over the time for one row.

    Use ``student_path(...).plot()`` to create one.

    Parameters
    ----------
    rows : list of skdistill.inspection.rows.Row
        One measured student each, in the order of the curve.
    teachers : skdistill.inspection.rows.Row, default=None
        The teachers, whose loss is a dashed line.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Set by `plot`.
    axes_ : ndarray of matplotlib Axes of shape (2,)
        Set by `plot`.

    See Also
    --------
    skdistill.student_path : Trains and measures the students.
    skdistill.ReportDisplay : Draws them among other models, with ``plot(path=...)``.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DistilledClassifier, StudentNet, student_path
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     RandomForestClassifier(10), StudentNet(max_epochs=2), cv=2, random_state=0
    ... )
    >>> display = student_path(clf, X, y, widths=[8, 32]).plot()
    >>> [ax.get_xlabel() for ax in display.axes_]
    ['size, kB', 'time for one row, µs']
    """

    def __init__(self, rows, teachers=None):
        self.rows = rows
        self.teachers = teachers

    def plot(self, *, axes=None):
        """Draw log loss or RMSE over size, and over time.

        Parameters
        ----------
        axes : sequence of two matplotlib Axes, default=None
            None: create a figure.

        Returns
        -------
        display : StudentPathDisplay
            The object itself, with `figure_` and `axes_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there are not two axes.
        """
        plt = pyplot()
        if axes is None:
            axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")[1]
        axes = np.atleast_1d(axes).ravel()
        if len(axes) != 2:
            raise ValueError(f"got {len(axes)} axes, expected two: size and time.")
        self.axes_, self.figure_ = axes, axes[0].figure
        for ax, (cost, label) in zip(axes, PANELS.items()):
            self._plot_panel(ax, cost, label)
        axes[0].set_ylabel(f"{self.rows[0].loss_name}, lower is better")
        self.figure_.draw_without_rendering()  # fixes the layout, so that lengths can be measured
        for ax, cost in zip(axes, PANELS):
            self._label(ax, cost)
        return self

    def _plot_panel(self, ax, cost, label):
        """Plot the loss over one cost."""
        costs = [getattr(row, cost) for row in self.rows]
        losses = [row.loss for row in self.rows]
        ax.plot(costs, losses, color="C0", marker="o", markersize=2 * RADIUS, linewidth=1.2)
        if self.teachers is not None:
            ax.axhline(self.teachers.loss, color=PALE, linestyle="--", linewidth=1, zorder=1)
            ax.annotate(
                self.teachers.name, (1, self.teachers.loss), (-2, 3), ha="right", fontsize=8.5,
                xycoords=("axes fraction", "data"), textcoords="offset points", color=GRAY,
            )  # fmt: skip
        ax.set_xscale("log")
        ax.margins(0.12, 0.15)
        set_plain_ticks(ax.xaxis)
        ax.set(xlabel=label)
        frame(ax)

    def _label(self, ax, cost):
        """Name the students beside their points."""
        points = [(getattr(row, cost), row.loss) for row in self.rows]
        labels = [
            Label(row.name, point, RADIUS, {"color": GRAY}) for row, point in zip(self.rows, points)
        ]
        at = in_points(ax, points)
        settle_labels(ax, labels, np.hstack([at - RADIUS, at + RADIUS]))
