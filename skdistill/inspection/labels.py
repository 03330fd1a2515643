"""Places for the labels of points, without overlaps."""

import numpy as np

# Where a label can be: beside its point, above it, below it, then obliquely.
SIDES = np.array(
    [(1, 0), (-1, 0), (0, 1), (0, -1)] + [(h, v) for v in (1, -1, 0.5, -0.5) for h in (1, -1)]
)
RINGS = 3, 12, 24, 40, 60  # points between a marker and its label, the nearest first
SWEEPS = 3  # over all labels


def place_labels(anchors, sizes, radii, obstacles, bounds):
    """Choose a place beside its point for each label, without overlaps where possible.

    Labels are placed one after the other, each where it covers least and is nearest. In
    further sweeps each can move to a better place beside those that came after it.

    Parameters
    ----------
    anchors : list of (x, y)
        The points, in any unit; all else is in the same.
    sizes : list of (width, height)
        Of the labels.
    radii : list of float
        Of the points' markers.
    obstacles : list of (left, bottom, right, top)
        What no label should cover.
    bounds : (left, bottom, right, top)
        What no label should leave.

    Returns
    -------
    centers : ndarray of shape (n_labels, 2)
    """
    anchors, sizes = np.asarray(anchors, float), np.asarray(sizes, float)
    obstacles = np.reshape(obstacles, (-1, 4)).astype(float)
    labels, centers = np.zeros((len(sizes), 4)), np.zeros((len(sizes), 2))
    for i in [*range(len(sizes))] * SWEEPS:
        places, cost = _places(anchors[i], sizes[i], radii[i])
        boxes = np.hstack([places - sizes[i] / 2, places + sizes[i] / 2])
        others = np.delete(labels, i, axis=0)
        covered = _shared_area(boxes, obstacles) + 10 * _shared_area(boxes, others)
        outside = np.prod(sizes[i]) - _shared_area(boxes, np.array([bounds]))
        crosses = _crosses(anchors[i], boxes, others)
        best = np.argmin(covered + 10 * outside + 50 * crosses + cost)
        labels[i], centers[i] = boxes[best], places[best]
    return centers


def _places(anchor, size, radius):
    """List the centers that a label can have around a point, and the cost of each."""
    sides = np.tile(SIDES, (len(RINGS), 1))
    ring = np.repeat(RINGS, len(SIDES))
    is_oblique = sides.all(1)
    reach = np.where(is_oblique, 0.75, 1) * radius + ring
    return anchor + sides * (reach[:, None] + size / 2), ring + 4 * is_oblique


def _crosses(anchor, boxes, others):
    """Tell whether the line from a point to each box crosses other boxes."""
    nearest = np.clip(anchor, boxes[:, :2], boxes[:, 2:])
    line = anchor + np.linspace(0, 1, 12)[:, None, None] * (nearest - anchor)
    points = line[:, :, None]
    inside = (points > others[:, :2]) & (points < others[:, 2:])
    return inside.all(3).any((0, 2))


def _shared_area(boxes, others):
    """Measure how much of each box the others cover, in sum."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.clip(high - low, 0, None).prod(2).sum(1)
