"""Measures by class, and by slice of a column: where a model is better or worse."""

from collections import Counter
from collections.abc import Hashable
from itertools import pairwise

import numpy as np

from skdistill.inspection.metrics import log_losses
from skdistill.table.containers import (
    as_objects,
    column_of,
    is_column,
    is_frame,
    is_missing,
    is_numeric,
    with_nan,
)

OTHER, MISSING = "(other)", "(missing)"


def measures_by_class(predictions):
    """Measure each model on the rows of each class.

    Parameters
    ----------
    predictions : Predictions
        Of classifiers, with labels.

    Returns
    -------
    rows : list of dict
        One for each model and class. Precision is None where the class is never predicted, recall
        and log loss where it has no rows.
    """
    rows = []
    for name, proba in predictions.by_model.items():
        predicted, losses = proba.argmax(1), log_losses(predictions.y, proba)
        for k, label in enumerate(predictions.classes):
            is_true, is_predicted = predictions.y == k, predicted == k
            rows.append(
                {
                    "model": name,
                    "class": label,
                    "support": int(is_true.sum()),
                    "precision": _mean(is_true[is_predicted]),
                    "recall": _mean(is_predicted[is_true]),
                    "log_loss": _mean(losses[is_true]),
                }
            )
    return rows


def _mean(values):
    return float(values.mean()) if len(values) else None


def measures_by_slice(predictions, kind, reference, labels, order):
    """Measure each model on the rows of each slice.

    Parameters
    ----------
    predictions : Predictions
    kind : type
        A subclass of `Row`.
    reference : str or None
    labels : ndarray of shape (n_samples,), object
        The slice of each row.
    order : list
        The slices, see `slice_labels`.

    Returns
    -------
    rows : list of dict
        One for each slice and model, with the measures that are known.
    """
    rows = []
    for label in order:
        of_slice = predictions.subset(np.array([each == label for each in labels], dtype=bool))
        count = len(of_slice)
        for name in predictions.by_model:
            found = kind.measures(of_slice, name, reference)
            costs = {"slice": label, "model": name, "rows": count, "share": count / len(labels)}
            rows.append(costs | {each: found.get(each) for each in kind.by_rows})
    known = [key for key in rows[0] if any(row[key] is not None for row in rows)]
    return [{key: row[key] for key in known} for row in rows]


def values_of(column, X):
    """Return the values of a column that is named, computed or given.

    Parameters
    ----------
    column : str, int, callable or array-like of shape (n_samples,)
        Name or index of a column of X, a function of X, or the values. A name goes first.
    X : table of shape (n_samples, n_features) or None

    Returns
    -------
    values : Series or ndarray of shape (n_samples,)
    """
    X = X if X is None or hasattr(X, "shape") else np.asarray(X)
    names = list(X.columns) if is_frame(X) else []
    is_name = isinstance(column, (str, int, np.integer)) or _is_among(column, names)
    if (is_name or callable(column)) and X is None:
        raise ValueError(
            f"a report keeps no rows, so column {column!r:.60} is not known: pass X too, name the "
            "column in slices when the report is made, or pass its values."
        )
    if callable(column):
        return column(X)
    if not is_name:
        return column
    if column in names:
        return column_of(X, names.index(column))
    n_columns = X.shape[1] if np.ndim(X) == 2 else 0
    if isinstance(column, str) or not 0 <= column < n_columns:
        instead = f"choose among {names}" if names else f"name one of 0 to {n_columns - 1}"
        raise ValueError(f"X has no column {column!r}: {instead}.")
    values = column_of(X, column)
    return values.toarray().ravel() if hasattr(values, "toarray") else values


def _is_among(column, names):
    """Tell whether a column is named, be it by a date or a tuple; not if it is given."""
    return isinstance(column, Hashable) and column in names


def slice_labels(values, n_samples, *, n_bins=4, max_slices=10, min_rows=20):
    """Name the slice of each row: quantiles of numbers, categories as they are.

    Parameters
    ----------
    values : Series or array-like of shape (n_samples,)
    n_samples : int
    n_bins : int, default=4
        Numbers of more distinct values are cut at their quantiles into so many slices.
    max_slices : int, default=10
        Of more categories, the rarer ones are one slice, "(other)".
    min_rows : int, default=20
        So are categories of fewer rows, if there are several.

    Returns
    -------
    labels : ndarray of shape (n_samples,), object
        Missing values are "(missing)".
    order : list
        The slices: numbers ascending, categories by their number of rows.

    Examples
    --------
    >>> from skdistill.inspection.slices import slice_labels
    >>> labels, order = slice_labels([1.0, 2.0, 3.0, 4.0, None], 5, n_bins=2)
    >>> order
    ['up to 2.5', 'above 2.5', '(missing)']
    """
    values = values if is_column(values) else np.asarray(values)
    if values.shape != (n_samples,):
        raise ValueError(
            f"a slice has shape {values.shape}, expected ({n_samples},): one value for each row "
            "of the report."
        )
    objects = as_objects(values)
    missing = np.array([is_missing(each) for each in objects], dtype=bool)
    labels = np.full(n_samples, MISSING, dtype=object)
    known = objects[~missing]
    is_boolean = all(isinstance(each, (bool, np.bool_)) for each in known)
    if is_numeric(values) and not is_boolean and len(set(known)) > n_bins:
        numbers = with_nan(objects)[~missing].astype(np.float64)
        labels[~missing], order = _cut(numbers, n_bins)
    else:
        labels[~missing], order = _pooled(known, max_slices, min_rows)
    return labels, list(dict.fromkeys([*order, *([MISSING] if missing.any() else [])]))


def check_whole_queries(labels, queries):
    """Check that no query has rows in several slices, which cannot be ranked apart.

    Raises
    ------
    ValueError
    """
    pairs = set(zip(queries.tolist(), labels.tolist()))
    if len(pairs) > len(np.unique(queries)):
        raise ValueError(
            "the slices divide queries, whose rows are ranked together: slice by a column that is "
            "the same for all rows of a query."
        )


def _cut(numbers, n_bins):
    """Cut numbers at their quantiles; equal numbers share a slice."""
    with np.errstate(invalid="ignore", over="ignore"):  # between infinite numbers is none
        inner = np.quantile(numbers, np.arange(1, n_bins) / n_bins)
    edges = [edge for edge in np.unique(inner) if edge < numbers.max()]
    texts = _distinct(edges)
    names = [f"up to {texts[0]}"] if edges else ["all"]
    names += [f"{low} to {high}" for low, high in pairwise(texts)]
    names += [f"above {texts[-1]}"] if edges else []
    bins = np.searchsorted(edges, numbers)
    return np.array(names, dtype=object)[bins], [names[k] for k in np.unique(bins)]


def _distinct(edges):
    """Write numbers with as few digits as tell them apart."""
    for digits in range(3, 17):
        texts = [f"{edge:.{digits}g}" for edge in edges]
        if len(set(texts)) == len(texts):
            break
    return texts


def _pooled(objects, max_slices, min_rows):
    """Name categories as they are, rare ones together."""
    counts = Counter(objects.tolist())
    order = [each for each, _ in counts.most_common()]
    rare = [each for k, each in enumerate(order) if k >= max_slices or counts[each] < min_rows]
    if len(rare) < 2:
        rare = []
    order = [each for each in order if each not in rare] + ([OTHER] if rare else [])
    names = np.empty(len(objects), dtype=object)
    names[:] = [OTHER if each in rare else each for each in objects.tolist()]
    return names, order
