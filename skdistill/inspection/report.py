"""`compare` and `Report`: measures of fitted models on held-out rows."""

import io
import time
from collections.abc import Mapping
from contextlib import suppress
from copy import copy
from html import escape

import joblib
import numpy as np

from skdistill.inspection.rows import row_class
from skdistill.sklearn_private import num_samples, safe_indexing

MEANING = (
    "https://github.com/skdistill/skdistill/blob/main/docs/cookbook.md#what-distillation-brought"
)


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
        return [row.to_dict() for row in self.rows]

    def _cells(self):
        """Return the texts of the table by row, the header first."""
        columns = [["model", *(row.name for row in self.rows)]]
        for header, write in self.rows[0].columns.items():
            cells = [write(row) for row in self.rows]
            columns += [[header, *cells]] if any(cells) else []
        return list(map(list, zip(*columns)))

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
    """Measure fitted classifiers, or fitted regressors, on rows that none of them has seen.

    Printing the report shows a table. Its ``plot()`` draws log loss or RMSE against time and size.

    Parameters
    ----------
    models : dict of str to estimator
        Classifiers fitted on the same classes, in whatever order, with `predict_proba`; or
        regressors of the same targets.
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows that no model was fitted on.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Labels of the rows; a column of them is flattened with a warning, as by `fit`. Of
        regressors, the targets.
    reference : str, default=None
        Name of the model that agreement is measured with; None is the first.
    n_repeats : int, default=30
        Number of timed predictions of one row; the report has their median.

    Returns
    -------
    report : Report
        ``report[name]`` has `kilobytes` and `microseconds`; of a classifier `accuracy`,
        `log_loss`, `calibration_error`, `brier_score` and `agreement`; of a regressor `rmse`,
        `mae`, `r2`, `agreement`, and `coverage` and `nominal_coverage`.
        ``report.to_dicts()`` has all of them.

    Raises
    ------
    ValueError
        If `models` is empty or has classifiers and regressors, if classifiers were fitted on
        different classes, if y has labels that are none of these, or of regressors no finite
        numbers, or if `reference` is none of the models.

    See Also
    --------
    expected_calibration_error : The measure of calibration.

    Notes
    -----
    The size is that of the uncompressed joblib file. That of a student is without its teachers:
    those that ``keep_teachers=True`` has kept, and those that it was given, which
    ``set_params(teachers=None)`` takes out of the file. The time is that of ``predict_proba`` for
    one row, of regressors that of ``predict``, which is the latency of a service.

    The agreement of classifiers is the share of rows that get the class of the reference. That of
    regressors is R² of the predictions, with those of the reference as the target: 1 if they are
    the same. `coverage` is the share of targets between the lowest and the highest of
    `quantiles_`, and `nominal_coverage` what it should be; both are None, and their column is
    absent, where a regressor predicts no quantiles. Measures of several targets are
    means over the targets.

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
    if reference not in (None, *models):
        raise ValueError(
            f"reference {reference!r} is none of the models: {list(models)}. Name one of these."
        )
    kind = row_class(models)
    measures = kind.measure(models, X, y, reference or next(iter(models)))
    return Report(
        [
            kind(
                name=name,
                kilobytes=size_in_bytes(model) / 1000,
                microseconds=microseconds(model, X, n_repeats),
                **measures[name],
            )
            for name, model in models.items()
        ],
        reference=reference,
    )


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
    """Measure the median time of `predict_proba` for one row, of a regressor that of `predict`."""
    predict = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    times = []
    for i in range(n_repeats + 1):
        row = safe_indexing(X, [i % num_samples(X)])
        started = time.perf_counter()
        predict(row)
        times.append(time.perf_counter() - started)
    return 1e6 * float(np.median(times[1:]))  # the first call warms up
