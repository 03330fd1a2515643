"""`ReportDisplay`, which plots a report: loss, time and size, and calibration."""

import numpy as np

from skdistill.inspection.drawing import (
    GRAY,
    PALE,
    Label,
    along_line,
    frame,
    in_points,
    pyplot,
    set_plain_ticks,
    settle_labels,
)
from skdistill.inspection.reliability_display import ReliabilityDisplay

FEWEST_BINS = 3  # minimum number of bins of a calibration curve
WIDEST_LINEAR = 3  # the axis of losses is logarithmic above this ratio of its ends
MARKER_AREA = 40, 640  # of the smallest and the largest model, in square points
PATH_RADIUS = 2  # of a student on a path, in points
UNITS = (1e6, "GB"), (1e3, "MB"), (1, "kB")


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

    def plot(self, *, highlight=None, path=None, axes=None):
        """Draw log loss or RMSE against time and size, and accuracy against confidence.

        The second panel shows bins of equal count with 95 % intervals. It is omitted if no
        highlighted model fills three bins of 50 rows, and for regressors.

        Parameters
        ----------
        highlight : sequence of str, default=None
            Names of the models in color; the others are gray and have no calibration
            curve. If there are two, an arrow points from the first to the second. None: the
            reference and the last model.
        path : StudentPath, default=None
            Students of several widths, from `student_path` with the same test rows: a line joins
            them in the first panel, with the names of the ends and of the best.
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
            If `highlight` names no model of the report, the students of `path` are measured by
            another loss, or there are more than two axes.
        """
        plt = pyplot()
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
            curves = {row.name: row.reliability for row in chosen}
            errors = {row.name: row.calibration_error for row in chosen}
            ReliabilityDisplay(curves, errors).plot(ax=self.axes_[1], colors=colors)
        _plot_cost(self.axes_[0], self.rows, chosen, colors, self._along(path))
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

    def _along(self, path):
        """Return the rows of the students of a path."""
        along = [] if path is None else path.student_rows
        for row in along:
            if row.loss_name != self.rows[0].loss_name:
                raise ValueError(
                    f"the students of path are measured by {row.loss_name}, the models by "
                    f"{self.rows[0].loss_name}: pass a path of the same kind of models."
                )
        return along


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


def _plot_cost(ax, rows, chosen, colors, along=()):
    """Plot the loss against time with areas by size, and label the points."""
    losses, name = np.array([row.loss for row in rows]), rows[0].loss_name
    lowest, highest = (each([row.loss for row in [*rows, *along]]) for each in (min, max))
    times = np.array([row.microseconds for row in rows])
    areas = marker_areas([row.kilobytes for row in rows])
    order = [colors.get(row.name, PALE) for row in rows]
    ax.scatter(times, losses, s=areas, c=order, alpha=0.85, edgecolors=ax.get_facecolor(), zorder=3)
    walk = [row.microseconds for row in along], [row.loss for row in along]
    ax.plot(*walk, color=PALE, marker="o", markersize=2 * PATH_RADIUS, linewidth=1.2, zorder=1)
    ax.set_xscale("log")
    if lowest > 0 and highest > WIDEST_LINEAR * lowest:
        ax.set_yscale("log")
    ax.margins(0.2, 0.18)
    for axis in (ax.xaxis, ax.yaxis):
        if axis.get_scale() == "log":
            set_plain_ticks(axis)
    ax.set(xlabel="time for one row, µs", ylabel=f"{name}, lower is better")
    ax.set_title(f"{name[0].upper()}{name[1:]}, time and size", loc="left")
    frame(ax)
    _draw_labels(ax, rows, chosen, colors, np.sqrt(areas) / 2, along)


def _name(row, radius, colors):
    """Return the label of a model."""
    size, point = spell_size(row.kilobytes), (row.microseconds, row.loss)
    if row.name in colors:
        style = {"weight": "bold", "color": colors[row.name]}
        return Label(f"{row.name}\n{size}", point, radius, style)
    return Label(f"{row.name}, {size}", point, radius, {"color": GRAY})


def _draw_labels(ax, rows, chosen, colors, radii, along=()):
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
    if along:
        points = {row.name: (row.microseconds, row.loss) for row in along}
        best = min(along, key=lambda row: row.loss)
        ends = dict.fromkeys(row.name for row in (along[0], best, along[-1]))
        labels += [Label(name, points[name], PATH_RADIUS, {"color": GRAY}) for name in ends]
        obstacles = np.vstack([obstacles, along_line(ax, list(points.values()))])
    settle_labels(ax, labels, obstacles)


def _distances(places, others):
    return np.hypot(*(places[:, None] - others[None]).transpose(2, 0, 1))


def _draw_arrow(ax, start, end):
    ax.annotate(
        "", end.point, start.point, zorder=2,
        arrowprops={
            "arrowstyle": "-|>", "color": "0.5", "linewidth": 1.2,
            "shrinkA": start.radius + 2, "shrinkB": end.radius + 2,
        },
    )  # fmt: skip
