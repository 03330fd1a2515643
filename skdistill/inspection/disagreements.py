"""`disagreements`: the rows where a student and its teachers part, and where they lie."""

from collections.abc import Mapping
from html import escape

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skdistill.inspection.metrics import kl_divergence
from skdistill.inspection.pipelines import is_ranker
from skdistill.inspection.predictions import Predictions
from skdistill.inspection.regions import find_regions
from skdistill.inspection.rows import row_class
from skdistill.inspection.subjects import POOL, STUDENT, teachers_of
from skdistill.inspection.tables import as_frame, html_table
from skdistill.tasks.probabilities import check_probabilities, in_order

SHOWN = 10  # rows and regions that are printed
SAYS_LITTLE = 0.05  # share of the variance that regions explain


class Disagreements:
    """The rows where a student and its teachers part, those of the largest divergence first.

    Use `disagreements` to find them.

    Parameters
    ----------
    student, teachers : ndarray of shape (n_samples, n_outputs)
        Probabilities, or predicted numbers.
    classes : list or None
        Labels of the columns; None of regressors.
    divergence : ndarray of shape (n_samples,)
    regions : list of Region
    explained : float or None
        See `find_regions`.

    Attributes
    ----------
    rows : ndarray of shape (n_samples,), int
        Positions of all rows, the largest divergence first: ``X.iloc[found.rows[:10]]``.
    divergence : ndarray of shape (n_samples,)
        Of each row, in the order of X.
    student, teachers : ndarray of shape (n_samples, n_outputs)
        In the order of X.
    regions : list of Region
        With `rule` and `rows`, the largest mean divergence first. Empty if X has no columns that a
        tree could split, as texts and images.
    explained : float or None
        Share of the divergence's variance that such regions explain on other rows.

    See Also
    --------
    disagreements : Finds the rows.
    """

    def __init__(self, student, teachers, classes, divergence, regions, explained):
        self.student = student
        self.teachers = teachers
        self.classes = classes
        self.divergence = divergence
        self.regions = regions
        self.explained = explained
        self.rows = np.argsort(-divergence, kind="stable")

    @property
    def _measure(self):
        """What `divergence` is called."""
        return "squared difference" if self.classes is None else "KL"

    @property
    def _is_alike(self):
        """Whether both predict one class, by row; None of regressors."""
        return None if self.classes is None else self.student.argmax(1) == self.teachers.argmax(1)

    def to_frame(self, n_rows=None):
        """Return the rows as a DataFrame of pandas, the largest divergence first.

        Parameters
        ----------
        n_rows : int, default=None
            The first so many; None: all.

        Returns
        -------
        frame : DataFrame
            The index is the position in X. Columns are "divergence", what "student" and "teachers"
            predict, and the probabilities of both, such as "student yes" and "teachers yes".

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        rows = self.rows[:n_rows]
        columns = {"row": rows, "divergence": self.divergence[rows]}
        for name, values in ((STUDENT, self.student[rows]), ("teachers", self.teachers[rows])):
            if self.classes is not None:
                columns[name] = [self.classes[k] for k in values.argmax(1)]
            elif values.shape[1] == 1:
                columns[name] = values[:, 0]
        labels = self.classes or range(self.student.shape[1])
        if len(labels) > 1:
            for k, label in enumerate(labels):
                columns[f"{STUDENT} {label}"] = self.student[rows, k]
                columns[f"teachers {label}"] = self.teachers[rows, k]
        return as_frame(columns).set_index("row")

    def regions_to_frame(self):
        """Return the regions as a DataFrame of pandas, the largest mean divergence first.

        Returns
        -------
        frame : DataFrame
            "rule", "rows" and their "share", the mean "divergence" and its "share of divergence",
            and of classifiers "agreement", the share of rows of the same class.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return as_frame([self._describe(region) for region in self.regions])

    def _describe(self, region):
        """Return the measures of a region."""
        own = self.divergence[region.rows]
        found = {
            "rule": region.rule,
            "rows": len(own),
            "share": len(own) / len(self.divergence),
            "divergence": float(own.mean()),
            "share of divergence": float(own.sum() / self.divergence.sum()),
        }
        if self.classes is not None:
            found["agreement"] = float(self._is_alike[region.rows].mean())
        return found

    def _summary(self):
        """Say in sentences how far both are apart."""
        text = f"{len(self.divergence):,} rows, mean {self._measure} {self.divergence.mean():.4g}"
        if self.classes is not None:
            text += f", the same class in {self._is_alike.mean():.1%}"
        if self.explained is not None:
            text += f". The regions explain {self.explained:.0%} of its variance on other rows"
            if self.explained < SAYS_LITTLE:
                text += ", so where they lie says little"
        return f"{text}."

    def _region_cells(self):
        """Return the texts of the regions' table."""
        header = ["share", "rows", f"mean {self._measure}", "agreement", "where"]
        cells = [header]
        for found in map(self._describe, self.regions):
            agreement = f"{found['agreement']:.1%}" if "agreement" in found else ""
            numbers = [f"{found['share']:.1%}", f"{found['rows']:,}", f"{found['divergence']:.4g}"]
            cells.append([*numbers, agreement, found["rule"]])
        if self.classes is None:
            cells = [[*line[:3], line[4]] for line in cells]
        return cells if self.regions else []

    def _row_cells(self):
        """Return the texts of the table of the first rows."""
        cells = [["row", self._measure, STUDENT, "teachers"]]
        for row in self.rows[:SHOWN]:
            texts = [self._spell(values[row]) for values in (self.student, self.teachers)]
            cells.append([str(row), f"{self.divergence[row]:.4g}", *texts])
        return cells

    def _spell(self, values):
        """Write what is predicted of a row."""
        if self.classes is None:
            return ", ".join(f"{each:.4g}" for each in values)
        return f"{self.classes[values.argmax()]} ({values.max():.1%})"

    def __repr__(self):
        """Return the regions and the first rows as text."""
        tables = [cells for cells in (self._region_cells(), self._row_cells()) if cells]
        blocks = [self._summary()]
        for cells in tables:
            widths = [max(map(len, column)) for column in zip(*cells)]
            # Rules are of any length, and stand last.
            is_text = cells[0][-1] == "where"
            lines = []
            for line in cells:
                texts = [text.rjust(width) for text, width in zip(line, widths)]
                lines.append("  ".join([*texts[:-1], line[-1] if is_text else texts[-1]]))
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks)

    def _repr_html_(self):
        """Return both tables as HTML; notebooks show it."""
        regions = [[line[-1], *line[:-1]] for line in self._region_cells()]
        tables = [html_table(cells) for cells in (regions, self._row_cells()) if cells]
        return "\n".join([f"<p>{escape(self._summary())}</p>", *tables])


