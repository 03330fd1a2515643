"""`TrainingDisplay`, which plots the losses of a training by epoch."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skdistill.inspection.drawing import (
    PALE,
    Label,
    along_line,
    axes_or_new,
    frame,
    settle_labels,
)
from skdistill.inspection.pipelines import split_pipeline

FEW_EPOCHS = 40  # up to which each is marked
COMPARABLE = 5  # losses whose medians differ more have an axis each
RADIUS = 4  # of the marker of the best epoch, in points


class TrainingDisplay:
    """Plot of training loss, validation loss and learning rate by epoch.

    Use `from_estimator` to create one.

    Parameters
    ----------
    history : list of dict
        As `history_` of a fitted estimator.
    valid_name : str, default="loss"
        What the validation loss is, such as "log loss".

    Attributes
    ----------
    ax_ : matplotlib Axes
        Set by `plot`.
    figure_ : matplotlib Figure
        Set by `plot`.

    See Also
    --------
    DistilledClassifier : Its `history_` is plotted.

    Notes
    -----
    The training loss of a student is that of the distillation, the validation loss that of the
    labels. Where they differ much, as in the unit of a regressor's target, each has an axis of
    its own. The learning rate has an axis without ticks; the legend names its range.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DistilledClassifier, StudentNet, TrainingDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     RandomForestClassifier(10), StudentNet(max_epochs=5), cv=2, random_state=0
    ... ).fit(X, y)
    >>> TrainingDisplay.from_estimator(clf).ax_.get_xlabel()
    'epoch'
    """

    def __init__(self, history, *, valid_name="loss"):
        self.history = history
        self.valid_name = valid_name

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Plot the training of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted, with `history_`: a student, a torch teacher such as `NetClassifier`, a
            pipeline that ends with one, or a search over either.
        ax : matplotlib Axes, default=None
            None: create a figure.

        Returns
        -------
        display : TrainingDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If it has no `history_`.
        """
        check_is_fitted(estimator)
        _, final = split_pipeline(estimator)
        if not getattr(final, "history_", None):
            raise ValueError(
                f"{type(final).__name__} has no history_, as it is not trained by epochs: pass a "
                "distilled estimator, or a torch teacher such as NetClassifier."
            )
        valid_name = getattr(final, "_score_name", "loss")
        return cls(final.history_, valid_name=valid_name).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the losses by epoch.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None: create a figure.

        Returns
        -------
        display : TrainingDisplay
            The object itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from matplotlib.ticker import MaxNLocator

        self.ax_ = ax = axes_or_new(ax, (6.4, 4))
        self.figure_ = ax.figure
        trained, validated = self._series("train_loss"), self._series("valid_loss")
        lines = self._plot(ax, trained, "C0", "-", "training")
        ax.set(xlabel="epoch", ylabel="loss")
        ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
        ax.set_title("Training", loc="left")
        ax.set_xlim(left=max(0.5, ax.get_xlim()[0]))  # there is no epoch 0
        frame(ax)
        over = ax
        if validated[1]:
            over = self._axes_of_validation(trained[1], validated[1])
            lines += self._plot(over, validated, "C1", "--", f"validation, {self.valid_name}")
        lines += self._plot_rate(ax)
        # Above the axes, where it covers no curve.
        place = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.2}
        ax.legend(handles=lines, fontsize=8, frameon=False, **place)
        if validated[1]:
            self._mark_best(over, trained, validated)
        return self

    def _series(self, key):
        """Return the epochs that recorded a value, and the values."""
        records = [record for record in self.history if key in record]
        epochs = [record.get("epoch", k) for k, record in enumerate(self.history, 1)]
        chosen = [epoch for epoch, record in zip(epochs, self.history) if key in record]
        return chosen, [record[key] for record in records]

    def _plot(self, ax, series, color, style, label):
        marker = "o" if len(self.history) <= FEW_EPOCHS else ""
        return ax.plot(
            *series, color=color, linestyle=style, linewidth=1.4, marker=marker, markersize=3,
            label=label,
        )  # fmt: skip

    def _axes_of_validation(self, trained, validated):
        """Return the axes of the validation loss: a second one if it is far from the other."""
        medians = np.median(trained), np.median(validated)
        if not min(medians) > 0 or max(medians) <= COMPARABLE * min(medians):
            return self.ax_
        over = self.ax_.twinx()
        over.set_ylabel(f"validation, {self.valid_name}")
        over.spines["top"].set_visible(False)
        self.ax_.set_ylabel("training loss")
        return over

    def _plot_rate(self, ax):
        """Draw the learning rate behind the losses, if it is known."""
        epochs, rates = self._series("lr")
        if not rates:
            return []
        behind = ax.twinx()
        behind.set_axis_off()
        behind.set_ylim(0, 1.6 * max(rates) or 1)
        ends = dict.fromkeys(f"{rate:.2g}" for rate in (max(rates), min(rates)))
        label = f"learning rate, {' to '.join(ends)}"
        return behind.plot(
            epochs, rates, color=PALE, linestyle=":", linewidth=1.4, zorder=0, label=label
        )

    def _mark_best(self, ax, trained, validated):
        """Name the epoch of the lowest validation loss."""
        epochs, losses = validated
        best = int(np.argmin(losses))
        point = epochs[best], losses[best]
        ax.plot(*point, marker="o", markersize=2 * RADIUS, color="C1", fillstyle="none")
        self.figure_.draw_without_rendering()  # fixes the layout, so that lengths can be measured
        text = f"lowest in epoch {point[0]}: {point[1]:.4g}"
        curves = (self.ax_, trained), (ax, validated)
        obstacles = [along_line(on, list(zip(*series))) for on, series in curves if series[0]]
        label = Label(text, point, RADIUS + 1, {"color": "C1"})
        settle_labels(ax, [label], np.vstack(obstacles))
