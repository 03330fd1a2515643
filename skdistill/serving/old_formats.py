"""Arrays of students that earlier versions have written, in the form of today."""

import numpy as np


def upgrade(arrays):
    """Return the arrays of a student as `to_plain` gives them now.

    In version 2 all columns had as many bins: split points were padded with infinity.

    Parameters
    ----------
    arrays : dict of str to ndarray
        As they were read, and not checked.

    Returns
    -------
    arrays : dict of str to ndarray
        The same dict, if it is not of an earlier version.
    """
    points, embedding = arrays.get("split_points"), arrays.get("bin_embedding")
    if "n_bins" in arrays or points is None or points.ndim != 2:
        return arrays
    is_used = points < np.inf
    if points.size and not is_used.any():
        is_used[:, 0] = True  # a net with bins has bins
    upgraded = {**arrays, "split_points": points[is_used], "n_bins": is_used.sum(1) + 1}
    n_columns, n_points = points.shape
    if embedding is not None and embedding.shape[:2] == (n_columns, n_points + 1):
        is_first = np.ones((n_columns, 1), dtype=bool)
        upgraded["bin_embedding"] = embedding[np.hstack([is_first, is_used])]
    return upgraded
