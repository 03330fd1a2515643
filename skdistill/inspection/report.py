"""`compare` and `Report`: measures of fitted models on held-out rows."""

import io
import time
from collections.abc import Mapping
from contextlib import suppress
from copy import copy
from dataclasses import asdict, dataclass, field
from html import escape

import joblib
import numpy as np
from sklearn.metrics import log_loss
from sklearn.utils.validation import column_or_1d

from skdistill.inspection.metrics import (
    agreement,
    brier_score,
    equal_count_reliability,
    expected_calibration_error,
)
from skdistill.sklearn_private import num_samples, safe_indexing


@dataclass
class Row:
    """Measures of one model."""

    name: str
    accuracy: float
    log_loss: float
    calibration_error: float
    brier_score: float  # mean squared distance of the probabilities to the one-hot label
    agreement: float  # share of rows with the same predicted class as the reference
    kilobytes: float  # of the uncompressed joblib file
    microseconds: float  # time to predict one row
    reliability: tuple = field(repr=False)  # see equal_count_reliability


MEANING = (
    "https://github.com/skdistill/skdistill/blob/main/docs/cookbook.md#what-distillation-brought"
)
COLUMNS = {  # of the printed table: header, then the format of a Row
    "log loss": "{0.log_loss:.4f}",
    "accuracy": "{0.accuracy:.2%}",
    "calib. error": "{0.calibration_error:.4f}",
    "agreement": "{0.agreement:.2%}",
    "size, kB": "{0.kilobytes:,.0f}",
    "one row, us": "{0.microseconds:,.0f}",
}