def disagreements(estimator, X, *, teachers=None, max_depth=3, min_samples_leaf=0.05):
    """Find the rows where a student and its teachers part most, and say where they lie.

    A shallow tree on the columns of X splits the rows into regions of small and of large
    divergence. Printing the result shows the regions and the rows that diverge most.

    Parameters
    ----------
    estimator : estimator
        A fitted `DistilledClassifier` or `DistilledRegressor`, a pipeline that ends with one, or a
        search over either. Any other fitted classifier or regressor works with `teachers`.
    X : table of shape (n_samples, n_features)
        Best rows that neither has seen. No labels are needed.
    teachers : estimator, list of (str, estimator), dict or array-like, default=None
        Fitted: an ensemble, another model, or teachers to pool, as in
        `DistillationReport.from_estimator`. Or what they predict for X: probabilities of shape
        (n_samples, n_classes), the columns in the order of the sorted labels or, in a frame,
        named by them; or numbers. None: those that ``keep_teachers=True`` has kept.
    max_depth : int, default=3
        Depth of the tree, which is the number of conditions in a rule at most.
    min_samples_leaf : int or float, default=0.05
        Number, or share, of the rows in a region at least.

    Returns
    -------
    found : Disagreements
        With `rows`, `divergence`, `regions`, ``to_frame()`` and ``regions_to_frame()``.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If there are no teachers to compare with, if they predict other classes or shapes, or for
        a ranker, whose scores compare only within a query.

    See Also
    --------
    DistillationReport : Measures of both, as a whole, by class and by slice.

    Notes
    -----
    The divergence of classifiers is KL(teachers ‖ student) of each row, in nats; that of
    regressors is the squared difference, of several targets its mean.

    The tree is a `DecisionTreeRegressor` of the divergence. It splits numbers as they are, and the
    20 most frequent categories of a column one by one; missing values go to the side that suits
    them, and rules say so. Of a sparse X it takes the 1,000 columns with the most entries.
    `explained` is its R² in cross-validation. Near 0, the regions say little: rows part wherever
    they lie.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DistilledClassifier, disagreements
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> clf = DistilledClassifier(
    ...     RandomForestClassifier(20, random_state=0), keep_teachers=True, random_state=0
    ... ).fit(X[::2], y[::2])
    >>> found = disagreements(clf, X[1::2])
    >>> found.to_frame(3).columns[:3].tolist()
    ['divergence', 'student', 'teachers']
    >>> found.regions_to_frame()["share"].sum().round(6)
    np.float64(1.0)
    """
    predictions = _both(estimator, X, teachers)
    student, pooled = (predictions.by_model[name] for name in (STUDENT, POOL))
    if predictions.classes is None:
        divergence = np.mean((student - pooled) ** 2, axis=1)
    else:
        divergence = kl_divergence(pooled, student)
    regions, explained = find_regions(
        X, divergence, max_depth=max_depth, min_samples_leaf=min_samples_leaf
    )
    return Disagreements(student, pooled, predictions.classes, divergence, regions, explained)


