"""`place_labels`, which places the labels of points without overlaps."""

import numpy as np

# Directions from a point to its label: beside, above, below, then oblique.
SIDES = np.array(
    [(1, 0), (-1, 0), (0, 1), (0, -1)] + [(h, v) for v in (1, -1, 0.5, -0.5) for h in (1, -1)]
)
RINGS = 3, 12, 24, 40, 60  # distances between a marker and its label, in points
SWEEPS = 3  # passes over all labels


def place_labels(anchors, sizes, radii, obstacles, bounds):
    """Choose a place beside its point for each label, without overlaps where possible.

    Each label in turn takes the place with the least overlap and distance. Further passes move
    a label if the labels placed after it leave it a better place.

    Parameters
    ----------
    anchors : list of (x, y)
        Positions of the points, in any unit. All other lengths have the same unit.
    sizes : list of (width, height)
        Sizes of the labels.
    radii : list of float
        Radii of the markers.
    obstacles : list of (left, bottom, right, top)
        Boxes that labels should not cover.
    bounds : (left, bottom, right, top)
        Box that labels should not leave.

    Returns
    -------
    centers : ndarray of shape (n_labels, 2)
        Centers of the labels.
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
    """Return the possible centers of a label around a point, and the cost of each."""
    sides = np.tile(SIDES, (len(RINGS), 1))
    ring = np.repeat(RINGS, len(SIDES))
    is_oblique = sides.all(1)
    reach = np.where(is_oblique, 0.75, 1) * radius + ring
    return anchor + sides * (reach[:, None] + size / 2), ring + 4 * is_oblique


def _crosses(anchor, boxes, others):
    """Return whether the line from a point to each box crosses other boxes."""
    nearest = np.clip(anchor, boxes[:, :2], boxes[:, 2:])
    line = anchor + np.linspace(0, 1, 12)[:, None, None] * (nearest - anchor)
    points = line[:, :, None]
    inside = (points > others[:, :2]) & (points < others[:, 2:])
    return inside.all(3).any((0, 2))


def _shared_area(boxes, others):
    """Return the area of each box that the others cover, summed over the others."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.clip(high - low, 0, None).prod(2).sum(1)
