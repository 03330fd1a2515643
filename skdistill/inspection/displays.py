"""`ReportDisplay`, which plots a report: loss, time and size, and calibration."""

from dataclasses import dataclass

import numpy as np

from skdistill.inspection.labels import RINGS, place_labels
from skdistill.inspection.metrics import wilson_interval

FEWEST_BINS = 3  # minimum number of bins of a calibration curve
WIDEST_LINEAR = 3  # the axis of losses is logarithmic above this ratio of its ends
GRAY, PALE = "0.45", "0.65"  # of texts, legible on white and on black; of lines and markers
MARKER_AREA = 40, 640  # of the smallest and the largest model, in square points
FINEST = [k / 5 for k in range(5, 50)]  # the finest ticks within a decade
UNITS = (1e6, "GB"), (1e3, "MB"), (1, "kB")
INSET = 4  # distance between a label and the frame, in points


class ReportDisplay:
    """Plot of log loss or RMSE against prediction time and size, and of calibration.

    Use ``compare(...).plot()`` to create one.

    Parameters
    ----------
    rows : list of skdistill.inspection.rows.Row
        One measured model each.
    reference : str, default=None
        Name of the model that the others are compared with; None is the first.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Set by `plot`.
    axes_ : ndarray of matplotlib Axes of shape (1,) or (2,)
        Set by `plot`: the loss against time and, of classifiers with enough rows, accuracy
        against confidence.

    See Also
    --------
    skdistill.compare : Measures models and returns their report.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import compare
    >>> X, y = load_wine(return_X_y=True)
    >>> models = {
    ...     "tree": DecisionTreeClassifier(max_depth=2).fit(X[::2], y[::2]),
    ...     "naive Bayes": GaussianNB().fit(X[::2], y[::2]),
    ... }
    >>> display = compare(models, X[1::2], y[1::2]).plot()
    >>> len(display.axes_)  # 89 rows are too few for a calibration curve
    1
    >>> display.figure_.savefig("report.png")  # doctest: +SKIP
    """

    def __init__(self, rows, reference=None):
        self.rows = rows
        self.reference = reference

    def plot(self, *, highlight=None, axes=None):
        """Draw log loss or RMSE against time and size, and accuracy against confidence.

        The second panel shows bins of equal count with 95 % intervals. It is omitted if no
        highlighted model fills three bins of 50 rows, and for regressors.

        Parameters
        ----------
        highlight : sequence of str, default=None
            Names of the models in color; the others are gray and have no calibration
            curve. If there are two, an arrow points from the first to the second. None: the
            reference and the last model.
        axes : matplotlib Axes or sequence of one or two, default=None
            With one, only the first panel is drawn. If the second panel is omitted, the second
            of two is switched off. None: create a figure.

        Returns
        -------
        display : ReportDisplay
            The object itself, with `figure_` and `axes_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `highlight` names no model of the report, or there are more than two axes.
        """
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise ImportError("plotting needs matplotlib: pip install 'skdistill[plot]'") from error
        chosen = self._chosen(highlight)
        has_curve = any(len(row.reliability[0]) >= FEWEST_BINS for row in chosen)
        if axes is None:
            axes = _new_axes(plt, has_curve)
        axes = np.atleast_1d(axes).ravel()
        if len(axes) > 2:
            raise ValueError(
                f"got {len(axes)} axes, expected one or two: the report has two panels."
            )
        self.axes_, self.figure_ = axes[: 1 + has_curve], axes[0].figure
        for unused in axes[1 + has_curve :]:
            unused.set_axis_off()
        # The last model is usually the student; it gets the first color.
        colors = {row.name: f"C{i}" for i, row in enumerate(reversed(chosen))}
        if len(self.axes_) == 2:
            _plot_calibration(self.axes_[1], chosen, colors)
        _plot_cost(self.axes_[0], self.rows, chosen, colors)
        return self

    def _chosen(self, highlight):
        """Return the highlighted rows, in the order of `highlight`."""
        by_name = {row.name: row for row in self.rows}
        if highlight is None:
            highlight = dict.fromkeys((self.reference or self.rows[0].name, self.rows[-1].name))
        unknown = [name for name in highlight if name not in by_name]
        if unknown:
            raise ValueError(
                f"highlight names {unknown}, which the report does not have: choose among "
                f"{list(by_name)}."
            )
        return [by_name[name] for name in highlight]