def _both(estimator, X, teachers):
    """Return the `Predictions` of a student and its teachers."""
    if is_ranker(estimator):
        raise ValueError(
            f"a {type(estimator).__name__} ranks, and its scores compare only within a query: see "
            "its agreement by DistillationReport.from_estimator(ranker, X, qid=qid)."
        )
    if hasattr(estimator, "fit"):
        check_is_fitted(estimator)
    kind = row_class({STUDENT: estimator})
    if _is_array(teachers):
        predictions = kind.predict({STUDENT: estimator}, X, None)
        own = predictions.by_model[STUDENT]
        if predictions.classes is not None:
            teachers = in_order(teachers, predictions.classes, "teachers")
        given = _as_numbers(teachers, own.shape)
        if predictions.classes is not None:
            given = check_probabilities(given, "teachers do not hold")
        return Predictions(None, {STUDENT: own, POOL: given}, predictions.classes)
    pooled, _ = teachers_of(estimator, teachers)
    if pooled is None:
        raise ValueError(
            "there are no teachers to compare with, because the student has kept none: fit it with "
            "keep_teachers=True, or pass teachers, fitted or as what they predict for X."
        )
    models = {STUDENT: estimator, POOL: pooled}
    return row_class(models).predict(models, X, None)


def _is_array(teachers):
    """Tell whether teachers are given as what they predict."""
    if teachers is None or isinstance(teachers, Mapping):
        return False
    if hasattr(teachers, "predict") or hasattr(teachers, "predict_proba"):
        return False
    if hasattr(teachers, "shape"):
        return True
    first = next(iter(teachers), None)
    return not (isinstance(first, tuple) and len(first) == 2 and isinstance(first[0], str))


def _as_numbers(teachers, shape):
    """Return given predictions of the student's shape."""
    try:
        given = np.asarray(teachers, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "teachers must be fitted, a list of (name, fitted teacher), or what they predict for "
            f"X, got {teachers!r:.80}."
        ) from error
    given = given[:, None] if given.ndim == 1 else given
    if given.shape != shape or not np.isfinite(given).all():
        raise ValueError(
            f"teachers has shape {given.shape}, expected finite numbers of shape {shape}: what "
            "they predict for X, as the student does."
        )
    return given
