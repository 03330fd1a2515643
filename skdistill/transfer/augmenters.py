"""Draw synthetic rows, which teachers label and the student is trained on."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone

from skdistill.jobs.clock import SYNTHETIC, Clock
from skdistill.jobs.memory import remembered
from skdistill.sklearn_private import safe_indexing
from skdistill.table.containers import (
    is_alike,
    is_frame,
    kind_of,
)
from skdistill.transfer.inquire import Inquire
from skdistill.transfer.munge import Munge

MAX_SYNTHETIC_ROWS = 50_000


def count_synthetic(augmenter, X, rows_per_row):
    """Return the number of synthetic rows to draw: so many for each real row, within a limit.

    "auto" draws none if X is sparse: values mixed from two texts do not make a text.
    """
    is_auto = isinstance(augmenter, str) and augmenter == "auto"
    if augmenter is None or (is_auto and issparse(X)):
        return 0
    return min(rows_per_row * X.shape[0], MAX_SYNTHETIC_ROWS)


def draw_synthetic(augmenter, data, n_samples, seed, memory=None, clock=None):
    """Draw synthetic rows from the training rows.

    Parameters
    ----------
    augmenter : "auto", "munge", None, or object with `fit` and `sample`
        The rows of `Inquire` are drawn by the augmenter within it.
    data : TrainingData
    n_samples : int
        From `count_synthetic`.
    seed : int
    memory : Memory, default=None
        Where rows that were drawn earlier from the same table are found.
    clock : Clock, default=None
        Gets the seconds.

    Returns
    -------
    tables : list of tables of shape (n_synthetic, n_features)
        One table; an empty list if `n_samples` is 0.
    """
    if not n_samples:
        return []
    X = safe_indexing(data.X, data.training_rows)
    if isinstance(augmenter, Inquire):
        augmenter = "munge" if augmenter.augmenter is None else augmenter.augmenter
    arguments = augmenter, X, data.categorical_features, n_samples, seed
    with (clock or Clock()).measure(SYNTHETIC):
        return [remembered(memory, lambda: _draw(*arguments), "synthetic", *arguments)]


def _draw(augmenter, X, categorical_features, n_samples, seed):
    if isinstance(augmenter, str):
        augmenter = Munge(categorical_features=categorical_features)
    augmenter = clone(augmenter, safe=False)
    augmenter.fit(X)
    synthetic = augmenter.sample(n_samples, np.random.RandomState(seed))
    difference = _describe_difference(synthetic, X)
    if difference:
        raise ValueError(
            f"augmenter {augmenter!r} returned {difference}: sample(n_samples, random_state) must "
            "return rows of the type and with the columns of the X in fit(X)."
        )
    return synthetic


def _describe_difference(synthetic, X):
    """Describe how a synthetic table differs in type, shape or columns; None if it does not."""
    if not is_alike(synthetic, X):
        return f"a {kind_of(synthetic)} for a {kind_of(X)}"
    shape = getattr(synthetic, "shape", None)
    if shape is None or shape[1:] != X.shape[1:] or not shape[0]:
        return f"rows of shape {shape} for a table of shape {X.shape}"
    if is_frame(X) and list(synthetic.columns) != list(X.columns):
        return f"the columns {list(synthetic.columns)} for {list(X.columns)}"
    return None
