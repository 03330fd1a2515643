"""What fitted models predict, and what predicting costs: the rows of a report."""

import pickle
import time

import numpy as np

from skdistill.inspection.pipelines import size_in_bytes
from skdistill.inspection.rows import row_class
from skdistill.sklearn_private import num_samples, safe_indexing


def measure(models, X, y, *, reference, qid=None, n_repeats=30):
    """Measure fitted models on rows that none of them has seen.

    Parameters
    ----------
    models : dict of str to estimator
    X : table of shape (n_samples, ...)
    y : array-like of shape (n_samples, ...) or None
        Without it, losses are None.
    reference : str or None
        The model that others are compared with; None: with none.
    qid : array-like of shape (n_samples,), default=None
        The query of each row, which models rank.
    n_repeats : int, default=30

    Returns
    -------
    rows : list of Row
    predictions : Predictions
    """
    if n_repeats < 1:
        raise ValueError(f"n_repeats must be at least 1, got {n_repeats!r}.")
    kind = row_class(models, has_queries=qid is not None)
    predictions = kind.predict(models, X, y, qid)
    rows = [
        kind(
            name=name,
            kilobytes=_kilobytes(model),
            microseconds=microseconds(model, X, n_repeats),
            **kind.measures(predictions, name, reference),
        )
        for name, model in models.items()
    ]
    return rows, predictions


def _kilobytes(model):
    """Return the size of a model; None if it cannot be pickled, as one that calls a lambda."""
    try:
        return size_in_bytes(model) / 1000
    except (pickle.PicklingError, TypeError, AttributeError):
        return None


def microseconds(model, X, n_repeats):
    """Measure the median time of `predict_proba` for one row, of a regressor that of `predict`."""
    predict = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    times = []
    for i in range(n_repeats + 1):
        row = safe_indexing(X, [i % num_samples(X)])
        started = time.perf_counter()
        predict(row)
        times.append(time.perf_counter() - started)
    return 1e6 * float(np.median(times[1:]))  # the first call warms up
