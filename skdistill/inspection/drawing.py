"""What the displays share: axes, ticks, colors, and labels that do not overlap."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from skdistill.inspection.labels import RINGS, place_labels

GRAY, PALE = "0.45", "0.65"  # of texts, legible on white and on black; of lines and markers
FINEST = [k / 5 for k in range(5, 50)]  # the finest ticks within a decade
INSET = 4  # distance between a label and the frame, in points


def pyplot():
    """Return matplotlib's pyplot, or say how to install it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("plotting needs matplotlib: pip install 'skdistill[plot]'") from error
    return plt


def axes_or_new(ax, figsize):
    """Return the axes, or those of a new figure."""
    return pyplot().subplots(figsize=figsize, layout="constrained")[1] if ax is None else ax


def frame(ax):
    """Draw a faint grid, and no frame above and on the right."""
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)


def shortened(name, longest=28):
    """Shorten a name in its middle, where names of a series tend to be alike."""
    name = str(name)
    if len(name) <= longest:
        return name
    tail = longest // 3
    return f"{name[: longest - tail - 1]}…{name[-tail:]}"


def density_colors(ax, color="C0"):
    """Return a color map from near the background to away from it, on white as on black."""
    from matplotlib import rcParams
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    ground, middle, ink = (
        np.array(to_rgb(each)) for each in (ax.get_facecolor(), color, rcParams["text.color"])
    )
    ends = 0.75 * ground + 0.25 * middle, 0.35 * middle + 0.65 * ink
    return LinearSegmentedColormap.from_list("density", [ends[0], middle, ends[1]])


def ink_on(color):
    """Return black or white, whichever is legible on a color."""
    red, green, blue = color[:3]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "white"


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


def in_points(ax, points):
    """Convert data coordinates to points (1/72 inch) from the corner of the figure."""
    return ax.transData.transform(points) / ax.figure.dpi * 72


def along_line(ax, points, n_between=20):
    """Return small boxes along a line through points, as obstacles for labels."""
    at = in_points(ax, points)
    steps = np.linspace(0, 1, n_between, endpoint=False)
    pieces = [start + np.outer(steps, end - start) for start, end in pairwise(at)]
    line = np.vstack([*pieces, at[-1:]])
    return np.hstack([line - 2, line + 2])


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
