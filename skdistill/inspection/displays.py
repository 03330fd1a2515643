"""The report as a picture."""

import numpy as np


class ReportDisplay:
    """What each model gives for its size, and how honest its probabilities are.

    Parameters
    ----------
    rows : list of skdistill.inspection.report.Row

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes of shape (2,)
        Set by `plot`.
    """

    def __init__(self, rows):
        self.rows = rows

    def plot(self, *, highlight=("student", "pooled teachers"), axes=None):
        """Draw log loss against size, and the reliability of the highlighted models.

        Parameters
        ----------
        highlight : tuple of str
            Names of the models drawn in colour; the others are grey.
        axes : sequence of two matplotlib Axes, default=None

        Returns
        -------
        display : ReportDisplay
        """
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise ImportError("plotting needs matplotlib: pip install 'skdistill[plot]'") from error
        if axes is None:
            _, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
        colours = {name: f"C{i}" for i, name in enumerate(highlight)}
        self._plot_price(axes[0], colours)
        self._plot_reliability(axes[1], colours)
        self.axes_ = np.asarray(axes)
        self.figure_ = axes[0].figure
        return self

    def _plot_price(self, ax, colours):
        places = np.arange(len(self.rows))[::-1]  # the first row on top
        for place, row in zip(places, self.rows):
            colour = colours.get(row.name, "0.6")
            ax.hlines(place, 0, row.log_loss, color=colour, linewidth=2)
            ax.scatter(row.log_loss, place, color=colour, s=40, zorder=2)
            ax.annotate(
                f"{row.kilobytes:,.0f} kB, {row.microseconds:,.0f} µs a row",
                (row.log_loss, place),
                xytext=(8, -3),
                textcoords="offset points",
                fontsize=8,
                color=colours.get(row.name, "0.3"),
            )
        ax.set_yticks(places, [row.name for row in self.rows])
        ax.set(xlabel="log loss (lower is better)")
        ax.set_xlim(0, 1.5 * max(row.log_loss for row in self.rows))
        ax.set_title("What it gives, and what it costs")
        ax.spines[["top", "right"]].set_visible(False)

    def _plot_reliability(self, ax, colours):
        ax.plot([0, 1], [0, 1], color="0.7", linestyle="--", linewidth=1)
        for row in self.rows:
            if row.name not in colours:
                continue
            counts, confidence, accuracy = row.reliability
            ax.plot(confidence, accuracy, color=colours[row.name], alpha=0.8, linewidth=1)
            ax.scatter(
                confidence,
                accuracy,
                color=colours[row.name],
                s=10 + 150 * counts / counts.sum(),
                label=f"{row.name}, calibration error {row.calibration_error:.3f}",
            )
        ax.set(xlabel="confidence", ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.02))
        ax.set_title("How far its probabilities can be trusted")
        ax.legend(loc="lower right", fontsize=8)
        ax.grid(alpha=0.3)