def spell_size(kilobytes):
    """Format a size with its unit, as "425 kB" or "1.2 MB"."""
    scale, unit = next((each for each in UNITS if kilobytes >= 0.9995 * each[0]), UNITS[-1])
    size = kilobytes / scale
    return f"{size:.0f} {unit}" if size >= 9.95 else f"{size:.1f} {unit}"


def spell_ratio(ratio):
    """Format a ratio with two digits, as "1.4" or "1,200"."""
    return f"{float(f'{ratio:.2g}'):,.12g}"


def gain(before, after):
    """Describe how much smaller and faster the second model is."""
    size = _spell_gain(before.kilobytes / after.kilobytes, "smaller", "larger", "same size")
    speed = _spell_gain(before.microseconds / after.microseconds, "faster", "slower", "same speed")
    return f"{size}\n{speed}"


def _spell_gain(ratio, more, less, same):
    if max(ratio, 1 / ratio) < 1.05:
        return same
    return f"{spell_ratio(max(ratio, 1 / ratio))}× {more if ratio > 1 else less}"


def marker_areas(kilobytes):
    """Return areas of markers, which grow with the logarithm of the size."""
    logs = np.log(np.maximum(kilobytes, 1e-3))
    share = (logs - logs.min()) / max(np.ptp(logs), np.log(100))
    low, high = MARKER_AREA
    return low + share * (high - low)


def _new_axes(plt, has_curve):
    if not has_curve:
        return plt.subplots(figsize=(7.5, 4.5), layout="constrained")[1]
    ratios = {"width_ratios": [1.6, 1]}
    return plt.subplots(1, 2, figsize=(11.5, 4.5), layout="constrained", gridspec_kw=ratios)[1]


def _plot_cost(ax, rows, chosen, colors):
    """Plot the loss against time with areas by size, and label the points."""
    losses, name = np.array([row.loss for row in rows]), rows[0].loss_name
    times = np.array([row.microseconds for row in rows])
    areas = marker_areas([row.kilobytes for row in rows])
    order = [colors.get(row.name, PALE) for row in rows]
    ax.scatter(times, losses, s=areas, c=order, alpha=0.85, edgecolors=ax.get_facecolor(), zorder=3)
    ax.set_xscale("log")
    if losses.min() > 0 and losses.max() > WIDEST_LINEAR * losses.min():
        ax.set_yscale("log")
    ax.margins(0.2, 0.18)
    for axis in (ax.xaxis, ax.yaxis):
        if axis.get_scale() == "log":
            set_plain_ticks(axis)
    ax.set(xlabel="time for one row, µs", ylabel=f"{name}, lower is better")
    ax.set_title(f"{name[0].upper()}{name[1:]}, time and size", loc="left")
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    _draw_labels(ax, rows, chosen, colors, np.sqrt(areas) / 2)


