"""`StudentPathDisplay`, which plots what students of several widths gain and cost."""

import numpy as np

from skdistill.inspection.displays import GRAY, PALE, set_plain_ticks

PANELS = {"kilobytes": "size, kB", "microseconds": "time for one row, µs"}


class StudentPathDisplay:
    """Plot of log loss over size, and over the time for one row, by students of several widths.

    Use ``student_path(...).plot()`` to create one.

    Parameters
    ----------
    rows : list of skdistill.inspection.report.Row
        One measured student each.
    teachers : skdistill.inspection.report.Row, default=None
        The teachers, whose log loss is a dashed line.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Set by `plot`.
    axes_ : ndarray of matplotlib Axes of shape (2,)
        Set by `plot`.

    See Also
    --------
    skdistill.student_path : Trains and measures the students.
    """

    def __init__(self, rows, teachers=None):
        self.rows = rows
        self.teachers = teachers

    def plot(self, *, axes=None):
        """Draw log loss over size, and over time.

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
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise ImportError("plotting needs matplotlib: pip install 'skdistill[plot]'") from error
        if axes is None:
            axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")[1]
        axes = np.atleast_1d(axes).ravel()
        if len(axes) != 2:
            raise ValueError(f"got {len(axes)} axes, expected two: size and time.")
        self.axes_, self.figure_ = axes, axes[0].figure
        for ax, (cost, label) in zip(axes, PANELS.items()):
            self._plot_panel(ax, cost, label)
        axes[0].set_ylabel("log loss, lower is better")
        return self

    def _plot_panel(self, ax, cost, label):
        """Plot log loss over one cost, and name the students."""
        rows = sorted(self.rows, key=lambda row: getattr(row, cost))
        costs, losses = [getattr(row, cost) for row in rows], [row.log_loss for row in rows]
        ax.plot(costs, losses, color="C0", marker="o", markersize=5, linewidth=1.2)
        for row, x in zip(rows, costs):
            ax.annotate(
                row.name, (x, row.log_loss), (0, 7), textcoords="offset points", ha="center",
                fontsize=8.5, color=GRAY,
            )  # fmt: skip
        if self.teachers is not None:
            ax.axhline(self.teachers.log_loss, color=PALE, linestyle="--", linewidth=1, zorder=1)
            ax.annotate(
                self.teachers.name, (1, self.teachers.log_loss), (-2, 3), ha="right", fontsize=8.5,
                xycoords=("axes fraction", "data"), textcoords="offset points", color=GRAY,
            )  # fmt: skip
        ax.set_xscale("log")
        ax.margins(0.12, 0.15)
        set_plain_ticks(ax.xaxis)
        ax.set(xlabel=label)
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
