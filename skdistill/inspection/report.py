"""Was it worth it: teachers, student and baseline side by side."""

import io
import time
from dataclasses import asdict, dataclass, field

import joblib
import numpy as np
from sklearn.metrics import log_loss
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from skdistill.inspection.metrics import (
    agreement,
    brier_score,
    expected_calibration_error,
    reliability,
)


@dataclass
class Row:
    """What one model costs and gives."""

    name: str
    accuracy: float
    log_loss: float
    calibration_error: float
    brier_score: float  # mean squared distance of the probabilities to the label's 0 and 1
    agreement: float  # share of rows for which it names the class that the reference names
    kilobytes: float  # its joblib file, uncompressed
    microseconds: float  # for one row, asked alone
    reliability: tuple = field(repr=False)


class Report:
    """A table of models, to be printed, plotted, or kept as dicts.

    Parameters
    ----------
    rows : list of Row
    """

    def __init__(self, rows):
        self.rows = rows

    def __getitem__(self, name):
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(f"no model is called {name!r}: {[row.name for row in self.rows]}.")

    def to_dicts(self):
        """One dict a model, ready for JSON."""
        return [
            {key: value for key, value in asdict(row).items() if key != "reliability"}
            for row in self.rows
        ]

    def __str__(self):
        width = max(len(row.name) for row in self.rows)
        lines = [f"{'':{width}}  accuracy  log loss  calib. error  agreement   size, kB   µs/row"]
        lines += [
            f"{row.name:{width}}  {row.accuracy:8.2%}  {row.log_loss:8.4f}  "
            f"{row.calibration_error:12.4f}  {row.agreement:9.2%}  {row.kilobytes:9,.0f}  "
            f"{row.microseconds:7,.0f}"
            for row in self.rows
        ]
        return "\n".join(lines)

    def plot(self, **kwargs):
        """Draw it, see `ReportDisplay`."""
        from skdistill.inspection.displays import ReportDisplay

        return ReportDisplay(self.rows).plot(**kwargs)


def compare(models, X, y, *, reference=None, n_repeats=30):
    """Measure fitted classifiers on rows that none of them has seen.

    Parameters
    ----------
    models : dict of str to classifier
        With `predict_proba`, fitted on the same classes.
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
        Labels.
    reference : str, default=None
        The model that agreement is taken with; by default the first.
    n_repeats : int, default=30
        Timed predictions of one row each, of which the median counts.

    Returns
    -------
    report : Report
        Accuracy, log loss, expected calibration error, agreement, size in kB, and
        microseconds for one row.

    Raises
    ------
    ValueError
        If there are none, they differ in their classes, y has others, or `reference` is none of
        them.
    """
    if not models:
        raise ValueError("there is no model to compare: give them as {name: model}.")
    if reference not in (None, *models):
        raise ValueError(f"reference {reference!r} is none of the models: {list(models)}.")
    classes, y = _check_classes(models, y)
    probas = {name: model.predict_proba(X) for name, model in models.items()}
    of_reference = probas[reference or next(iter(probas))]
    return Report(
        [
            Row(
                name=name,
                accuracy=float(np.mean(proba.argmax(1) == y)),
                log_loss=float(log_loss(y, proba, labels=range(len(classes)))),
                calibration_error=expected_calibration_error(y, proba),
                brier_score=brier_score(y, proba),
                agreement=agreement(proba, of_reference),
                kilobytes=size_in_bytes(models[name]) / 1000,
                microseconds=_microseconds(models[name], X, n_repeats),
                reliability=reliability(y, proba),
            )
            for name, proba in probas.items()
        ]
    )


def _check_classes(models, y):
    """The classes that all models share, and y as their indices."""
    (first, model), *others = models.items()
    classes = np.asarray(model.classes_)
    for name, other in others:
        if not np.array_equal(other.classes_, classes):
            raise ValueError(
                f"the models know other classes: {first!r} {classes.tolist()}, {name!r} "
                f"{np.asarray(other.classes_).tolist()}: fit them on the same labels."
            )
    strange = sorted(set(np.asarray(y).tolist()) - set(classes.tolist()))
    if strange:
        raise ValueError(
            f"y has labels that no model was fitted on: {strange[:5]}. Leave these rows out, or "
            "let the models be fitted on some."
        )
    return classes, np.searchsorted(classes, y)


def size_in_bytes(model):
    """Length of the joblib file of a model."""
    file = io.BytesIO()
    joblib.dump(model, file)
    return file.tell()


def _microseconds(model, X, n_repeats):
    """Median time of `predict_proba` of one row."""
    times = []
    for i in range(n_repeats + 1):
        row = _safe_indexing(X, [i % _num_samples(X)])
        started = time.perf_counter()
        model.predict_proba(row)
        times.append(time.perf_counter() - started)
    return 1e6 * float(np.median(times[1:]))  # the first warms up