def set_plain_ticks(axis):
    """Label a logarithmic axis with at least three plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = axis.get_view_interval()
    for subs in ([1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 6, 8], FINEST):
        locator = LogLocator(subs=subs, numticks=50)
        ticks = locator.tick_values(low, high)
        if np.sum((ticks >= low) & (ticks <= high)) >= 3:
            break
    axis.set_major_locator(locator)
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))


@dataclass
class Label:
    """Text beside a point of the data."""

    text: str
    point: tuple
    radius: float  # of the point's marker
    style: dict


def _name(row, radius, colors):
    """Return the label of a model."""
    size, point = spell_size(row.kilobytes), (row.microseconds, row.loss)
    if row.name in colors:
        style = {"weight": "bold", "color": colors[row.name]}
        return Label(f"{row.name}\n{size}", point, radius, style)
    return Label(f"{row.name}, {size}", point, radius, {"color": GRAY})


def _draw_labels(ax, rows, chosen, colors, radii):
    """Label the points, and draw an arrow between two highlighted ones."""
    ax.figure.draw_without_rendering()  # fixes the layout, so that lengths can be measured
    named = [_name(row, radius, colors) for row, radius in zip(rows, radii)]
    labels = sorted(named, key=lambda label: "weight" not in label.style)  # bold ones go first
    at = in_points(ax, [label.point for label in named])
    reach = 0.85 * np.array(radii)[:, None]  # the markers as squares
    obstacles = np.hstack([at - reach, at + reach])
    if len(chosen) == 2:
        by_name = dict(zip([row.name for row in rows], named))
        start, end = (by_name[row.name] for row in chosen)
        _draw_arrow(ax, start, end)
        ends = in_points(ax, [start.point, end.point])
        line = np.linspace(ends[0], ends[1], 41)
        obstacles = np.vstack([obstacles, np.hstack([line - 2, line + 2])])
        # Near a marker, the gain would look like the label of that model.
        inner = line[10:31]
        lonely = inner[np.argmax(_distances(inner, at).min(1))]
        point = tuple(ax.transData.inverted().transform(lonely * ax.figure.dpi / 72))
        style = {"color": GRAY, "style": "italic"}
        labels.insert(2, Label(gain(*chosen), point, 0, style))
    settle_labels(ax, labels, obstacles)


def _distances(places, others):
    return np.hypot(*(places[:, None] - others[None]).transpose(2, 0, 1))


def in_points(ax, points):
    """Convert data coordinates to points (1/72 inch) from the corner of the figure."""
    return ax.transData.transform(points) / ax.figure.dpi * 72


def settle_labels(ax, labels, obstacles):
    """Draw the labels without overlaps, and join distant ones to their points."""
    unit = ax.figure.dpi / 72
    drawn = [_draw_text(ax, label) for label in labels]
    sizes = np.array([text.get_window_extent().size for text in drawn]) / unit
    anchors = in_points(ax, [label.point for label in labels])
    radii = [label.radius for label in labels]
    bounds = ax.bbox.extents / unit + [INSET, INSET, -INSET, -INSET]
    centers = place_labels(anchors, sizes, radii, obstacles, bounds)
    for label, text, offset, size in zip(labels, drawn, centers - anchors, sizes):
        text.set_position(offset)
        nearest = np.clip(0, offset - size / 2, offset + size / 2)
        if label.radius and np.hypot(*nearest) > label.radius + RINGS[1] / 2:
            _draw_leader(ax, label, nearest)


def _draw_arrow(ax, start, end):
    ax.annotate(
        "", end.point, start.point, zorder=2,
        arrowprops={
            "arrowstyle": "-|>", "color": "0.5", "linewidth": 1.2,
            "shrinkA": start.radius + 2, "shrinkB": end.radius + 2,
        },
    )  # fmt: skip


def _draw_leader(ax, label, offset):
    """Join a label to its distant marker by a line."""
    ax.annotate(
        "", label.point, offset, textcoords="offset points", zorder=2,
        arrowprops={
            "arrowstyle": "-", "color": PALE, "linewidth": 0.7,
            "shrinkA": 0, "shrinkB": label.radius,
        },
    ).set_in_layout(False)  # fmt: skip


def _draw_text(ax, label):
    from matplotlib.patheffects import withStroke

    halo = withStroke(linewidth=2.5, foreground=ax.get_facecolor())  # lines pass behind it
    text = ax.annotate(
        label.text, label.point, (0, 0), textcoords="offset points", fontsize=8.5, ha="center",
        va="center", linespacing=1.1, zorder=4, path_effects=[halo], **label.style,
    )  # fmt: skip
    text.set_in_layout(False)  # its place is within the axes
    return text


def _plot_calibration(ax, rows, colors):
    """Plot accuracy against confidence, with an interval for each bin."""
    from matplotlib.ticker import MaxNLocator

    lowest, above = 1.0, 0.0
    for row in rows:
        counts, confidence, accuracy = row.reliability
        low, high = wilson_interval(accuracy, counts)
        lowest = min([lowest, *low, *confidence])
        above += np.sum(accuracy - confidence)
        ax.errorbar(
            confidence, accuracy, (accuracy - low, high - accuracy),
            color=colors[row.name], marker="o", markersize=4, linewidth=1.2, elinewidth=0.8,
            alpha=0.85, label=f"{row.name}, error {row.calibration_error:.3f}",
        )  # fmt: skip
    lowest = max(0, np.floor(20 * lowest) / 20 - 0.02)
    ax.plot([lowest, 1], [lowest, 1], color=PALE, linestyle="--", linewidth=1, zorder=1)
    ax.set(xlim=(lowest, 1.02), ylim=(lowest, 1.02), aspect="equal")
    ax.set(xlabel="confidence", ylabel="accuracy, with 95 % interval")
    ax.set_title("Calibration", loc="left")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    corner = "lower right" if above > 0 else "upper left"  # away from the curves
    ax.legend(loc=corner, fontsize=8, frameon=False)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