class Report:
    """A table of measured models, to print, plot or store.

    Parameters
    ----------
    rows : list of Row
        One measured model each.
    reference : str, default=None
        Name of the model that the others are compared with; None is the first.

    See Also
    --------
    compare : Measures models and returns their report.
    """

    def __init__(self, rows, *, reference=None):
        self.rows = rows
        self.reference = rows[0].name if reference is None else reference

    def __getitem__(self, name):
        """Return the row of a model."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(
            f"no model is called {name!r}: choose among {[row.name for row in self.rows]}."
        )

    def to_dicts(self):
        """Return one dict for each model, which JSON can hold."""
        return [
            {key: value for key, value in asdict(row).items() if key != "reliability"}
            for row in self.rows
        ]

    def _cells(self):
        """Return the texts of the table by row, the header first."""
        texts = [[row.name, *(form.format(row) for form in COLUMNS.values())] for row in self.rows]
        return [["model", *COLUMNS], *texts]

    def __str__(self):
        """Format the table, with a rule above the reference."""
        cells = self._cells()
        widths = [max(map(len, column)) for column in zip(*cells)]
        lines = [
            "  ".join([name.ljust(widths[0]), *map(str.rjust, numbers, widths[1:])])
            for name, *numbers in cells
        ]
        rule = "-" * len(lines[0])
        first = [row.name for row in self.rows].index(self.reference)
        blocks = [lines[:1], lines[1 : 1 + first], lines[1 + first :]]
        return f"\n{rule}\n".join("\n".join(block) for block in blocks if block)

    __repr__ = __str__  # the last line of a cell shows it, where it cannot show HTML

    def _repr_html_(self):
        """Return the table as HTML, the reference in bold; notebooks show it."""
        header, *rows = [[escape(cell) for cell in row] for row in self._cells()]
        reference = escape(self.reference)
        lines = ["".join(f"<th>{cell}</th>" for cell in header)]
        for name, *numbers in rows:
            name = f"<b>{name}</b>" if name == reference else name
            cells = [f'<td style="text-align: left">{name}</td>']
            lines.append("".join(cells + [f"<td>{number}</td>" for number in numbers]))
        table = "\n".join(f"<tr>{line}</tr>" for line in lines)
        return (
            f"<table>\n{table}\n</table>\n"
            f'<a href="{MEANING}" rel="noreferrer" target="_blank">What the columns mean</a>'
        )

    def plot(self, **kwargs):
        """Draw the report.

        Parameters
        ----------
        **kwargs
            `highlight` and `axes`, see `ReportDisplay.plot`.

        Returns
        -------
        display : ReportDisplay
            With `figure_` and `axes_`.
        """
        from skdistill.inspection.displays import ReportDisplay

        return ReportDisplay(self.rows, self.reference).plot(**kwargs)


def compare(models, X, y, *, reference=None, n_repeats=30):
    """Measure fitted classifiers on rows that none of them has seen.

    Printing the report shows a table. Its ``plot()`` draws log loss against time and size.

    Parameters
    ----------
    models : dict of str to classifier
        Fitted on the same classes, in whatever order, with `predict_proba`.
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows that no model was fitted on.
    y : array-like of shape (n_samples,)
        Labels of the rows. A column is flattened with a warning, as by `fit`.
    reference : str, default=None
        Name of the model that agreement is measured with; None is the first.
    n_repeats : int, default=30
        Number of timed predictions of one row; the report has their median.

    Returns
    -------
    report : Report
        ``report[name]`` has `accuracy`, `log_loss`, `calibration_error`, `brier_score`,
        `agreement`, `kilobytes` and `microseconds`; ``report.to_dicts()`` has all of them.

    Raises
    ------
    ValueError
        If `models` is empty, if the models were fitted on different classes, if y has labels
        that are none of these, or if `reference` is none of the models.

    See Also
    --------
    expected_calibration_error : The measure of calibration.

    Notes
    -----
    The size is that of the uncompressed joblib file. That of a `DistilledClassifier` is without
    its teachers: those that ``keep_teachers=True`` has kept, and those that it was given, which
    ``set_params(teachers=None)`` takes out of the file. The time is that of ``predict_proba`` for
    one row, which is the latency of a service.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import compare
    >>> X, y = load_wine(return_X_y=True)
    >>> models = {
    ...     "tree": DecisionTreeClassifier(max_depth=2, random_state=0).fit(X[::2], y[::2]),
    ...     "naive Bayes": GaussianNB().fit(X[::2], y[::2]),
    ... }
    >>> report = compare(models, X[1::2], y[1::2])
    >>> report["naive Bayes"].log_loss < report["tree"].log_loss
    True
    >>> print(report)
    model        log loss  accuracy  calib. error  agreement  size, kB  one row, us
    -------------------------------------------------------------------------------
    tree         ...
    naive Bayes  ...
    """
    if not isinstance(models, Mapping) or not models:
        raise ValueError(
            "there is no model to compare: models must be a dict {name: fitted model}, got "
            f"{models!r:.80}."
        )
    if np.ndim(y) != 1 and np.shape(y)[1:] != (1,):
        raise ValueError(
            f"y must hold one label for each row of X, got shape {np.shape(y)}: the order is "
            "compare(models, X, y)."
        )
    if reference not in (None, *models):
        raise ValueError(
            f"reference {reference!r} is none of the models: {list(models)}. Name one of these."
        )
    y = column_or_1d(np.asarray(y), warn=True)
    classes = _check_classes(models, y)
    index = {label: k for k, label in enumerate(classes)}
    y = np.array([index[label] for label in y.tolist()])
    probas = {name: _in_order(model, X, classes) for name, model in models.items()}
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
                microseconds=microseconds(models[name], X, n_repeats),
                reliability=equal_count_reliability(y, proba),
            )
            for name, proba in probas.items()
        ],
        reference=reference,
    )


def _check_classes(models, y):
    """Return the sorted classes that all models share, and that y is of."""
    classes_of = {name: np.unique(model.classes_).tolist() for name, model in models.items()}
    first, classes = next(iter(classes_of.items()))
    for name, others in classes_of.items():
        if others != classes:
            raise ValueError(
                f"the models were fitted on different classes: {first!r} on {classes}, {name!r} "
                f"on {others}. Fit all of them on the same labels."
            )
    strange = [label for label in dict.fromkeys(y.tolist()) if label not in classes]
    if strange:
        raise ValueError(
            f"y has labels that the models were not fitted on: {strange[:5]}. Leave these rows "
            "out, or fit the models on rows with these labels too."
        )
    return classes


def _in_order(model, X, classes):
    """Return a model's probabilities, with the columns in the order of the classes."""
    own = np.asarray(model.classes_).tolist()
    proba = np.asarray(model.predict_proba(X))
    return proba if own == classes else proba[:, [own.index(label) for label in classes]]


def size_in_bytes(model):
    """Return the size of the joblib file of a model, in bytes, that of a student without teachers.

    These are the fitted ones that it was given or has kept.
    """
    if hasattr(model, "student_"):
        model = copy(model)
        for name in ("teacher_", "teachers"):
            with suppress(AttributeError):
                delattr(model, name)
    file = io.BytesIO()
    joblib.dump(model, file)
    return file.tell()


def microseconds(model, X, n_repeats):
    """Measure the median time of `predict_proba` for one row."""
    times = []
    for i in range(n_repeats + 1):
        row = safe_indexing(X, [i % num_samples(X)])
        started = time.perf_counter()
        model.predict_proba(row)
        times.append(time.perf_counter() - started)
    return 1e6 * float(np.median(times[1:]))  # the first call warms up
