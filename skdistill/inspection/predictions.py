"""What models predict for test rows, beside the labels, targets or relevance of these rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

from skdistill.inspection.pipelines import AfterSteps, split_pipeline
from skdistill.sklearn_private import num_samples
from skdistill.tasks.probabilities import as_probabilities
from skdistill.tasks.ranked_fitting import with_queries


@dataclass
class Predictions:
    """Predictions of several models for the same rows; the rows themselves are not kept.

    Parameters
    ----------
    y : ndarray or None
        Indices of the labels, or targets of shape (n_samples, n_targets).
    by_model : dict of str to ndarray of shape (n_samples, n_outputs)
        Probabilities with the columns in the order of `classes`, or predicted targets.
    classes : list, default=None
        Labels of the columns, of classifiers.
    bounds : dict of str to (low, high, nominal coverage), default={}
        Outer quantiles of the regressors that predict some.
    queries : ndarray of shape (n_samples,), int, default=None
        Numbers of the queries that rankers order, with relevance of shape (n_samples,) as y.
    """

    y: np.ndarray | None
    by_model: Mapping[str, np.ndarray]
    classes: list | None = None
    bounds: Mapping[str, tuple] = field(default_factory=dict)
    queries: np.ndarray | None = None

    def __len__(self):
        """Return the number of rows."""
        return len(next(iter(self.by_model.values())))

    def subset(self, rows):
        """Return the predictions for some of the rows, by a mask or by indices."""
        return replace(
            self,
            y=None if self.y is None else self.y[rows],
            queries=None if self.queries is None else self.queries[rows],
            by_model={name: each[rows] for name, each in self.by_model.items()},
            bounds={
                name: (low[rows], high[rows], nominal)
                for name, (low, high, nominal) in self.bounds.items()
            },
        )


def predicted_probabilities(models, X, y):
    """Return the `Predictions` of classifiers, whose labels may be in any order.

    Parameters
    ----------
    models : dict of str to classifier
    X : table of shape (n_samples, ...)
    y : array-like of shape (n_samples,) or None

    Raises
    ------
    ValueError
        If the classifiers were fitted on different classes, or y has other labels.
    """
    if y is not None:
        y = _as_labels(X, y)
    classes = _check_classes(models, [] if y is None else y.tolist())
    if y is not None:
        index = {label: k for k, label in enumerate(classes)}
        y = np.array([index[label] for label in y.tolist()], dtype=int)
    by_model = {name: _in_order(name, model, X, classes) for name, model in models.items()}
    return Predictions(y, by_model, classes)


def _as_labels(X, y):
    if np.ndim(y) != 1 and np.shape(y)[1:] != (1,):
        raise ValueError(
            f"y must hold one label for each row of X, got shape {np.shape(y)}: the order is "
            "compare(models, X, y)."
        )
    check_consistent_length(X, y)
    return column_or_1d(np.asarray(y), warn=True)


def _check_classes(models, labels):
    """Return the sorted classes that all models share, and that the labels are of."""
    for name, model in models.items():
        if not hasattr(model, "classes_"):
            raise ValueError(
                f"model {name!r}, a {type(model).__name__}, has no classes_, so that nobody knows "
                "the labels of its probabilities: fit it, or compare the model that it is made of."
            )
    classes_of = {name: np.unique(model.classes_).tolist() for name, model in models.items()}
    first, classes = next(iter(classes_of.items()))
    for name, others in classes_of.items():
        if others != classes:
            raise ValueError(
                f"the models were fitted on different classes: {first!r} on {classes}, {name!r} "
                f"on {others}. Fit all of them on the same labels."
            )
    strange = [label for label in dict.fromkeys(labels) if label not in classes]
    if strange:
        raise ValueError(
            f"y has labels that the models were not fitted on: {strange[:5]}. Leave these rows "
            "out, or fit the models on rows with these labels too."
        )
    return classes


def _in_order(name, model, X, classes):
    """Return a model's probabilities, with the columns in the order of the classes.

    All are of double precision, in which the logarithm of zero is bounded alike.
    """
    own = np.asarray(model.classes_).tolist()
    proba = model.predict_proba(X)
    try:
        proba = as_probabilities(proba, (num_samples(X), len(classes)))
    except ValueError as error:
        raise ValueError(f"model {name!r}: {error}") from error
    return proba if own == classes else proba[:, [own.index(label) for label in classes]]


def predicted_targets(models, X, y):
    """Return the `Predictions` of regressors.

    Parameters
    ----------
    models : dict of str to regressor
    X : table of shape (n_samples, ...)
    y : array-like of shape (n_samples,) or (n_samples, n_targets), or None

    Raises
    ------
    ValueError
        If y, or what a model predicts, is no finite number, or if their shapes differ.
    """
    if y is not None:
        y = _as_targets(y)
    by_model: dict[str, np.ndarray] = {}
    for name, model in models.items():
        first = next(iter(by_model.values()), y)
        by_model[name] = _predictions(name, model, X, None if first is None else first.shape)
    bounds = {name: _bounds(model, X) for name, model in models.items()}
    return Predictions(y, by_model, bounds={name: each for name, each in bounds.items() if each})


def _as_targets(y):
    """Return targets as floats of shape (n_samples, n_targets)."""
    y = np.asarray(y)
    try:
        y = y.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the models are regressors, but y holds {y.ravel().tolist()[0]!r:.60}, which is no "
            "number: pass their targets, or compare classifiers."
        ) from error
    if y.ndim not in (1, 2) or not np.isfinite(y).all():
        raise ValueError(
            f"y must hold finite numbers, in one column for each target, got shape {y.shape} with "
            f"{(~np.isfinite(y)).sum()} missing or infinite ones: the order is "
            "compare(models, X, y)."
        )
    return y[:, None] if y.ndim == 1 else y


def _predictions(name, model, X, shape):
    """Return a model's predictions, of shape (n_samples, n_targets)."""
    predictions = np.asarray(model.predict(X), dtype=np.float64)
    predictions = predictions[:, None] if predictions.ndim == 1 else predictions
    if predictions.shape != (shape or predictions.shape) or not np.isfinite(predictions).all():
        raise ValueError(
            f"{name!r} predicts shape {predictions.shape}, expected finite numbers of shape "
            f"{shape}, one column for each of y: compare models that were fitted on such targets."
        )
    return predictions


def _bounds(model, X):
    """Return the outer quantiles of rows, and the share that should lie between them."""
    steps, last = split_pipeline(model)
    quantiles = getattr(last, "quantiles_", None) or []
    if len(quantiles) < 2:
        return None
    predicted = AfterSteps.of(steps, last).predict(X, quantiles=True)
    return predicted[:, 0], predicted[:, -1], float(quantiles[-1] - quantiles[0])


def predicted_scores(models, X, y, qid):
    """Return the `Predictions` of rankers.

    Parameters
    ----------
    models : dict of str to ranker or regressor
    X : table of shape (n_samples, ...)
    y : array-like of shape (n_samples,) or None
        Relevance.
    qid : array-like of shape (n_samples,)
        In any order.

    Raises
    ------
    ValueError
        If qid or y have other lengths than X, or a model predicts no finite score for each row.
    """
    check_consistent_length(X, qid)
    # Without relevance, queries are checked all the same.
    relevance, queries = with_queries(np.zeros(len(qid)) if y is None else y, qid).T
    by_model = {name: _predictions(name, each, X, (len(qid), 1)) for name, each in models.items()}
    return Predictions(None if y is None else relevance, by_model, queries=queries.astype(int))
